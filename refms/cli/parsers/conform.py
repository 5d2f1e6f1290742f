"""``refms conform``: the catalogue of properties, for other people's implementations."""

from __future__ import annotations

from refms.cli.parsers.common import (
    Commands,
    add_adapter,
    add_command,
    add_dtype_option,
    add_seed_option,
    add_tier_option,
)
from refms.names import DTYPES, TIME_LIMITS


def register(commands: Commands) -> None:
    """Add ``conform`` and its actions to the command line."""
    text = "Check any implementation against the catalogue of properties of a true one."
    conform = commands.add_parser(
        "conform",
        help=text,
        description=text,
        epilog="exit codes: 0 pass, 1 a property failed, 2 bad usage or unreadable input, 3 too little "
        "implemented, 4 the kit itself is at fault: it does not work in this installation (run, self-test) "
        "or misses a mistake (mutants)",
    )
    inner = conform.add_subparsers(required=True, metavar="ACTION")
    _register_run(inner)
    _register_mutants(inner)
    _register_probe(inner)
    _register_diff(inner)
    _register_self_test(inner)
    _register_export(inner)
    _register_verify(inner)
    _register_explain(inner)


def _register_run(inner: Commands) -> None:
    command = add_command(
        inner,
        "run",
        "Run the catalogue on an implementation, an adapter of which can be imported.",
        "refms conform run mypackage.conformance:MyAdapter --junit conformance.xml",
        runs="refms.cli.conform:run_adapter",
    )
    limits = ", ".join(f"{seconds:g} in tier {tier}" for tier, seconds in TIME_LIMITS.items())
    add_adapter(command, "a property", limits)
    command.add_argument(
        "--only", metavar="ID,…", help="these properties or families alone, such as C5,G1 or transfer"
    )
    add_tier_option(command)
    add_dtype_option(command)
    add_seed_option(command)
    command.add_argument("--junit", metavar="FILE", help="also write the report as JUnit XML")
    command.add_argument("--markdown", metavar="FILE", help="also write the report as Markdown")
    command.add_argument("--html", metavar="FILE", help="also write the report as one HTML page")
    command.add_argument(
        "--xfails",
        metavar="FILE",
        help="TOML file of known failures, such as 'G4-*-float32' = 'reason' under [xfails]; each must fail, "
        "and nothing else may",
    )
    command.add_argument(
        "--scripts",
        metavar="DIR",
        help="also write one script for each property that fails, such as C5-float64.py, which shows the "
        "failure with a few lines of NumPy (DIR is new or empty; --force replaces earlier scripts)",
    )
    command.add_argument(
        "--details",
        action="store_true",
        help="also show the tables of steps and remainders of what does not fail",
    )


def _register_mutants(inner: Commands) -> None:
    command = add_command(
        inner,
        "mutants",
        "Run the catalogue on refms with one mistake after another, and say which property finds which.",
        "refms conform mutants --json kills.json",
        runs="refms.cli.mutants:run",
    )
    command.epilog = (
        f"{command.epilog}\n\n"
        "exit codes: 0 every mistake is found and every property finds one, 2 bad usage,\n"
        "4 a mistake survives or only printed numbers find it, or a property finds none"
    )
    add_tier_option(command)


def _register_probe(inner: Commands) -> None:
    command = add_command(
        inner,
        "probe",
        "Infer from responses to delta images which conventions an implementation follows, and compare them "
        "with its declaration; exit 0 if they agree, 1 if not, 3 if nothing can be told.",
        "refms conform probe mypackage.conformance:MyAdapter",
        runs="refms.cli.conform_probe:run_probe",
    )
    add_adapter(command, "a probe", f"{TIME_LIMITS['quick']:g}")
    add_dtype_option(command)


def _register_diff(inner: Commands) -> None:
    command = add_command(
        inner,
        "diff",
        "Compare two reports that `refms conform run --json` wrote: which properties changed their verdict, "
        "and where ρ grew or shrank by a factor of two or more; exit 0 if none is worse, 1 if one is, 2 if a "
        "file is no report. What is no longer tested is worse.",
        "refms conform diff before.json after.json",
        runs="refms.cli.conform_diff:run_diff",
    )
    command.add_argument("a", metavar="A.json", help="the report before")
    command.add_argument("b", metavar="B.json", help="the report after")


def _register_self_test(inner: Commands) -> None:
    add_command(
        inner,
        "self-test",
        "Judge adapters that misbehave, each in one way, and refms with a few mistakes: what is wrong must "
        "fail, and refms must pass; exit 0 if so, 4 if not. A quick part of it comes before every "
        "`refms conform run`.",
        "refms conform self-test",
        runs="refms.cli.conform_self_test:run_self_test",
    )


def _register_export(inner: Commands) -> None:
    command = add_command(
        inner,
        "export",
        "Write inputs and proved expectations, for implementations in any language.",
        "refms conform export -o cases.h5",
        runs="refms.cli.exchange:run_export",
    )
    command.add_argument("-o", "--output", metavar="FILE", required=True, help="the file to write")
    command.add_argument(
        "--format",
        choices=("h5", "npz", "mat"),
        help="HDF5, NumPy or MATLAB/Octave (default: as FILE ends)",
    )
    command.add_argument(
        "--dtype", choices=DTYPES, default="float64", help="precision of the inputs (default: float64)"
    )
    command.add_argument("--force", action="store_true", help="replace FILE if it exists")


def _register_verify(inner: Commands) -> None:
    command = add_command(
        inner,
        "verify",
        "Hold the results that another program computed from exported cases against the proved numbers.",
        "refms conform verify cases.h5 results.h5 --only convolution,transfer",
        runs="refms.cli.exchange:run_verify",
    )
    command.add_argument("cases", metavar="CASES", help="what was exported (.h5, .npz or .mat)")
    command.add_argument("results", metavar="RESULTS", help="result/CASE/QUANTITY (.h5, .npz or .mat)")
    command.add_argument(
        "--only",
        metavar="PATTERN,…",
        help="judge these alone, such as convolution,'transfer/2d/*/restriction'",
    )


def _register_explain(inner: Commands) -> None:
    command = add_command(
        inner,
        "explain",
        "Say what a property states, where it comes from, what it catches and where to look.",
        "refms conform explain C5",
        runs="refms.cli.conform:run_explain",
    )
    command.add_argument("id", metavar="ID", help="such as C5")
