"""Cases go out and results come back: refms' own pass, missing ones are counted, wrong ones fail."""

from __future__ import annotations

import json
from fnmatch import fnmatch
from fractions import Fraction

import numpy as np
import pytest
import scipy.io
from exchanged_files import FORMATS, computed, store

from refms.cli.main import main
from refms.exchange import case_arrays, judge, write_cases
from refms.exchange.layout import expectations, flat_name
from refms.io import read_artifact


@pytest.fixture
def verify(capsys):
    """Run ``refms conform verify``; return its exit code and both outputs."""

    def run(*words):
        code = main(["conform", "verify", *map(str, words)])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


@pytest.mark.parametrize(
    ("ours", "theirs"), [("h5", "h5"), ("npz", "npz"), ("mat", "mat"), ("mat", "h5"), ("h5", "mat")]
)
def test_the_results_of_refms_pass_in_every_format(ours, theirs, cases, right, tmp_path, verify):
    store(tmp_path / f"results.{theirs}", right)
    code, out, _ = verify(cases / f"cases.{ours}", tmp_path / f"results.{theirs}")
    assert code == 0
    assert out.endswith("\nPASS\n")
    assert f"{len(right)} pass, 0 marginal, 0 fail, 0 not implemented" in out


def test_single_precision_is_judged_in_its_own_eps(tmp_path, verify):
    single = computed("float32")
    for form in FORMATS:
        cases, results = tmp_path / f"cases.{form}", tmp_path / f"results.{form}"
        write_cases(cases, form, "float32")
        store(results, single)
        code, out, _ = verify(cases, results)
        assert code == 0
        assert "in float32" in out


def test_single_precision_where_double_was_asked_for_is_named(right):
    rows = judge({"convolution/2d/product": right["result/convolution/2d/product"].astype("float32")})
    row = next(row for row in rows if row.quantity == "convolution/2d/product")
    assert row.verdict == "FAIL"
    assert "single precision only" in row.sentence


def test_what_is_missing_counts_as_not_implemented(cases, right, tmp_path, verify):
    some = {name: array for name, array in right.items() if name.startswith("result/convolution/")}
    store(tmp_path / "results.h5", some)
    code, out, _ = verify(cases / "cases.h5", tmp_path / "results.h5", "--json", tmp_path / "v.json")
    found = json.loads((tmp_path / "v.json").read_text())
    assert code == 3
    assert "TOO LITTLE TESTED" in out
    assert found["counts"] == {"PASS": 12, "NOT IMPLEMENTED": len(right) - 12}
    assert not found["passed"]
    assert verify(cases / "cases.h5", tmp_path / "results.h5", "--only", "convolution")[0] == 0


def test_a_wrong_number_fails_and_is_found(cases, right, tmp_path, verify):
    wrong = right["result/transfer/1d/nearest/prolongation"].copy()
    wrong[7, 2] += 1e-12
    wrong[9, 0] = np.nan
    store(tmp_path / "results.npz", {**right, "result/transfer/1d/nearest/prolongation": wrong})
    code, out, _ = verify(cases / "cases.npz", tmp_path / "results.npz", "--json", tmp_path / "v.json")
    rows = {row["quantity"]: row for row in json.loads((tmp_path / "v.json").read_text())["rows"]}
    assert code == 1
    assert out.endswith("\nFAIL\n")
    assert rows["transfer/1d/nearest/prolongation"]["index"] == [7, 2]
    assert [name for name, row in rows.items() if row["verdict"] != "PASS"] == [
        "transfer/1d/nearest/prolongation"
    ]


def test_a_marginal_result_does_not_pass(cases, right, tmp_path, verify):
    name = "result/stencils/example1/down"
    store(tmp_path / "r.h5", {**right, name: right[name] + 100 * 2.0**-52 * 13.444374999999999})
    code, out, _ = verify(cases / "cases.h5", tmp_path / "r.h5")
    assert code == 1
    assert "1 marginal, 0 fail" in out


def test_every_expectation_can_fail(right):
    results = {name.removeprefix("result/"): array for name, array in right.items()}
    assert {row.verdict for row in judge(results)} == {"PASS"}
    wrong = {name: array * (1 + 1e-3) + 1e-6 for name, array in results.items()}
    assert [row.quantity for row in judge(wrong) if row.verdict != "FAIL"] == []


def test_names_are_variables_in_matlab():
    names = [*case_arrays(), *(f"result/{name}" for name in expectations())]
    flat = [flat_name(name) for name in names]
    assert len(set(flat)) == len(flat)
    assert max(map(len, flat)) <= 63
    assert all(name.isidentifier() and name[0] != "_" for name in flat)


def test_a_reversed_axis_order_shows():
    for name, array in case_arrays().items():
        if array.ndim > 1 and name != "case/conjugate_gradients/input/A":  # a symmetric matrix
            reversed_shows = array.T.shape != array.shape or np.abs(array.T - array).max() > 0.01
            assert reversed_shows, name


def test_the_file_says_how_it_is_laid_out(cases):
    attributes = read_artifact(cases / "cases.h5").attributes
    assert "result/<case>/<quantity>" in attributes["layout"]
    assert set(attributes["operations"]) == set(attributes["scales"]) == set(expectations())
    assert attributes["settings"]["stencils/example1"] == {"pair": "averaging-bilinear"}
    about = bytes(scipy.io.loadmat(cases / "cases.mat")["about"]).decode("ascii")
    assert "case/<case>/expected/<quantity>" in about
    assert "convolution/1d/adjoint: K(S)^T Z" in about


def test_every_expectation_has_its_enclosure():
    arrays = case_arrays()
    names = [name for name in arrays if "/expected/" in name]
    assert len(names) == len(expectations())
    for name in names:
        nearest = arrays[name].reshape(-1)
        digits = arrays[name.replace("/expected/", "/digits/")].reshape(nearest.size, -1)
        radius = arrays[name.replace("/expected/", "/radius/")].reshape(-1)
        texts = [bytes(row).decode("ascii").strip() for row in digits]
        for text, r, double in zip(texts, radius, nearest, strict=True):
            # where the number is all but half-way between two doubles its digits do not tell which is nearer
            around = Fraction(text) - Fraction(float(r)), Fraction(text) + Fraction(float(r))
            assert float(around[0]) <= double <= float(around[1])
        assert (radius <= 1e-30 * np.maximum(np.abs(nearest), 1e-290)).all()


FAMILIES = {
    "convolution/*": ("product", "adjoint", "stencil_gradient"),
    "transfer/*": ("averaging-bilinear/restriction", "averaging-constant/prolongation"),
    "stencils/*/averaging-bilinear": ("down", "up"),
    "stencils/*/averaging-constant": ("down", "up"),
    "loss/*": ("value", "gradient", "hessian_product"),
    "network/*": (
        "features",
        "logits",
        "loss",
        "gradient_theta",
        "gradient_omega",
        "gauss_newton_theta",
        "hessian_omega",
        "gauss_newton_joint",
        "descent/objectives",
        "descent/step_lengths",
    ),
    "regularizer/space_*": ("value", "gradient"),
}


@pytest.mark.parametrize("pattern", FAMILIES)
def test_every_family_is_exported_in_one_two_and_three_dimensions(pattern):
    cases = [name for name in expectations() if fnmatch(name, f"{pattern}/*")]
    for quantity in FAMILIES[pattern]:
        found = [name for name in cases if name.endswith(f"/{quantity}")]
        dimensions = {d for d in "123" if any(f"{d}d" in name for name in found)}
        assert dimensions == ({"1", "2", "3"} if pattern != "loss/*" else set()), quantity
        assert found


def test_logits_whose_exponentials_overflow_are_among_the_cases():
    Z = case_arrays()["case/loss/overflowing/input/Z"]
    assert Z.max() > np.log(np.finfo("f8").max)


def test_the_settings_fit_the_inputs():
    arrays = case_arrays()
    for name in [name for name in arrays if name.endswith(("setting/grid", "setting/fine_grid"))]:
        case, cells = name.rpartition("/setting/")[0], int(np.prod(arrays[name]))
        features = [a for n, a in arrays.items() if n.startswith(f"{case}/input/") and a.ndim == 2]
        if features:
            assert features[0].shape[0] % cells == 0, name
        else:  # a regulariser of W and mu
            channels, classes = (int(arrays[f"{case}/setting/{n}"]) for n in ("channels", "classes"))
            assert arrays[f"{case}/input/omega"].shape == ((channels * cells + 1) * classes,), name


def test_an_existing_file_is_kept(cases, capsys):
    before = (cases / "cases.h5").read_bytes()
    assert main(["conform", "export", "-o", str(cases / "cases.h5")]) == 2
    assert "--force" in capsys.readouterr().err
    assert (cases / "cases.h5").read_bytes() == before
    assert main(["conform", "export", "-o", str(cases / "cases.h5"), "--force"]) == 0
    assert (cases / "cases.h5").read_bytes() == before


def test_a_name_without_a_known_ending_needs_a_format(tmp_path, capsys):
    assert main(["conform", "export", "-o", str(tmp_path / "cases.dat")]) == 2
    assert "--format" in capsys.readouterr().err
    assert main(["conform", "export", "-o", str(tmp_path / "cases.dat"), "--format", "npz"]) == 0


def test_a_pattern_that_fits_nothing_is_an_error(cases, tmp_path, right, verify):
    store(tmp_path / "r.h5", right)
    code, _, err = verify(cases / "cases.h5", tmp_path / "r.h5", "--only", "convolution,spline")
    assert code == 2
    assert "'spline'" in err
