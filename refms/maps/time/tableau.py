"""Explicit Runge–Kutta methods as tables of numbers: forward Euler, midpoint, RK4."""

from __future__ import annotations

from dataclasses import dataclass

from refms.display import short_repr
from refms.errors import Array, InputError


@dataclass(frozen=True)
class Tableau:
    """The coefficients of an explicit Runge–Kutta method (Butcher's table).

    Parameters
    ----------
    name : str
        How configurations and files call it.
    a : tuple of tuple of float
        Row i holds a_{ij} for the stages j < i before it; the first row is empty.
    b : tuple of float
        Weights of the stages; they sum to 1.
    order : int
        Order of convergence for smooth problems.

    Raises
    ------
    InputError
        If the table is not explicit, its rows and weights differ in number, or the weights do not sum to 1.

    Notes
    -----
    One step from y_k, with c_i = Σ_j a_ij:

        k_i = F(θ(t_k + c_i δt), y_k + δt Σ_{j<i} a_ij k_j),   y_{k+1} = y_k + δt Σ_i b_i k_i.

    Examples
    --------
    >>> MIDPOINT.nodes, RK4.nodes
    ((0.0, 0.5), (0.0, 0.5, 0.5, 1.0))
    """

    name: str
    a: tuple[tuple[float, ...], ...]
    b: tuple[float, ...]
    order: int

    __repr__ = short_repr

    def __post_init__(self) -> None:
        if [len(row) for row in self.a] != list(range(len(self.b))) or not self.b:
            raise InputError(
                f"the table has rows of {[len(row) for row in self.a]} numbers and {len(self.b)} weights; "
                "expected an explicit method, with i numbers in row i = 0, 1, … and one weight for each row."
            )
        if abs(sum(self.b) - 1) > 1e-14:
            raise InputError(f"the weights {self.b} sum to {sum(self.b)}; expected 1.")
        # Python's numbers: those of NumPy would raise the precision of float32 arrays.
        object.__setattr__(self, "a", tuple(tuple(float(weight) for weight in row) for row in self.a))
        object.__setattr__(self, "b", tuple(float(weight) for weight in self.b))

    @property
    def stages(self) -> int:
        """Number of stages, evaluations of F in a step."""
        return len(self.b)

    @property
    def nodes(self) -> tuple[float, ...]:
        """Times c_i of the stages, in units of δt from the beginning of the step."""
        return tuple(float(sum(row)) for row in self.a)

    def amplification(self, z: Array) -> Array:
        """Return R(z), by which one step multiplies y where y′ = λy and z = δt λ.

        Parameters
        ----------
        z : array
            Any shape, real or complex.

        Returns
        -------
        array
            Shape of z: the stability polynomial 1 + z Σ_i b_i k_i, k_i = 1 + z Σ_j a_ij k_j. The method is
            stable where |R(z)| ≤ 1.

        Examples
        --------
        >>> import numpy as np
        >>> RK4.amplification(np.array([1.0])).round(6).tolist()  # 1 + 1 + 1/2 + 1/6 + 1/24
        [2.708333]
        """
        slopes: list[Array] = []
        for row in self.a:
            slopes.append(1 + z * sum(weight * k for weight, k in zip(row, slopes, strict=True)))
        return 1 + z * sum(weight * k for weight, k in zip(self.b, slopes, strict=True))


EULER = Tableau("forward-euler", ((),), (1.0,), 1)
MIDPOINT = Tableau("midpoint", ((), (0.5,)), (0.0, 1.0), 2)
RK4 = Tableau("rk4", ((), (0.5,), (0.0, 0.5), (0.0, 0.0, 1.0)), (1 / 6, 1 / 3, 1 / 3, 1 / 6), 4)
"""The classical method."""
