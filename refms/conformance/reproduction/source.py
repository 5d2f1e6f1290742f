"""The oracle of one call as text: the definition's own source, and one function that says the conventions.

The text needs NumPy and the standard library alone, and widens single precision. An operation without a row,
such as conjugate gradients or a step of an optimiser, has no result that follows from its arguments alone.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
import types
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib import import_module
from typing import Any

from refms.conformance.adapters.profile import Profile
from refms.definition import losses, transfer

_IMAGES = {"columns": "images({}, {})", "NCHW": "{}", "NHWC": "np.moveaxis({}, -1, 1)"}
_FIELD = {"columns": "columns({})", "NCHW": "{}", "NHWC": "np.moveaxis({}, 1, -1)"}

_OUTPUT = """shifts = {{"boundary": problem.boundary, "orientation": {o}}}

def output(p):
    y = states(p, {X}, problem.final_time, problem.activation, **shifts)
    return logits(p["W"], p["mu"], y[-1], {volume})

"""

_SHIFTS = 'shifts = {{"boundary": boundary, "orientation": {o}}}\n'

_METHODS, _STEPS = ("midpoint", "rk4", "leapfrog", "verlet"), "final_time, activation, **shifts"

_PENALTY = """
def penalty(p):
    layers, L = len(p["biases"]), p["opening"]
    theta = np.concatenate([p[key].reshape(layers, -1) for key in ("stencils", "biases")], axis=1)
    time = in_time(theta, problem.final_time, *weights[:2])
    return time + weights[1] * (L * L).sum() / 2 + in_space(p["W"], problem.grid, *weights[2:])

"""

_BODIES = {
    "convolution": "return field(convolve(S, {Y}, boundary, {o}))",
    "convolution_adjoint": "return field(adjoint(S, {Z}, boundary, {o}))",
    "stencil_gradient": "return stencil_gradient({Z}, {Y}, stencil, boundary, {o})",
    "convolution_matrix": "return convolution_matrix(S, grid, boundary, {o})",
    "restrict": "return field(restrict({Y}, {r}))",
    "prolong": "return field(prolong({coarse}, {p}))",
    "stencil_down": "return down(S, {r}, {p}, {o})",
    "stencil_up": "return up(S, {r}, {p}, {o})",
    "activation": "return activate(Z, name)",
    "activation_derivative": "return slope(Z, name)",
    "forward": 'shifts = {{"boundary": problem.boundary, "orientation": {o}}}\n'
    "y = states(parameters, {X}, problem.final_time, problem.activation, **shifts)\n"
    "return field(y[-1])",
    "logits": "return logits(W, mu, {Y}, {volume})",
    "jacobian_product": _OUTPUT + "return derivative(output, parameters, direction)",
    "jacobian_transpose": _OUTPUT + "return gradient(lambda p: (output(p) * U).sum(), parameters)",
    "depth_prolong": "return prolong_in_time(Theta, layers)",
    "cross_entropy": "return cross_entropy(Z, C, {reduction})",
    "cross_entropy_gradient": "return cross_entropy_gradient(Z, C, {reduction})",
    "cross_entropy_hessian": "return cross_entropy_hessian(Z, C, V, {reduction})",
    "loss": _OUTPUT + "return cross_entropy(output(parameters), C, {reduction})",
    "gradient": _OUTPUT + "return gradient(lambda p: cross_entropy(output(p), C, {reduction}), parameters)",
    "gauss_newton": _OUTPUT + "Jv = derivative(output, parameters, direction)\n"
    "HJv = cross_entropy_hessian(output(parameters), C, Jv, {reduction})\n"
    "return gradient(lambda p: (output(p) * HJv).sum(), parameters)",
    "regularized_loss": _OUTPUT + _PENALTY + "E = cross_entropy(output(parameters), C, {reduction})\n"
    "return E + penalty(parameters)",
    "regularized_gradient": _OUTPUT + _PENALTY + "def objective(p):\n"
    "    return cross_entropy(output(p), C, {reduction}) + penalty(p)\n\n"
    "return gradient(objective, parameters)",
    "regularized_gauss_newton": _OUTPUT + _PENALTY + "Jv = derivative(output, parameters, direction)\n"
    "HJv = cross_entropy_hessian(output(parameters), C, Jv, {reduction})\n"
    "bend = gradient(penalty, direction)  # R is quadratic\n"
    "first = gradient(lambda p: (output(p) * HJv).sum(), parameters)\n"
    "return {{key: first[key] + bend[key] for key in first}}",
    "weight_smoothness": "return in_space(W, grid)",
    "weight_smoothness_gradient": "return in_space_gradient(W, grid)",
    "time_smoothness": "return in_time(Theta, final_time)",
    "time_smoothness_gradient": "return in_time_gradient(Theta, final_time)",
    "resize": "return field(resize({Y}, to, kernel, antialias, border))",
    "blur": "return field(blur({Y}, sigma, int(-(-4 * sigma // 1))))",
    "normalize": "return field(normalize({Y}, groups, epsilon, gamma, beta))",
    "normalize_product": "product = normalization_product({Y}, {V}, groups, epsilon)\nreturn field(product)",
    "work_units": "return gradient_work(batches, finest, dimension)",
    "learning_rate": "return cosine_rate(k, total, rate, floor)",
    "ssim": "return ssim({X}, {Y})",
    "ssim_gradient": "return field(ssim_gradient({X}, {Y}))",
    "ssim_hessian": "X, Y, V = {X}, {Y}, {V}\nreturn field(ssim_hessian(X, Y, V))",
    "ssim_gauss_newton": "X, Y, V = {X}, {Y}, {V}\nreturn field(ssim_gauss_newton(X, Y, V))",
    "mesh_free": "return field(mesh_free(xi, {Y}))",
    "mesh_free_gradient": "return mesh_free_gradient(xi, {Y}, {Z})",
    "coarsen_images": "return field(coarsen_images({Y}, {r}, level))",
    "crop_images": "return field(crop_images({Y}, level, windows))",
    "gradient_difference": "Y, Z = {Y}, {Z}\nreturn gradient_difference(S, Y, Z, times, {r}, level, {o})",
    "mge": "Y, Z = {Y}, {Z}\nreturn mge(S, Y, Z, times, {r}, batches, coefficients, {o})",
    "full_multiscale": 'moved = ({r}, {p}) if rule == "galerkin" else None\nadam = (0.9, 0.999, 1e-8)\n'
    "return full_multiscale(S, gradients, iterations, moved, rate, floor, adam, {o})",
    "strided_convolution": "options = stride, dilation, groups, boundary, {o}\n"
    "return field(strided_convolve(S, {Y}, *options))",
    "strided_convolution_adjoint": "options = stride, dilation, groups, boundary, {o}\n"
    "return field(strided_adjoint(S, {thinned}, grid, *options))",
    "strided_stencil_gradient": "options = stencil, stride, dilation, groups, boundary, {o}\n"
    "return strided_gradient({thinned}, {Y}, *options)",
    "average_pool": "return field(average_pool({Y}, pool, stride))",
    "average_pool_adjoint": "Z = {thinned}\nreturn field(average_pool_adjoint(Z, grid, pool, stride))",
    "max_pool": "return field(max_pool({Y}, pool, stride))",
    "max_pool_gradient": "Y, Z = {Y}, {thinned}\nreturn field(max_pool_gradient(Z, Y, pool, stride))",
    "cell_bias_layer": _SHIFTS + "return field(cell_bias_layer(S, b, {Y}, activation, **shifts))",
    "cell_bias_gradient": _SHIFTS + "return cell_bias_gradient(S, b, {Y}, {Z}, activation, **shifts)",
    "antisymmetric_layer": _SHIFTS
    + "return field(antisymmetric_layer(S, b, {Y}, activation, damping, **shifts))",
    "antisymmetric_layer_gradient": _SHIFTS
    + "Y, Z = {Y}, {Z}\nreturn antisymmetric_gradient(S, b, Y, Z, activation, damping, **shifts)",
    "symmetric_layer": _SHIFTS + "return field(symmetric_layer(S, b, {Y}, activation, **shifts))",
    "symmetric_layer_gradient": _SHIFTS + "return symmetric_gradient(S, b, {Y}, {Z}, activation, **shifts)",
    **{name: _SHIFTS + f"return field({name}(S, b, {{Y}}, {_STEPS}))" for name in _METHODS},
    **{
        f"{name}_gradient": _SHIFTS + "Y, Z = {Y}, {Z}\n"
        f'of = gradient(lambda p: ({name}(p["S"], b, Y, {_STEPS}) * Z).sum(), {{{{"S": S}}}})\n'
        'return of["S"]'
        for name in _METHODS
    },
    "refine_network": "pair = {r}, {p}\n"
    "return move_network(parameters, grid, pair, weights, True, {volume}, {o})",
    "coarsen_network": "pair = {r}, {p}\n"
    "return move_network(parameters, grid, pair, weights, False, {volume}, {o})",
    "forward_at_depth": 'shifts = {{"boundary": problem.boundary, "orientation": {o}}}\n'
    "deep = deepen_network(parameters, layers)\n"
    "y = states(deep, {X}, problem.final_time, problem.activation, **shifts)\nreturn field(y[-1])",
    "coarse_input": "smooth = blur({Y}, sigma, int(-(-4 * sigma // 1)))\nreturn field(restrict(smooth, {r}))",
    "bytes_to_floats": "return field(from_bytes({B}, low, high))",
    "one_hot": "return one_hot(labels, classes)",
    "accuracy": "return accuracy(Z, C)",
    **{
        f"{name}{end}": f"terms = {name}(Z, C{', width' * (name == 'smooth_hinge')})\nreturn {returned}"
        for name in losses.LOSSES
        for end, returned in (
            ("", "loss_value(terms, {reduction})"),
            ("_gradient", "loss_gradient(terms, {reduction})"),
            ("_hessian", "loss_hessian_product(terms, V, {reduction})"),
        )
    },
    "adam_step": "return np.stack(adam_step(theta, g, m, v, rate, count, 0.9, 0.999, 1e-8))",
}
"""Operation -> what the oracle does, in terms of the definition."""

JUDGED = tuple(_BODIES)
"""The operations that have an oracle."""

_MODULES = """
    activation arrays classifier complex_step convolution depth galerkin labels losses
    mesh_free multiscale network normalization pooling regularizers resize resolution runge_kutta
    similarity smoothing softmax steps strided tied training transfer
"""
"""Modules of the definition whose functions oracles call."""

_DEFINED: dict[str, types.FunctionType] = {
    name: thing
    for module in _MODULES.split()
    for name, thing in vars(import_module(f"refms.definition.{module}")).items()
    if isinstance(thing, types.FunctionType)
}


def source(profile: Profile, operation: str, arguments: Mapping[str, Any]) -> str:
    """Return the source of a function ``oracle`` of these arguments, and of all that it calls."""
    return _source(profile, operation, tuple(arguments), arguments.get("pair", ""))


@lru_cache(maxsize=64)
def _source(profile: Profile, operation: str, names: tuple[str, ...], pair_name: str) -> str:
    pair, image = transfer.PAIRS.get(pair_name), _IMAGES[profile.layout]
    grid = "problem.grid" if "problem" in names else "grid"
    words = {key: image.format(key, grid) for key in ("X", "Y", "Z", "V", "B")} | {
        "coarse": image.format("Y", "[n // 2 for n in grid]"),
        "thinned": image.format("Z", "[-(-n // s) for n, s in zip(grid, stride)]"),
        "o": f'"{profile.orientation}"',
        "reduction": f'"{profile.reduction}"',
        "volume": profile.volume_weighted,
        "r": pair and pair.r,
        "p": pair and pair.p,
    }
    body = re.sub(r"\bfield\((.*)\)", lambda m: _FIELD[profile.layout].format(m[1]), _BODIES[operation])
    oracle = f"def oracle({', '.join(names)}):\n" + textwrap.indent(body.format(**words), "    ")
    called = {node.id for node in ast.walk(ast.parse(oracle)) if isinstance(node, ast.Name)}
    parts: dict[str, str] = {}
    for name in sorted(called & set(_DEFINED)):
        _collect(_DEFINED[name], parts)
    imports = [line for line in parts if line.split()[0] in ("import", "from")]
    constants = [text for text in parts.values() if text and not text.startswith("def ")]
    functions = [text for text in parts.values() if text.startswith("def ")]
    head = "\n\n".join("\n".join(lines) for lines in (sorted(imports), constants) if lines)
    return "\n\n".join([*([head] if head else []), *functions, oracle])


def _collect(function: types.FunctionType, parts: dict[str, str]) -> None:
    """Add what a function of the definition needs, and then the function itself, without its doctests."""
    for name in dict.fromkeys(_global_names(function.__code__)):
        found = function.__globals__.get(name)
        if name in parts or name == "np" or found is None or found is function:
            continue
        if isinstance(found, types.FunctionType):
            _collect(found, parts)
        elif isinstance(found, types.ModuleType):
            parts[f"import {name}"] = ""
        elif inspect.isclass(found):
            parts[f"from {found.__module__} import {name}"] = ""
        else:
            parts[name] = f"{name} = {found!r}"
    text = inspect.getsource(function)
    parts[function.__name__] = re.sub(r'\n\n    >>>.*?\n    """', '"""', text, flags=re.S).rstrip()


def _global_names(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _global_names(constant)
