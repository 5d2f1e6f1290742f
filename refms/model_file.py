"""Models as artefacts: which array and which attribute is what."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

import refms.maps.architectures  # noqa: F401  # registers the networks that files name
from refms.backend import backend_of
from refms.data.preprocessing import Preprocessing
from refms.errors import Array, FileError, InputError
from refms.grid import Grid
from refms.io.artifact import Artifact
from refms.io.contained import read_artifact_contained
from refms.io.writing import write_artifact
from refms.maps.architectures.architecture import architecture_named, as_tuple, name_of
from refms.model import Model
from refms.objective.reading import Classes, Image, Reading
from refms.optimize.history import History

_TEXTS = ("block", "status", "cg_status")
_MEMORY = "memory/"


def model_artifact(model: Model) -> Artifact:
    """Return a model as an artefact.

    Of kind ``"model"``: the model's arrays, for the residual net ``opening`` (c, c_image, *stencil),
    ``stencils`` (N, c, c, *stencil), ``biases`` (N, c), ``W`` (c·n, ℓ), ``mu`` (ℓ,), and
    ``history/<column>``; attributes ``architecture``, its name, ``network``, its fields, ``classifier``
    or ``image``, ``preprocessing``, ``record`` and ``history_words``, the words that the history's texts
    count from 0.

    Examples
    --------
    >>> from refms.maps.architectures.residual import Residual
    >>> from refms.model import initial_model
    >>> model = initial_model(Residual(Grid((4, 4)), channels=2), Classes(10))
    >>> model_artifact(model).attributes["network"]["grid"]
    [4, 4]
    """
    arrays = {name: backend_of(array).to_host(array) for name, array in model.arrays.items()}
    columns = model.history.columns()
    words = {name: sorted({text.decode() for text in columns[name].tolist()}) for name in _TEXTS}
    for name in _TEXTS:  # texts are stored as int32 positions in a list of words, which any language can read
        places = [words[name].index(text.decode()) for text in columns[name].tolist()]
        columns[name] = np.array(places, dtype=np.int32)
    arrays |= {f"history/{name}": column for name, column in columns.items()}
    architecture: Any = model.architecture  # a frozen dataclass
    fields = {one.name: getattr(architecture, one.name) for one in dataclasses.fields(architecture)}
    attributes = {
        "architecture": name_of(architecture),
        "network": {**fields, "grid": list(model.grid.shape)},
        **_reading_attributes(model.reading),
        "preprocessing": model.preprocessing.to_dict(),
        "record": dict(model.record),
        "history_words": words,
    }
    return Artifact("model", attributes, arrays)


def model_of(artifact: Artifact) -> Model:
    """Return the model an artefact holds, the inverse of :func:`model_artifact`.

    Where nothing is said about the classifier, it is softmax without pooling. FileError if the artefact
    is of another kind or its parts do not fit together.
    """
    if artifact.kind != "model":
        raise FileError(
            f"the artefact is of kind {artifact.kind!r}; expected a 'model' as refms train writes."
        )
    try:
        attributes, arrays = artifact.attributes, artifact.arrays
        kind = architecture_named(attributes.get("architecture", "residual"))  # the only one there was
        fields = {name: as_tuple(value) for name, value in dict(attributes["network"]).items()}
        network = kind(**{**fields, "grid": Grid(fields["grid"])})
        _require_record(attributes["record"])
        return Model(
            network,
            {name: array for name, array in arrays.items() if not name.startswith(("history/", _MEMORY))},
            _reading_of(attributes, arrays),
            preprocessing=Preprocessing.from_dict(attributes["preprocessing"]),
            record=attributes["record"],
            history=_history(arrays, attributes["history_words"]),
        )
    except InputError as error:
        raise FileError(f"the parts of the model do not fit together: {error}") from error
    except (KeyError, TypeError, IndexError, ValueError, AttributeError, OverflowError) as error:
        raise FileError(f"the model lacks a part or has an unknown one: {error}.") from error


def save_model(
    path: str | os.PathLike[str], model: Model, *, overwrite: bool = False, memory: Sequence[Array] = ()
) -> None:
    """Write a model to an HDF5 file, so that the file is, at every moment, the earlier one or the new one.

    Parameters
    ----------
    path : str or path
        The file, customarily ending in ``.h5``; its folder must exist.
    model : Model
        The model; its arrays are brought to the host.
    overwrite : bool
        Whether an existing file may be replaced.
    memory : sequence of array
        What a checkpoint keeps besides, ``memory/0`` and so on in the file; for the model it is nothing.

    Raises
    ------
    FileError
        As for :func:`~refms.io.writing.write_artifact`.
    InputError
        If the class of the architecture is not registered.

    Examples
    --------
    >>> import tempfile
    >>> from refms.maps.architectures.residual import Residual
    >>> from refms.model import initial_model
    >>> folder = tempfile.TemporaryDirectory()
    >>> save_model(f"{folder.name}/m.h5", initial_model(Residual(Grid((4, 4)), channels=2), Classes(10)))
    >>> load_model(f"{folder.name}/m.h5").arrays["W"].shape
    (32, 10)
    >>> folder.cleanup()
    """
    artifact = model_artifact(model)
    kept = {f"{_MEMORY}{i}": backend_of(array).to_host(array) for i, array in enumerate(memory)}
    write_artifact(path, replace(artifact, arrays={**artifact.arrays, **kept}), overwrite=overwrite)


def load_model(path: str | os.PathLike[str]) -> Model:
    """Read a model from an HDF5 file, which a child process opens.

    Parameters
    ----------
    path : str or path
        A file written by :func:`save_model`, which has an example.

    Returns
    -------
    Model
        NumPy arrays, bit for bit those that were saved.

    Raises
    ------
    FileError
        If the file cannot be read or is damaged, holds no model, or its parts do not fit together.

    Examples
    --------
    >>> import tempfile
    >>> from refms import Residual, initial_model
    >>> model = initial_model(Residual(Grid((4, 4)), channels=2), Classes(10), seed=3)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(f"{folder}/m.h5", model)
    ...     bool((load_model(f"{folder}/m.h5").arrays["stencils"] == model.arrays["stencils"]).all())
    True
    """
    return load_with_memory(path)[0]


def load_with_memory(path: str | os.PathLike[str]) -> tuple[Model, tuple[Array, ...]]:
    """Return the model of a file and what a checkpoint kept besides, as NumPy arrays."""
    artifact = read_artifact_contained(path)
    kept = {name: array for name, array in artifact.arrays.items() if name.startswith(_MEMORY)}
    try:
        return model_of(artifact), tuple(kept[f"{_MEMORY}{i}"] for i in range(len(kept)))
    except KeyError as error:
        raise FileError(f"{os.fspath(path)!r}: what it remembers lacks {error}.") from error
    except FileError as error:
        raise FileError(f"{os.fspath(path)!r}: {error}") from error


def _reading_attributes(reading: Reading) -> dict[str, Any]:
    """Return what a file says of the reading; the number of classes is that of ``mu``."""
    if isinstance(reading, Image):
        return {"image": {"loss": reading.loss}}
    return {"classifier": {"loss": reading.loss, "pooling": int(reading.pooling)}}


def _reading_of(attributes: Mapping[str, Any], arrays: Mapping[str, Any]) -> Reading:
    if "image" in attributes:
        return Image(**attributes["image"])
    return Classes(int(arrays["mu"].shape[0]), **attributes.get("classifier", {}))


def _require_record(record: Any) -> None:
    if not isinstance(record, Mapping) or not isinstance(record.get("transfers", []), list):
        raise FileError(
            f"the record is {record!r}; expected a mapping, with its transfers, if any, as a list."
        )


def _history(arrays: Mapping[str, Any], words: Mapping[str, Any]) -> History:
    prefix = "history/"
    columns: dict[str, Any] = {
        name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)
    }
    for name in _TEXTS:
        columns[name] = [words[name][place] for place in columns[name].tolist()]
    return History.from_columns(columns)
