"""What makes the pages: all public names are on them, formulas survive, and Sphinx does not complain."""

import ast
import inspect
import re
import subprocess
import sys
from fnmatch import fnmatch
from importlib import import_module
from pathlib import Path

import browser
import docstrings
import pictures
import pytest
import reference

import refms

ROOT = Path(__file__).resolve().parents[2]


def exported():
    """Yield every public name, read off the sources of the packages that have ``__all__``."""
    house = Path(refms.__file__).parent
    for file in house.rglob("__init__.py"):
        package = ".".join(("refms", *file.parent.relative_to(house).parts))
        if "__all__" in {getattr(node, "id", "") for node in ast.walk(ast.parse(file.read_text("utf-8")))}:
            yield from (
                f"{package}.{name}" for name in import_module(package).__all__ if name != "__version__"
            )


def test_every_public_name_has_an_entry():
    homes, pages = reference.homes(), reference.pages()
    for name in exported():
        page = pages[f"api/{homes[name].rpartition('.')[0]}.rst"]
        assert f"   ~{homes[name]}\n" in page or f".. py:data:: {homes[name]}\n" in page, name
        assert homes[name] in pages[f"api/{name.rpartition('.')[0]}.rst"], name


def test_every_page_has_a_place_in_the_contents():
    places = (ROOT / "scripts/site/contents.md").read_text("utf-8").splitlines()
    for page in [*ROOT.glob("scripts/site/*.md"), *ROOT.glob("validation/**/*.md")]:
        place = f"/{page.relative_to(ROOT).with_suffix('')}"
        assert page.stem == "contents" or any(fnmatch(place, one) for one in places), place


def test_a_name_is_described_where_it_is_exported_first():
    homes = reference.homes()
    assert homes["refms.maps.Residual"] == homes["refms.Residual"] == "refms.Residual"
    assert homes["refms.maps.chain"] == "refms.maps.chain"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("‖K‖₂ = max|λ|", r"‖K‖₂ = max\|λ\|"),
        ("shape (c_out, c_in, *stencil)", r"shape (c_out, c_in, \*stencil)"),
        ("⟨x, F*y⟩ and *Learning Across Scales*", r"⟨x, F\*y⟩ and *Learning Across Scales*"),
        ("``a | b`` and ``*args``", "``a | b`` and ``*args``"),
    ],
)
def test_formulas_stand_for_themselves(line, shown):
    assert docstrings.as_formulas(line) == shown


def test_names_in_docstrings_are_looked_up():
    hook = docstrings.looked_up(reference.homes())
    lines = [
        "As :func:`restrict_stencil` has it, :class:`~refms.maps.architectures.residual.Residual`,",
        ":func:`stencil_map_condition`, and :func:`nothing_of_the_kind`.",
    ]
    hook(None, "function", "refms.prolong_stencil", refms.prolong_stencil, None, lines)
    assert lines == [
        "As :obj:`restrict_stencil <refms.restrict_stencil>` has it, :obj:`Residual <refms.Residual>`,",
        "``stencil_map_condition``, and :func:`nothing_of_the_kind`.",
    ]
    lines = ["See :meth:`trace`."]
    hook(None, "method", "refms.Model.predict", refms.Model.predict, None, lines)
    assert lines == ["See :obj:`trace <refms.Model.trace>`."]


def test_every_name_in_a_public_docstring_exists():
    homes = reference.homes()
    hook = docstrings.looked_up(homes)
    for name in homes.values():
        lines = (inspect.getdoc(docstrings.thing_named(name)) or "").splitlines()
        hook(None, "class", name, None, None, lines)
        assert not docstrings.ROLE.search("\n".join(lines)), name


def test_every_picture_is_drawn_and_shown():
    shown = re.findall(r"pictures/(\w+)\.svg", (ROOT / "scripts/site/conventions.md").read_text("utf-8"))
    assert sorted(shown) == sorted(pictures.PICTURES)
    assert all(draw().axes for draw in pictures.PICTURES.values())


def test_fractions_of_two_digits_are_two_numbers():
    pytest.importorskip("sphinx")
    from docutils.utils.math.latex2mathml import tex2mathml
    from mathml import as_converted

    assert tex2mathml(as_converted(r"\frac12")) == tex2mathml(r"\frac{1}{2}")
    assert tex2mathml(as_converted(r"x \tag{4, 6}")) == tex2mathml(r"x \qquad\text{(4, 6)}")


@pytest.mark.parametrize("tex", [r"\dot y_k", r"\hat{y}_k", r"\dot\sigma_{k+1}"])
def test_the_index_of_a_letter_with_an_accent_stands_beside_it(tex):
    pytest.importorskip("sphinx")
    from docutils.utils.math.latex2mathml import tex2mathml
    from mathml import as_converted

    formula = tex2mathml(as_converted(tex), as_block=True)
    assert "<msub>" in formula
    assert "under" not in formula


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The pages, built without a warning."""
    for name in ("sphinx", "numpydoc", "myst_parser", "furo"):
        pytest.importorskip(name)
    made = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-n", "-W", "--keep-going", "-c", "scripts/site"]
    command += ["-d", str(made / "doctrees"), ".", str(made / "html")]
    env = {"PYTHONPATH": "scripts/site"}
    built = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return made / "html"


def test_the_pages_are_built_without_a_warning(site):
    assert "url=README.html" in (site / "index.html").read_text("utf-8")


def test_the_pages_look_right_in_a_browser(site, chromium):
    pages = list(browser.pages(site))
    assert len(pages) > len(reference.homes())
    with browser.opened(chromium) as page:
        found = {
            (path, width): faults
            for path in pages
            for width in browser.WIDTHS.values()
            if (faults := browser.look(page, path.as_uri(), width))
        }
    assert not found
