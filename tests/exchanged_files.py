"""What tests of exchanged files share: refms' own results, written as another program would."""

from __future__ import annotations

import h5py
import numpy as np

from refms.certify.cases import CASES
from refms.exchange.writing import mat_image, npz_image

FORMATS = ("h5", "npz", "mat")


def computed(dtype):
    """Return what refms computes from all cases in one precision."""
    return {
        f"result/{case.name}/{name}": np.asarray(array)
        for case in CASES
        for name, array in case.refms({key: x.astype(dtype) for key, x in case.inputs.items()}).items()
    }


def store(path, arrays):
    """Write arrays as another program would."""
    if path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            for name, array in arrays.items():
                file[name] = array
    else:
        path.write_bytes((npz_image if path.suffix == ".npz" else mat_image)(arrays))
