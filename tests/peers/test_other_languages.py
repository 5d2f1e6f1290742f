"""The examples in other languages are run where these are installed, and what they compute passes."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat

from refms import Classes, Grid, Residual, conv_matrix, initial_model, save_model
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


def test_the_guide_leads_octave_to_the_arrays_of_models_and_matrices(tmp_path):
    octave = shutil.which("octave-cli")
    if octave is None:
        pytest.skip("GNU Octave is not installed (Debian: apt-get install octave)")
    text = (FOLDER.parents[1] / "scripts" / "site" / "languages.md").read_text("utf-8")
    code = re.findall(r"```octave\n(.*?)```", text, re.DOTALL)
    save = "save('-v7', 'read.mat', 'W', 'stencils', 'biases', 'A', 'image', 'z')"
    (tmp_path / "guide.m").write_text("\n".join([*code, save]), encoding="utf-8")
    model = initial_model(Residual(Grid((4, 4)), channels=2, layers=1), Classes(3))
    rng = np.random.default_rng(0)
    model = model.with_arrays(W=rng.random((32, 3)), biases=rng.random((1, 2)))
    save_model(tmp_path / "coarse.h5", model)
    stencil = rng.random((1, 1, 3, 3))
    np.save(tmp_path / "s.npy", stencil)
    words = [
        "--weights",
        f"{tmp_path / 's.npy'}",
        "--grid",
        "6x8",
        "--padding",
        "1",
        "-o",
        f"{tmp_path / 'K.h5'}",
    ]
    assert main(["matrix", "conv", *words]) == 0
    ran(octave, "--norc", "guide.m", folder=tmp_path)
    got = loadmat(tmp_path / "read.mat")
    for name in ("W", "stencils", "biases"):
        np.testing.assert_array_equal(got[name], model.arrays[name])
    K = conv_matrix(stencil, Grid((6, 8)), padding=1)
    np.testing.assert_array_equal(got["A"].toarray(), K.toarray())
    expected = (K @ got["image"].reshape(-1)).reshape(6, 8)
    np.testing.assert_allclose(got["z"], expected, rtol=1e-14)


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
