"""TOML and JSON of strangers: small files that would cost much are refused, and so is what is no number."""

from __future__ import annotations

import json
import time

import pytest

from refms.errors import FileError
from refms.io.strict_json import DEEPEST, read_json
from refms.io.strict_toml import LONGEST_FILE, read_toml

KEY = ".".join("a" * 9)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a." * 32_000 + "a = 1", "a key of more than 8 parts"),
        ("a . " * 16_000 + "a = 1", "a key of more than 8 parts"),
        ('"a".' * 16_000 + "a = 1", "a key of more than 8 parts"),
        ("'a'." * 16_000 + "a = 1", "a key of more than 8 parts"),
        ("[" + "a." * 32_000 + "a]", "a key of more than 8 parts"),
        ('a = "\n' + "a." * 32_000 + "a = 1", "a key of more than 8 parts"),
        (f"a = {{{KEY} = 1}}", "a key of more than 8 parts"),
        ("a = " + "[" * 32_000, "nested too deeply"),
        ("a = " + "[" * 33 + "]" * 33, "nested too deeply"),
        ("a = {" * 20_000, "nested too deeply"),
        ("#" * (LONGEST_FILE + 1), f"longer than {LONGEST_FILE}"),
        ('"""\\"' * 10_000, "is not valid TOML"),
        ("'''" + "a" * 60_000, "is not valid TOML"),
        ("a" * 60_000, "is not valid TOML"),
    ],
    ids=lambda text: text[:20],
)
def test_toml_that_would_cost_much_is_refused_at_once(tmp_path, text, says):
    (tmp_path / "a.toml").write_text(text)
    start = time.process_time()
    with pytest.raises(FileError, match=says) as caught:
        read_toml(tmp_path / "a.toml")
    assert str(tmp_path / "a.toml") in str(caught.value)
    assert time.process_time() - start < 5  # it was 18 seconds


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f'a = "{KEY}"', {"a": KEY}),
        (f"a = '''\n{KEY}'''", {"a": KEY}),
        (f"a = 1  # {KEY} = {'[' * 99}", {"a": 1}),
        (f'a = """\n\\"{KEY} {"[" * 99}"""', {"a": f'"{KEY} {"[" * 99}'}),
        (f'a = "{"[" * 99}"', {"a": "[" * 99}),
        ("[a.b]\nc.d = [[1.5], [2]]", {"a": {"b": {"c": {"d": [[1.5], [2]]}}}}),
        ("\ufeffa = 1", {"a": 1}),
        ("a = 1\r\nb = 2\r\n", {"a": 1, "b": 2}),
    ],
)
def test_toml_that_only_looks_like_it_is_read(tmp_path, text, found):
    (tmp_path / "a.toml").write_bytes(text.encode())
    assert read_toml(tmp_path / "a.toml") == found


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[" * 60_000, "not valid JSON"),
        ('{"a":' * 60_000, "not valid JSON"),
        ("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), "nested deeper than"),
        ('{"a": Infinity}', "Infinity is no number"),
        ("[NaN]", "NaN is no number"),
        ("[1e999]", "too large"),
        ("[1" + "0" * 400 + "]", "a number of 401 digits is too large"),
        ("9" * 5000, "not valid JSON"),
        ('{"a": 1, "a": 2}', "stands twice"),
        ("[1]" + " " * 100, "longer than 100"),
    ],
    ids=lambda text: text[:20],
)
def test_json_that_is_none_is_a_sentence(tmp_path, text, says):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(FileError, match=says) as caught:
        read_json(tmp_path / "a.json", 100 if "longer" in says else 2**20, "a result")
    assert str(tmp_path / "a.json") in str(caught.value)


def test_json_may_begin_with_a_byte_order_mark(tmp_path):
    (tmp_path / "a.json").write_bytes(b"\xef\xbb\xbf" + json.dumps({"a": [1, 0.5, None]}).encode())
    assert read_json(tmp_path / "a.json", 2**20, "a result") == {"a": [1, 0.5, None]}
