"""Relative links in Markdown files lead to files that exist, and to headings that these have."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PLACES = ("*.md", "scripts/**/README.md", "scripts/site/*.md", "validation/**/*.md")
PAGES = sorted(path.relative_to(ROOT) for place in PLACES for path in ROOT.glob(place))
LINK = re.compile(r"(?<!`)\[[^]]*\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]*))?\)")


def slug(heading: str) -> str:
    """Return the anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_relative_links_lead_somewhere(page):
    for target, anchor in LINK.findall((ROOT / page).read_text("utf-8")):
        file = (ROOT / page).parent / target if target else ROOT / page
        assert file.is_file(), f"{page} links to {target}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", file.read_text("utf-8"), re.MULTILINE)
            assert anchor in map(slug, headings), f"{page} links to {target}#{anchor}"
