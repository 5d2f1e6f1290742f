"""What an implementation does instead of returning a result, in words."""

from __future__ import annotations

from refms.errors import presentable


class Misbehaviour(Exception):  # noqa: N818 - it is not the kit that errs
    """An operation returned something of the wrong shape, dtype or kind, or modified its arguments."""


def message_of(error: BaseException) -> str:
    """Return what an error says of itself, on one line, although that may raise again."""
    try:
        return presentable(str(error))
    except Exception:
        return "(without a message that can be shown)"


def in_words(error: BaseException) -> str:
    r"""Return what was raised, on one line.

    >>> in_words(ValueError("on\nfire")), in_words(Misbehaviour("restrict returned None"))
    ('ValueError: on\\nfire', 'restrict returned None.')
    """
    said = message_of(error)
    return f"{said}." if isinstance(error, Misbehaviour) else f"{presentable(type(error).__name__)}: {said}"
