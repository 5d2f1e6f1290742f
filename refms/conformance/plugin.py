"""The catalogue as pytest tests: ``pytest --pyargs refms.conformance --refms-adapter pkg.mod:Adapter``.

One test a case, such as ``C5-2d-float64``. What is not implemented is skipped with the reason, never passed;
known failures are strict xfails. For tests in a file of one's own there is
:func:`parametrize_with_properties`. The options live in ``refms.pytest_options``, and that is all
that pytest loads until ``--refms-adapter`` is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest

from refms.conformance.adapters.loading import implementation_of, load
from refms.conformance.cases import Case, cases
from refms.conformance.properties import PROPERTIES
from refms.conformance.property import Property
from refms.conformance.reports.decision import Decision, decide_all
from refms.conformance.reports.report import TESTED, Report, Row, count, row_of
from refms.conformance.reports.xfails import broken_expectation, expected_failures, read_xfails
from refms.conformance.reproduction import name_adapter
from refms.conformance.self_test import complaints
from refms.errors import InputError

Test = TypeVar("Test", bound=Callable[..., Any])

KIT_BROKEN = 4
"""Exit code where the kit fails its own self-test."""

HOME = Path(__file__)
"""The file under which pytest lists the cases."""


class PropertyFailure(AssertionError):  # noqa: N818 - it is no error of the kit
    """A property does not hold; the message says which, and what was found."""


def parametrize_with_properties(
    adapter: Any,
    *,
    properties: Sequence[Property] = PROPERTIES,
    dtype: str = "both",
    tier: str = "quick",
    seed: int = 0,
    xfails: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> Callable[[Test], Test]:
    """Return a decorator that runs a test once for every case, with the argument ``check``.

    Parameters
    ----------
    adapter : adapter, class, function or str
        See :func:`refms.conformance.adapters.loading.implementation_of`.
    properties : sequence of Property
        The catalogue or a part of it.
    dtype : str
        ``"float64"``, ``"float32"``, or ``"both"`` as far as the adapter offers them.
    tier, seed, timeout
        As for :func:`refms.conformance.runner.run`.
    xfails : mapping of str to str or None
        Ids (or patterns) of known failures -> reason; they are strict.

    Returns
    -------
    callable
        Decorator of ``def test_mine(check): check()``.

    Raises
    ------
    InputError
        If the adapter cannot be made, or an expected failure matches no case.

    Examples
    --------
    >>> from refms.conformance import Adapter, Profile
    >>> @parametrize_with_properties(Adapter(Profile("nothing yet")))
    ... def test_mine(check):
    ...     check()
    """
    found = cases(implementation_of(adapter).adapters(dtype), properties)
    reasons = expected_failures(xfails or {}, (case.id for case in found))

    def check(case: Case) -> Callable[[], None]:
        def run() -> None:
            __tracebackhide__ = True
            judge(case.run(tier, seed, timeout), case, adapter if isinstance(adapter, str) else "")

        return run

    mark: Callable[[Test], Test] = pytest.mark.parametrize(
        "check",
        [pytest.param(check(case), id=case.id, marks=_marks(reasons.get(case.id))) for case in found],
    )
    return mark


def judge(row: Row, case: Case, adapter: str = "") -> None:
    """End a test as a row says: skip what was not tested, raise what failed."""
    __tracebackhide__ = True
    script = (
        name_adapter(row.reproduction, adapter, case.adapter.profile.dtype) if adapter else row.reproduction
    )
    if row.verdict not in TESTED:
        pytest.skip(f"{row.verdict}: {row.sentence}")
    if row.verdict == "FAIL":
        told = {
            "found": row.sentence,
            "formula": case.law.statement,
            "catches": case.law.catches,
            "instance": row.worst_instance,
            "known": "; ".join(filter(None, (row.diagnosis, row.where))),
            "more": f"refms conform explain {row.id}",
        }
        lines = [f"  {name + ':':9} {text}" for name, text in told.items() if text or name != "known"]
        details = [row.detail] if row.detail else []
        raise PropertyFailure("\n".join([f"{row.id} {row.title}", *lines, *details, script]))


def from_options(config: pytest.Config) -> Catalogue:
    """Return the catalogue that the options of a run ask for."""
    wrong = [] if hasattr(config, "workerinput") else complaints()  # once, not in every worker of xdist
    if wrong:
        pytest.exit("\n".join(f"refms: {line}" for line in wrong), returncode=KIT_BROKEN)
    try:
        option = config.getoption
        found = cases(load(option("refms_adapter")).adapters(option("refms_dtype")))
        path = option("refms_xfails")
        reasons = expected_failures(read_xfails(path) if path else {}, (case.id for case in found))
    except InputError as error:
        raise pytest.UsageError(f"refms: {error}") from error
    names = ("refms_tier", "refms_seed", "refms_timeout", "refms_adapter")
    return Catalogue(found, reasons, *map(option, names))


@dataclass(eq=False)  # pytest keeps its plugins in a set
class Catalogue:
    """The pytest plugin of one run."""

    found: tuple[Case, ...]
    reasons: Mapping[str, str]  # id -> why it is expected to fail
    tier: str
    seed: int
    timeout: float | None
    adapter: str  # by its name
    collected: bool = False
    rows: dict[str, Row] = field(default_factory=dict)  # by id, as far as cases have run

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> pytest.File | None:
        """List the cases under this file."""
        if file_path != HOME:
            return None
        self.collected = True
        made: pytest.File = CatalogueFile.from_parent(parent, path=file_path, catalogue=self)
        return made

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Refuse a run that names an adapter and then tests something else."""
        if not self.collected:
            raise pytest.UsageError(
                "refms: --refms-adapter is given, so also give --pyargs refms.conformance."
            )

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the verdict on a case, wherever it ran: reports come from the workers of xdist, too."""
        told = dict(report.user_properties)
        if report.when == "call" and "refms_verdict" in told:
            case = next(one for one in self.found if one.id == report.nodeid.rpartition("::")[2])
            verdict: Any = told["refms_verdict"]
            self.rows[case.id] = row_of(case.law, verdict, expected=case.id in self.reasons)

    @property
    def decision(self) -> Decision:
        """The worst decision on the precisions."""
        rows: dict[str, list[Row]] = {}
        profiles = {case.adapter.profile.dtype: case.adapter.profile for case in self.found}
        for case in self.found:
            if case.id in self.rows:
                rows.setdefault(case.adapter.profile.dtype, []).append(self.rows[case.id])
        expected = [id_ for id_, row in self.rows.items() if row.expected]
        told = (broken_expectation(id_, self.rows[id_].verdict, self.reasons[id_]) for id_ in expected)
        broken = tuple(filter(None, told))
        return decide_all(
            Report(profiles[dtype], self.tier, self.seed, tuple(found), broken)
            for dtype, found in rows.items()
        )

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Let a run fail in which too little was tested, though no test of it failed."""
        if self.rows and session.exitstatus == pytest.ExitCode.OK and not self.decision:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print the headline, the untested cases apart, and the decision."""
        if self.rows:
            decision = self.decision
            terminalreporter.section(f"refms conformance of {self.found[0].adapter.profile.name}")
            terminalreporter.line(count(list(self.rows.values()), "cases"))
            terminalreporter.line(": ".join(filter(None, (decision.verdict, decision.sentence))))


class CatalogueFile(pytest.File):
    """The collector of the cases."""

    def __init__(self, *, catalogue: Catalogue, **others: Any) -> None:
        super().__init__(**others)
        self.catalogue = catalogue

    def collect(self) -> Iterator[pytest.Item]:
        """Yield one item a case."""
        for case in self.catalogue.found:
            item: pytest.Item = CatalogueItem.from_parent(self, name=case.id, case=case)
            for mark in _marks(self.catalogue.reasons.get(case.id)):
                item.add_marker(mark)
            yield item


class CatalogueItem(pytest.Item):
    """One case as a test."""

    parent: CatalogueFile

    def __init__(self, *, case: Case, **others: Any) -> None:
        super().__init__(**others)
        self.case = case

    def runtest(self) -> None:
        """Run the case and record its verdict and ρ for reports."""
        catalogue = self.parent.catalogue
        row = self.case.run(catalogue.tier, catalogue.seed, catalogue.timeout)
        self.user_properties.append(("refms_verdict", row.verdict))
        if row.rho is not None:
            self.user_properties.append(("refms_rho", f"{row.rho:.6g}"))
        judge(row, self.case, catalogue.adapter)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return the message alone for a property that fails, with a traceback for anything else."""
        if isinstance(excinfo.value, PropertyFailure):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Return where pytest says the test is."""
        return self.path, None, f"{self.case.id}: {self.case.law.title}"


def _marks(reason: str | None) -> list[pytest.MarkDecorator]:
    if reason is None:
        return []
    return [pytest.mark.xfail(reason=reason, strict=True, raises=PropertyFailure)]
