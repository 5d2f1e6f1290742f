"""The network by plain steps of forward Euler, and its derivatives by complex step, as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from refms.conformance.adapters.profile import Problem, Profile
from refms.conformance.reproduction.templates.convolution import shifts
from refms.conformance.reproduction.templates.layout import field, images
from refms.conformance.reproduction.templates.loss import SOFTMAX, over_examples
from refms.definition.activation import SLOPE, WIDTH

SIGMA = {
    "tanh": "np.tanh({z})",
    "identity": "{z}",
    "relu": "np.where({x} > 0, {z}, 0)",
    "leaky_relu": f"np.where({{x}} > 0, {{z}}, {SLOPE} * {{z}})",
    "smoothed_relu": f"np.where(abs({{x}}) < {WIDTH}, ({{z}} + {WIDTH}) ** 2 / {4 * WIDTH}, "
    "np.where({x} > 0, {z}, 0))",
}
"""σ(z), x the real part of z."""

SIGMA_PRIME = {
    "tanh": "1 - np.tanh(Z) ** 2",
    "identity": "np.ones(Z.shape)",
    "relu": "np.where(Z > 0, 1.0, 0.0)",
    "leaky_relu": f"np.where(Z > 0, 1.0, {SLOPE})",
    "smoothed_relu": f"np.clip((Z + {WIDTH}) / {2 * WIDTH}, 0, 1)",
}
"""σ′(Z)."""

SLOPES = """# df/dp for every entry, by complex step
def slopes(f, p):
    def slope(key, e):
        return f({**p, key: p[key] + 1e-30j * e.reshape(p[key].shape)}).imag / 1e-30

    return {k: np.reshape([slope(k, e) for e in np.eye(p[k].size)], p[k].shape) for k in p}"""


def activation(profile: Profile, given: Sequence[Any]) -> str:
    """Return the source of σ(Z)."""
    return f"def oracle(Z, name):\n    return {SIGMA[given[1]].format(z='Z', x='Z')}"


def activation_derivative(profile: Profile, given: Sequence[Any]) -> str:
    """Return the source of σ′(Z)."""
    return f"def oracle(Z, name):\n    return {SIGMA_PRIME[given[1]]}"


def forward(profile: Profile, given: Sequence[Any]) -> str:
    """Return the source of y_N."""
    return f"""{_features(profile, given[2])}


def oracle(parameters, X, problem):
    y = features(parameters, X, problem)
    return {field(profile, "y")}"""


def logits(profile: Profile, given: Sequence[Any]) -> str:
    """Return the source of h^d Wᵀ y + μ."""
    volume, text = (" / np.prod(grid)", "h^d ") if profile.volume_weighted else ("", "")
    return f"""# {text}W^T y + mu, rows of W channel slowest
def oracle(W, mu, Y, grid):
    y = {images(profile, "Y")}
    return W.T @ y.reshape(len(y), -1).T{volume} + mu[:, None]"""


def loss(profile: Profile, given: Sequence[Any]) -> str:
    """Return the source of the loss."""
    return f"""{_loss(profile, given[3])}


def oracle(parameters, X, C, problem):
    return loss(parameters, X, C, problem)"""


def gradient(profile: Profile, given: Sequence[Any]) -> str:
    """Return the source of its gradient."""
    return f"""{_loss(profile, given[3])}


{SLOPES}


def oracle(parameters, X, C, problem):
    return slopes(lambda p: loss(p, X, C, problem), parameters)"""


def jacobian_product(profile: Profile, given: Sequence[Any]) -> str:
    """Return the source of J v."""
    return f"""{_logits(profile, given[3])}


# the derivative along the direction, by complex step
def oracle(parameters, direction, X, problem):
    p = {{key: parameters[key] + 1e-30j * direction[key] for key in parameters}}
    return logits(p, X, problem).imag / 1e-30"""


def jacobian_transpose(profile: Profile, given: Sequence[Any]) -> str:
    """Return the source of Jᵀ U."""
    return f"""{_logits(profile, given[3])}


{SLOPES}


# the gradient of <logits, U>
def oracle(parameters, U, X, problem):
    return slopes(lambda p: (logits(p, X, problem) * U).sum(), parameters)"""


def gauss_newton(profile: Profile, given: Sequence[Any]) -> str:
    """Return the source of JᵀHJ v."""
    mean = profile.reduction == "mean"
    return f"""{_logits(profile, given[4])}


{SOFTMAX}


{SLOPES}


# J^T H J v with H = (sum of c) (diag p - p p^T){", over the number of examples" * mean}
def oracle(parameters, direction, X, C, problem):
    moved = {{key: parameters[key] + 1e-30j * direction[key] for key in parameters}}
    Jv, p = logits(moved, X, problem).imag / 1e-30, softmax(logits(parameters, X, problem))
    U = C.sum(axis=0) * p * (Jv - (p * Jv).sum(axis=0)){over_examples(profile, "C.shape[1]")}
    return slopes(lambda p: (logits(p, X, problem) * U).sum(), parameters)"""


def _features(profile: Profile, problem: Problem) -> str:
    along = ", ".join([":", *["None"] * len(problem.grid)])
    convolution = shifts(profile, problem.boundary, "def K(S, y):\n    total = 0")
    return f"""{convolution}
    return total


def sigma(z):
    return {SIGMA[problem.activation].format(z="z", x="z.real")}


# y_0 = L x and N steps y += dt sigma(K(s) y + b), dt = T / N
def features(p, X, problem):
    y = K(p["opening"], {images(profile, "X", "problem.grid")})
    dt = problem.final_time / len(p["stencils"])
    for s, b in zip(p["stencils"], p["biases"]):
        y = y + dt * sigma(K(s, y) + b[{along}])
    return y"""


def _logits(profile: Profile, problem: Problem) -> str:
    volume, text = (" / np.prod(problem.grid)", "h^d ") if profile.volume_weighted else ("", "")
    return f"""{_features(profile, problem)}


# {text}W^T y + mu, rows of W channel slowest
def logits(p, X, problem):
    y = features(p, X, problem)
    return p["W"].T @ y.reshape(len(y), -1).T{volume} + p["mu"][:, None]"""


def _loss(profile: Profile, problem: Problem) -> str:
    return f"""{_logits(profile, problem)}


# {profile.reduction} over the examples of (sum of c) log(sum of exp z) - c.z
def loss(p, X, C, problem):
    z = logits(p, X, problem)
    z = z - z.real.max(axis=0)
    return (C.sum(axis=0) * np.log(np.exp(z).sum(axis=0)) - (C * z).sum(axis=0)).{profile.reduction}()"""
