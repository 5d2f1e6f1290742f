"""What a refusal says, without what it says of this file in particular."""

import re

_QUOTED = re.compile(r"""(?<![a-z])b?(['"]).*?\1""")
_NUMBERS = re.compile(r"0x[0-9a-f]+|\b[0-9a-f]+\b|[0-9]+")
_GAPS = re.compile(r"[\s,]+")
_REPORTED = re.compile(r"HDF5 reports (.)(.*)\1")
_LONGEST = 60
"""Characters that count: what comes after them is often told by the file itself."""


def kind_of(sentence: str) -> str:
    """Return a sentence without names and numbers, but with what HDF5 says.

    Examples
    --------
    >>> kind_of("'/x/y' declares 8 bytes of shape (2, 4) and starts with 5c 00.")
    ' declares bytes of shape ( ) and starts with .'
    """
    reported = _REPORTED.search(sentence)
    return _general(sentence) + (_general(reported[2]) if reported else "")


def _general(text: str) -> str:
    return _GAPS.sub(" ", _NUMBERS.sub("", _QUOTED.sub("", text)))[:_LONGEST]
