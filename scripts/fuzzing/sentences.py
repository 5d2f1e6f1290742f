"""What a refusal says, without what it says of this file in particular."""

from __future__ import annotations

import re

_PARTICULAR = re.compile(r"""(?<![a-z])b?(['"]).*?\1|0x[0-9a-f]+|[0-9]+""")
_REPORTED = re.compile(r"HDF5 reports (.)(.*)\1")


def kind_of(sentence: str) -> str:
    """Return a sentence without names and numbers, but with what HDF5 says.

    Parameters
    ----------
    sentence : str
        Of an ``InputError``; may be empty.

    Returns
    -------
    str
        Equal for two files that were refused for the same reason.

    Examples
    --------
    >>> kind_of("'/x/y' declares 8 bytes of shape (2, 4).")
    ' declares  bytes of shape (, ).'
    """
    reported = _REPORTED.search(sentence)
    return _PARTICULAR.sub("", sentence) + (_PARTICULAR.sub("", reported[2]) if reported else "")
