"""The gallery: notebooks with what they print, and the scripts of validation/ with what they claim."""

from __future__ import annotations

import ast
from pathlib import Path

from notebooks import NOTEBOOKS, ROOT, ipynb, markdown, run


def pages() -> dict[str, str | bytes]:
    """Return the text of each page, each notebook for Jupyter and each picture by its file."""
    made: dict[str, str | bytes] = {"gallery/index.md": _index([path.stem for path in NOTEBOOKS])}
    for path in NOTEBOOKS:
        cells = list(run(path.read_text("utf-8")))
        page, pictures = markdown(cells, path.stem)
        made[f"gallery/{path.stem}.md"] = f"{page}\nFor Jupyter: {{download}}`{path.stem}.ipynb`\n"
        made[f"gallery/{path.stem}.ipynb"] = ipynb(cells)
        made |= {f"gallery/{name}": picture for name, picture in pictures.items()}
    return made


def _index(notebooks: list[str]) -> str:
    rows = [f"| [{path.name}](/{path.relative_to(ROOT)}) | {_claim(path)} |" for path in _scripts()]
    return "\n".join(
        [
            "# Gallery",
            "",
            "Notebooks are plain Python with cells; what they print and draw was computed for this page.",
            "For Jupyter, `python scripts/site/notebooks.py` writes them into `build/notebooks`.",
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
