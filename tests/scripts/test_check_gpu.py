"""The GPU check says what it needs where there is no GPU, and records what it found where there is one."""

import importlib.util
import json
import subprocess
import sys
import types
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "check_gpu.py"


@pytest.fixture(scope="module")
def check_gpu():
    spec = importlib.util.spec_from_file_location("check_gpu", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_without_a_gpu_it_ends_with_2_and_one_sentence(check_gpu, monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, "cupy", None)
    assert check_gpu.main(["-o", str(tmp_path / "record.json")]) == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert error.startswith("no GPU check: the cupy backend cannot be imported")
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.fixture
def card(fake_gpu, monkeypatch):
    properties = {"name": b"Test card", "totalGlobalMem": 2**30, "major": 9, "minor": 0}
    runtime = types.SimpleNamespace(
        getDevice=lambda: 0,
        getDeviceProperties=lambda _: properties,
        runtimeGetVersion=lambda: 12040,
        driverGetVersion=lambda: 13010,
    )
    monkeypatch.setattr(fake_gpu.backend.xp.cuda, "runtime", runtime, raising=False)


@pytest.mark.usefixtures("card")
@pytest.mark.parametrize(
    ("status", "found", "outcome"),
    [
        (0, {"passed": 3, "failed": 0}, 0),
        (1, {"passed": 2, "failed": 1}, 1),
        (5, {"passed": 0}, 1),
        (0, {"passed": 0}, 1),
        (4, {}, 1),
    ],
)
def test_the_record_tells_date_card_versions_and_counts(
    check_gpu, monkeypatch, tmp_path, capsys, status, found, outcome
):
    monkeypatch.setattr(check_gpu, "run_suite", lambda arguments: (status, found))
    target = tmp_path / "new" / "record.json"
    for _ in range(2):  # a second run replaces the first record
        assert check_gpu.main(["-o", str(target)]) == outcome
    record = json.loads(target.read_text())
    assert record["date"].endswith("+00:00")
    assert record["card"] == {
        "name": "Test card",
        "memory_bytes": 2**30,
        "compute_capability": "9.0",
    }
    assert record["versions"]["cuda_runtime"] == "12.4"
    assert record["versions"]["cuda_of_driver"] == "13.1"
    assert {"cupy", "numpy", "scipy", "python", "refms"} <= set(record["versions"])
    assert record["tests"] == found
    assert record["passed"] == (outcome == 0)
    assert json.dumps(record, indent=2) in capsys.readouterr().out


def test_the_counts_come_from_a_real_report(check_gpu, tmp_path):
    (tmp_path / "test_four.py").write_text(
        "import pytest\n"
        "def test_good(): pass\n"
        "def test_bad(): assert False\n"
        "@pytest.fixture\n"
        "def broken(): raise RuntimeError\n"
        "def test_broken(broken): pass\n"
        "@pytest.mark.skip\n"
        "def test_skipped(): pass\n"
    )
    junit = tmp_path / "junit.xml"
    command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={junit}", "-c", "/dev/null", str(tmp_path)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1
    assert check_gpu.counts(junit) == {"passed": 1, "failed": 1, "errors": 1, "skipped": 1}
