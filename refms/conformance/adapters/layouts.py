"""An adapter that computes in columns, as one in another layout."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from refms.conformance.adapters.adapter import provides
from refms.conformance.adapters.profile import Profile
from refms.errors import Array, require_choice
from refms.grid import Grid, columns_from_nchw, columns_from_nhwc, nchw_from_columns, nhwc_from_columns

_INTO: dict[str, Callable[[Array], Array]] = {"NCHW": columns_from_nchw, "NHWC": columns_from_nhwc}
_OUT_OF: dict[str, Callable[[Array, Grid], Array]] = {"NCHW": nchw_from_columns, "NHWC": nhwc_from_columns}

_FIELDS = {
    "convolution": (1,),
    "convolution_adjoint": (1,),
    "stencil_gradient": (0, 1),
    "restrict": (0,),
    "prolong": (0,),
    "forward": (1,),
    "logits": (2,),
    "jacobian_product": (2,),
    "jacobian_transpose": (2,),
    "loss": (1,),
    "gradient": (1,),
    "gauss_newton": (2,),
    "subsampled_gauss_newton": (2,),
    "block_step": (1,),
}
"""Operation -> which of its arguments are fields."""

_RESULT: dict[str, Callable[..., Grid]] = {
    "convolution": lambda S, Y, grid, boundary: Grid(grid),
    "convolution_adjoint": lambda S, Z, grid, boundary: Grid(grid),
    "restrict": lambda Y, grid, pair: Grid(grid).coarsen(),
    "prolong": lambda Y, grid, pair: Grid(grid),
    "forward": lambda parameters, X, problem: Grid(problem.grid),
}
"""Operation that returns a field -> its grid."""


class InLayout:
    """An adapter in columns whose fields come and go as images.

    Parameters
    ----------
    adapter : Adapter
        In the layout ``"columns"``, whatever its profile says.
    layout : str
        ``"NCHW"`` or ``"NHWC"``.

    Raises
    ------
    InputError
        If the layout is another one.

    Examples
    --------
    >>> import numpy as np
    >>> from refms.conformance.adapters.reference import ReferenceAdapter
    >>> images = InLayout(ReferenceAdapter(), "NHWC")
    >>> images.restrict(np.arange(8.0).reshape(1, 4, 2), (4,), "averaging-constant").tolist()
    [[[1.0, 2.0], [5.0, 6.0]]]
    """

    def __init__(self, adapter: Any, layout: str) -> None:
        require_choice(layout, tuple(_INTO), "layout")
        self.adapter, self.layout = adapter, layout
        self.profile: Profile = dataclasses.replace(adapter.profile, layout=layout)

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self.adapter, name)
        if name not in _FIELDS or not provides(self.adapter, name):
            return operation

        def laid_out(*arguments: Any) -> Any:
            given = [
                _INTO[self.layout](one) if k in _FIELDS[name] else one for k, one in enumerate(arguments)
            ]
            found = operation(*given)
            return _OUT_OF[self.layout](found, _RESULT[name](*arguments)) if name in _RESULT else found

        return laid_out
