"""What happened in each step of a run: rows for programs, columns for files, lines for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from refms.display import short_repr
from refms.errors import Array, InputError

_EXTRA = "extra/"


@dataclass(frozen=True)
class HistoryRow:
    """One step.

    Parameters
    ----------
    iteration : int
        Of the run, counted from 1; it may have several steps and so several rows.
    block : str
        Name of the block of parameters that was stepped.
    status : str
        How the step ended: ``accepted``, or why it was refused.
    objective_before, objective : float
        The block's objective where the step began and where it ended.
    gradient_norm : float
        ‖g‖₂ where the step began.
    cg_iterations : int
        Conjugate-gradient iterations, each one curvature product.
    cg_residual : float
        Relative residual ‖(H + λI)p + g‖₂ / ‖g‖₂ of the direction.
    cg_status : str
        How conjugate gradients ended; empty if they did not run.
    step_length : float
        α, 0.0 if the step was refused.
    evaluations : int
        Evaluations of the objective, with and without gradient.
    work_units : float
        Reading of the objective's work counter after the step, 0.0 if it has none.
    seconds : float
        Wall time of the step; setting up the block's objective counts for its first step.
    extra : mapping of str to float
        Whatever else was measured, such as ``train_accuracy``; copied. NaN means not measured.

    Examples
    --------
    >>> row = HistoryRow(1, "classifier", "accepted", 2.0, 1.5, 0.1, 7, 0.01, "converged", 1.0, 2, 0.0, 0.5)
    >>> row.with_extra({"train_accuracy": 0.25}).extra
    {'train_accuracy': 0.25}
    """

    iteration: int
    block: str
    status: str
    objective_before: float
    objective: float
    gradient_norm: float
    cg_iterations: int
    cg_residual: float
    cg_status: str
    step_length: float
    evaluations: int
    work_units: float
    seconds: float
    extra: Mapping[str, float] = field(default_factory=dict, hash=False)

    __repr__ = short_repr

    def __post_init__(self) -> None:
        object.__setattr__(self, "extra", {str(name): float(number) for name, number in self.extra.items()})

    def with_extra(self, extra: Mapping[str, float]) -> HistoryRow:
        """Return this row with more measured numbers, which win over those of the same name."""
        return replace(self, extra={**self.extra, **extra})

    def text(self) -> str:
        """Return the row as one line of ``name=value`` words, for ``grep`` and ``awk``."""
        words = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "extra"} | dict(self.extra)
        return " ".join(f"{name}={_word(value)}" for name, value in words.items())


@dataclass(frozen=True)
class History:
    """The rows of a run, in order.

    Parameters
    ----------
    rows : tuple of HistoryRow
        Never changed; ``append`` returns a new history.

    Examples
    --------
    >>> row = HistoryRow(1, "theta", "accepted", 2.0, 1.5, 0.1, 7, 0.01, "converged", 1.0, 2, 0.0, 0.5)
    >>> history = History().append(row)
    >>> history.columns()["objective"].tolist()
    [1.5]
    >>> print(history.text())
    iteration=1 block=theta status=accepted objective_before=2 objective=1.5 gradient_norm=0.1 \
cg_iterations=7 cg_residual=0.01 cg_status=converged step_length=1 evaluations=2 work_units=0 seconds=0.5
    """

    rows: tuple[HistoryRow, ...] = ()

    __repr__ = short_repr

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[HistoryRow]:
        return iter(self.rows)

    def append(self, *rows: HistoryRow) -> History:
        """Return this history with more rows at its end."""
        return History(self.rows + rows)

    def of_block(self, block: str) -> History:
        """Return the rows of one block, none if there is no such block."""
        return History(tuple(row for row in self.rows if row.block == block))

    def text(self) -> str:
        """Return one line a row, see ``HistoryRow.text``."""
        return "\n".join(row.text() for row in self.rows)

    def columns(self) -> dict[str, Array]:
        """Return the rows as one array of shape (rows,) for each name, ready for a file.

        int64, float64, or bytes in UTF-8 for texts. Extra numbers are under ``extra/<name>``, NaN where a row
        has none.
        """
        columns = {}
        for name, kind in _KINDS.items():
            columns[name] = kind.column([getattr(row, name) for row in self.rows])
        for name in dict.fromkeys(name for row in self.rows for name in row.extra):
            columns[_EXTRA + name] = _FLOAT.column([row.extra.get(name, np.nan) for row in self.rows])
        return columns

    @staticmethod
    def from_columns(columns: Mapping[str, Array]) -> History:
        """Return the history that has the given columns; the inverse of ``columns``.

        Texts may be bytes or str; extra numbers that were not measured (NaN) are left out.

        Raises
        ------
        InputError
            If a column is missing, unknown, of another length, or of numbers of another kind.
        """
        extras = [name for name in columns if name.startswith(_EXTRA)]
        unknown = set(columns) - set(_KINDS) - set(extras)
        missing = set(_KINDS) - set(columns)
        if unknown or missing:
            raise InputError(
                f"history columns: missing {sorted(missing)}, unknown {sorted(unknown)}; "
                f"expected {list(_KINDS)} and any number of {_EXTRA}<name>."
            )
        lengths = {name: len(column) for name, column in columns.items()}
        if len(set(lengths.values())) > 1:
            raise InputError(f"history columns have different lengths {lengths}; expected one length.")
        for name, kind in {**_KINDS, **dict.fromkeys(extras, _FLOAT)}.items():
            dtype = np.asarray(columns[name]).dtype
            if len(columns[name]) and kind.allowed and dtype.kind not in kind.allowed:
                raise InputError(f"history column {name!r} has dtype {dtype}; expected {kind.dtype}.")
        rows = []
        for i in range(next(iter(lengths.values()))):
            known = {name: kind.read(columns[name][i]) for name, kind in _KINDS.items()}
            measured = {name.removeprefix(_EXTRA): float(columns[name][i]) for name in extras}
            rows.append(HistoryRow(**known, extra={k: v for k, v in measured.items() if not np.isnan(v)}))
        return History(tuple(rows))


@dataclass(frozen=True)
class _Kind:
    """How numbers or texts stand in a file: dtype, kinds of dtype that are read, how one entry is read."""

    dtype: str
    allowed: str
    read: Callable[[Any], Any]

    def column(self, values: list[Any]) -> Array:
        texts = self.dtype == "bytes"
        return np.array([str(v).encode() for v in values] if texts else values, dtype=self.dtype)


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


_FLOAT = _Kind("float64", "iuf", float)
_BY_TYPE = {"int": _Kind("int64", "iu", int), "float": _FLOAT, "str": _Kind("bytes", "", _text)}
_KINDS = {f.name: _BY_TYPE[str(f.type)] for f in fields(HistoryRow) if f.name != "extra"}


def _word(value: object) -> str:
    return f"{value:.9g}" if isinstance(value, float) else "-".join(str(value).split()) or "none"
