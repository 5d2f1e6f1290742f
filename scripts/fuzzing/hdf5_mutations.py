"""Changes to HDF5 files that get past their checksums: what a person would do who means harm.

Format: "HDF5 File Format Specification Version 3.0", The HDF Group. Files of version 1.8 and later carry the
checksum lookup3 of Bob Jenkins in superblock and object headers; those of earlier versions carry none.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable

SIGNATURES = tuple(b"OHDR OCHK TREE HEAP SNOD FRHP FHDB BTHD BTLF GCOL FADB".split())
_STRUCTURE = re.compile(b"\x89HDF\r\n\x1a\n|" + b"|".join(SIGNATURES))
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_WORD = 0xFFFFFFFF
_MESSAGES = tuple(range(0x19))
"""Types of messages in an object header: 1 extents, 3 type, 8 layout, 11 filters, 16 continuation, …"""


def lookup3(data: bytes) -> int:
    """Return the checksum of metadata, Jenkins' hashlittle with initial value 0."""
    a = b = c = (0xDEADBEEF + len(data)) & _WORD
    whole = max(0, (len(data) - 1) // 12 * 12)
    for at in range(0, whole, 12):
        a = (a + int.from_bytes(data[at : at + 4], "little")) & _WORD
        b = (b + int.from_bytes(data[at + 4 : at + 8], "little")) & _WORD
        c = (c + int.from_bytes(data[at + 8 : at + 12], "little")) & _WORD
        for turn in (4, 6, 8, 16, 19, 4):
            a = ((a - c) & _WORD) ^ _turned(c, turn)
            c = (c + b) & _WORD
            a, b, c = b, c, a
    if not data:
        return c
    rest = data[whole:].ljust(12, b"\0")
    a = (a + int.from_bytes(rest[:4], "little")) & _WORD
    b = (b + int.from_bytes(rest[4:8], "little")) & _WORD
    c = (c + int.from_bytes(rest[8:], "little")) & _WORD
    for turn in (14, 11, 25, 16, 4, 14, 24):
        c = ((c ^ b) - _turned(b, turn)) & _WORD
        a, b, c = b, c, a
    return b  # three names went round seven times: the last one changed is called b by now


def sealed(image: bytes) -> bytes:
    """Return the file with the right checksums in its superblock and in its object headers."""
    found = bytearray(image)
    if found[8:9] in (b"\2", b"\3") and len(found) >= 48:
        _seal(found, 0, 44)
    for match in re.finditer(b"OHDR", image):
        start = match.start()
        flags = found[start + 5] if start + 5 < len(found) else 0
        at = start + 6 + 16 * bool(flags & 0x20) + 4 * bool(flags & 0x10)
        width = 1 << (flags & 3)
        first = at + width
        end = first + int.from_bytes(found[at:first], "little")
        _seal(found, start, end)
        for place, length in _continuations(found, first, end, 6 if flags & 4 else 4):
            if found[place : place + 4] == b"OCHK":
                _seal(found, place, place + length - 4)
    return bytes(found)


def mutated(image: bytes, seed: int, most: int, plainly: Callable[[bytes, int], bytes]) -> bytes:
    """Return a changed file of at most ``most`` bytes; ``plainly`` is how the fuzzer itself changes bytes."""
    dice = random.Random(seed)
    found = plainly(image, most) if dice.random() < 0.4 or len(image) < 16 else image
    for _ in range(dice.choice((0, 1, 1, 2, 4)) if found != image else dice.choice((1, 1, 2, 4))):
        found = dice.choice(_WAYS)(found, dice)[:most]
    if dice.random() < 0.97:
        found = _SIGNATURE + found[len(_SIGNATURE) :]
    return sealed(found) if dice.random() < 0.8 else found


def _turned(word: int, bits: int) -> int:
    return ((word << bits) | (word >> (32 - bits))) & _WORD


def _seal(image: bytearray, start: int, end: int) -> None:
    if start < end <= len(image) - 4 and end - start < 4096:
        image[end : end + 4] = lookup3(bytes(image[start:end])).to_bytes(4, "little")


def _continuations(image: bytearray, at: int, end: int, head: int) -> list[tuple[int, int]]:
    """Return places and lengths of the further blocks of an object header."""
    found = []
    while at + head <= min(end, len(image)):
        size = int.from_bytes(image[at + 1 : at + 3], "little")
        body = image[at + head : at + head + size]
        if image[at] == 0x10 and size == 16:
            found.append((int.from_bytes(body[:8], "little"), int.from_bytes(body[8:], "little")))
        at += head + size
    return found


def _near_structure(image: bytes, dice: random.Random) -> int:
    """Return a place shortly after one of the signatures, where the fields lie that say what follows."""
    places = [match.start() for match in _STRUCTURE.finditer(image)]
    start = dice.choice(places) if places and dice.random() < 0.9 else dice.randrange(max(1, len(image)))
    return min(start + int(dice.expovariate(1 / 40)), max(0, len(image) - 1))


def _number(image: bytes, dice: random.Random) -> bytes:
    """Put a size, an address or a small number into a field."""
    width = dice.choice((1, 1, 2, 4, 8))
    top = 1 << (8 * width)
    at = _near_structure(image, dice)
    old = int.from_bytes(image[at : at + width], "little")
    bounds = (0, 1, 2, top - 1, top // 2, top // 2 - 1)
    near = (old + 1, old - 1, old * 2, old ^ (1 << dice.randrange(8 * width)))
    places = (len(image), dice.randrange(len(image) + 1), dice.randrange(256))
    value = dice.choice((*bounds, *near, *places))
    return image[:at] + (value % top).to_bytes(width, "little") + image[at + width :]


def _message(image: bytes, dice: random.Random) -> bytes:
    """Turn a message of an object header into one of another type, or change its flags."""
    places = [match.start() for match in re.finditer(b"OHDR|TREE|\\x01\\0[\\1-\\x0f]\\0", image)]
    if not places:
        return image
    at = dice.choice(places) + dice.choice((7, 8, 16, 16, 24, 32, 40, 48, 56, 64, 72, 80, 96, 104, 112))
    if at >= len(image):
        return image
    return image[:at] + bytes([dice.choice(_MESSAGES)]) + image[at + 1 :]


def _copy(image: bytes, dice: random.Random) -> bytes:
    """Copy a piece over another one."""
    size = dice.choice((4, 8, 16, 24, 40, 64, 256))
    source, target = _near_structure(image, dice), _near_structure(image, dice)
    piece = image[source : source + size]
    return image[:target] + piece + image[target + len(piece) :]


def _address(image: bytes, dice: random.Random) -> bytes:
    """Let an eight-byte field point to one of the structures: circles, and things taken for others."""
    places = [match.start() for match in _STRUCTURE.finditer(image)]
    if not places:
        return image
    at = _near_structure(image, dice) // 8 * 8 + dice.choice((0, 0, 0, 4))
    return image[:at] + dice.choice(places).to_bytes(8, "little") + image[at + 8 :]


def _signature(image: bytes, dice: random.Random) -> bytes:
    places = [match.start() for match in _STRUCTURE.finditer(image, 8)]
    if not places:
        return image
    at = dice.choice(places)
    return image[:at] + dice.choice(SIGNATURES) + image[at + 4 :]


_WAYS = (_number, _number, _number, _number, _message, _message, _copy, _address, _signature)
