"""Notebooks in the percent format, run and shown: as Markdown for the site, and as .ipynb for Jupyter."""

from __future__ import annotations

import argparse
import ast
import base64
import contextlib
import importlib.util
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "validation" / "notebooks").glob("*.py"))
KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


@dataclass(frozen=True)
class Cell:
    """Words in Markdown; or code with what it printed, and the picture its last expression is, as PNG."""

    text: str
    is_code: bool = False
    printed: str = ""
    picture: bytes = b""
    caption: str = ""


def run(text: str) -> Iterator[Cell]:
    """Yield the cells of a notebook in the percent format, those with code after running it."""
    names: dict[str, Any] = {"__name__": "notebook"}
    for cell in re.split(r"^# %%", text, flags=re.MULTILINE)[1:]:
        kind, _, body = cell.partition("\n")
        if kind == " [markdown]":
            yield Cell(re.sub(r"^# ?", "", body, flags=re.MULTILINE).strip())
            continue
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            last = _last_value(body, names)
        picture = last._repr_png_() if hasattr(last, "_repr_png_") else b""
        yield Cell(body.strip(), True, printed.getvalue(), picture, getattr(last, "caption", ""))


def _last_value(body: str, names: dict[str, Any]) -> Any:
    """Run code; return the value of its last expression, if it ends with one."""
    tree = ast.parse(body, "notebook")
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "notebook", "exec"), names)
    return last and eval(compile(ast.Expression(last.value), "notebook", "eval"), names)


def markdown(cells: list[Cell], name: str) -> tuple[str, dict[str, bytes]]:
    """Return a page, and the pictures on it by their files, which begin with a name."""
    shown, pictures = [], {}
    for cell in cells:
        shown.append(f"```python\n{cell.text}\n```" if cell.is_code else cell.text)
        if cell.printed:
            shown.append(f"```text\n{cell.printed.strip()}\n```")
        if cell.picture:
            file = f"{name}_{len(pictures) + 1}.png"
            pictures[file] = cell.picture
            shown.append(f"![{cell.caption}]({file})")
    return "\n\n".join(shown) + "\n", pictures


def ipynb(cells: list[Cell]) -> str:
    """Return a notebook for Jupyter, format 4.5, with what its cells print and draw."""
    made = [_jupyter_cell(number, cell) for number, cell in enumerate(cells)]
    notebook = {"cells": made, "metadata": KERNEL, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def _jupyter_cell(number: int, cell: Cell) -> dict[str, Any]:
    common = {"id": f"cell-{number}", "metadata": {}, "source": cell.text.splitlines(keepends=True)}
    if not cell.is_code:
        return {"cell_type": "markdown", **common}
    outputs: list[dict[str, Any]] = []
    if cell.printed:
        text = cell.printed.splitlines(keepends=True)
        outputs.append({"output_type": "stream", "name": "stdout", "text": text})
    if cell.picture:
        data = {"image/png": base64.b64encode(cell.picture).decode(), "text/plain": [cell.caption]}
        outputs.append({"output_type": "display_data", "data": data, "metadata": {}})
    return {"cell_type": "code", "execution_count": None, **common, "outputs": outputs}


def main() -> None:
    """Write each notebook, run, into a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "build" / "notebooks", metavar="FOLDER")
    folder = parser.parse_args().output
    if lacking := [name for name in ("matplotlib", "sklearn") if importlib.util.find_spec(name) is None]:
        parser.error(f"{' and '.join(lacking)} cannot be imported: pip install '.[data,plot]'")
    folder.mkdir(parents=True, exist_ok=True)
    for path in NOTEBOOKS:
        made = folder / f"{path.stem}.ipynb"
        made.write_text(ipynb(list(run(path.read_text("utf-8")))), encoding="utf-8")
        print(made)


if __name__ == "__main__":
    main()
