"""A list of pictures and their labels, one line each, which ``read_dataset`` reads."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from refms.data.dataset import Dataset
from refms.data.idx_dataset import note_scale
from refms.data.location import find_own
from refms.data.pictures import PICTURE_SUFFIXES, is_picture, read_pictures
from refms.errors import FileError
from refms.io.files import read_whole

MOST_BYTES = 2**24
"""Of a list: half a million lines and more."""

MOST_CLASSES = 2**16

_WHOLE = re.compile(r"[+-]?[0-9]+")


@dataclass(frozen=True, slots=True)
class _Entry:
    """A line of a list: where it stands, for messages, the picture, and its label, empty without labels."""

    list: Path
    line: int
    picture: Path
    label: str

    @property
    def where(self) -> str:
        return f"{str(self.list)!r}, line {self.line}: "


def load_list(
    place: str,
    folder: str | os.PathLike[str] | None = None,
    part: str = "train",
    channels: str | None = None,
    *,
    max_bytes: int = 2**31,
) -> Dataset:
    """Return the pictures of a list of lines ``path,label``, or ``path`` alone, uint8.

    Paths are seen from the folder of the list, which only absolute ones leave. A first line that names no
    file is a header. Labels are whole numbers from 0 on, or else names, numbered in the order of the
    alphabet. The test part is the list beside it that says ``test`` for ``train``; labels of both count.
    With channels ``"none"`` pictures are read as grey, as they are if none has colours.
    """
    path = find_own(place, folder, Path.is_file, "file")
    beside = path.with_name("test".join(path.name.rsplit("train", 1)))
    lists = [_entries(one, max_bytes) for one in dict.fromkeys((path, beside)) if one.is_file()]
    if part == "test" and len(lists) == 1:
        raise FileError(
            f"{str(path)!r} has no test part; expected a list for 'train' by its name and one for 'test' "
            "beside it. Or name that list: --dataset csv:FILE --part all."
        )
    entries = lists[part == "test"]
    name = f"csv:{place} {part}"
    pictures, grey = [one.picture for one in entries], channels == "none"
    images = read_pictures(pictures, grey, max_bytes, lambda i: entries[i].where)
    note_scale(images, name)
    if not entries[0].label:
        return Dataset(images, None, 0, name, max_value=255.0)
    numbers, names = _numbers_of([one for rows in lists for one in rows if one.label])
    labels = np.array([numbers[one.label] for one in entries])
    return Dataset(images, labels, max(*numbers.values(), 1) + 1, name, max_value=255.0, class_names=names)


def _entries(path: Path, max_bytes: int) -> list[_Entry]:
    """Return what the lines of a list say; all of them have a label, or none."""
    data = read_whole(path, min(MOST_BYTES, max_bytes), "a list of lines path,label")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(f"{str(path)!r} is no text in UTF-8: {error.reason}. Save it as UTF-8.") from error
    found: list[_Entry] = []
    for i, (line, fields) in enumerate(_lines(text, path)):
        where = f"{str(path)!r}, line {line}: "
        if i == 0 and not Path(fields[0]).suffix:
            continue
        if not is_picture(Path(fields[0])):
            raise FileError(
                f"{where}{fields[0]!r} is no {', '.join(PICTURE_SUFFIXES)}; expected lines path,label."
            )
        labelled = bool(found[0].label) if found else len(fields) > 1
        if len(fields) != 1 + labelled or not all(fields):
            raise FileError(
                f"{where}{','.join(fields)!r}; expected {'path,label' if labelled else 'path alone'}, as in "
                "the lines before. Put quotation marks around what holds a comma."
            )
        picture = path.parent / _within(fields[0], where)
        found.append(_Entry(path, line, picture, fields[1] if labelled else ""))
    if not found:
        raise FileError(f"{str(path)!r} names no picture; expected lines path,label.")
    return found


def _lines(text: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the fields of every line that is not empty."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, skipinitialspace=True)
    try:
        yield from ((reader.line_num, [one.strip() for one in row]) for row in reader if any(row))
    except csv.Error as error:
        raise FileError(f"{str(path)!r}, line {reader.line_num}: {error}; expected path,label.") from error


def _within(picture: str, where: str) -> str:
    """Return a path that does not leave the folder, unless it is absolute."""
    path = os.path.normpath(picture)
    if path.split(os.sep)[0] == os.pardir:
        raise FileError(
            f"{where}{picture!r} leaves the folder of the list; expected a path below it, or an absolute one."
        )
    return path


def _numbers_of(entries: Sequence[_Entry]) -> tuple[dict[str, int], tuple[str, ...]]:
    """Return the class of every label, and the names of the classes where not all labels are numbers."""
    labels: Iterable[str] = sorted({one.label for one in entries})
    if not all(map(_WHOLE.fullmatch, labels)):
        return {one: i for i, one in enumerate(labels)}, tuple(labels)
    for one in entries:
        if len(one.label) > 9 or not 0 <= int(one.label) < MOST_CLASSES:
            raise FileError(f"{one.where}label {one.label}; expected 0 to {MOST_CLASSES - 1}, or names.")
    return {one: int(one) for one in labels}, ()
