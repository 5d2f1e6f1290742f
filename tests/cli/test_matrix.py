"""`refms matrix`: what is printed about an explicit matrix, and the files that hold it."""

from __future__ import annotations

import shlex

import numpy as np
import pytest
import scipy.io
import scipy.sparse

from refms.grid import Grid
from refms.io import read_artifact
from refms.io.matrices import matrix_of
from refms.stencils.conv import conv_matrix, conv_transpose_matrix
from refms.stencils.convolution import convolution_matrix
from refms.stencils.resize import resize_matrix
from refms.stencils.symbol import symbol

READERS = {
    ".npz": scipy.sparse.load_npz,
    ".mtx": scipy.io.mmread,
    ".h5": lambda path: matrix_of(read_artifact(path)),
}
S = np.random.default_rng(5).standard_normal((4, 1, 2, 3))


@pytest.mark.parametrize("s", [S[0, 0, 0], S[0, 0]], ids=["line", "plane"])
def test_one_stencil_is_a_weight_with_one_channel(refms, s):
    np.save("s.npy", s)
    assert refms("matrix", "conv", "--grid", 6, "--weights", "s.npy", "-o", "K.npz").code == 0
    expected = conv_matrix(s[None, None], Grid((6,) * s.ndim)).toarray()
    np.testing.assert_array_equal(scipy.sparse.load_npz("K.npz").toarray(), expected)


def test_a_grid_of_three_axes_has_random_stencils_of_three(result):
    found = result("matrix", "conv", "--grid", "4x5x6", "--stencil", "1x3x2", "--channels", "1x2")
    assert found["shape"] == [2 * 4 * 3 * 5, 4 * 5 * 6]


@pytest.mark.parametrize("operator", ["conv", "resize"])
def test_the_example_of_the_help_page_runs(refms, operator):
    lines = refms("matrix", operator, "--help").out.partition("example:\n")[2].splitlines()
    assert refms(*shlex.split(lines[0])[1:]).code == 0
    assert scipy.sparse.load_npz("K.npz").nnz > 0


@pytest.mark.parametrize("ending", READERS)
def test_every_format_holds_the_same_matrix(result, ending):
    np.save("S.npy", S)
    words = (
        "--stride",
        "2x1",
        "--padding",
        1,
        "--padding-mode",
        "reflect",
        "--groups",
        2,
        "--dilation",
        "1x2",
    )
    found = result("matrix", "conv", "--grid", "5x6", "--weights", "S.npy", *words, "-o", f"K{ending}")
    options = {"stride": (2, 1), "dilation": (1, 2), "groups": 2}
    K = conv_matrix(S, Grid((5, 6)), **options, padding=1, padding_mode="reflect")
    np.testing.assert_array_equal(READERS[ending](f"K{ending}").toarray(), K.toarray())
    assert found["shape"] == list(K.shape)
    assert found["entries"] == K.nnz
    assert found["norm"] == pytest.approx(np.linalg.norm(K.toarray(), 2), rel=1e-12)
    assert found["adjoint"] == "PASS"
    assert "singular_values" not in found


def test_a_transposed_layer(result):
    np.save("S.npy", S.astype("float32"))
    words = ("--transposed", "--stride", 2, "--padding", "0x1", "--output-padding", 1)
    result("matrix", "conv", "--grid", 4, "--weights", "S.npy", *words, "-o", "K.npz")
    K = conv_transpose_matrix(S.astype("float32"), Grid((4, 4)), stride=2, padding=(0, 1), output_padding=1)
    found = scipy.sparse.load_npz("K.npz")
    assert found.dtype == "float32"
    np.testing.assert_array_equal(found.toarray(), K.toarray())


def test_a_circular_layer_has_the_symbol_of_its_centred_stencil(result):
    s = np.random.default_rng(1).standard_normal((2, 3, 3, 3))
    np.save("S.npy", s)
    words = ("--weights", "S.npy", "--padding", "same", "--padding-mode", "circular", "-o", "K.h5")
    found = result("matrix", "conv", "--grid", "4x6", *words)
    grid = Grid((4, 6))
    artifact = read_artifact("K.h5")
    np.testing.assert_array_equal(artifact.arrays["symbol"], symbol(s, grid))
    np.testing.assert_allclose(
        matrix_of(artifact).toarray(), convolution_matrix(s, grid).toarray(), atol=1e-15
    )
    assert found["singular_values"][1] == pytest.approx(found["norm"], rel=1e-12)


def test_a_circular_layer_with_as_many_channels_has_the_eigenvalues_of_its_symbol(result):
    np.save("S.npy", S := np.random.default_rng(2).standard_normal((3, 1, 2, 3)))
    options = {"padding": "same", "padding_mode": "circular", "groups": 3}
    words = ("--padding", "same", "--padding-mode", "circular", "--groups", 3)
    found = result("matrix", "conv", "--grid", "4x5", "--weights", "S.npy", *words)
    K = conv_matrix(S, Grid((4, 5)), **options).toarray()
    moduli = abs(np.linalg.eigvals(K))
    assert found["eigenvalue_moduli"] == pytest.approx([moduli.min(), moduli.max()], rel=1e-10)
    values = np.linalg.svd(K, compute_uv=False)
    assert found["singular_values"] == pytest.approx([values.min(), values.max()], rel=1e-10)


def test_random_weights_are_those_of_their_seed(result):
    words = ("matrix", "conv", "--grid", 6, "--channels", "2x3")
    norms = [result(*words, *seed)["norm"] for seed in ((), ("--seed", 0), ("--seed", 1))]
    assert norms[0] == norms[1] != norms[2]
    weights = np.random.default_rng(0).standard_normal((3, 2, 3, 3))
    dense = conv_matrix(weights, Grid((6, 6))).toarray()
    assert norms[0] == pytest.approx(np.linalg.norm(dense, 2), rel=1e-12)


def test_a_resizing_as_a_library_has_it_and_in_own_words(result):
    grid, to = Grid((6, 5)), Grid((4, 8))
    like = result(
        "matrix", "resize", "--grid", "6x5", "--to", "4x8", "--like", "torch-bicubic", "-o", "A.npz"
    )
    words = ("--kernel", "cubic", "--cubic", -0.75, "--channels", 2, "--dtype", "float32")
    own = result("matrix", "resize", "--grid", "6x5", "--to", "4x8", *words, "-o", "B.npz")
    A = resize_matrix(grid, to, "cubic", antialias=False, cubic=-0.75)
    np.testing.assert_array_equal(scipy.sparse.load_npz("A.npz").toarray(), A.toarray())
    B = scipy.sparse.load_npz("B.npz")
    np.testing.assert_array_equal(B.toarray(), np.kron(np.eye(2), A.toarray()).astype("float32"))
    assert like["norm"] == pytest.approx(np.linalg.norm(A.toarray(), 2), rel=1e-12)
    assert like["adjoint"] == own["adjoint"] == "PASS"


def test_every_option_of_a_resizing_reaches_the_matrix(refms):
    def first(*words):
        assert refms("matrix", "resize", "--grid", 6, "--to", 4, *words, "-o", "A.npz", "--force").code == 0
        return scipy.sparse.load_npz("A.npz").toarray()

    options, words = {"antialias": False}, []
    for word, change in (
        ("--kernel cubic", {"kernel": "cubic"}),
        ("--antialias", {"antialias": True}),
        ("--boundary periodic", {"boundary": "periodic"}),
    ):
        options |= change
        words += word.split()
        expected = resize_matrix(Grid((6, 6)), Grid((4, 4)), **options)
        np.testing.assert_array_equal(first(*words), expected.toarray())
    expected = resize_matrix(Grid((6, 6)), Grid((4, 4)), antialias=False, align_corners=True)
    np.testing.assert_array_equal(first("--align-corners"), expected.toarray())


def test_a_method_of_a_library_is_printed_as_the_call_that_makes_its_matrix(refms):
    words = ("--grid", "6x5", "--to", "4x3", "--like", "torch-bicubic-antialias", "-o", "A.npz")
    line = refms("matrix", "resize", *words).out.splitlines()[0]
    made = eval(line, {"resize_matrix": resize_matrix, "Grid": Grid})
    np.testing.assert_array_equal(made.toarray(), scipy.sparse.load_npz("A.npz").toarray())


REFUSED = {
    "--grid 0": "extent of the grid is 0",
    "--grid 3 --stride 0": "stride is 0",
    "--grid 3 --stencil 0": "--stencil is 0",
    "--grid 3 --channels 1x2x3": "--channels has 3 numbers",
    "--grid 3 --channels 3 --groups 2": "no multiples of the 2 groups",
    "--grid 2 --padding 3 --padding-mode reflect": "reflect can fill 1 at most",
    "--grid 2 --output-padding 1": "--output-padding belongs to --transposed",
    "--grid 2 --transposed --padding same": "--padding in numbers",
    "--grid 2 --transposed --output-padding 1": "less than stride 1",
    "--grid 2 --seed -1": "--seed is -1",
    "--grid 20000": "entries; expected",
    "--grid 4 --padding 1000000000 --stride 1000000000": "entries; expected",
    "--grid 4 --stencil 99999": "entries; expected",
    "--grid 4 -o K.txt": "ending of the file",
    "--grid 4 -o coarse.h5": "exists",
    "--grid 4 --weights none.npy": "cannot be read",
    "--grid 4 --weights coarse.h5": "no .npy file",
    "--grid 4 --weights whole.npy": "dtype int64",
    "--grid 4 --weights point.npy": "expected (channels",
    "--grid 4 --weights good.npy --stencil 3 --seed 1": "leave out --stencil and --seed",
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_cannot_be_is_refused_in_a_sentence(refms, words):
    np.save("whole.npy", np.ones((1, 1, 3, 3), int))
    np.save("point.npy", np.ones(()))
    np.save("good.npy", S)
    ran = refms("matrix", "conv", *words.split())
    assert ran.refused
    assert REFUSED[words] in ran.err


REFUSED_RESIZINGS = {
    "--to 0": "extent of the grid is 0",
    "--to 5x5x5": "as many axes",
    "--to 5 --like torch": "'torch-bicubic'",
    "--to 5 --like torch-area --cubic -0.5 --antialias": "leave out --antialias and --cubic",
    "--to 5 --kernel box --align-corners": "no corners to align",
    "--to 5 --cubic -0.75": "--cubic belongs to --kernel cubic",
    "--to 5 --kernel area --antialias": "leave it out for area",
    "--to 5 --kernel cubic --cubic nan": "cubic is nan",
    "--to 5 --channels 0": "channels is 0",
    "--to 99999": "entries; expected",
    "--to 5 -o A.txt": "ending of the file",
}


@pytest.mark.parametrize("words", REFUSED_RESIZINGS)
def test_a_resizing_that_cannot_be_is_refused_in_a_sentence(refms, words):
    ran = refms("matrix", "resize", "--grid", 8, *words.split())
    assert ran.refused
    assert REFUSED_RESIZINGS[words] in ran.err
