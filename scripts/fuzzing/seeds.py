"""Small valid files to start from; among them such as are refused, for what they hold can be changed, too."""

import functools
import gzip
import io
import json
import struct
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import scipy.io
import scipy.sparse
from PIL import Image

from fuzzing.text_mutations import toml
from refms.conformance.reports.report import VERDICTS
from refms.grid import Grid
from refms.io import Artifact
from refms.io.writing import file_image
from refms.maps.architectures.residual import Residual
from refms.model import Model, initial_model
from refms.model_file import model_artifact
from refms.objective.reading import Classes
from refms.optimize.history import History, HistoryRow
from refms.run.config import Configuration
from refms.run.config.reconstruction import Reconstruction
from refms.run.plan import Plan

NAME = "result/convolution/1d/product"
VALUES = np.arange(84.0).reshape(21, 4) / 7
ROW = HistoryRow(1, "joint", "accepted", 2.0, 1.5, 0.1, 7, 0.01, "converged", 1.0, 2, 0.0, 0.5)
ROOT = Path(__file__).resolve().parents[2]


def pair_of_files(images: bytes, labels: bytes) -> bytes:
    """Return two IDX files as one input: the length of the second one in two bytes, it, and the first one."""
    return len(labels).to_bytes(2, "little") + labels + images


def idx() -> list[bytes]:
    """Return images with their labels, plain and packed, of all types of values."""

    def file(code: int, kind: str, *shape: int) -> bytes:
        count = int(np.prod(shape))
        values = (np.arange(count) % 10).astype(kind)
        return bytes([0, 0, code, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + values.tobytes()

    def packed(content: bytes) -> bytes:
        return gzip.compress(content, mtime=0)

    images, labels = file(8, ">u1", 3, 4, 4), file(8, ">u1", 3)
    kinds = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
    return [
        pair_of_files(images, labels),
        pair_of_files(packed(images), packed(labels)),
        pair_of_files(packed(images[:20]) + packed(images[20:]), labels),  # two gzip members are one stream
        pair_of_files(packed(file(8, ">u1", 2, 28, 28)), file(8, ">u1", 2)),
        *(pair_of_files(file(code, kind, 2, 3, 1), file(code, kind, 2)) for code, kind in kinds.items()),
        pair_of_files(file(8, ">u1", 0, 4, 4), file(8, ">u1", 0)),
        pair_of_files(file(8, ">u1", 1, 1, 1, 1, 1, 1, 1, 1), labels),
    ]


PICTURES = {"a.png": 0, "b.png": 200, "of b/c,d.png": 90}
"""The grey pictures that lists can name, and how bright each is."""


def store_pictures(folder: Path) -> None:
    """Put the pictures that lists name into a folder, unless they are there."""
    for name, grey in PICTURES.items():
        path = folder / name
        if not path.is_file():
            path.parent.mkdir(exist_ok=True)
            Image.new("L", (3, 2), grey).save(path)


def lists() -> list[bytes]:
    """Return lists of pictures: with a header, with labels or without, quoted, and some that are refused."""
    return [
        text.encode()
        for text in (
            "path,label\na.png,0\nb.png,1\n",
            "a.png,cat\r\nb.png,dog\r\n\r\n",
            'a.png\n"of b/c,d.png"\n',
            '\ufeffpath,label\n"b.png", "dog, small"\n',
            "a.png,0\nnone.png,1\n",
            "a.png,-1\n",
            "a.png,0\nb.png\n",
            "../a.png,0\n",
            "/a.png,0\n",
            "a.gif,0\n",
        )
    ]


def matrices() -> list[Any]:
    """Return small sparse matrices, real and complex, one without entries."""
    A = scipy.sparse.csr_array(np.diag([1.5, -2.0], 1)[:2])
    return [A, A.astype("f4"), A.tocsc(), A.tocoo(), 1j * A, A.astype("i8"), scipy.sparse.csr_array((2, 3))]


def matrices_npz() -> list[bytes]:
    """Return matrices as SciPy writes them, one in a format that is not read."""
    found = [*matrices(), scipy.sparse.dia_array(np.eye(2))]
    return [_written(lambda file, A=A: scipy.sparse.save_npz(file, A)) for A in found]


def matrices_mtx() -> list[bytes]:
    """Return matrices in Matrix Market, half of a symmetric one, and what is refused."""
    texts = [
        f"%%MatrixMarket matrix coordinate {kind}\n% words\n2 2 {rows.count(chr(10))}\n{rows}".encode()
        for kind, rows in (
            ("real symmetric", "1 1 2.0\n2 1 -1.5e-3\n"),
            ("complex hermitian", "2 1 1.0 2.0\n"),
            ("integer skew-symmetric", "2 1 3\n"),
            ("pattern general", "1 2\n2 2\n"),
            ("real general", "3 1 1.0\n"),
            ("quaternion general", "1 1 1.0\n"),
        )
    ]
    written = [_written(lambda file, A=A: scipy.io.mmwrite(file, A)) for A in matrices()]
    return [*written, *texts, b"%%MatrixMarket matrix array real general\n1 1\n2.0\n"]


def results_npz() -> list[bytes]:
    """Return results as NumPy writes them, and archives that are packed otherwise."""
    arrays = (VALUES, VALUES.astype("f4").T, np.array(1.5), VALUES[:, :0], VALUES.astype("i8"))
    found = [
        _written(lambda file, save=save, array=array: save(file, **{NAME: array}))
        for save in (np.savez, np.savez_compressed)
        for array in arrays
    ]
    two = {NAME: VALUES, "result/loss/tame/value": VALUES[0, 0]}
    found.append(_written(lambda file: np.savez(file, **two)))
    for way in (zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):

        def zipped(file: Any, way: int = way) -> None:
            with zipfile.ZipFile(file, "w", way) as archive:
                archive.writestr(f"{NAME}.npy", _written(lambda inner: np.save(inner, VALUES)))

        found.append(_written(zipped))
    return found


def results_mat() -> list[bytes]:
    """Return results as SciPy writes them in MATLAB's format, plain and compressed."""
    name = NAME.replace("/", "_")
    contents: tuple[Mapping[str, Any], ...] = (
        {name: VALUES},
        {name: VALUES.astype("f4"), "result_loss_tame_value": 1.5},
        {name: np.arange(84).reshape(21, 4)},
        {name: VALUES.astype(complex)},
        {name: "text"},
        {name: np.array([VALUES, "cell"], dtype=object)},
        {name: {"field": VALUES}},
    )
    return [
        _written(
            lambda file, content=content, packed=packed: scipy.io.savemat(
                file, content, do_compression=packed
            )
        )
        for content in contents
        for packed in (False, True)
    ]


def results_hdf5() -> list[bytes]:
    """Return results in HDF5's oldest and newest formats, plain and with all that HDF5 can."""

    def plain(file: Any) -> None:
        file[NAME] = VALUES
        file["result/loss/tame/value"] = 1.5

    def flat(file: Any) -> None:
        file[NAME.replace("/", "_")] = VALUES.astype("f4")

    def chunked(file: Any) -> None:
        file.create_dataset(NAME, data=VALUES, chunks=(8, 4), fletcher32=True)

    def packed(file: Any) -> None:
        file.create_dataset(NAME, data=VALUES, compression="gzip", shuffle=True, scaleoffset=3)

    def growing(file: Any) -> None:
        file.create_dataset(NAME, data=VALUES, maxshape=(None, None), chunks=(4, 4))

    def links(file: Any) -> None:
        file["a"] = VALUES
        file["soft"], file["out"] = h5py.SoftLink("/a"), h5py.ExternalLink("/etc/passwd", "/x")

    def outside(file: Any) -> None:
        file.create_dataset("outside", shape=(4,), dtype="f8", external=[("/etc/passwd", 0, 32)])
        layout = h5py.VirtualLayout(shape=(4,), dtype="f8")
        layout[:] = h5py.VirtualSource("/etc/passwd", "x", shape=(4,))
        file.create_virtual_dataset("virtual", layout)

    def types(file: Any) -> None:
        file.create_dataset("strings", data=["a", "bc"], dtype=h5py.string_dtype())
        file.create_dataset("ragged", shape=(2,), dtype=h5py.vlen_dtype("f8"))
        file["record"] = np.zeros(3, dtype=[("a", "f8"), ("b", "f4", (2,))])
        file["flag"], file["type"] = np.zeros(2, dtype=bool), np.dtype("f8")
        file["nothing"] = h5py.Empty("f8")

    def attributes(file: Any) -> None:
        plain(file)
        for i in range(12):
            file.attrs[f"a{i}"] = np.arange(i + 1)

    def many(file: Any) -> None:
        for i in range(20):
            file[f"x{i}"] = np.float64(i)

    def compact(file: Any) -> None:
        creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        creation.set_layout(h5py.h5d.COMPACT)
        dataset = h5py.h5d.create(
            file.id, b"compact", h5py.h5t.NATIVE_DOUBLE, h5py.h5s.create_simple((3,)), dcpl=creation
        )
        dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, np.arange(3.0))

    ways = (plain, flat, chunked, packed, growing, links, outside, types, attributes, many, compact)
    return [_hdf5(way, version) for way in ways for version in ("earliest", "v108", "latest")]


def models() -> list[bytes]:
    """Return a small model as refms writes it, and artefacts with fewer arrays, which are read sooner."""
    few = {"W": VALUES, "history/objective": np.arange(3.0), "mu": np.zeros(0)}
    record = {"network": {"grid": [3, 2]}, "seed": 3, "note": "x"}
    artifacts = [Artifact("golden", {"seed": 3}, {"a/b": np.arange(3)}), Artifact("model", record, few)]
    return [file_image(artifact) for artifact in (*artifacts, model_artifacts()[0])]


def checkpoints() -> list[bytes]:
    """Return artefacts with fewer arrays, and whole checkpoints."""
    return [*models()[:2], *map(file_image, checkpoint_artifacts())]


@functools.cache
def resumable() -> Model:
    """Return the untrained model of the training that the checkpoints were made by."""
    record = {"configuration": Configuration().to_dict(), "dataset": "digits"}
    return replace(initial_model(Residual(Grid((4, 4)), channels=2, layers=2), Classes(3)), record=record)


def checkpoint_artifacts() -> list[Artifact]:
    """Return checkpoints as a training leaves them, with and without damping and notes."""
    start, found = resumable(), []
    for damping, notes in ((None, []), (0.5, ["The trust region was left."])):
        state = {"iteration": 2, "damping": damping, "notes": notes}
        model = replace(
            start,
            record={**start.record, "checkpoint": state},
            history=History((ROW, replace(ROW, iteration=2))),
        )
        found.append(model_artifact(model))
    return found


def configurations() -> list[bytes]:
    """Return the configurations of the experiments, and one with every section."""
    files = sorted((ROOT / "validation" / "learning_across_scales").glob("*.toml"))
    every = Plan.from_dict(
        {"study": {"parameter": "network.channels", "values": [2, 4], "axes": {}}}
    ).to_dict()
    return [*(path.read_bytes() for path in files), toml(json.loads(json.dumps(every))).encode()]


def restorations() -> list[bytes]:
    """Return a configuration of a restoration as it is shipped, and some with every key."""
    shipped = (ROOT / "validation" / "multiscale_training" / "denoise_photographs.toml").read_bytes()
    every = [
        Reconstruction.from_dict({"task": {"name": task}, "network": {"architecture": network}}).to_dict()
        for task, network in (("denoise", "unet"), ("inpaint", "residual-image"), ("super-resolve", "espcn"))
    ]
    return [shipped, *(toml(json.loads(json.dumps(one))).encode() for one in every)]


def xfails() -> list[bytes]:
    """Return lists of expected failures."""
    return [b'[xfails]\n"D1-*" = "known"\nT5-2d-float32 = \'so\'\n', b"[xfails]\n", b"other = 1\n", b""]


def reports() -> list[bytes]:
    """Return two reports in one file, with every kind of row, and one with a row that is no row."""
    rho = {"PASS": 1.5, "FAIL": "inf", "MARGINAL": 40.0}
    rows = [
        {"id": f"D{i}", "verdict": verdict, "rho": rho.get(verdict), "notes": {"restrict": "bitwise"}}
        for i, verdict in enumerate(VERDICTS)
    ]
    both = [
        {"profile": {"name": "mine", "dtype": dtype}, "tier": "quick", "seed": 0, "rows": rows}
        for dtype in ("float64", "float32")
    ]
    return [json.dumps({"reports": found}).encode() for found in (both, both[:1], [{**both[0], "rows": [1]}])]


def results_json() -> list[bytes]:
    """Return a comparison and a study of two short runs."""
    run = {
        "outcome": {"status": "converged", "message": "It is done."},
        "columns": {"iteration": [0, 1], "objective": [2.5, None], "seconds": [0.0, 0.1]},
        "notes": ["x"],
    }
    study = {"a": {**run, "value": 1, "seed": 0}, "b": {**run, "value": "x", "seed": 1}}
    kinds = ({"kind": "compare", "runs": {"bcd": run}}, {"kind": "study", "parameter": "p", "runs": study})
    return [json.dumps(kind).encode() for kind in (*kinds, {"kind": "inspect"})]


def model_artifacts() -> list[Artifact]:
    """Return whole models, for changes of what they hold."""
    made = []
    for opening in ("fixed", "learned"):
        model = initial_model(Residual(Grid((4, 3)), channels=2, layers=2, opening=opening), Classes(3))
        made.append(model_artifact(model))
        made.append(
            model_artifact(
                replace(model, record={"transfers": []}, history=History((ROW, replace(ROW, iteration=2))))
            )
        )
    return made


def _written(write: Callable[[Any], Any]) -> bytes:
    buffer = io.BytesIO()
    write(buffer)
    return buffer.getvalue()


def _hdf5(fill: Callable[[Any], None], version: str) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", libver=(version, "latest")) as file:
        fill(file)
    return buffer.getvalue()
