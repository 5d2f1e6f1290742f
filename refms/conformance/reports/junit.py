"""A report as JUnit XML, which continuous integration shows as tests.

pytest writes its own where the catalogue runs under it; ``refms conform run --junit`` works without pytest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree import ElementTree

from refms.conformance.reports.report import UNTESTED, Report, Row

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold."""


def junit(reports: Iterable[Report]) -> str:
    """Return reports as JUnit XML.

    >>> from refms.conformance import Adapter, Profile, run
    >>> junit([run(Adapter(Profile("nothing yet")), properties=())]).startswith("<?xml")
    True
    """
    root = ElementTree.Element("testsuites", name="refms conformance")
    for report in reports:
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=_text(f"{report.profile.name} {report.profile.dtype}"),
            tests=str(len(report.rows)),
            failures=str(report.counts["FAIL"]),
            skipped=str(report.untested),
            errors="0",
            time=f"{sum(row.seconds for row in report.rows):.3f}",
        )
        for row in report.rows:
            _case(suite, row, report.profile.dtype)
    ElementTree.indent(root)
    body = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{body}\n'


def _case(suite: ElementTree.Element, row: Row, dtype: str) -> None:
    case = ElementTree.SubElement(
        suite,
        "testcase",
        classname=f"refms.conformance.{row.family}",
        name=_text(f"{row.id} {row.title} [{dtype}]"),
        time=f"{row.seconds:.3f}",
    )
    found = _text(row.sentence)
    if row.verdict == "FAIL":
        failure = ElementTree.SubElement(case, "failure", message=found)
        details = (row.criterion, row.worst_instance, row.diagnosis, row.noted)
        failure.text = _text("\n".join(filter(None, details)))
        if shown := "\n".join(filter(None, (row.detail, row.reproduction))):
            ElementTree.SubElement(case, "system-out").text = _text(shown)
    elif row.verdict in UNTESTED:
        ElementTree.SubElement(case, "skipped", message=_text(f"{row.verdict}: {row.sentence}"))
    else:
        said = (f"MARGINAL: {found}" if row.verdict == "MARGINAL" else "", _text(row.noted))
        if any(said):
            ElementTree.SubElement(case, "system-out").text = "\n".join(filter(None, said))


def _text(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
