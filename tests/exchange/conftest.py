"""Fixtures of the tests of exchanged files."""

from __future__ import annotations

import pytest
from exchanged_files import FORMATS, computed

from refms.exchange import write_cases


@pytest.fixture(scope="session")
def right():
    """refms' own results in double precision."""
    return computed("float64")


@pytest.fixture(scope="session")
def cases(tmp_path_factory):
    """A folder with the cases in all formats."""
    folder = tmp_path_factory.mktemp("cases")
    for form in FORMATS:
        write_cases(folder / f"cases.{form}", form)
    return folder
