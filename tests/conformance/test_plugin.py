"""The pytest plugin: one id a case, skips and strict xfails with reasons, nothing unless it is asked for."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from refms.conformance import PROPERTIES, Adapter, Profile, runner
from refms.conformance.adapters.loading import implementation_of, load
from refms.conformance.cases import cases
from refms.conformance.measures.outcome import Outcome
from refms.conformance.reports.xfails import expected_failures, read_xfails
from refms.errors import FileError, InputError

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]

ADAPTER = """
    import numpy as np
    from refms.conformance import Adapter, Profile

    class Mine(Adapter):
        def __init__(self, dtype="float64"):
            profile = Profile("mine", dtype, dimensions=(1, 2), pairs=("averaging-constant",))
            super().__init__(profile)

        def depth_prolong(self, Theta, layers):
            times = np.minimum(np.arange(layers) * len(Theta) / layers, len(Theta) - 1)
            old = np.arange(len(Theta))
            columns = [np.interp(times, old, column) for column in Theta.T]
            return np.stack(columns, axis=1).astype(Theta.dtype)

        def restrict(self, Y, grid, pair):  # wrong: odd extents are not refused
            images = Y.T.reshape(Y.shape[1], -1, *grid)
            for axis in range(2, images.ndim):
                n = images.shape[axis] // 2
                pairs = np.take(images, range(2 * n), axis)
                shape = (*images.shape[:axis], n, 2, *images.shape[axis + 1:])
                images = pairs.reshape(shape).mean(axis=axis + 1)
            return np.ascontiguousarray(images.reshape(len(images), -1).T)
"""


@pytest.fixture
def go(pytester, monkeypatch):
    """Run pytest with the plugin, whether or not the package is installed."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.syspath_prepend(str(pytester.path))
    pytester.makepyfile(mine=ADAPTER)
    pytester.makeini("[pytest]\nfilterwarnings = error")

    def run(*arguments):
        sys.modules.pop("mine", None)
        return pytester.runpytest_inprocess(
            "-p", "refms.pytest_options", "-p", "no:cacheprovider", *arguments
        )

    return run


CATALOGUE = ("--pyargs", "refms.conformance", "--refms-adapter", "mine:Mine")


def test_each_case_is_a_test_with_its_own_id(go):
    result = go(*CATALOGUE, "-k", "D1 or T8", "-v")
    result.assert_outcomes(passed=2, failed=4)
    result.stdout.fnmatch_lines_random(["*::D1-float64 PASSED*", "*::D1-float32 PASSED*"])
    result.stdout.fnmatch_lines_random(["*::T8-1d-float64 FAILED*", "*::T8-2d-float32 FAILED*"])
    result.stdout.fnmatch_lines(
        ["*refms conformance of mine*", "2 pass, 0 marginal, 4 fail, 0 untested of 6 cases"]
    )


def test_a_failure_says_what_was_found_and_where_to_read_more(go):
    result = go(*CATALOGUE, "-k", "T8-1d-float64")
    result.stdout.fnmatch_lines(
        [
            "T8 A grid with an odd number*",
            "*found:*an odd extent along axis 0 raises*",
            "*instance: grid*",
            "*explain T8",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")


def test_what_is_not_implemented_is_skipped_and_never_passes(go):
    result = go(*CATALOGUE, "-k", "C1 or D3", "-rs")
    assert result.parseoutcomes().get("passed", 0) == 0
    assert result.ret == pytest.ExitCode.TESTS_FAILED  # nothing failed, but nothing was tested
    result.stdout.fnmatch_lines(["TOO LITTLE TESTED: Too little was tested: 0 % of the selected*"])
    result.stdout.fnmatch_lines(["*NOT IMPLEMENTED: the adapter has no convolution.*"])


def test_a_broken_kit_judges_nobody(go, monkeypatch):
    monkeypatch.setattr(runner, "examine", lambda *given: Outcome("PASS", 0.0, "looked away"))
    result = go(*CATALOGUE, "-k", "D1")
    assert result.ret == 4
    printed = "\n".join([*result.outlines, *result.errlines])
    assert "BROKEN zeros: expected FAIL" in printed
    assert "the kit itself does not work" in printed


def test_one_precision_can_be_chosen(go):
    go(*CATALOGUE, "-k", "D1", "--refms-dtype", "float32").assert_outcomes(passed=1)


def test_a_case_that_hangs_fails(go, pytester):
    text = textwrap.dedent(ADAPTER) + "\n    def prolong(self, Y, grid, pair):\n        while True: pass\n"
    pytester.makepyfile(mine=text)
    result = go(*CATALOGUE, "-k", "D1-float64 or T5-1d-float64", "--refms-timeout", "1")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*found: *did not return within 1 s in prolong*"])


def test_known_failures_are_strict(go, pytester):
    known = pytester.path / "known.toml"
    known.write_text('[xfails]\n"T8-*" = "odd grids are cropped by design"\n', encoding="utf-8")
    result = go(*CATALOGUE, "-k", "T8 or D1", "--refms-xfails", str(known), "-rx")
    result.assert_outcomes(passed=2, xfailed=4)
    result.stdout.fnmatch_lines_random(["*odd grids are cropped by design*", "PASS"])
    known.write_text('[xfails]\n"D1-float64" = "no longer true"\n', encoding="utf-8")
    go(*CATALOGUE, "-k", "D1", "--refms-xfails", str(known)).assert_outcomes(passed=1, failed=1)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((*CATALOGUE, "--refms-xfails", "typo.toml"), "*T88-* matches no case*"),
        ((*CATALOGUE, "--refms-xfails", "absent.toml"), "*absent.toml*cannot be read*"),
        (("--refms-xfails", "typo.toml"), "*without --refms-adapter*"),
        (("--refms-adapter", "mine:Mine", "test_own.py"), "*also give --pyargs refms.conformance*"),
        (("--pyargs", "refms.conformance", "--refms-adapter", "mine:Other"), "*has no 'Other'*"),
        (("--pyargs", "refms.conformance", "--refms-adapter", "no_such:X"), "*cannot be imported*"),
        (("--pyargs", "refms.conformance", "--refms-adapter", "mine"), "*expected package.module:Name*"),
    ],
)
def test_a_wrong_use_is_an_error_in_one_sentence(go, pytester, arguments, sentence):
    (pytester.path / "typo.toml").write_text('[xfails]\n"T88-*" = "x"\n', encoding="utf-8")
    pytester.makepyfile(test_own="def test_nothing(): pass")
    result = go(*arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {sentence}"])


@pytest.mark.parametrize("limit", ["long", "-1", "nan"])
def test_a_time_limit_that_is_none_is_refused(go, limit):
    result = go(*CATALOGUE, f"--refms-timeout={limit}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*'{limit}' is no time; expected seconds, or 0 or none for no limit"])


def test_without_the_option_nothing_is_imported():
    code = (
        "import sys, refms.pytest_options; sys.exit('numpy' in sys.modules or 'refms.errors' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_the_decorator_makes_the_same_cases_in_a_file_of_ones_own(go, pytester):
    pytester.makepyfile(
        test_own="""
        import mine
        from refms.conformance import PROPERTIES
        from refms.conformance.plugin import parametrize_with_properties

        CHOSEN = [item for item in PROPERTIES if item.id in ("D1", "T8", "C1")]

        @parametrize_with_properties(
            mine.Mine, properties=CHOSEN, dtype="float64", xfails={"T8-2d-*": "known"}
        )
        def test_mine(check):
            check()
        """
    )
    result = go("test_own.py", "-v")
    result.assert_outcomes(passed=1, failed=1, xfailed=1, skipped=2)
    result.stdout.fnmatch_lines(["*test_mine?T8-1d-float64?*FAILED*"])


def test_every_property_has_a_case_and_ids_are_unique():
    ids = [
        case.id for case in cases(load("refms.conformance.adapters.reference:ReferenceAdapter").adapters())
    ]
    assert len(ids) == len(set(ids))
    assert {one.split("-")[0] for one in ids} == {item.id for item in PROPERTIES}
    assert {"C5-3d-float32", "S3-float64", "G10-2d-float64"} <= set(ids)


def test_a_case_stays_in_its_dimension():
    chosen = [item for item in PROPERTIES if item.id == "C9"]
    found = cases(load("refms.conformance.adapters.reference:ReferenceAdapter").adapters("float32"), chosen)
    grids = [re.search(r"grid \(([\d, ]+)\)", case.run().worst_instance)[1] for case in found]
    assert [len(re.findall(r"\d+", grid)) for grid in grids] == [1, 2, 3]


def test_plugs_know_their_precisions():
    class Single(Adapter):
        def __init__(self):
            super().__init__(Profile("single", dtype="float32"))

    assert implementation_of(Single).dtypes == implementation_of(Single()).dtypes == ("float32",)
    assert implementation_of(Single).adapter("float32").profile.name == "single"
    with pytest.raises(InputError, match="dtype of"):
        implementation_of(Single).adapter("float64")
    with pytest.raises(InputError, match="no adapter"):
        implementation_of(3)
    with pytest.raises(InputError, match="has no profile"):
        implementation_of(lambda dtype: object()).adapter("float64")
    with pytest.raises(InputError, match="its profile says float64"):
        implementation_of(lambda dtype: Adapter(Profile("always double"))).adapter("float32")


@pytest.mark.parametrize(
    "text",
    [
        "[xfails",
        "",
        "[other]\n",
        '[xfails]\n"C1" = ""',
        '[xfails]\n"C1" = 3',
        "xfails = 3",
        "\xff",
        "[" * 9999,
    ],
)
def test_a_malformed_file_of_known_failures_is_refused(tmp_path, text):
    path = tmp_path / "known.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(FileError, match=r"known\.toml"):
        read_xfails(path)


def test_a_long_file_is_refused_and_the_first_match_wins(tmp_path):
    path = tmp_path / "known.toml"
    path.write_bytes(b"#" * (2**20 + 1))
    with pytest.raises(FileError, match="longer than"):
        read_xfails(path)
    assert expected_failures({"C1*": "first", "C1-1d": "second"}, ["C1-1d"]) == {"C1-1d": "first"}
