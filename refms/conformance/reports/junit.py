"""A report as JUnit XML, which continuous integration shows as tests.

pytest writes its own where the catalogue runs under it; ``refms conform run --junit`` works without pytest.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree

from refms.conformance.reports.report import Row
from refms.conformance.reports.summary import Summary
from refms.conformance.reports.text import causes

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold."""


def junit(summary: Summary) -> str:
    """Return a summary as JUnit XML: a case each property, with its cause where it fails, and the verdict."""
    told = {(one.dtype, one.row.id): cause.name for cause in summary.causes for one in cause.failures}
    root = ElementTree.Element("testsuites", name="refms conformance")
    for report in summary.reports:
        dtype, decision = report.profile.dtype, report.decision
        suite = ElementTree.SubElement(root, "testsuite", name=f"{report.profile.name} {dtype}", errors="0")
        for row in report.rows:
            case = _case(suite, row.family, f"{row.id} {row.title} [{dtype}]", row.seconds)
            _fill(case, row, told.get((dtype, row.id), ""))
        # What no row shows, too little tested or an expectation that is broken, must show here, too.
        case = _case(suite, "run", f"verdict [{dtype}]", 0.0)
        if not decision:
            failed = f"{decision.verdict}: {decision.sentence}"
            ElementTree.SubElement(case, "failure", message=failed).text = causes(summary)
        if summary.said:
            ElementTree.SubElement(case, "system-out").text = "\n".join(summary.said)
        suite.set("time", f"{sum(row.seconds for row in report.rows):.3f}")
        for counted, tag in (("tests", "testcase"), ("failures", "*/failure"), ("skipped", "*/skipped")):
            suite.set(counted, str(len(suite.findall(tag))))
    for element in root.iter():
        element.attrib = {name: _text(value) for name, value in element.attrib.items()}
        element.text = _text(element.text) if element.text else None
    ElementTree.indent(root)
    body = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{body}\n'


def _case(suite: ElementTree.Element, group: str, name: str, seconds: float) -> ElementTree.Element:
    named = {"classname": f"refms.conformance.{group}", "name": name, "time": f"{seconds:.3f}"}
    return ElementTree.SubElement(suite, "testcase", named)


def _fill(case: ElementTree.Element, row: Row, cause: str) -> None:
    """Say how a property did: as failure, as skipped (also where the failure was expected), or in words."""
    words = [row.noted]
    if row.verdict in ("PASS", "MARGINAL"):
        words.insert(0, f"MARGINAL: {row.sentence}" if row.verdict == "MARGINAL" else "")
    elif row.verdict == "FAIL" and not row.expected:
        failure = ElementTree.SubElement(case, "failure", message=row.sentence)
        named = f"cause: {cause}" if cause else ""
        details = (named, row.criterion, row.worst_instance, row.diagnosis, row.where, row.noted)
        failure.text = "\n".join(filter(None, details))
        words = [row.detail, row.reproduction]
    else:
        told = row.sentence if row.expected else f"{row.verdict}: {row.sentence}"
        ElementTree.SubElement(case, "skipped", message=told)
        words = []
    if any(words):
        ElementTree.SubElement(case, "system-out").text = "\n".join(filter(None, words))


def _text(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
