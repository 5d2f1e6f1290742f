"""Files of weights: PyTorch's .pt with nothing but tensors, and NumPy's .npz without pickles."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from refms.errors import Array, FileError, require_choice, required
from refms.exchange.npz import read_npz
from refms.exchange.writing import npz_image
from refms.io.files import atomic_write, regular_file_size

LARGEST_FILE = 2**33
"""Bytes that a file of weights may have."""

_TORCH_ENDINGS = (".pt", ".pth")
_DTYPES = ("float32", "float64", "int64", "int32", "uint8", "bool")


def read_weights(path: str | os.PathLike[str]) -> dict[str, Array]:
    """Return the arrays of a .npz or .pt file by their names, in its order.

    FileError if it is damaged or holds something else than real arrays of float32, float64 or integers;
    InputError if PyTorch is missing.
    """
    if _ending(path) == ".npz":
        return read_npz(path, max_bytes=LARGEST_FILE)
    torch, name = _torch(path), os.fspath(path)
    regular_file_size(path)
    try:
        with warnings.catch_warnings():  # PyTorch's about itself
            warnings.simplefilter("ignore")
            held = torch.load(path, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # a damaged file makes PyTorch raise nearly anything
        raise FileError(
            f"{name!r} is damaged or holds more than tensors. Write it by torch.save(model.state_dict(), …)."
        ) from error
    if not isinstance(held, Mapping):
        raise FileError(f"{name!r} holds a {type(held).__name__}; expected a state_dict, names and tensors.")
    return {str(key): _as_array(torch, name, key, tensor) for key, tensor in held.items()}


def write_weights(path: str | os.PathLike[str], weights: Mapping[str, Array], *, overwrite: bool) -> None:
    """Write arrays as a .npz or .pt file, the whole one or nothing; InputError if PyTorch is missing."""
    if _ending(path) == ".npz":
        image = npz_image(weights)
    else:
        torch, buffer = _torch(path), io.BytesIO()
        torch.save({name: torch.from_numpy(array) for name, array in weights.items()}, buffer)
        image = buffer.getvalue()
    with atomic_write(path, overwrite=overwrite) as temporary:
        temporary.write_bytes(image)


def require_weight_file(path: str | os.PathLike[str]) -> None:
    """Refuse a name whose ending says nothing, and .pt without PyTorch."""
    if _ending(path) != ".npz":
        _torch(path)


def _ending(path: str | os.PathLike[str]) -> str:
    return require_choice(Path(path).suffix.lower(), (".npz", *_TORCH_ENDINGS), "ending of a file of weights")


def _torch(path: str | os.PathLike[str]) -> Any:
    return required(
        "torch",
        f"{os.fspath(path)!r} is a file of PyTorch, which cannot be imported ({{error}}). Take .npz, or "
        "pip install torch.",
    )


def _as_array(torch: Any, name: str, key: Any, tensor: Any) -> Array:
    if not isinstance(tensor, torch.Tensor):
        raise FileError(
            f"{name!r} holds {key!r}, a {type(tensor).__name__}; expected a state_dict, names and tensors: "
            "torch.save(model.state_dict(), …)."
        )
    dtype = str(tensor.dtype).removeprefix("torch.")
    if dtype not in _DTYPES or tensor.layout is not torch.strided:
        raise FileError(
            f"{name!r} holds {key!r} as {dtype}; expected dense float32 or float64, in which refms computes. "
            "Convert it on purpose before it is saved, for example with model.float()."
        )
    return tensor.detach().contiguous().numpy()
