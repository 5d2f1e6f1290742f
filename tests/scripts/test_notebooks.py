"""Notebooks are shown with what they print and draw: as pages of the site, and as files for Jupyter."""

import base64
import json

import notebooks
import pytest

TEXT = """# %% [markdown]
# # Title
#
# Text with $x^2$

# %%
from matplotlib.figure import Figure

from refms.plots import caption

a = 3

# %%
print(2 * a)
caption(Figure((1, 1)), "Nothing.")

# %%
a
"""


@pytest.fixture(scope="module")
def cells():
    return list(notebooks.run(TEXT))


def test_a_page_shows_code_then_what_it_prints_and_draws(cells):
    page, pictures = notebooks.markdown(cells, "one")
    assert page.startswith("# Title\n\nText with $x^2$\n\n```python\nfrom matplotlib")
    shown = "```text\n6\n```\n\n![Nothing.](one_1.png)\n\n```python\na\n```\n"
    assert page.endswith(shown)
    assert [content[1:4] for content in pictures.values()] == [b"PNG"]


def test_jupyter_gets_the_same_cells_with_their_outputs(cells):
    made = json.loads(notebooks.ipynb(cells))
    assert (made["nbformat"], made["nbformat_minor"]) == (4, 5)
    words, setup, code, last = made["cells"]
    assert "".join(words["source"]) == "# Title\n\nText with $x^2$"
    assert words["cell_type"] == "markdown"
    assert "outputs" not in words
    assert setup["outputs"] == last["outputs"] == []
    printed, drawn = code["outputs"]
    assert printed == {"output_type": "stream", "name": "stdout", "text": ["6\n"]}
    assert base64.b64decode(drawn["data"]["image/png"]) == cells[2].picture
    assert len({cell["id"] for cell in made["cells"]}) == 4
    compile("".join(code["source"]), "code", "exec")


def test_jupyter_reads_it(cells):
    nbformat = pytest.importorskip("nbformat")
    nbformat.validate(nbformat.reads(notebooks.ipynb(cells), 4))


def test_a_cell_sees_what_earlier_ones_defined_and_an_error_is_not_hidden():
    assert [cell.printed for cell in notebooks.run("# %%\na = 1\n# %%\nprint(a)\n")] == ["", "1\n"]
    with pytest.raises(ZeroDivisionError):
        list(notebooks.run("# %%\n1 / 0\n"))


def test_both_notebooks_are_found():
    assert [path.stem[:2] for path in notebooks.NOTEBOOKS] == ["01", "02"]
