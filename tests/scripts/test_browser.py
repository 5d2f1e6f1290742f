"""What looks at pages sees what is wrong with them; and the pages that commands write look right."""

import browser
import plot_samples
import pytest

from refms.conformance import PROPERTIES, Profile, run
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.mutants import mutant_named
from refms.conformance.reports.html import html_page
from refms.conformance.reports.summary import summarize
from refms.plots import RESULT_FIGURES
from refms.plots.report import result_page

HEAD = "<!doctype html><meta charset=utf-8><title>page</title><body>"
MATHS = "<math><msub><mi>s</mi><mi>k</mi></msub></math>"
PIXEL = "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' width='4' height='4'/>"
GOOD = {
    "words and a formula": f"<p>words {MATHS}</p>",
    "a picture": f'<img src="{PIXEL}" alt="">',
    "what is wide scrolls": '<div style="overflow-x: auto"><pre style="width: 3000px">a</pre></div>',
    "a drawer": '<div style="position: fixed; left: 100%"><p>words</p></div>',
    "TeX as code": r"<code>$\frac12$</code>",
    "dollars": "<p>between $ 3 and $ 5</p>",
}
WRONG = {
    "wider than the window": '<div style="width: 3000px">a</div>',
    "by <i": '<p style="overflow: hidden; width: 9px"><i style="display: block; width: 90px">a',
    "no picture": '<img src="none.png" alt="">',
    "ERR_FILE_NOT_FOUND": '<script src="none.js"></script>',
    "a formula without extent": "<math></math>",
    "a formula that is none": "<math><merror><mi>x</mi></merror></math>",
    r"markup that was not read: $\frac12$": r"<p>$\frac12$</p>",
    "markup that was not read: :func:`f`": "<p>:func:`f`</p>",
    "Error: bang": "<script>throw new Error('bang')</script>",
    "oh 3": "<script>console.error('oh', 3)</script>",
}


@pytest.fixture(scope="module")
def page(chromium):
    with browser.opened(chromium) as opened:
        yield opened


@pytest.fixture
def faults(page, tmp_path):
    """What is wrong with a body of HTML."""

    def faults(body, width=1280):
        path = tmp_path / "page.html"
        path.write_text(HEAD + body, encoding="utf-8")
        return browser.look(page, path.as_uri(), width)

    return faults


@pytest.mark.parametrize("body", GOOD.values(), ids=GOOD)
def test_nothing_is_wrong_with_a_good_page(faults, body):
    assert faults(body) == []


@pytest.mark.parametrize(("told", "body"), WRONG.items(), ids=WRONG)
def test_what_is_wrong_is_told(faults, told, body):
    assert any(told in fault for fault in faults(body))


def test_a_page_may_fit_on_a_desk_and_not_on_a_phone(faults):
    body = '<div style="width: 600px">a</div>'
    assert faults(body) == []
    assert faults(body, width=390) != []


def test_the_whole_page_is_on_its_screenshot(page, faults):
    faults('<div style="height: 2000px">a</div>')
    png = browser.screenshot(page)
    width, height = (int.from_bytes(png[k : k + 4]) for k in (16, 20))
    assert png[:4] == b"\x89PNG"
    assert (width, height) >= (1280, 2000)


def test_pages_that_only_lead_elsewhere_are_left_out(tmp_path):
    elsewhere = '<meta http-equiv="refresh" content="0; url=a.html">'
    (tmp_path / "index.html").write_text(elsewhere, encoding="utf-8")
    (tmp_path / "a.html").write_text(HEAD, encoding="utf-8")
    assert list(browser.pages(tmp_path)) == [tmp_path / "a.html"]


@pytest.mark.parametrize("width", browser.WIDTHS.values(), ids=browser.WIDTHS)
def test_a_report_of_failures_looks_right(page, tmp_path, width):
    wrong = mutant_named("kernel flipped on all axes").around(ReferenceAdapter(Profile("mine")))
    some = [one for one in PROPERTIES if one.family == "convolution"]
    path = tmp_path / "report.html"
    path.write_text(html_page(summarize([run(wrong, properties=some)], everything=True)), encoding="utf-8")
    assert browser.look(page, path.as_uri(), width) == []


@pytest.mark.parametrize("width", browser.WIDTHS.values(), ids=browser.WIDTHS)
@pytest.mark.parametrize("sample", [plot_samples.comparison, plot_samples.study, plot_samples.inspection])
def test_a_page_of_results_looks_right(page, tmp_path, sample, width):
    result = sample()
    path = tmp_path / "page.html"
    path.write_text(result_page("run.json", result, RESULT_FIGURES[result["kind"]](result)), encoding="utf-8")
    assert browser.look(page, path.as_uri(), width) == []
