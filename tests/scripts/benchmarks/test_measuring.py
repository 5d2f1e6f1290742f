"""From the command line to the report on tiny sizes, with refms and SciPy alone."""

import doctest
import importlib
import json
import os
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import bench
import pytest
from benchmarks import agreement, cases, child, memory, record, report, run
from benchmarks.gemm import MATRIX_PRODUCT
from benchmarks.tables import TABLES, image_memory, scaling, transfer

ROOT = Path(__file__).resolve().parents[3]
TINY = {"size": [4, 2, 2, 3], "chosen": ["refms", "SciPy"], "seconds": 0.0}
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")

MOMENT = {"seconds": 0.0, "least": 1}
ARGUMENTS = {
    "network": {**TINY, "dtype": "float64", "least": 1, "iterations": 4},
    "bcd": {**TINY, "dtype": "float32", "least": 1},
    "preconditioners": dict(
        MOMENT, block="propagation", iterations=1, dataset="digits", examples=20, layers=2
    ),
    "gpu": dict(MOMENT, size=[4, 2, 2, 3], dtype="float64", card="cpu", square=16),
    "convolution": dict(MOMENT, size=[4, 2, 1, 3], dtype="float32"),
    "layers": dict(MOMENT, size=[2, 6, 1], dtype="float32"),
    "image_networks": dict(MOMENT, network="ESPCN", cells=8, dtype="float64"),
    "image_memory": {"network": "ESPCN", "cells": 8, "way": "winograd, checkpoints", "images": 1},
    "image_products": dict(MOMENT, network="ESPCN", cells=8, dtype="float64"),
    "estimates": dict(MOMENT, cells=8, threads=2),
    "gpu_image_networks": dict(MOMENT, network="ESPCN", cells=8, dtype="float32", card="cpu"),
    "assembly": dict(MOMENT, grid=[6, 5], channels=2, stencil=[3, 3], dtype="float64"),
    "transfer": dict(MOMENT, shape=[1, 2, 2], dtype="float64"),
    "scaling": dict(MOMENT, grows="layers", values=[1, 2], dtype="float64"),
    "memory": {"size": [4, 2, 2, 3], "dtype": "float64"},
    "iteration": {"dataset": "digits", "examples": 60, "threads": 2, "iterations": 1},
    "startup": MOMENT,
}
"""A measurement of each table that takes a moment."""


@pytest.fixture
def small(monkeypatch):
    """The smallest samples and the smallest network that grows."""
    monkeypatch.setattr("benchmarks.timing.SHORTEST", 0.0)
    monkeypatch.setattr("benchmarks.gemm.SIZE", 16)
    tiny = {"n": 4, "channels": 2, "layers": 1, "examples": 3}
    monkeypatch.setitem(scaling.GROWTH, "layers", ("layers", (1, 2), 1, tiny))
    monkeypatch.setattr(transfer, "MESH", 8)


def record_of(table, rows, quick=False):
    return {**record.heading(table, f"python scripts/bench.py {table}", quick), "rows": rows}


def row_of(table, arguments, **settings):
    module = importlib.import_module(f"benchmarks.tables.{table}")
    specification = {"arguments": arguments, "threads": 1, "allocator": "tuned", **settings}
    result = json.loads(json.dumps(module.measure(**arguments)))
    return {"specification": specification, "load": [None, 1.5], "result": result}


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    "table", [name for name in ARGUMENTS if name not in ("network", "memory", "image_memory")]
)
def test_a_table_is_measured_and_written(table):
    rows = [row_of(table, ARGUMENTS[table])]
    text = report.SECTIONS[table][1](record_of(table, rows))
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len(lines) >= 3
    assert len({line.count("|") for line in lines}) == 1
    assert "nan" not in text


@pytest.mark.usefixtures("small")
def test_the_network_s_tables_hold_every_engine_and_operation():
    rows = [
        row_of("network", ARGUMENTS["network"]),
        row_of("network", ARGUMENTS["network"], threads=2),
        {
            "specification": {"arguments": {**ARGUMENTS["network"], "weigh": ["gradient", "refms, NumPy"]}},
            "load": [1.0, None],
            "result": {"before": 2**20, "peak": 3 * 2**20},
        },
    ]
    operations = rows[0]["result"]["operations"]
    assert list(operations) == ["forward", "gradient", "product", "joint", "step"]
    everybody = {name for name in operations["forward"] if name != MATRIX_PRODUCT}
    assert set(operations["joint"]) - {MATRIX_PRODUCT} == {name for name in everybody if "refms" in name}
    assert {"refms, NumPy", "SciPy, explicit K(s)"} <= set(operations["product"])
    assert "SciPy, explicit K(s)" not in operations["step"]
    assert all(0 <= one["rho"] < 30 for engines in operations.values() for one in engines.values())
    text = report.network.section(record_of("network", rows))
    for title in report.network.TITLES.values():
        assert f"### {title.format(4)}" in text
    assert "float64, 2 threads, wall time, allocator tuned" in text
    assert "| gradient, float64 | refms, NumPy | 2, 3 |" in text
    assert f"| {MATRIX_PRODUCT} |" not in text
    assert "### Threads, Gauss–Newton product" in text


def test_memory_of_networks_is_told_in_units_of_the_peer_s_and_checkpoints_in_time():
    rows = [row_of("image_memory", {**ARGUMENTS["image_memory"], "way": way}) for way in image_memory.WAYS]
    for row, (peak, cpu) in zip(rows, ((5, 1.0), (11, 2.0), (3, 3.0)), strict=True):
        assert set(row["result"]) == {"peak", "before", "cpu"}
        row["result"].update(peak=peak * 2**20, before=2**20, cpu=cpu)
    text = report.SECTIONS["image_memory"][1](record_of("image_memory", rows))
    assert "| ESPCN, 8² | 4, 1.0× | 10, 2.5× | 2, 0.5× | 1.50× |" in text


def test_the_share_of_the_convolutions_is_their_counted_sum_over_the_time_of_the_product():
    def times(seconds):
        return {"cpu": [seconds] * 3}

    def row(result):
        arguments = {"size": [4, 2, 3, 5], "dtype": "float64"}
        return {
            "specification": {"arguments": arguments, "threads": 1, "allocator": "tuned"},
            "result": result,
        }

    ways = {"K(s) y": 1.0, "stencil gradient": 2.0, "K(s)ᵀ z and stencil gradient": 4.0}
    alone = {"ways": {f"refms, NumPy: {name}": times(seconds) for name, seconds in ways.items()}}
    product = {"operations": {"product": {"refms, NumPy": times(30.0)}}}
    text = report.limits.section({"rows": [row(product)]}, {"rows": [row(alone)]})
    # 5 products K(s)y, 2 with a stencil gradient each, and one of these alone: 5 + 8 + 2 = 15 of 30 seconds
    assert "| 15000 | 30000 | 50 % |" in text
    assert (
        report.limits.section({"rows": []}, {"rows": [row(alone)]}).count("\n|") == 2
    )  # a table without rows


def test_speed_is_relative_to_the_peer_of_the_same_process_and_gradients_to_the_own_library():
    def times(seconds):
        return {"cpu": [seconds] * 3, "wall": [2 * seconds] * 3}

    first = {"operations": {"product": {"curvlinops": times(4.0), "refms, NumPy": times(1.0)}}}
    second = {
        "operations": {
            "product": {"curvlinops": times(6.0), "JAX jit, linearised once": times(3.0)},
            "gradient": {"JAX jit": times(1.5)},
        }
    }
    cell = report.network.cell
    assert cell("product", "refms, NumPy", "cpu", [first, second]) == "1000, 4.0×"
    assert cell("product", "JAX jit, linearised once", "wall", [first, second]) == "6000, 2.0×, 2.0 g"
    assert cell("product", "SciPy", "cpu", [first, second]) == "–"


def test_a_process_gets_its_threads_and_allocator_and_no_other(monkeypatch):
    monkeypatch.setenv("MALLOC_ARENA_MAX", "7")
    monkeypatch.setenv("OMP_NUM_THREADS", "64")
    tuned, plain = child.environment_of(2, "tuned"), child.environment_of(1, "default")
    assert (tuned["OMP_NUM_THREADS"], tuned["OPENBLAS_NUM_THREADS"], tuned["MALLOC_MMAP_MAX_"]) == (
        "2",
        "1",
        "0",
    )
    assert "MALLOC_ARENA_MAX" not in tuned
    assert not [name for name in plain if name.startswith("MALLOC")]


def test_a_process_measures_and_one_that_fails_says_why():
    found = child.measured("memory", ARGUMENTS["memory"])
    assert found["peak"] > 2**20
    with pytest.raises(child.MeasurementError, match="float31"):
        child.measured("memory", {**ARGUMENTS["memory"], "dtype": "float31"})


def test_a_process_that_takes_too_long_is_ended():
    with pytest.raises(child.MeasurementError, match="no result within 0 s"):
        child.measured("memory", ARGUMENTS["memory"], timeout=0.01)


@pytest.fixture
def table(monkeypatch):
    """A table of two rows, measured here, the second of which fails as often as it is told to."""
    module = Namespace(failures=0, measured=[], __doc__="Numbers.\n")
    module.specifications = lambda quick: [
        {"arguments": {"value": value, "seconds": 9.0}, "threads": 1, "allocator": "default"}
        for value in ((1,) if quick else (1, 2))
    ]

    def measured(name, arguments, threads, allocator):
        module.measured.append(arguments)
        if arguments["value"] == 2 and module.failures:
            raise child.MeasurementError("no luck")
        return {"squared": arguments["value"] ** 2}

    monkeypatch.setitem(sys.modules, "benchmarks.tables.numbers", module)
    monkeypatch.setitem(TABLES, "numbers", "Numbers.")
    monkeypatch.setattr(run, "measured", measured)
    return module


def test_a_record_has_every_row_with_its_load_and_what_it_depends_on(table, tmp_path, capsys):
    assert bench.main(["numbers", "--output", str(tmp_path), "--seconds", "3"]) == 0
    found = json.loads((tmp_path / "numbers.json").read_text(encoding="utf-8"))
    assert [row["result"] for row in found["rows"]] == [{"squared": 1}, {"squared": 4}]
    assert all(row["specification"]["arguments"]["seconds"] == 3 for row in found["rows"])
    assert all({"date", "revision", "load"} <= set(row) for row in found["rows"])
    assert found["command"] == "python scripts/bench.py numbers --seconds 3"
    assert {"refms", "numpy", "BLAS of NumPy"} <= set(found["versions"])
    assert found["settings"]["allocator"]["tuned"]["MALLOC_MMAP_MAX_"] == "0"
    assert "numbers 2/2" in capsys.readouterr().out


def test_a_row_that_fails_is_left_out_and_resume_measures_only_that_one(table, tmp_path, capsys):
    table.failures = 1
    assert bench.main(["numbers", "--output", str(tmp_path)]) == 1
    assert "no luck" in capsys.readouterr().err
    table.failures, table.measured = 0, []
    assert bench.main(["numbers", "--output", str(tmp_path), "--resume"]) == 0
    assert [one["value"] for one in table.measured] == [2]
    found = json.loads((tmp_path / "numbers.json").read_text(encoding="utf-8"))
    assert [row["result"]["squared"] for row in found["rows"]] == [1, 4]


def test_a_resumed_run_that_is_stopped_again_loses_no_later_row(table, tmp_path, monkeypatch):
    bench.main(["numbers", "--output", str(tmp_path)])
    path = tmp_path / "numbers.json"
    whole = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**whole, "rows": whole["rows"][1:]}), encoding="utf-8")
    written = []
    monkeypatch.setattr(run, "write", lambda target, found: written.append(found["rows"]))
    bench.main(["numbers", "--output", str(tmp_path), "--resume"])
    assert [[row["result"]["squared"] for row in rows] for rows in written] == [[1, 4], [1, 4]]


def test_resume_keeps_nothing_that_other_versions_measured(table, tmp_path):
    bench.main(["numbers", "--output", str(tmp_path)])
    path = tmp_path / "numbers.json"
    old = json.loads(path.read_text(encoding="utf-8"))
    old["versions"]["numpy"] = "1.0"
    path.write_text(json.dumps(old), encoding="utf-8")
    table.measured = []
    bench.main(["numbers", "--output", str(tmp_path), "--resume"])
    assert [one["value"] for one in table.measured] == [1, 2]


def test_a_quick_run_does_not_touch_what_is_published():
    quick, full = (Namespace(quick=quick, output=None) for quick in (True, False))
    assert run.folder(quick) == ROOT / "out" / "benchmarks"
    assert run.folder(full) == ROOT / "validation" / "benchmarks" == record.PUBLISHED


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux's counters")
def test_the_peak_is_counted_anew_after_it_was_forgotten():
    big = bytearray(100 * 2**20)
    assert memory.peak() >= len(big)
    held = memory.resident()
    del big
    assert memory.forget_peak()
    assert memory.peak() < held - 50 * 2**20


def test_the_exponent_is_the_slope_in_logarithms():
    assert scaling.exponent([1, 4, 16, 64], [2.0, 4.0, 8.0, 16.0]) == 0.5


@pytest.mark.parametrize(
    ("value", "text"), [(0.99951, "1.0"), (1234.5, "1200"), (12.345, "12"), (0.012345, "0.012"), (0, "0")]
)
def test_numbers_are_written_with_two_digits(value, text):
    assert report.markdown.digits(value, 2) == text


@pytest.mark.parametrize("module", [agreement, cases, report.markdown, scaling])
def test_what_the_docstrings_show_is_so(module):
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0


def test_every_table_has_a_section_and_specifications_that_json_can_hold():
    assert set(TABLES) == set(report.SECTIONS) == set(ARGUMENTS)
    for name in TABLES:
        json.dumps(importlib.import_module(f"benchmarks.tables.{name}").specifications(True))


def test_the_report_says_what_it_was_measured_with(tmp_path):
    ways = {name: {"cpu": [0.01] * 3, "wall": [0.02] * 3} for name in ("python -c pass", "refms --help")}
    rows = [{"specification": {"arguments": {}}, "load": [0.5, 2.5], "result": {"ways": ways}}]
    record.write(tmp_path / "startup.json", record_of("startup", rows, quick=True))
    text = report.text(tmp_path)
    assert "| `refms --help` | 10.0 | 20.0 |" in text
    assert "The load of the machine was 0.5 to 2.5." in text
    assert "A quick run for development" in text
    assert f"numpy {record.versions()['numpy']}" in text
    assert "MALLOC_MMAP_MAX_=0" in text


def test_without_a_gpu_nothing_is_measured_there():
    command = [sys.executable, str(ROOT / "scripts" / "bench.py"), "gpu", "--quick"]
    hidden = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run(command, capture_output=True, text=True, env=hidden, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("not measured: ")
    assert "Traceback" not in done.stderr


def test_all_revisions_that_rows_come_from_are_told():
    rows = [{"revision": "b1", "load": [0.5, None]}, {"revision": "a2", "load": [2.0]}]
    record = {"command": "c", "date": "d", "revision": "b1", "rows": rows, "quick": False}
    assert "revisions a2, b1." in report.markdown.provenance(record)
    assert "revision b1. The load of the machine was 0.5 to 0.5." in report.markdown.provenance(
        {**record, "rows": rows[:1]}
    )
