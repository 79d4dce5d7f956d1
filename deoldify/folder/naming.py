"""What results are called: as their photos, in a format that can be written, and no two alike."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Sequence
from pathlib import Path

from deoldify.folder.listing import Found
from deoldify.folder.places import Place, Url
from deoldify.photo import WITHOUT_ROOM, WRITABLE_SUFFIXES

_LONGEST_NAME = 255  # bytes, or UTF-16 units on some systems, which are fewer

_SUBSTITUTES = {".heic": ".jpg", ".heif": ".jpg", ".avif": ".jpg"}
"""What is written in place of formats that can only be read; PNG for all others."""


def name_results(photos: Sequence[Found], output: Place) -> list[Place]:
    """Where the results go: below ``output`` as the photos lie below their folder.

    Where two would get one name, letter case and the ways to write an accent ignored, each keeps its photo's whole
    name and gets its own suffix behind it; if these are alike, too, a digest of the photo's path between them. So a
    photo's name does not depend on the order of photos, nor on which of them are done already.

    Returns:
        one place a photo, all different.
    """
    without_room = WITHOUT_ROOM if isinstance(output, Url) else frozenset()  # records stay on this computer
    levels = [0] * len(photos)
    while True:
        named = [_named(photo, level, without_room) for photo, level in zip(photos, levels, strict=True)]
        alike: dict[str, list[int]] = defaultdict(list)
        for index, name in enumerate(named):
            alike[_folded(name)].append(index)
        clashes = [group for group in alike.values() if len(group) > 1]
        if not clashes:
            return [output / name for name in named]
        for group in clashes:
            lowest = min(levels[index] for index in group)
            for index in group:
                levels[index] += levels[index] == lowest


def _folded(path: Path) -> str:
    """What a file system that is not particular takes a path for."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path.as_posix()).casefold())


def _named(photo: Found, level: int, unwanted: Collection[str]) -> Path:
    """Level 0 is the photo's own name; 1 all of it and a suffix; from 2 on there is a digest that depends on it."""
    suffix = photo.relative.suffix
    if suffix.lower() not in WRITABLE_SUFFIXES or suffix.lower() in unwanted:
        suffix = _SUBSTITUTES.get(suffix.lower(), ".png")
    stem = photo.relative.name if level else photo.relative.stem
    if level > 1:
        parent = photo.path.parent
        above = str(parent) if isinstance(parent, Url) else os.path.realpath(parent)
        stem += "." + _digest(f"{level} {above} {photo.path.name}")
    return photo.relative.with_name(_fitting(stem, suffix))


def _fitting(stem: str, suffix: str) -> str:
    """A name that is not too long; what of the stem does not fit gives way to a digest of it."""
    room = _LONGEST_NAME - len(suffix)
    if len(os.fsencode(stem)) <= room:
        return stem + suffix
    tail = "." + _digest(stem)
    kept = stem
    while len(os.fsencode(kept)) > room - len(tail):
        kept = kept[:-1]
    return kept + tail + suffix


def _digest(text: str) -> str:
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:8]
