"""Data as refms has them: bytes by its pre-processing, classes as columns, the share that is right."""

from __future__ import annotations

import numpy as np

from refms.conformance.adapters.reference_images import Shape
from refms.conformance.adapters.reference_steps import StepReference
from refms.data.dataset import Dataset, one_hot
from refms.data.preprocessing import Preprocessing, prepare
from refms.errors import Array
from refms.grid import Grid, nchw_from_columns


class DataReference(StepReference):
    """These operations on host arrays."""

    def bytes_to_floats(self, B: Array, grid: Shape, low: float, high: float) -> Array:
        images = nchw_from_columns(B.astype("float64"), Grid(grid)).astype("uint8")
        read = Dataset(images, np.zeros(len(images), int), classes=2, name="bytes", max_value=255.0)
        steps = Preprocessing(scale=high - low, shift=-low)
        return self._out(prepare(read, steps, self.profile.dtype, backend=self.backend)[0])

    def one_hot(self, labels: Array, classes: int) -> Array:
        return one_hot(labels, classes, self.profile.dtype)

    def accuracy(self, Z: Array, C: Array) -> float:
        right = (Z.argmax(axis=0) == C.argmax(axis=0)) & (Z == Z).all(axis=0)
        return float(right.mean())
