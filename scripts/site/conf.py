"""Sphinx' configuration: the sources are the repository's own files, and pages that are made of the code."""

from pathlib import Path

import docstrings
import gallery
import mathml
import pictures
import reference
from numpydoc.xref import DEFAULT_LINKS
from sphinx.ext import autosummary

from refms import __version__

project = "refms"
copyright = "refms developers"
release = __version__
root_doc = "README"
include_patterns = ["README.md", "scripts/site/*.md", "validation/**.md", "build/site/pages/**"]
exclude_patterns = [".*", "scripts/site/contents.md"]
templates_path = [str(Path(__file__).parent / "templates")]

extensions = ["sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc", "myst_parser"]
autodoc_typehints = "none"
autodoc_preserve_defaults = True
autodoc_member_order = "bysource"
autosummary.WELL_KNOWN_ABBREVIATIONS += ("eq.", "eqs.", "Sec.")  # which end no sentence
numpydoc_show_class_members = False
numpydoc_xref_param_type = True
numpydoc_xref_ignore = "all"  # types without an alias; those of Python and NumPy, which have one, stay words
numpydoc_xref_aliases = {name: name for name in DEFAULT_LINKS} | reference.classes()
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"refms {release}"
html_theme_options = {"light_css_variables": {"code-font-size": "0.75rem"}}
html_math_renderer = "mathml"
html_additional_pages = {"index": "to_readme.html"}
html_copy_source = False
html_static_path = [str(Path(__file__).parent / "static")]
html_css_files = ["refms.css"]

CONTENTS = Path(__file__).with_name("contents.md").read_text(encoding="utf-8")
PAGES = Path(__file__).parents[2] / "build" / "site" / "pages"


def add_contents(app, name, source):
    """Put the table of contents below README, which has none of its own."""
    if name == root_doc:
        source[0] += CONTENTS


def make_pages(app, config):
    """Make the reference, the gallery and the pictures; files that stay the same keep their date."""
    pictures.write(PAGES / "pictures")
    for name, text in {**reference.pages(), **gallery.pages()}.items():
        path = PAGES / name
        path.parent.mkdir(parents=True, exist_ok=True)
        content = text if isinstance(text, bytes) else text.encode()
        if not path.is_file() or path.read_bytes() != content:
            path.write_bytes(content)


def setup(app):
    """Add what the extensions leave out."""
    mathml.add_to(app)
    app.connect("config-inited", make_pages)
    app.connect("source-read", add_contents)
    after_numpydoc = 600
    app.connect("autodoc-process-docstring", docstrings.looked_up(reference.homes()), after_numpydoc)
