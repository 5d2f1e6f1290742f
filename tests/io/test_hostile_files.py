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


def soft_link(file):
    file["soft"] = h5py.SoftLink("/mu")


def external_link(file):
    file["external"] = h5py.ExternalLink("/etc/passwd", "/x")


def circle(file):
    file["block/again"] = file["/"]


def bush(file):
    """Hard links that multiply: 40 names for one group on each of 6 levels are 40^6 paths."""
    inner = file.create_group("level0")
    for level in range(1, 7):
        outer = file.create_group(f"level{level}")
        for i in range(40):
            outer[str(i)] = inner
        inner = outer


def named_type(file):
    file["type"] = np.dtype("f8")


def external_storage(file):
    file.create_dataset("outside", shape=(4,), dtype="f8", external=[("/etc/passwd", 0, 32)])


def virtual_storage(file):
    layout = h5py.VirtualLayout(shape=(4,), dtype="f8")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", shape=(4,))
    file.create_virtual_dataset("virtual", layout)


def objects(file):
    file.create_dataset("strings", data=["a", "bc"], dtype=h5py.string_dtype())


def ragged(file):
    file.create_dataset("ragged", shape=(2,), dtype=h5py.vlen_dtype("f8"))


def references(file):
    file.create_dataset("reference", data=file["mu"].ref, dtype=h5py.ref_dtype)


def half(file):
    file["half"] = np.zeros(3, dtype=np.float16)


def big_endian(file):
    file["big"] = np.zeros(3, dtype=">f8")


def booleans(file):
    file["flag"] = np.zeros(3, dtype=bool)


def record(file):
    file["record"] = np.zeros(3, dtype=[("a", "f8"), ("b", "f8")])


def compressed(file):
    file.create_dataset("packed", data=np.zeros(100), compression="gzip")


def shuffled(file):
    file.create_dataset("shuffled", data=np.zeros(100), shuffle=True)


def huge_declared(file):
    file.create_dataset("huge", shape=(2**40,), dtype="f8", chunks=(2**10,))


def huge_contiguous(file):
    file.create_dataset("huge", shape=(2**45,), dtype="f8")


def huge_chunks(file):
    file.create_dataset("wide", shape=(4,), maxshape=(None,), dtype="f8", chunks=(2**27,))


def never_written(file):
    file.create_dataset("hollow", shape=(4,), dtype="f8")


def no_extent(file):
    file["nothing"] = h5py.Empty("f8")


def odd_name(file):
    file["a b\x1b[31m"] = np.zeros(2)


def one_more(file):
    file["extra"] = np.zeros(2)


def one_less(file):
    del file["mu"]


def other_values(file):
    file["mu"][3] = 1.0


def other_schema(file):
    file.attrs["schema"] = np.bytes_("other")


def no_schema(file):
    del file.attrs["schema"]


def newer(file):
    file.attrs.modify("schema_version", 2)


def version_zero(file):
    file.attrs.modify("schema_version", 0)


def version_text(file):
    file.attrs["schema_version"] = np.bytes_("1")


def no_digest(file):
    del file.attrs["digest"]


def variable_text(file):
    file.attrs["kind"] = "model"


def many_texts(file):
    file.attrs["kind"] = np.array([b"model", b"model"])


def not_utf8(file):
    file.attrs["kind"] = np.bytes_(b"\xff\xfe")


def other_kind(file):
    file.attrs["kind"] = np.bytes_("Model !")


def changed_attribute(file):
    file.attrs.modify("seed", 4)


def added_attribute(file):
    file.attrs["rate"] = 0.5


def array_attribute(file):
    file.attrs["rate"] = np.zeros(4)


def no_json(file):
    file.attrs["attributes"] = np.bytes_("{seed: 3}")


def deep_json(file):
    file.attrs["attributes"] = np.bytes_("[" * 50_000)


def nan_json(file):
    file.attrs["attributes"] = np.bytes_('{"seed":3,"name":"x","rate":NaN}')


def list_json(file):
    file.attrs["attributes"] = np.bytes_("[1]")


def repeated_json(file):
    file.attrs["attributes"] = np.bytes_('{"seed":9,"seed":3,"name":"x","more":[]}')


@pytest.mark.parametrize(
    ("attack", "says"),
    [
        (soft_link, "link out of its tree at 'soft'"),
        (external_link, "link out of its tree at 'external'"),
        (circle, "in a circle"),
        (bush, "objects"),
        (named_type, "neither an array nor a group"),
        (external_storage, "external, virtual"),
        (virtual_storage, "external, virtual"),
        (objects, "type that is not read"),
        (ragged, "type that is not read"),
        (references, "type that is not read"),
        (half, "type that is not read"),
        (big_endian, "type that is not read"),
        (booleans, "type that is not read"),
        (record, "type that is not read"),
        (compressed, "filters"),
        (shuffled, "filters"),
        (huge_declared, "declares 8796093022208 bytes for the array 'huge'"),
        (huge_contiguous, "declares"),
        (huge_chunks, "larger chunks"),
        (never_written, "declares 32 bytes"),
        (no_extent, "without an extent"),
        (odd_name, "array name"),
        (one_more, "SHA-256"),
        (one_less, "SHA-256"),
        (other_values, "SHA-256"),
        (other_schema, "another program"),
        (no_schema, "another program"),
        (newer, "newer refms"),
        (version_zero, "version 0"),
        (version_text, "neither a string nor an int64"),
        (no_digest, "lacks the attribute 'digest'"),
        (variable_text, "fixed length"),
        (many_texts, "fixed length"),
        (not_utf8, "not UTF-8"),
        (other_kind, "kind is 'Model !'"),
        (changed_attribute, "was edited"),
        (added_attribute, "was edited"),
        (array_attribute, "neither a string nor"),
        (no_json, "not JSON"),
        (deep_json, "not JSON"),
        (nan_json, "not JSON"),
        (list_json, "no mapping"),
        (repeated_json, "SHA-256"),
    ],
)
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
