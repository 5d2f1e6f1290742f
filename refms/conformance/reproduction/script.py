"""The text of a script that shows one wrong call, by arrays, oracle and comparison, or replays a property."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from refms.conformance.adapters.profile import Problem
from refms.conformance.instances.domain import Instance
from refms.conformance.measures.precision import storage
from refms.conformance.operations import OPERATIONS
from refms.conformance.property import Property
from refms.conformance.reproduction.judging import AdapterCall
from refms.conformance.reproduction.literals import comment, statements

MARK = "# refms reproduction: "
"""How every script begins."""

PLACEHOLDER = "adapter = ...  # put your adapter here: an object with this method"
"""The line for which :func:`name_adapter` has a better one."""

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
        sys.exit(1)


"""

_REFUSED = """try:
    got = {call}
except Exception as error:
    print(f"refused, as it should be: {{error}}")
else:
    print(f"got\\n{{got}}\\nexpected an error: there is no right result for these arguments")
    sys.exit(1)"""

_FIT = {
    "matrix": 'got = got.toarray() if hasattr(got, "toarray") else got\n',
    "stencils": """wide = np.maximum(np.shape(got), expected.shape)  # zeros around a stencil do not matter
got, expected = (
    np.pad(s, [((n - m) // 2,) * 2 for m, n in zip(np.shape(s), wide)]) for s in (got, expected)
)
""",
}
"""What makes results of a kind comparable."""


def name_adapter(script: str, spec: str, dtype: str) -> str:
    r"""Return a script that makes its adapter by name, from the folder in which it is run.

    >>> print(name_adapter(f"import sys\n\n{PLACEHOLDER}", "mine.py:Mine", "float64"))
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


def call_script(heading: Sequence[str], asked: AdapterCall, kind: str) -> str:
    """Return the script of a call that is wrong in this way; it ends with 1 as long as it is.

    It needs NumPy and the adapter. :class:`TooLong` is raised if an array has too many entries.
    """
    arguments = asked.arguments
    call = f"adapter.{asked.operation}({', '.join(arguments)})"
    if kind == "accepted":
        tail = _REFUSED.format(call=call)
    elif kind == "modified":
        tail = _argument_check(asked, call)
    else:
        tail = _comparison(asked, call)
    problem = any(isinstance(one, Problem) for one in arguments.values())
    imports = [
        *(["from __future__ import annotations", ""] if tail.startswith("\n\n") else []),
        *(["import copy"] if kind == "modified" else []),
        "import sys",
        "",
        "import numpy as np",
        *([f"from {Problem.__module__} import Problem"] if problem else []),
    ]
    values = [line for name, one in arguments.items() for line in statements(name, one)]
    return "\n".join([*_header(heading), *imports, "", PLACEHOLDER, *values, tail]) + "\n"


def replay_script(heading: Sequence[str], item: Property, x: Instance, *, known: bool) -> str:
    """Return the script that checks a property once more; it finds the property itself if it is ``known``."""
    found = (
        f'item = next(one for one in PROPERTIES if one.id == "{item.id}")'
        if known
        else f"item = ...  # put the property {item.id!r} here"
    )
    lines = [
        *_header(heading),
        "import sys",
        "",
        "from refms.conformance.adapters.gate import Gate",
        f"from {Instance.__module__} import Instance",
        *(["from refms.conformance.properties import PROPERTIES"] if known else []),
        "from refms.conformance.runner import examine",
        "",
        PLACEHOLDER,
        found,
        *statements("instance", x),
        "",
        "found = examine(Gate(adapter), item, instance)",
        "print(found.verdict, found.sentence)",
        'sys.exit(found.verdict == "FAIL")',
    ]
    return "\n".join(lines) + "\n"


def _header(heading: Sequence[str]) -> list[str]:
    """Return the comments at the top of a script, the first of them with the mark."""
    return [line for sentence in (MARK[2:] + heading[0], *heading[1:]) for line in comment(sentence)]


def _comparison(asked: AdapterCall, call: str) -> str:
    """Return the lines that compare results with those of the oracle."""
    kind, dtype, right = OPERATIONS[asked.operation].kind, storage(asked.profile.dtype), asked.expect()
    compare = _COMPARE.format(
        got="float(got)" if kind == "number" else "got",
        or_dtype="" if kind == "number" else f' or got.dtype != "{dtype}"',
        dtype=dtype,
        tolerance=f"{0.0 if right is None else asked.tolerance(right):.1e}",
    )
    lines = f"got, expected = {call}, oracle({', '.join(asked.arguments)})\n" + _FIT.get(kind, "")
    if kind == "parameters":
        lines += "for key in expected:\n    compare(key, got[key], expected[key])\n"
    else:
        lines += f'compare("{asked.operation}", got, np.asarray(expected))\n'
    return f'\n\n{asked.oracle}\n\n\n{compare}{lines}print("no entry differs")'


def _argument_check(asked: AdapterCall, call: str) -> str:
    """Return the lines that compare arguments before and after the call."""
    places = []
    for name, one in asked.arguments.items():
        if isinstance(one, Mapping):
            places += [f'{name}["{key}"]' for key in one]
        elif isinstance(one, np.ndarray):
            places.append(name)
    dtype = storage(asked.profile.dtype)
    compare = _COMPARE.format(got="got", or_dtype=f' or got.dtype != "{dtype}"', dtype=dtype, tolerance="0")
    lines = [f"before = copy.deepcopy([{', '.join(places)}])", call]
    lines += [f"compare({place!r}, {place}, before[{number}])" for number, place in enumerate(places)]
    return "\n\n" + compare + "\n".join([*lines, 'print("no argument was modified")'])
