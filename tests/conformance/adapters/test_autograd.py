"""Without its library an adapter is refused in one sentence; nothing else needs it."""

from __future__ import annotations

import sys

import pytest

from refms.conformance import JaxAdapter, Profile, TorchAdapter
from refms.errors import InputError


@pytest.mark.parametrize(("made", "library"), [(TorchAdapter, "torch"), (JaxAdapter, "jax")])
def test_a_missing_library_is_named(monkeypatch, made, library):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(InputError, match=f"cannot be imported .* pip install {library}"):
        made(Profile("mine"))
