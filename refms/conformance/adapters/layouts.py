"""Fields in the three layouts, and an adapter that computes in columns as one in another layout."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from refms.conformance.adapters.around import Around
from refms.conformance.adapters.profile import LAYOUTS
from refms.conformance.operations import OPERATIONS, Operation
from refms.errors import Array, require_choice


def to_layout(images: Array, layout: str) -> Array:
    """Return images (m, c, *grid) as a field: columns (c·n, m), NCHW (m, c, *grid) or NHWC (m, *grid, c)."""
    if layout == "columns":
        return np.ascontiguousarray(images.reshape(len(images), -1).T)
    return images if layout == "NCHW" else np.ascontiguousarray(np.moveaxis(images, 1, -1))


def to_images(field: Array, layout: str, shape: tuple[int, ...]) -> Array:
    """Return a field as images of the given shape (m, c, *grid)."""
    if layout == "columns":
        return np.ascontiguousarray(field.T).reshape(shape)
    return field if layout == "NCHW" else np.ascontiguousarray(np.moveaxis(field, -1, 1))


def shape_in(layout: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of a field whose images have the shape (m, c, *grid)."""
    m, c, *grid = shape
    extents = {"m": [m], "c": [c], "*grid": grid, "c·n": [c * math.prod(grid)]}
    return tuple(n for axis in LAYOUTS[layout] for n in extents[axis])


def layout_of(shape: tuple[int, ...], grid: tuple[int, ...], declared: str) -> str:
    """Return in which layout a field has this shape; the declared one if it may be.

    >>> layout_of((5, 2, 4, 6), (4, 6), "NHWC"), layout_of((48, 5), (4, 6), "NHWC")
    ('NCHW', 'columns')
    """
    fits = {"columns": len(shape) == 2, "NCHW": shape[2:] == grid, "NHWC": shape[1:-1] == grid}
    return declared if fits[declared] else next((one for one, fit in fits.items() if fit), declared)


def handed_over(row: Operation, layout: str, by_name: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what an adapter gets, in the order of its method: images in its layout."""
    return tuple(
        to_layout(by_name[one.name], layout) if one.is_field else by_name[one.name] for one in row.arguments
    )


def in_layout(adapter: Any, layout: str) -> Any:
    """Return an adapter in columns, whatever its profile says, as one whose fields are NCHW or NHWC."""
    require_choice(layout, ("NCHW", "NHWC"), "layout")

    def change(name: str, operation: Callable[..., Any], *values: Any) -> Any:
        row = OPERATIONS[name]
        by_name = {one.name: value for one, value in zip(row.arguments, values, strict=True)}
        for one in row.arguments:
            if one.is_field and layout == "NHWC":
                by_name[one.name] = np.moveaxis(by_name[one.name], -1, 1)
        found = operation(*handed_over(row, "columns", by_name))
        if row.kind != "field":
            return found
        return to_layout(to_images(found, "columns", row.shape(by_name)), layout)

    return Around(adapter, change, dataclasses.replace(adapter.profile, layout=layout))
