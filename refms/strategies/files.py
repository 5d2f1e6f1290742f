"""Damaged copies of a file."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from refms.errors import require_whole

Change = tuple[int, int, bytes]
"""Start, number of bytes removed there (-1: all that follow), bytes put in their place."""


def corrupt_files(contents: bytes, most: int = 3) -> SearchStrategy[bytes]:
    """Return a strategy of damaged copies of a file; they shrink to one change of one byte near its start.

    Parameters
    ----------
    contents : bytes
        The file.
    most : int
        Largest number of changes, at least 1.

    Returns
    -------
    SearchStrategy of bytes
        Never equal to the file: changes, one after the other, of bytes changed, cut off, removed or inserted,
        and of words of four or eight bytes replaced by numbers such as sizes that are far too large.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(corrupt_files(b"refms"), lambda damaged: len(damaged) == 5)[1:]
    b'efms'
    """
    most = require_whole(most, "most", 1)
    changes = st.lists(_changes(len(contents)), min_size=1, max_size=most)
    return changes.map(lambda found: _changed(contents, found)).filter(lambda found: found != contents)


def _changes(length: int) -> SearchStrategy[Change]:
    start = st.integers(0, max(length - 1, 0))
    some = st.integers(1, 16)
    words = [
        value.to_bytes(width, order)
        for width in (4, 8)
        for value in (0, 1, 2 ** (8 * width - 1) - 1, 2 ** (8 * width - 1), 2 ** (8 * width) - 1)
        for order in ("little", "big")
    ]
    overwritten = st.builds(lambda at, word: (at, len(word), word), start, st.sampled_from(words))
    return st.one_of(
        st.builds(lambda at, byte: (at, 1, bytes([byte])), start, st.integers(0, 255)),
        st.builds(lambda at: (at, -1, b""), start),
        st.builds(lambda at, count: (at, count, b""), start, some),
        st.builds(lambda at, new: (at, 0, new), start, st.binary(min_size=1, max_size=16)),
        overwritten,
    )


def _changed(contents: bytes, changes: Sequence[Change]) -> bytes:
    for start, removed, new in changes:
        end = len(contents) if removed < 0 else start + removed
        contents = contents[:start] + new + contents[end:]
    return contents
