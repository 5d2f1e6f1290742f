"""Forward Euler with tanh layers, y_{k+1} = y_k + δt tanh(K(s_k) y_k + b_k), its tangent and its adjoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from refms.certify.formulas.convolution import adjoint, convolve, stencil_gradient
from refms.certify.formulas.tensor import Number, Tensor, filled, mapped


@dataclass(frozen=True)
class Layer:
    """Parameters of a layer, or a direction in them.

    Parameters
    ----------
    S : numpy.ndarray
        Stencils, shape (c, c, *stencil).
    b : numpy.ndarray
        One bias a channel, shape (c,).
    """

    S: Tensor
    b: Tensor


@dataclass(frozen=True)
class Trajectory:
    """What a forward pass leaves behind.

    Parameters
    ----------
    layers : tuple of Layer
        The parameters.
    time_step : number
        δt.
    states : tuple of numpy.ndarray
        y_0 … y_N, each of shape (c, *grid, m).
    slopes : tuple of numpy.ndarray
        tanh′ = 1 − tanh² of the pre-activations of the layers 0 … N-1.
    """

    layers: tuple[Layer, ...]
    time_step: Number
    states: tuple[Tensor, ...]
    slopes: tuple[Tensor, ...]


def propagate(layers: Sequence[Layer], time_step: Number, y0: Tensor) -> Trajectory:
    """Return all states of the forward pass.

    Parameters
    ----------
    layers : sequence of Layer
        The N layers.
    time_step : number
        δt = T / N.
    y0 : numpy.ndarray
        Shape (c, *grid, m).

    Returns
    -------
    Trajectory
        States and slopes.
    """
    states, slopes = [y0], []
    for layer in layers:
        value = mapped(lambda z: z.tanh(), add_bias(convolve(layer.S, states[-1]), layer.b))
        slopes.append(mapped(lambda t: 1 - t * t, value))
        states.append(states[-1] + time_step * value)
    return Trajectory(tuple(layers), time_step, tuple(states), tuple(slopes))


def tangent(at: Trajectory, directions: Sequence[Layer], dy0: Tensor) -> Tensor:
    """Return dy_N: dy_{k+1} = dy_k + δt tanh′ (K(ds_k) y_k + K(s_k) dy_k + db_k).

    Parameters
    ----------
    at : Trajectory
        Where.
    directions : sequence of Layer
        The ds_k and db_k.
    dy0 : numpy.ndarray
        Shape (c, *grid, m).

    Returns
    -------
    numpy.ndarray
        Shape (c, *grid, m).
    """
    dy = dy0
    for layer, d, y, slope in zip(at.layers, directions, at.states[:-1], at.slopes, strict=True):
        dz = add_bias(convolve(d.S, y) + convolve(layer.S, dy), d.b)
        dy = dy + at.time_step * (slope * dz)
    return dy


def cotangent(at: Trajectory, G: Tensor) -> tuple[list[Layer], Tensor]:
    """Return the gradients of ⟨G, y_N⟩ in every layer and in y_0.

    Parameters
    ----------
    at : Trajectory
        Where.
    G : numpy.ndarray
        Shape (c, *grid, m).

    Returns
    -------
    gradients : list of Layer
        δt Σ ⟨Π_κ y_k, tanh′ G_{k+1}⟩ and δt Σ tanh′ G_{k+1} for k = 0 … N-1.
    gradient : numpy.ndarray
        G_0, of G_k = G_{k+1} + δt K(s_k)ᵀ (tanh′ G_{k+1}).
    """
    gradients: list[Layer] = []
    for layer, y, slope in zip(at.layers[::-1], at.states[-2::-1], at.slopes[::-1], strict=True):
        Z = at.time_step * (slope * G)
        gradients.insert(0, Layer(stencil_gradient(Z, y, layer.S.shape[2:]), sum_bias(Z)))
        G = G + adjoint(layer.S, Z)
    return gradients, G


def add_bias(Z: Tensor, b: Tensor) -> Tensor:
    """Return Z with b_c added in every cell and example of channel c.

    Parameters
    ----------
    Z : numpy.ndarray
        Shape (c, *grid, m).
    b : numpy.ndarray
        Shape (c,).

    Returns
    -------
    numpy.ndarray
        Shape of Z.
    """
    return filled(Z.shape, lambda index: Z[index] + b[index[0]])


def sum_bias(Z: Tensor) -> Tensor:
    """Return the sum over cells and examples of every channel.

    Parameters
    ----------
    Z : numpy.ndarray
        Shape (c, *grid, m).

    Returns
    -------
    numpy.ndarray
        Shape (c,).
    """
    return filled(Z.shape[:1], lambda index: sum(Z[index[0]].reshape(-1).tolist()))
