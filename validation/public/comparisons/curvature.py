"""Gauss–Newton and Hessian products of curvlinops and BackPACK on a residual net, against refms'."""

from __future__ import annotations

from typing import Any

import numpy as np

from comparisons.comparison import Comparison, Inputs
from refms.checks import gauss_newton_test
from refms.checks.residual import machine_epsilon
from refms.grid import Grid, columns_from_nchw
from refms.maps.architectures.residual import Residual
from refms.maps.chain import chain
from refms.maps.map import Map
from refms.objective import Classifier, tikhonov_regularizer
from refms.objective.examples import Examples
from refms.objective.losses import SoftmaxCrossEntropy
from refms.objective.risk import EmpiricalRisk

CLASSES, CHANNELS, LAYERS = 3, 2, 2
SIZES = (1, 2, 3, 4)


def net(n: int, boundary: str) -> Map:
    """Return the map of the residual net with its classifier on n × n cells."""
    grid = Grid((n, n))
    residual = Residual(grid, CHANNELS, layers=LAYERS, boundary=boundary)
    return chain(("", residual.map), ("", Classifier(grid, CHANNELS, CLASSES).map))


def draw_point(rng: np.random.Generator, n: int) -> Inputs:
    """Return parameters θ, a direction v, images and their labels."""
    theta, v = rng.standard_normal((2, net(n, "zero").layout.size))
    m = int(rng.integers(1, 4))
    return {
        "theta": theta,
        "v": v,
        "X": rng.standard_normal((m, 1, n, n)),
        "labels": rng.integers(0, CLASSES, m),
    }


def draw_moderate(rng: np.random.Generator, n: int) -> Inputs:
    """Return the same with half of θ: the scale ‖Gv‖ of the check leaves out what cancels in H J v."""
    drawn = draw_point(rng, n)
    return drawn | {"theta": drawn["theta"] / 2}


def torch_net(theta: np.ndarray, n: int, boundary: str) -> Any:
    """Return the same net as a module of BackPACK's parts: y + δt tanh(K y + b), then h^d Wᵀ y + μ."""
    import torch
    from backpack.custom_module.branching import Parallel, SumModule
    from backpack.custom_module.scale_module import ScaleModule
    from torch import nn

    options: dict[str, Any] = {"padding_mode": {"zero": "zeros", "periodic": "circular"}[boundary]}

    def step() -> Any:
        K = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, **options)
        return Parallel(
            nn.Identity(), nn.Sequential(K, nn.Tanh(), ScaleModule(1.0 / LAYERS)), merge_module=SumModule()
        )

    module = nn.Sequential(
        nn.Conv2d(1, CHANNELS, 1, bias=False),
        *(step() for _ in range(LAYERS)),
        nn.Flatten(),
        ScaleModule(1.0 / n**2),
        nn.Linear(CHANNELS * n**2, CLASSES),
    )
    with torch.no_grad():
        for parameter, values in zip(module.parameters(), as_torch(theta, n), strict=True):
            parameter.data = values
    return module


def as_torch(theta: np.ndarray, n: int) -> list[Any]:
    """Return the parts of θ in the order of the module's parameters, W transposed."""
    import torch

    parts = net(n, "zero").layout.unpack(theta)
    return [torch.from_numpy(np.array(a.T if name == "W" else a, order="C")) for name, a in parts.items()]


def from_torch(parts: Any, n: int) -> np.ndarray:
    """Return one vector of parts in the order of the module's parameters."""
    layout = net(n, "zero").layout
    arrays = [np.asarray(part.detach()) for part in parts]
    turned = {name: a.T if name == "W" else a for name, a in zip(layout.names, arrays, strict=True)}
    return np.concatenate([a.ravel() for a in turned.values()])


def curvlinops(operator: str, boundary: str) -> Any:
    """Return what a linear operator of curvlinops makes of v."""

    def compute(theta: np.ndarray, v: np.ndarray, X: np.ndarray, labels: np.ndarray) -> np.ndarray:
        import curvlinops
        import torch

        n = X.shape[-1]
        module = torch_net(theta, n, boundary)
        data = [(torch.from_numpy(X), torch.from_numpy(labels))]
        loss, parameters = torch.nn.CrossEntropyLoss(), list(module.parameters())
        A = getattr(curvlinops, operator)(module, loss, parameters, data, check_deterministic=False)
        return from_torch(A @ as_torch(v, n), n)

    return compute


def checked_gauss_newton(theta: np.ndarray, v: np.ndarray, X: np.ndarray, labels: np.ndarray) -> float:
    """Return ρ of ``gauss_newton_test``, in eps: curvlinops' G against its own J, Jᵀ and refms' Hessian."""
    import curvlinops
    import torch

    n, C = X.shape[-1], np.eye(CLASSES)[:, labels].astype(X.dtype)
    module = torch_net(theta, n, "periodic")
    data = [(torch.from_numpy(X), torch.from_numpy(labels))]
    parameters, once = list(module.parameters()), {"check_deterministic": False}
    J = curvlinops.JacobianLinearOperator(module, parameters, data, **once)
    JT = curvlinops.TransposedJacobianLinearOperator(module, parameters, data, **once)
    G = curvlinops.GGNLinearOperator(module, torch.nn.CrossEntropyLoss(), parameters, data, **once)
    softmax = SoftmaxCrossEntropy().evaluate(module(data[0][0]).detach().numpy().T.copy(), C)
    report = gauss_newton_test(
        lambda v: from_torch(G @ as_torch(v, n), n),
        lambda v: (J @ as_torch(v, n))[0].detach().numpy().T.copy(),
        lambda Z: from_torch(JT @ [torch.from_numpy(Z.T.copy())], n),
        softmax.hessian_product,
        (theta.size,),
        theta.dtype,
        seed=len(X),
    )
    return report.rho * machine_epsilon(theta.dtype)


def backpack_product(boundary: str) -> Any:
    """Return ``backpack.hessianfree.ggnvp.ggn_vector_product``."""

    def compute(theta: np.ndarray, v: np.ndarray, X: np.ndarray, labels: np.ndarray) -> np.ndarray:
        import torch
        from backpack.hessianfree.ggnvp import ggn_vector_product

        n = X.shape[-1]
        module = torch_net(theta, n, boundary)
        output = module(torch.from_numpy(X))
        loss = torch.nn.functional.cross_entropy(output, torch.from_numpy(labels))
        return from_torch(ggn_vector_product(loss, output, module, as_torch(v, n)), n)

    return compute


def backpack_diagonal(boundary: str) -> Any:
    """Return ``backpack.extensions.DiagGGNExact``."""

    def compute(theta: np.ndarray, v: np.ndarray, X: np.ndarray, labels: np.ndarray) -> np.ndarray:
        import torch
        from backpack import backpack, extend
        from backpack.extensions import DiagGGNExact

        n = X.shape[-1]
        module, loss = extend(torch_net(theta, n, boundary)), extend(torch.nn.CrossEntropyLoss())
        with backpack(DiagGGNExact()):
            loss(module(torch.from_numpy(X).requires_grad_()), torch.from_numpy(labels)).backward()
        return from_torch([parameter.diag_ggn_exact for parameter in module.parameters()], n)

    return compute


def curvature(boundary: str, second_order: bool, theta: np.ndarray, X: np.ndarray, labels: np.ndarray) -> Any:
    """Return refms' Gauss–Newton matrix or Hessian of the mean cross entropy at θ."""
    targets = np.eye(CLASSES)[:, labels]
    examples = Examples(columns_from_nchw(X), np.ascontiguousarray(targets))
    free = tikhonov_regularizer(theta.size, 0.0)
    risk = EmpiricalRisk(net(X.shape[-1], boundary), examples, free, second_order=second_order)
    return risk.curvature(theta)


def by_refms(boundary: str, second_order: bool = False) -> Any:
    """Return its product with v."""

    def compute(theta: np.ndarray, v: np.ndarray, X: np.ndarray, labels: np.ndarray) -> np.ndarray:
        return curvature(boundary, second_order, theta, X, labels) @ v

    return compute


def diagonal(boundary: str) -> Any:
    """Return the diagonal of the Gauss–Newton matrix, column by column."""

    def compute(theta: np.ndarray, v: np.ndarray, X: np.ndarray, labels: np.ndarray) -> np.ndarray:
        return np.diag(curvature(boundary, False, theta, X, labels).to_dense())

    return compute


def size_of(ours: Any) -> Any:
    """Return max |J|ᵀ|J||v|/m, the size of the terms of a Gauss–Newton product, and the largest result."""

    def scale(theta: np.ndarray, v: np.ndarray, X: np.ndarray, labels: np.ndarray) -> float:
        F = net(X.shape[-1], "zero").at(theta, columns_from_nchw(X))
        J = abs(np.stack([F.jvp(e) for e in np.eye(theta.size)]))
        terms = np.einsum("plm,qlm,q->p", J, J, abs(v), optimize=True) / len(X)
        return float(terms.max() + abs(ours(theta, v, X, labels)).max())

    return scale


def row(library: str, function: str, refms: str, theirs: Any, ours: Any, why: str = "") -> Comparison:
    """Return a comparison on the net."""
    return Comparison(library, function, refms, draw_point, theirs, ours, size_of(ours), SIZES, why)


CURVLINOPS, BACKPACK = "curvlinops-for-pytorch", "backpack-for-pytorch"
GGN = 'EmpiricalRisk(…).curvature(θ) @ v, boundary="{}"'
HESSIAN = 'EmpiricalRisk(…, second_order=True).curvature(θ) @ v, boundary="{}"'
DIAGONAL = 'diagonal of EmpiricalRisk(…).curvature(θ), boundary="{}"'
BOUNDARIES = ("zero", "periodic")
PADDING_IGNORED = (
    "BackPACK passes over `padding_mode` and differentiates as if there were zeros beyond the border: the "
    "diagonal of a net with circular padding is silently wrong."
)

COMPARISONS = (
    *(
        row(
            CURVLINOPS,
            "GGNLinearOperator @ v",
            GGN.format(boundary),
            curvlinops("GGNLinearOperator", boundary),
            by_refms(boundary),
        )
        for boundary in BOUNDARIES
    ),
    *(
        row(
            CURVLINOPS,
            "HessianLinearOperator @ v",
            HESSIAN.format(boundary),
            curvlinops("HessianLinearOperator", boundary),
            by_refms(boundary, second_order=True),
        )
        for boundary in BOUNDARIES
    ),
    Comparison(
        CURVLINOPS,
        "GGNLinearOperator, JacobianLinearOperator, TransposedJacobianLinearOperator",
        "checks.gauss_newton_test(G, J, Jᵀ, SoftmaxCrossEntropy().evaluate(Z, C).hessian_product)",
        draw_moderate,
        checked_gauss_newton,
        lambda **inputs: 0.0,
        lambda **inputs: 1.0,
        SIZES,
    ),
    *(
        row(
            BACKPACK,
            "ggn_vector_product",
            GGN.format(boundary),
            backpack_product(boundary),
            by_refms(boundary),
        )
        for boundary in BOUNDARIES
    ),
    row(BACKPACK, "DiagGGNExact", DIAGONAL.format("zero"), backpack_diagonal("zero"), diagonal("zero")),
    row(
        BACKPACK,
        'DiagGGNExact, Conv2d(padding_mode="circular")',
        DIAGONAL.format("periodic"),
        backpack_diagonal("periodic"),
        diagonal("periodic"),
        PADDING_IGNORED,
    ),
)
