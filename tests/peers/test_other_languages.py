"""The examples in other languages are run where these are installed, and what they compute passes."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from refms.cli.main import main

LINEAR = "convolution/*/product,transfer/*/restriction,depth/doubled,depth/uneven"
FOLDER = Path(__file__).parents[2] / "validation" / "peers"


def exported(path):
    assert main(["conform", "export", "-o", str(path)]) == 0
    return path


def ran(*words, folder=None):
    done = subprocess.run(
        [str(word) for word in words], cwd=folder, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr


def verified(cases, results, only):
    return main(["conform", "verify", str(cases), str(results), "--only", only])


def test_octave(tmp_path):
    octave = shutil.which("octave-cli")
    if octave is None:
        pytest.skip("GNU Octave is not installed (Debian: apt-get install octave)")
    cases, results = exported(tmp_path / "cases.mat"), tmp_path / "results.mat"
    ran(octave, "--norc", "--path", FOLDER / "octave", "--eval", f"conform ('{cases}', '{results}')")
    assert verified(cases, results, f"{LINEAR},loss") == 0


def compiler():
    """Return the words that compile with HDF5; none where it is not installed."""
    wrapper = shutil.which("h5c++")
    if wrapper is not None:
        return [wrapper], []
    if shutil.which("g++") is None or shutil.which("pkg-config") is None:
        return [], []
    asked = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "hdf5"], capture_output=True, text=True, timeout=600, check=False
    )
    return (["g++"], asked.stdout.split()) if asked.returncode == 0 else ([], [])


def test_cpp(tmp_path):
    command, libraries = compiler()
    if not command:
        pytest.skip("no C++ compiler with HDF5 is installed (Debian: apt-get install g++ libhdf5-dev)")
    program, source = tmp_path / "conform", FOLDER / "cpp" / "conform.cpp"
    ran(
        *command,
        "-std=c++17",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-O1",
        "-o",
        program,
        source,
        *libraries,
        folder=tmp_path,
    )
    cases, results = exported(tmp_path / "cases.h5"), tmp_path / "results.h5"
    ran(program, cases, results)
    assert verified(cases, results, LINEAR) == 0
    assert main(["conform", "verify", str(cases), str(results)]) == 3


def test_julia(tmp_path):
    julia = shutil.which("julia")
    if julia is None:
        pytest.skip("Julia is not installed")
    found = subprocess.run([julia, "-e", "using HDF5"], capture_output=True, timeout=600, check=False)
    if found.returncode:
        pytest.skip("Julia has no HDF5.jl (julia -e 'using Pkg; Pkg.add(\"HDF5\")')")
    cases, results = exported(tmp_path / "cases.h5"), tmp_path / "results.h5"
    ran(julia, FOLDER / "julia" / "conform.jl", cases, results)
    assert verified(cases, results, f"{LINEAR},loss") == 0
