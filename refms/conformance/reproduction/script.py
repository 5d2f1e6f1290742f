"""The text of a script that shows one wrong call: arrays, oracle, comparison, exit code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from refms.conformance.adapters.profile import Problem, Profile
from refms.conformance.operations import OPERATIONS
from refms.conformance.reproduction.literals import comment, statements

MARK = "# refms reproduction: "
"""How every script begins."""

PLACEHOLDER = "adapter = ...  # put your adapter here: an object with this method"
"""The line for which :func:`naming` has a better one."""

_COMPARE = """def compare(name, got, expected):
    got = np.asarray({got})
    print(f"{{name}}: got\\n{{got}}\\nexpected\\n{{expected}}")
    if got.shape != expected.shape{or_dtype}:
        print(f"{{got.dtype}} of shape {{got.shape}}, expected {dtype} of shape {{expected.shape}}")
        sys.exit(1)
    wrong = np.argwhere(~(np.abs(got - expected) <= {tolerance}))
    if len(wrong):
        at = tuple(wrong[0].tolist())
        print(f"first differing index {{at}}: got {{got[at]}}, expected {{expected[at]}}")
        sys.exit(1)"""

_REFUSED = """try:
    got = {call}
except Exception as error:
    print(f"refused, as it should be: {{error}}")
else:
    print(f"got\\n{{got}}\\nexpected an error: there is no right result for these arguments")
    sys.exit(1)"""

_FITTED = """wide = np.maximum(np.shape(got), expected.shape)  # zeros around a stencil do not matter
got, expected = (
    np.pad(s, [((n - m) // 2,) * 2 for m, n in zip(np.shape(s), wide)]) for s in (got, expected)
)"""


def naming(script: str, spec: str, dtype: str) -> str:
    r"""Return a script that makes its adapter by name.

    Parameters
    ----------
    script : str
        With the placeholder.
    spec : str
        ``"package.module:Name"`` or ``"path/to/file.py:Name"``.
    dtype : str
        Precision.

    Returns
    -------
    str
        It imports the adapter as ``refms conform run`` does, from the folder in which it is run.

    Examples
    --------
    >>> print(naming(f"import sys\n\n{PLACEHOLDER}", "mine.py:Mine", "float64"))
    import sys
    from refms.conformance.adapters.loading import load
    <BLANKLINE>
    adapter = load("mine.py:Mine").adapter("float64")  # as seen from the folder of the run
    """
    quoted = '"' + spec.replace("\\", "\\\\").replace('"', '\\"') + '"' if spec.isprintable() else repr(spec)
    where = "  # as seen from the folder of the run"
    imported = "from refms.conformance.adapters.loading import load"
    made = f'{imported}\n\nadapter = load({quoted}).adapter("{dtype}"){where}'
    return script.replace(f"\n{PLACEHOLDER}", made, 1)


def call_script(
    heading: Sequence[str],
    profile: Profile,
    operation: str,
    arguments: Sequence[Any],
    oracle: str,
    kind: str,
    tolerance: float,
) -> str:
    """Return the script of a wrong call.

    Parameters
    ----------
    heading : sequence of str
        Sentences for the top.
    profile : Profile
        Gives the precision.
    operation : str
        What is called.
    arguments : sequence
        What the adapter gets.
    oracle : str
        Source of the oracle; unused where a call must be refused.
    kind : str
        What is wrong, see :class:`refms.conformance.reproduction.judging.Wrong`.
    tolerance : float
        Largest error that is none.

    Returns
    -------
    str
        Python that needs NumPy and the adapter; it ends with 1 as long as the call is wrong.

    Raises
    ------
    TooLong
        If an array has too many entries.
    """
    names = [one.name for one in OPERATIONS[operation].arguments]
    defined = [line for name, one in zip(names, arguments, strict=True) for line in statements(name, one)]
    call = f"adapter.{operation}({', '.join(names)})"
    if kind == "accepted":
        tail = [_REFUSED.format(call=call)]
    elif kind == "modified":
        tail = _kept(names, arguments, call, profile.dtype)
    else:
        exact = [_exact(name, one, profile.dtype) for name, one in zip(names, arguments, strict=True)]
        tail = [
            oracle,
            "",
            "",
            *_compared(operation, call, f"oracle({', '.join(exact)})", profile, tolerance),
        ]
    lines = [
        *headed(heading),
        *(["import copy"] if kind == "modified" else []),
        "import sys",
        "",
        "import numpy as np",
        *([f"from {Problem.__module__} import Problem"] if _has_problem(arguments) else []),
        "",
        PLACEHOLDER,
        *defined,
        *(["", ""] if kind != "accepted" else []),
        *tail,
    ]
    return "\n".join(lines) + "\n"


def headed(heading: Sequence[str]) -> list[str]:
    """Return the comments at the top of a script, the first of them with the mark."""
    return [line for sentence in (MARK[2:] + heading[0], *heading[1:]) for line in comment(sentence)]


def _compared(operation: str, call: str, oracle: str, profile: Profile, tolerance: float) -> list[str]:
    """Return the lines that compare results."""
    bare = OPERATIONS[operation].kind == "number"
    compare = _COMPARE.format(
        got="float(got)" if bare else "got",
        or_dtype="" if bare else f' or got.dtype != "{profile.dtype}"',
        dtype=profile.dtype,
        tolerance=f"{tolerance:.1e}",
    )
    lines = [compare, "", "", f"got, expected = {call}, {oracle}"]
    if operation == "convolution_matrix":
        lines.append('got = got.toarray() if hasattr(got, "toarray") else got')
    if operation == "stencil_down":
        lines.append(_FITTED)
    if OPERATIONS[operation].kind == "parameters":
        lines += ["for key in expected:", "    compare(key, got[key], expected[key])"]
    else:
        lines.append(f'compare("{operation}", got, np.asarray(expected))')
    return [*lines, 'print("no entry differs")']


def _kept(names: Sequence[str], arguments: Sequence[Any], call: str, dtype: str) -> list[str]:
    """Return the lines that compare arguments before and after the call."""
    places = [
        place
        for name, one in zip(names, arguments, strict=True)
        for place in (
            [f'{name}["{key}"]' for key in one]
            if isinstance(one, Mapping)
            else [name] * isinstance(one, np.ndarray)
        )
    ]
    compare = _COMPARE.format(got="got", or_dtype=f' or got.dtype != "{dtype}"', dtype=dtype, tolerance="0")
    lines = [compare, "", "", f"before = copy.deepcopy([{', '.join(places)}])", call]
    lines += [f"compare({place!r}, {place}, before[{number}])" for number, place in enumerate(places)]
    return [*lines, 'print("no argument was modified")']


def _exact(name: str, value: Any, dtype: str) -> str:
    """Return the expression of an argument in double precision."""
    if dtype == "float64" or not isinstance(value, np.ndarray | Mapping):
        return name
    if isinstance(value, np.ndarray):
        return f"np.double({name})"
    return f"{{key: np.double({name}[key]) for key in {name}}}"


def _has_problem(arguments: Sequence[Any]) -> bool:
    return any(isinstance(one, Problem) for one in arguments)
