"""Count what there is to read: lines of code, of docstrings and the rest, classes and functions, by folder.

    python scripts/sizes.py                   # refms, scripts, tests, validation of this checkout, and all
    python scripts/sizes.py OLD NEW [--json]  # the same of other checkouts
    python scripts/sizes.py refms             # folder by folder of any other folder

Functions longer than a screen and long files are listed. A docstring is the string at the head of a
module, class or function; comments and blank lines are the rest.
"""

from __future__ import annotations

import argparse
import ast
import io
import json
import sys
import tokenize
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

PARTS = ("refms", "scripts", "tests", "validation")
SCREEN, LONG_FILE = 60, 400
"""Lines of the longest function and file that are not listed."""

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_SILENT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


@dataclass(frozen=True)
class Size:
    """What one or several files hold; ``lines`` = ``code`` + ``docstrings`` + ``rest``."""

    files: int = 0
    lines: int = 0
    code: int = 0
    docstrings: int = 0
    rest: int = 0
    classes: int = 0
    functions: int = 0

    def __add__(self, other: Size) -> Size:
        return Size(*(a + b for a, b in zip(asdict(self).values(), asdict(other).values(), strict=True)))


def size_of(source: str) -> Size:
    r"""Return the size of one file from its text.

    Examples
    --------
    >>> size_of('def f():\n    "Say so."\n    return 1  # indeed\n\n# end\n')
    Size(files=1, lines=5, code=2, docstrings=1, rest=2, classes=0, functions=1)
    """
    nodes = list(ast.walk(ast.parse(source)))
    told = {line for node in nodes for line in _docstring_lines(node)}
    busy: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _SILENT:
            busy.update(range(token.start[0], token.end[0] + 1))
    lines, code = len(source.splitlines()), len(busy - told)
    classes = sum(isinstance(node, ast.ClassDef) for node in nodes)
    functions = sum(isinstance(node, _Function) for node in nodes)
    return Size(1, lines, code, len(told), lines - code - len(told), classes, functions)


def _docstring_lines(node: ast.AST) -> range:
    if isinstance(node, ast.Module | ast.ClassDef | _Function) and ast.get_docstring(node, clean=False):
        first = node.body[0]
        return range(first.lineno, (first.end_lineno or first.lineno) + 1)
    return range(0)


def long_functions(path: Path) -> list[tuple[int, str]]:
    """Return the functions of a file that do not fit a screen: lines, and ``path:line name``."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, _Function):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > SCREEN:
                found.append((length, f"{path}:{node.lineno} {node.name}"))
    return found


def parts_of(folder: Path) -> dict[str, list[Path]]:
    """Return the Python files of a checkout by part; of any other folder by its own folders."""
    here = [folder / name for name in PARTS if (folder / name).is_dir()]
    if not here:
        here = [path for path in sorted(folder.iterdir()) if path.is_dir()]
    found = {part.name: sorted(part.rglob("*.py")) for part in here}
    loose = sorted(folder.glob("*.py"))
    return {name: paths for name, paths in {**found, ".": loose}.items() if paths}


@dataclass(frozen=True)
class Report:
    """The sizes of the parts of a folder, and what is long in it, each with its number of lines."""

    folder: str
    parts: dict[str, Size]
    long_functions: list[tuple[int, str]]
    long_files: list[tuple[int, str]]

    def __str__(self) -> str:
        names = [field.name for field in fields(Size)]
        lines = [self.folder, f"{'':12}" + "".join(f"{name:>12}" for name in names)]
        for part, size in self.parts.items():
            lines.append(f"{part:12}" + "".join(f"{getattr(size, name):12,}" for name in names))
        for rows, what in (
            (self.long_functions, f"functions of more than {SCREEN} lines"),
            (self.long_files, f"files of more than {LONG_FILE} lines"),
        ):
            lines += [f"{len(rows)} {what}", *(f"  {length:5} {where}" for length, where in rows)]
        return "\n".join(lines)


def report(folder: Path) -> Report:
    """Return the report on a folder."""
    parts = parts_of(folder)
    sizes = {
        name: sum((size_of(path.read_text(encoding="utf-8")) for path in paths), Size())
        for name, paths in parts.items()
    }
    every = [path for paths in parts.values() for path in paths]
    files = [(len(path.read_text(encoding="utf-8").splitlines()), str(path)) for path in every]
    return Report(
        str(folder),
        {**sizes, "all": sum(sizes.values(), Size())},
        sorted((one for path in every for one in long_functions(path)), reverse=True),
        sorted((one for one in files if one[0] > LONG_FILE), reverse=True),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Print the sizes of the folders."""
    parser = argparse.ArgumentParser(description="Count lines, classes and functions, folder by folder.")
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER", help="default: this checkout")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(argv)
    found = [report(folder) for folder in options.folders or [Path(__file__).resolve().parents[1]]]
    print(
        json.dumps([asdict(one) for one in found], indent=1) if options.json else "\n\n".join(map(str, found))
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
