import os

import h5py
import numpy as np
import pytest

from refms.errors import FileError
from refms.io import Artifact, read_artifact, write_artifact


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "good.h5"
    arrays = {
        "block/0/S": np.random.default_rng(0).standard_normal((4, 3, 3)),
        "mu": np.zeros(10, dtype=np.float32),
    }
    write_artifact(path, Artifact("model", {"seed": 3, "name": "x"}, arrays))
    return path


def refused(path, says, **options):
    with pytest.raises(FileError, match=says) as caught:
        read_artifact(path, **options)
    assert str(path) in str(caught.value)


def put(name, value):
    return lambda file: file.__setitem__(name, value)


def attribute(name, value):
    return lambda file: file.attrs.__setitem__(name, value)


def modified(name, value):
    return lambda file: file.attrs.modify(name, value)


def dataset(**options):
    return lambda file: file.create_dataset("x", **options)


def bush(file):
    """Hard links that multiply: 40 names for one group on each of 6 levels are 40^6 paths."""
    inner = file.create_group("level0")
    for level in range(1, 7):
        outer = file.create_group(f"level{level}")
        for i in range(40):
            outer[str(i)] = inner
        inner = outer


def virtual_storage(file):
    layout = h5py.VirtualLayout(shape=(4,), dtype="f8")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", shape=(4,))
    file.create_virtual_dataset("virtual", layout)


def json(text):
    return attribute("attributes", np.bytes_(text))


OTHER_TYPE = "type that is not read"
ATTACKS = {
    "soft link": (put("soft", h5py.SoftLink("/mu")), "link out of its tree at 'soft'"),
    "external link": (put("e", h5py.ExternalLink("/etc/passwd", "/x")), "link out of its tree at 'e'"),
    "circle": (lambda file: file.__setitem__("block/again", file["/"]), "in a circle"),
    "bush": (bush, "objects"),
    "named type": (put("type", np.dtype("f8")), "neither an array nor a group"),
    "external": (dataset(shape=(4,), dtype="f8", external=[("/etc/passwd", 0, 32)]), "external, virtual"),
    "virtual": (virtual_storage, "external, virtual"),
    "objects": (dataset(data=["a", "bc"], dtype=h5py.string_dtype()), OTHER_TYPE),
    "ragged": (dataset(shape=(2,), dtype=h5py.vlen_dtype("f8")), OTHER_TYPE),
    "references": (
        lambda file: file.create_dataset("reference", data=file["mu"].ref, dtype=h5py.ref_dtype),
        OTHER_TYPE,
    ),
    "half": (put("half", np.zeros(3, dtype=np.float16)), OTHER_TYPE),
    "big endian": (put("big", np.zeros(3, dtype=">f8")), OTHER_TYPE),
    "booleans": (put("flag", np.zeros(3, dtype=bool)), OTHER_TYPE),
    "record": (put("record", np.zeros(3, dtype=[("a", "f8"), ("b", "f8")])), OTHER_TYPE),
    "compressed": (dataset(data=np.zeros(100), compression="gzip"), "filters"),
    "shuffled": (dataset(data=np.zeros(100), shuffle=True), "filters"),
    "huge": (
        dataset(shape=(2**40,), dtype="f8", chunks=(2**10,)),
        "declares 8796093022208 bytes",
    ),
    "huge contiguous": (dataset(shape=(2**45,), dtype="f8"), "declares"),
    "huge chunks": (dataset(shape=(4,), maxshape=(None,), dtype="f8", chunks=(2**27,)), "larger chunks"),
    "never written": (dataset(shape=(4,), dtype="f8"), "declares 32 bytes"),
    "no extent": (put("nothing", h5py.Empty("f8")), "without an extent"),
    "odd name": (put("a b\x1b[31m", np.zeros(2)), "array name"),
    "one more": (put("extra", np.zeros(2)), "SHA-256"),
    "one less": (lambda file: file.__delitem__("mu"), "SHA-256"),
    "other values": (lambda file: file["mu"].__setitem__(3, 1.0), "SHA-256"),
    "other schema": (attribute("schema", np.bytes_("other")), "another program"),
    "no schema": (lambda file: file.attrs.__delitem__("schema"), "another program"),
    "newer": (modified("schema_version", 2), "newer refms"),
    "version zero": (modified("schema_version", 0), "version 0"),
    "version text": (attribute("schema_version", np.bytes_("1")), "neither a string nor an int64"),
    "no digest": (lambda file: file.attrs.__delitem__("digest"), "lacks the attribute 'digest'"),
    "variable text": (attribute("kind", "model"), "fixed length"),
    "many texts": (attribute("kind", np.array([b"model", b"model"])), "fixed length"),
    "not UTF-8": (attribute("kind", np.bytes_(b"\xff\xfe")), "not UTF-8"),
    "other kind": (attribute("kind", np.bytes_("Model !")), "kind is 'Model !'"),
    "changed attribute": (modified("seed", 4), "was edited"),
    "added attribute": (attribute("rate", 0.5), "was edited"),
    "array attribute": (attribute("rate", np.zeros(4)), "neither a string nor"),
    "no JSON": (json("{seed: 3}"), "not JSON"),
    "deep JSON": (json("[" * 50_000), "not JSON"),
    "NaN in JSON": (json('{"seed":3,"name":"x","rate":NaN}'), "not JSON"),
    "a list": (json("[1]"), "no mapping"),
    "repeated key": (json('{"seed":9,"seed":3,"name":"x","more":[]}'), "not JSON"),
}


@pytest.mark.parametrize(("attack", "says"), ATTACKS.values(), ids=ATTACKS)
def test_what_the_writer_never_writes_is_refused_with_a_sentence(good, attack, says):
    with h5py.File(good, "r+") as file:
        attack(file)
    refused(good, says)


def test_more_than_the_limit_is_refused_and_exactly_the_limit_is_read(good):
    declared = 4 * 9 * 8 + 10 * 4
    refused(good, f"declares {declared} bytes of arrays; the limit is {declared - 1}", max_bytes=declared - 1)
    assert read_artifact(good, max_bytes=declared).kind == "model"


def test_one_dataset_under_many_names_counts_every_time(good):
    with h5py.File(good, "r+") as file:
        for i in range(2000):
            file[f"again{i}"] = file["block/0/S"]
    refused(good, "truncated or hostile")


def test_a_file_of_another_program_is_refused(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = np.zeros(3)
    refused(tmp_path / "other.h5", "another program")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"hello, world", "starts with b'hello, w'"),
        (b"\x89HDF\r\n\x1a\n", "damaged or truncated"),
    ],
)
def test_what_is_no_hdf5_file_is_refused(tmp_path, content, says):
    (tmp_path / "x.h5").write_bytes(content)
    refused(tmp_path / "x.h5", says)


def test_every_truncation_is_refused(good):
    whole = good.read_bytes()
    for length in range(0, len(whole), 97):
        good.write_bytes(whole[:length])
        refused(good, "empty|HDF5|damaged|truncated")


def test_every_flipped_bit_is_caught_or_changes_nothing(good):
    values = np.random.default_rng(1).standard_normal((90, 100))
    write_artifact(good, Artifact("model", {"seed": 3}, {"W": values}), overwrite=True)
    whole = good.read_bytes()
    original = read_artifact(good)
    rng = np.random.default_rng(7)
    unnoticed = 0
    for position in rng.choice(len(whole), 300, replace=False):
        broken = bytearray(whole)
        broken[position] ^= 1 << int(rng.integers(8))
        good.write_bytes(broken)
        try:
            found = read_artifact(good)
        except FileError:
            continue
        unnoticed += 1
        assert found.digest == original.digest
    assert unnoticed < 60


def test_a_flip_in_the_values_is_caught_by_the_checksum_of_the_array(good):
    whole = bytearray(good.read_bytes())
    with h5py.File(good) as file:
        start = file["block/0/S"].id.get_chunk_info(0).byte_offset
    whole[start + 13] ^= 4
    good.write_bytes(whole)
    refused(good, "the array 'block/0/S' does not have its checksum")


def test_missing_files_folders_and_pipes_are_refused_at_once(tmp_path):
    refused(tmp_path / "none.h5", "No such file")
    refused(tmp_path, "is a folder")
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path / "pipe", "not a regular file")
    refused("/dev/zero", "not a regular file")
