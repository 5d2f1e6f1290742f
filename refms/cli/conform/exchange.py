"""``refms conform export`` and ``verify``: implementations in any language, by files."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from refms.cli.conform.codes import EXIT_CODES
from refms.cli.files import claim, write_json
from refms.cli.options import Commands, add_command, add_list_option
from refms.names import DTYPES

if TYPE_CHECKING:
    from refms.exchange import Judgement


def register(actions: Commands) -> None:
    """Add ``export`` and ``verify`` to the actions."""
    export = add_command(
        actions,
        "export",
        "refms conform export -o cases.h5",
        run_export,
        "Write inputs and proved expectations, for implementations in any language.",
    )
    export.add_argument("-o", "--output", metavar="FILE", required=True, help="the file to write")
    export.add_argument(
        "--format",
        choices=("h5", "npz", "mat"),
        help="HDF5, NumPy or MATLAB/Octave (default: as FILE ends)",
    )
    export.add_argument(
        "--dtype", choices=DTYPES, default="float64", help="precision of the inputs (default: float64)"
    )
    export.add_argument("--force", action="store_true", help="replace FILE if it exists")
    verify = add_command(
        actions,
        "verify",
        "refms conform verify cases.h5 results.h5 --only convolution,transfer",
        run_verify,
        "Hold the results that another program computed from exported cases against the proved numbers.",
    )
    verify.add_argument("cases", metavar="CASES", help="what was exported (.h5, .npz or .mat)")
    verify.add_argument("results", metavar="RESULTS", help="result/CASE/QUANTITY (.h5, .npz or .mat)")
    add_list_option(
        verify, "--only", "PATTERN,…", "judge these alone, such as convolution,'transfer/2d/*/restriction'"
    )


def run_export(options: argparse.Namespace) -> int:
    """Write the cases; return 0."""
    from refms.exchange.layout import expectations
    from refms.exchange.writing import format_of, write_cases

    form = options.format or format_of(options.output)
    claim(options, options.output)
    write_cases(options.output, form, options.dtype, overwrite=options.force)
    names = list(expectations())
    print(
        f"Wrote {len(names)} expectations with their inputs in {options.dtype} to {options.output}.\n"
        f"Compute what you have, write it as result/{names[0]} and so on, then: "
        f"refms conform verify {options.output} RESULTS"
    )
    write_json(options.json, {"file": options.output, "dtype": options.dtype, "quantities": names})
    return 0


def run_verify(options: argparse.Namespace) -> int:
    """Print the table; return 0 for pass, 1 if a result is wrong, 3 if too few were computed."""
    import dataclasses

    from refms.conformance.reports.decision import LEAST_TESTED
    from refms.exchange.judging import judge
    from refms.exchange.reading import read_cases, read_results

    only = None if options.only is None else ",".join(options.only)
    dtype = read_cases(options.cases)
    rows = judge(read_results(options.results), dtype, only)
    counts = Counter(row.verdict for row in rows)
    tested = 1 - counts["NOT IMPLEMENTED"] / len(rows)
    verdict = "FAIL" if counts["FAIL"] or counts["MARGINAL"] else "PASS"
    if verdict == "PASS" and tested < LEAST_TESTED:
        verdict = "TOO LITTLE TESTED"
    print(_table(rows))
    print(
        f"\n{counts['PASS']} pass, {counts['MARGINAL']} marginal, {counts['FAIL']} fail, "
        f"{counts['NOT IMPLEMENTED']} not implemented of {len(rows)} quantities in {dtype}\n{verdict}"
    )
    if verdict == "TOO LITTLE TESTED":
        print(
            f"{100 * tested:.0f} % of the chosen quantities were computed, expected at least "
            f"{100 * LEAST_TESTED:.0f} %. Compute more, or choose with --only what you have."
        )
    write_json(
        options.json,
        {
            "verdict": verdict,
            "passed": verdict == "PASS",
            "dtype": dtype,
            "counts": dict(counts),
            "tested": tested,
            "rows": [dataclasses.asdict(row) for row in rows],
        },
    )
    return EXIT_CODES[verdict]


def _table(rows: Sequence[Judgement]) -> str:
    """Return one line for each quantity; under a wrong one, what was found."""
    lines = [f"{'verdict':15}  {'quantity':48} {'rho':>9}  in eps times", ""]
    for row in rows:
        rho = "" if row.rho is None else f"{row.rho:.2g}"
        lines.append(f"{row.verdict:15}  {row.quantity:48} {rho:>9}  {row.recipe}".rstrip())
        if row.sentence:
            lines.append(f"{'':17}{row.sentence}")
    return "\n".join(lines)
