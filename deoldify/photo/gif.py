"""GIF: its blocks, read one by one, so that a decoder sees the first picture alone. See the GIF89a specification."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from deoldify.photo.faults import warn
from deoldify.photo.pieces import Pieces

_MOST_BLOCKS = 3_000_000
_MOST_BYTES = 1 << 25  # of comments, and of anything else that is kept
_CONTROL, _COMMENT, _APPLICATION = 0xF9, 0xFE, 0xFF
_XMP, _XMP_TRAILER = b"XMP DataXMP", 257
_PROFILE = b"ICCRGBG1012"
_EMPTIEST = 64
"""A screen of so many times the pixels of the only picture on it is left out."""


@dataclass
class Gif:
    """What a file says.

    Attributes:
        file: the first picture, for a decoder.
        frames: how many there are.
        comment: all comments, a line each.
        xmp, icc: as a ``Photo`` has them.
    """

    file: BinaryIO
    frames: int = 0
    comment: bytes | None = None
    xmp: bytes | None = None
    icc: bytes | None = None


class _Blocks:
    """Sub-blocks of a file, as many of them as there may be."""

    def __init__(self, data: bytes) -> None:
        self.data, self.left = data, _MOST_BLOCKS

    def end(self, at: int) -> int:
        """Where the chain of sub-blocks ends that begins at an offset, its last, empty one included."""
        for _, after in self.chain(at):
            at = after
        return at + 1

    def content(self, at: int) -> bytes:
        """What a chain of sub-blocks holds."""
        parts, size = list[bytes](), 0
        for start, after in self.chain(at):
            size += after - start
            if size <= _MOST_BYTES:
                parts.append(self.data[start:after])
        return b"".join(parts)

    def chain(self, at: int) -> Iterator[tuple[int, int]]:
        """Where the content of each sub-block of a chain begins and ends."""
        data = self.data
        while at < len(data) and data[at] and self.left > 0:
            self.left -= 1
            yield at + 1, at + 1 + data[at]
            at += 1 + data[at]


def size_of_gif(stream: BinaryIO) -> tuple[int, int]:
    """Width and height, by the header."""
    stream.seek(6)
    width, height = struct.unpack("<HH", stream.read(4))
    return width, height


def read_gif(stream: BinaryIO) -> Gif:
    """A GIF without a look at its pixels; nothing is raised, what is damaged the decoder tells."""
    stream.seek(0)
    data = stream.read()
    blocks = _Blocks(data)
    at = 13 + _table(data[10:11])
    kept: list[bytes] = [data[:at]]
    comments: list[bytes] = []
    found = Gif(stream)
    while blocks.left > 0 and data[at : at + 1] in (b",", b"!"):
        start = at
        if data[at : at + 1] == b",":
            at = blocks.end(at + 11 + _table(data[at + 9 : at + 10]))
            found.frames += 1
            if found.frames == 1:
                kept.append(data[start:at])
            continue
        kind = data[at + 1] if at + 1 < len(data) else 0
        if kind == _COMMENT and sum(map(len, comments)) < _MOST_BYTES:
            comments.append(blocks.content(at + 2))
        elif kind == _APPLICATION:
            _take_application(found, blocks, at + 2)
        at = blocks.end(at + 2)
        if kind == _CONTROL and not found.frames:
            kept.append(data[start:at])
    if found.frames == 1:
        _fit_screen(kept)
    found.file = Pieces([*kept, b";"]).file
    found.comment = b"\n".join(text for comment in comments if (text := comment.rstrip(b"\0"))) or None
    return found


def _fit_screen(kept: list[bytes]) -> None:
    """Make a screen that is empty but for a small picture the picture's own: a few bytes may claim a screen of
    gigapixels."""
    header, picture = kept[0], kept[-1]
    if len(header) < 13 or len(picture) < 10:
        return
    screen_width, screen_height = struct.unpack_from("<HH", header, 6)
    width, height = struct.unpack_from("<HH", picture, 5)
    if width * height and screen_width * screen_height > _EMPTIEST * width * height:
        warn(f"its screen of {screen_width} × {screen_height} pixels is left out, all but its picture")
        kept[0] = header[:6] + picture[5:9] + header[10:]
        kept[-1] = picture[:1] + bytes(4) + picture[5:]


def _take_application(found: Gif, blocks: _Blocks, at: int) -> None:
    name = blocks.data[at + 1 : at + 12]
    if name == _XMP and found.xmp is None:  # not in sub-blocks, though it ends like some
        whole = blocks.data[at + 12 : blocks.end(at + 12) - 1]
        found.xmp = whole[:-_XMP_TRAILER] if _XMP_TRAILER < len(whole) <= _MOST_BYTES else None
    elif name == _PROFILE and found.icc is None:
        found.icc = blocks.content(at + 12) or None


def _table(flags: bytes) -> int:
    """Bytes of a table of colours."""
    return 3 << ((flags[0] & 7) + 1) if flags and flags[0] & 0x80 else 0
