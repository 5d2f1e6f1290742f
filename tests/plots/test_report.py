"""The page of a run: complete, self-contained, and nothing in a file becomes markup."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from functools import cache

import numpy as np
import plot_samples
import pytest
from small_nets import trained
from web_pages import HOSTILE, Read

from refms.plots import RESULT_FIGURES, model_figures
from refms.plots.captions import sentence_of
from refms.plots.report import model_page, result_page

SAMPLES = {
    "compare": plot_samples.comparison,
    "study": plot_samples.study,
    "inspect": plot_samples.inspection,
    "variance": plot_samples.variance,
}


def page_of(result):
    return result_page("run.json", result, RESULT_FIGURES[result["kind"]](result))


@cache
def sample_page(kind):
    return page_of(SAMPLES[kind]())


def hostile_result(kind):
    """Return a result in which every name and text tries to break out."""
    result = SAMPLES[kind]()
    result["configuration"] = {HOSTILE: {HOSTILE: HOSTILE}}
    result[HOSTILE] = HOSTILE
    result["machine"] = HOSTILE
    if kind == "variance":
        result["sentence"] = HOSTILE
        return result
    if kind == "inspect":
        result["spectra"] = {HOSTILE: {HOSTILE: next(iter(result["spectra"].values()))["gauss_newton"]}}
        result["cg"] = {HOSTILE: {HOSTILE: {"residuals": [1.0, 0.5]}}}
        result["model_quality"][HOSTILE] = result["model_quality"]["newton"]
        return result
    run = {**plot_samples.run(0.5), "value": HOSTILE, "seed": HOSTILE, "notes": [HOSTILE]}
    run["outcome"] = {"status": HOSTILE, "message": HOSTILE}
    result["runs"] = {HOSTILE: run}
    result["parameter"] = HOSTILE
    return result


def model_of(name, record):
    model = replace(trained(4), record=record)
    return model_page({name: model}, model_figures({name: model}))


@pytest.mark.parametrize("kind", [*SAMPLES, "model"])
def test_texts_of_strangers_are_text(kind):
    if kind == "model":
        record = {"configuration": {HOSTILE: HOSTILE}, "outcome": {"message": HOSTILE}}
        page = model_of(HOSTILE, record)
    else:
        page = page_of(hostile_result(kind))
    read = Read(page)
    assert read.open == []
    assert not {"script", "link", "iframe", "a", "svg", "object"} & set(read.tags)
    pictures = re.findall(r'<img alt="[^"<>]*" src="data:image/svg\+xml;base64,[A-Za-z0-9+/=]*">', page)
    assert pictures
    assert read.tags.count("img") == len(pictures)
    assert "<script>alert(1)</script>\"'&</title></style><img src=x onerror=y>" in "".join(read.text)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u200b\u202e]", page)
    for picture in pictures:
        drawing = base64.b64decode(picture.rpartition("base64,")[2].rstrip('">')).decode()
        assert "<script" not in drawing
        assert "onerror=y>" not in re.sub(r"<!--.*?-->", "", drawing)


@pytest.mark.parametrize("kind", SAMPLES)
def test_nothing_is_loaded_from_elsewhere(kind):
    read = Read(sample_page(kind))
    sources = [value for _, name, value in read.attributes if name in ("src", "href")]
    assert all(value.startswith("data:image/svg+xml;base64,") for value in sources)
    assert not [entry for entry in read.attributes if entry[1] == "style" or entry[1].startswith("on")]
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert ("meta", "content", policy) in read.attributes
    for value in sources:
        drawing = base64.b64decode(value.partition(",")[2]).decode()
        assert not re.search(r'href="(?!#|data:)', drawing)
        assert "@import" not in drawing


def test_the_numbers_of_a_comparison_and_all_it_says_of_itself_stand_there():
    text = " ".join(Read(sample_page("compare")).text)
    columns = plot_samples.comparison()["runs"]["bcd"]["columns"]
    for column in ("work_units", "seconds", "objective", "gradient_norm", "validation_accuracy"):
        assert f"{columns[column][-1]:.6g}" in text
    for words in (
        "bcd", "iteration limit", "The limit of 20 was reached.", "adam: Step 3 was refused.",
        "configuration.network.channels", "versions.numpy", "2.4.6", "some processor, 2 cores", "2026-01-02",
    ):  # fmt: skip
        assert words in text


def test_a_study_lists_values_and_seeds_and_an_inspection_its_extreme_eigenvalues():
    text = " ".join(Read(sample_page("study")).text)
    assert "value seed outcome" in " ".join(text.split())
    assert "0.005" in text
    text = Read(sample_page("inspect")).text
    found = plot_samples.inspection()["spectra"]["propagation"]["hessian"]
    assert f"{found['smallest'][0]:.6g}" in text
    assert f"{found['largest'][-1]:.6g}" in text


def test_a_model_shows_what_its_training_reached():
    model = trained(4)
    text = Read(model_of("net", {"outcome": {"message": "It converged."}, "versions": {"refms": "9"}})).text
    last = model.history.rows[-1]
    for word in (
        f"{last.objective:.6g}",
        f"{last.work_units:.6g}",
        "net: It converged.",
        "versions.refms",
        "4×4",
    ):
        assert word in text


@pytest.mark.parametrize("kind", SAMPLES)
def test_every_picture_of_a_result_has_a_caption_in_a_sentence(kind):
    captions = re.findall(r"<figcaption>([^<]*)", sample_page(kind))
    assert len(captions) == len(set(captions)) > 0
    assert all(one[0].isupper() and one.endswith(".") for one in captions)


def test_every_picture_of_models_has_one_of_its_own():
    models = {"coarse": trained(4), "fine": trained(8)}
    image = np.ones((16, 1)), np.ones((64, 1))
    figures = model_figures(models, dict(zip(models, image, strict=True)))
    captions = [sentence_of(name) for name in figures]
    assert len(captions) == len(set(captions)) > 4
    assert all(one.endswith(".") for one in captions)
