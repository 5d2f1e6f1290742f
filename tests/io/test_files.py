import errno
import os
import stat
import subprocess
import sys

import pytest

from refms.errors import FileError
from refms.io.files import atomic_write, regular_file_size


def write(path, text="new", **options):
    with atomic_write(path, **options) as temporary:
        temporary.write_text(text)


def test_the_new_file_stands_alone_in_its_folder(tmp_path):
    write(tmp_path / "a.txt")
    assert os.listdir(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "new"


def test_an_existing_file_is_replaced_only_on_request(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(FileError, match="exists already"):
        write(target)
    assert target.read_text() == "old"
    write(target, overwrite=True)
    assert target.read_text() == "new"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_file_that_appears_in_the_meantime_is_not_overwritten(tmp_path):
    target = tmp_path / "a.txt"

    def write_slowly():
        with atomic_write(target) as temporary:
            temporary.write_text("mine")
            target.write_text("theirs")

    with pytest.raises(FileError, match="exists already"):
        write_slowly()
    assert target.read_text() == "theirs"
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize(
    "failure", [ValueError("bug"), KeyboardInterrupt(), OSError(errno.ENOSPC, "no space")]
)
def test_a_failing_writer_leaves_the_earlier_file_and_nothing_else(tmp_path, failure):
    target = tmp_path / "a.txt"
    target.write_text("old")

    def fail():
        with atomic_write(target, overwrite=True) as temporary:
            temporary.write_text("half")
            raise failure

    with pytest.raises(FileError if isinstance(failure, OSError) else type(failure)):
        fail()
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize(
    ("number", "says"),
    [(errno.ENOSPC, "the disk is full"), (errno.EROFS, "read-only"), (errno.EIO, "Input/output error")],
)
@pytest.mark.parametrize("step", ["replace", "fsync"])
def test_what_the_system_refuses_becomes_a_sentence(tmp_path, monkeypatch, step, number, says):
    target = tmp_path / "a.txt"
    target.write_text("old")

    def fail(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(FileError, match=says) as caught:
        write(target, overwrite=True)
    assert str(target) in str(caught.value)
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_file_then_name_then_folder_are_flushed_in_this_order(tmp_path, monkeypatch):
    steps = []
    fsync, replace = os.fsync, os.replace

    def note_fsync(descriptor):
        steps.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def note_replace(source, target):
        steps.append("name")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(os, "replace", note_replace)
    write(tmp_path / "a.txt")
    assert steps == ["file", "name", "folder"]


def test_a_limit_of_the_system_is_met_with_a_sentence_and_the_earlier_file(tmp_path):
    """A real limit on the size of files, set for a process of its own, instead of a full disk."""
    target = tmp_path / "a.txt"
    target.write_text("old")
    program = (
        "import resource, sys\n"
        "from refms.errors import FileError\n"
        "from refms.io.files import atomic_write\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try:\n"
        "    with atomic_write(sys.argv[1], overwrite=True) as temporary:\n"
        "        temporary.write_bytes(bytes(100_000))\n"
        "except FileError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", program, target], capture_output=True, text=True, check=True
    )
    assert "larger than the system allows" in done.stdout
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_missing_folders_and_odd_targets_are_refused(tmp_path):
    with pytest.raises(FileError, match="folder does not exist"):
        write(tmp_path / "none" / "a.txt")
    (tmp_path / "plain").write_text("x")
    with pytest.raises(FileError, match="not a folder"):
        write(tmp_path / "plain" / "a.txt")
    with pytest.raises(FileError, match="not a regular file"):
        write(tmp_path, overwrite=True)
    with pytest.raises(FileError, match="too long"):
        write(tmp_path / ("a" * 300))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileError, match="not a regular file"):
        write(tmp_path / "pipe", overwrite=True)


def test_a_symbolic_link_keeps_pointing_to_the_file_that_is_replaced(tmp_path):
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    write(tmp_path / "link", overwrite=True)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_permissions_are_kept_or_those_of_any_new_file(tmp_path):
    (tmp_path / "a").write_text("old")
    (tmp_path / "a").chmod(0o640)
    write(tmp_path / "a", overwrite=True)
    write(tmp_path / "b")
    (tmp_path / "usual").write_text("x")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640
    assert (tmp_path / "b").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_only_regular_files_have_a_size(tmp_path):
    (tmp_path / "a").write_bytes(b"12345")
    assert regular_file_size(tmp_path / "a") == 5
    os.mkfifo(tmp_path / "pipe")
    for path, says in [
        (tmp_path, "a folder"),
        (tmp_path / "pipe", "not a regular"),
        (tmp_path / "x", "No such file"),
    ]:
        with pytest.raises(FileError, match=says):
            regular_file_size(path)
    with pytest.raises(FileError, match="null"):
        regular_file_size("a\0b")


def test_data_and_files_do_not_wait_for_hdf5():
    program = "import sys, refms.data, refms.io.files; print('h5py' in sys.modules)"
    done = subprocess.run([sys.executable, "-B", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
