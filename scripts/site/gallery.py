"""The gallery: notebooks with what they print, and the scripts of validation/ with what they claim."""

from __future__ import annotations

import ast
import contextlib
import io
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "validation" / "notebooks").glob("*.py"))


def pages() -> dict[str, str]:
    """Return the text of each page by its file."""
    shown = {f"gallery/{path.stem}.md": notebook(path.read_text("utf-8")) for path in NOTEBOOKS}
    return shown | {"gallery/index.md": _index([path.stem for path in NOTEBOOKS])}


def notebook(text: str) -> str:
    """Return the cells of a notebook in the percent format, each cell of code with what it prints."""
    names: dict[str, object] = {"__name__": "notebook"}
    shown = []
    for cell in re.split(r"^# %%", text, flags=re.MULTILINE)[1:]:
        kind, _, body = cell.partition("\n")
        if kind == " [markdown]":
            shown.append(re.sub(r"^# ?", "", body, flags=re.MULTILINE).strip())
        else:
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile(body, "notebook", "exec"), names)
            shown.append(f"```python\n{body.strip()}\n```")
            if printed.getvalue():
                shown.append(f"```text\n{printed.getvalue().strip()}\n```")
    return "\n\n".join(shown) + "\n"


def _index(notebooks: list[str]) -> str:
    rows = [f"| [{path.name}](/{path.relative_to(ROOT)}) | {_claim(path)} |" for path in _scripts()]
    return "\n".join(
        [
            "# Gallery",
            "",
            "Notebooks are plain Python with cells; what they print was computed when this page was made.",
            "",
            "```{toctree}",
            ":maxdepth: 1",
            *notebooks,
            "```",
            "",
            "Every claim of the papers has a script, with a configuration beside it:",
            "",
            "| script | what it does |",
            "|---|---|",
            *rows,
            "",
        ]
    )


def _scripts() -> list[Path]:
    places = ("learning_across_scales", "multiscale_training", "conformance")
    files = (path for place in places for path in sorted((ROOT / "validation" / place).glob("*.py")))
    return [path for path in files if 'if __name__ == "__main__"' in path.read_text("utf-8")]


def _claim(path: Path) -> str:
    return (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").partition("\n")[0]
