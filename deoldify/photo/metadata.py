"""Metadata as the bytes it came as: TIFF tags in their directories, which EXIF blocks are made of, too.

Tags are moved entry by entry in their own byte order, never by way of decoded values, so that unknown tags, odd
encodings and maker notes arrive unchanged.
"""

from __future__ import annotations

import contextlib
import os
import struct
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import BinaryIO

import numpy as np

from deoldify.photo.faults import warn


class Tag(IntEnum):
    """Tags that are looked at; all others are only carried."""

    PROCESSING_SOFTWARE = 11
    SUBFILE_TYPE = 254
    OLD_SUBFILE_TYPE = 255
    IMAGE_WIDTH = 256
    IMAGE_LENGTH = 257
    IMAGE_DESCRIPTION = 270
    ORIENTATION = 274
    X_RESOLUTION = 282
    Y_RESOLUTION = 283
    RESOLUTION_UNIT = 296
    SOFTWARE = 305
    SUB_IFDS = 330
    XMP = 700
    IPTC = 33723
    PHOTOSHOP = 34377
    EXIF_IFD = 34665
    ICC_PROFILE = 34675
    GPS_IFD = 34853
    MAKER_NOTE = 37500
    PIXEL_X_DIMENSION = 40962
    PIXEL_Y_DIMENSION = 40963
    INTEROP_IFD = 40965


class Kind(IntEnum):
    """Types of values, as TIFF 6.0 and BigTIFF number them."""

    BYTE = 1
    ASCII = 2
    SHORT = 3
    LONG = 4
    RATIONAL = 5
    SBYTE = 6
    UNDEFINED = 7
    SSHORT = 8
    SLONG = 9
    IFD = 13
    LONG8 = 16
    SLONG8 = 17
    IFD8 = 18


STORAGE = frozenset(
    {254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 277, 278, 279, 280, 281, 284, 288, 289, 290, 291, 292,
     293, 317, 320, 321, 322, 323, 324, 325, 330, 332, 334, 336, 338, 339, 340, 341, 342, 347, 400, *range(512, 522),
     529, 530, 531, 532, 32997, 32998, 50706, 50707}
)  # fmt: skip
"""Tags that say how the pixels of one particular file are stored, and where: true of no other file."""

COLORIMETRY = frozenset({301, 318, 319})
"""Tags of the source's RGB; meaningless once grey or CMYK has been converted."""

DEPICTING = frozenset({20507, 37724})
"""Tags that show the picture as it was: a thumbnail in GDI+'s way, and Photoshop's layers. They are never read."""

LARGEST_DPI = 1e6
"""What claims more dots per inch is no resolution."""

NESTED = frozenset({Tag.EXIF_IFD, Tag.GPS_IFD, Tag.INTEROP_IFD})
"""Tags that point to another directory."""

_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_NUMBER_CODES: dict[int, str] = {
    Kind.BYTE: "u1", Kind.SHORT: "u2", Kind.LONG: "u4", Kind.SBYTE: "i1", Kind.SSHORT: "i2", Kind.SLONG: "i4",
    Kind.IFD: "u4", Kind.LONG8: "u8", Kind.SLONG8: "i8", Kind.IFD8: "u8",
}  # fmt: skip
_MOST_BYTES = 1 << 26
"""Values of one file's tags have no more bytes together."""
SHARED_BYTES = 1 << 16
"""So many bytes may several tags have in common, as some writers keep one resolution for both directions."""


@dataclass
class Entry:
    """A tag as stored: its type, its values as bytes in the file's order, or the directory that it points to.

    Attributes:
        kind: type of the values, mostly a ``Kind``.
        count: how many there are.
        data: the values; empty where the tag points to a directory.
        nested: that directory.
        offset: where in its file the values lay.
    """

    kind: int
    count: int
    data: bytes = b""
    nested: dict[int, Entry] | None = None
    offset: int = 0


Directory = dict[int, Entry]


@dataclass(frozen=True)
class Layout:
    """How numbers of a file are stored.

    Attributes:
        order: of bytes, "<" or ">".
        big: whether offsets have eight bytes, as in a BigTIFF.
        word: ``struct``'s letter for an offset.
        inline: bytes of an offset, and of the values that stand in its place.
    """

    order: str
    big: bool = False
    word: str = field(init=False)
    inline: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "word", "Q" if self.big else "I")
        object.__setattr__(self, "inline", 8 if self.big else 4)


def bytes_of(kind: int) -> int:
    """Bytes of one value of a type; 1 for types that nobody knows."""
    return _TYPE_BYTES.get(kind, 1)


def read_directory(
    stream: BinaryIO, offset: int, layout: Layout, nesting: int = 0, room: list[int] | None = None
) -> Directory:
    """Read a directory and those that it points to.

    Left out are entries that point beyond the file, those that show the picture as it was, and, with a warning, those
    that claim more bytes together than the file has.

    Args:
        stream: the whole file.
        offset: where in it the directory begins.
        layout: of the file.
        nesting: how many directories lead here.
        room: one number: the bytes that values may still take; None for a directory that none leads to.

    Raises:
        struct.error: there is no directory at ``offset``.
    """
    end = stream.seek(0, os.SEEK_END)
    room = [min(end, _MOST_BYTES) + SHARED_BYTES] if room is None else room
    stream.seek(offset)
    count_format = layout.order + ("Q" if layout.big else "H")
    (count,) = struct.unpack(count_format, stream.read(struct.calcsize(count_format)))
    entry = struct.Struct(f"{layout.order}HH{layout.word}{layout.inline}s")
    table = stream.read(min(count, 65535) * entry.size)
    directory: Directory = {}
    left_out = 0
    for at in range(0, len(table) - entry.size + 1, entry.size):
        tag, kind, values, inline = entry.unpack_from(table, at)
        if tag in DEPICTING:
            continue
        length = values * bytes_of(kind)
        position = offset + struct.calcsize(count_format) + at + entry.size - layout.inline
        data = inline[:length]
        if length > layout.inline or tag in NESTED:
            (position,) = struct.unpack(layout.order + layout.word, inline)
            if position + length > end or (tag in NESTED and position in (0, offset)):
                continue
        if tag in NESTED:
            if nesting < 2:
                if layout.big and kind in (Kind.LONG, Kind.IFD):
                    (position,) = struct.unpack(layout.order + "I", inline[:4])
                with contextlib.suppress(struct.error):
                    nested = read_directory(stream, position, layout, nesting + 1, room)
                    directory[tag] = Entry(Kind.LONG, 1, nested=nested)
            continue
        if length > layout.inline:
            if length > room[0]:
                left_out += 1
                continue
            room[0] -= length
            stream.seek(position)
            data = stream.read(length)
        directory[tag] = Entry(kind, values, data, offset=position)
    if left_out:
        warn(f"{left_out} tags whose values are more than the file has room for are left out")
    return directory


def append_directory(
    out: bytearray, base: int, directory: Directory, layout: Layout, placed: Entry | None = None, following: int = 0
) -> int:
    """Append a directory and all it needs to what will be written.

    Args:
        out: is appended to.
        base: where in the file its first byte lies.
        directory: tag by tag; values in the byte order of ``layout``.
        layout: of the file.
        placed: an entry whose values are in the file already, at its own offset.
        following: offset of the next directory; 0 for none.

    Returns:
        The directory's offset in the file.
    """
    table = []
    for tag, entry in sorted(directory.items()):
        kind, count, data = entry.kind, entry.count, entry.data
        if entry.nested is not None:
            kind, count = (Kind.LONG8 if layout.big else Kind.LONG), 1
            data = struct.pack(layout.order + layout.word, append_directory(out, base, entry.nested, layout, placed))
        elif entry is placed:
            data = struct.pack(layout.order + layout.word, entry.offset)
        elif len(data) > layout.inline:
            position = base + len(out)
            out += data + b"\0" * (len(data) % 2)
            data = struct.pack(layout.order + layout.word, position)
        table.append(struct.pack(f"{layout.order}HH{layout.word}", tag, kind, count) + data.ljust(layout.inline, b"\0"))
    start = base + len(out)
    out += struct.pack(layout.order + ("Q" if layout.big else "H"), len(table)) + b"".join(table)
    out += struct.pack(layout.order + layout.word, following)
    return start


def in_order(directory: Directory, order: str, wanted: str) -> Directory:
    """A directory whose values are in another byte order, and those that it points to."""
    if order == wanted:
        return directory
    return {
        tag: replace(
            entry,
            data=_swapped(entry),
            nested=None if entry.nested is None else in_order(entry.nested, order, wanted),
        )
        for tag, entry in directory.items()
    }


def _swapped(entry: Entry) -> bytes:
    size = bytes_of(entry.kind) // (2 if entry.kind in (Kind.RATIONAL, 10) else 1)
    if size == 1 or len(entry.data) % size:
        return entry.data
    return bytes(np.frombuffer(entry.data, f"<u{size}").byteswap().tobytes())


def numbers(entry: Entry | None, order: str) -> list[int]:
    """The values of an entry of any integer type; none where it is missing or of another."""
    code = _NUMBER_CODES.get(entry.kind) if entry is not None else None
    if entry is None or code is None:
        return []
    dtype = np.dtype(order + code)
    whole = min(entry.count, len(entry.data) // dtype.itemsize)
    return [int(value) for value in np.frombuffer(entry.data, dtype, whole)]


def number(entry: Entry | None, order: str) -> int | None:
    """The first value of an entry of any integer type; None where there is none."""
    return next(iter(numbers(entry, order)), None)


def orientation_of(directory: Directory, order: str) -> int:
    """The orientation, 1 to 8; 1 where the tag is missing or says nothing that has a meaning."""
    said = number(directory.get(Tag.ORIENTATION), order) or 1
    return said if 1 <= said <= 8 else 1


def make_upright(directory: Directory, order: str, width: int, height: int, *, transposed: bool) -> None:
    """Bring orientation, sizes and resolutions into agreement with upright pixels of this size."""
    if number(directory.get(Tag.ORIENTATION), order) in range(1, 9):  # what is not understood is left to be seen
        directory[Tag.ORIENTATION] = Entry(Kind.SHORT, 1, struct.pack(order + "H", 1))
    exif = directory.get(Tag.EXIF_IFD)
    for tags, width_tag, height_tag in (
        (directory, Tag.IMAGE_WIDTH, Tag.IMAGE_LENGTH),
        (exif.nested if exif else None, Tag.PIXEL_X_DIMENSION, Tag.PIXEL_Y_DIMENSION),
    ):
        for tag, length in ((width_tag, width), (height_tag, height)):
            if tags and tag in tags:
                tags[tag] = Entry(Kind.LONG, 1, struct.pack(order + "I", length))
    if transposed:
        swap_resolutions(directory)


def swap_resolutions(directory: Directory) -> None:
    """Exchange horizontal and vertical resolution, where both are there."""
    x, y = directory.get(Tag.X_RESOLUTION), directory.get(Tag.Y_RESOLUTION)
    if x is not None and y is not None:
        directory[Tag.X_RESOLUTION], directory[Tag.Y_RESOLUTION] = y, x


def resolution(directory: Directory, order: str) -> tuple[float, float] | None:
    """Horizontal and vertical dots per inch as the tags have them; None where they do not tell."""
    unit = {2: 1.0, 3: 2.54}.get(number(directory.get(Tag.RESOLUTION_UNIT), order) or 2)
    dots = []
    for tag in (Tag.X_RESOLUTION, Tag.Y_RESOLUTION):
        entry = directory.get(tag)
        if unit is None or entry is None or entry.kind != Kind.RATIONAL or len(entry.data) < 8:
            return None
        numerator, denominator = struct.unpack_from(order + "II", entry.data)
        if not numerator or not denominator:
            return None
        dots.append(unit * numerator / denominator)
    return (dots[0], dots[1]) if max(dots) < LARGEST_DPI else None


def set_resolution(directory: Directory, order: str, dpi: tuple[float, float] | None) -> None:
    """Write ``dpi`` into the tags unless they say the same already."""
    if dpi is None or np.allclose(resolution(directory, order) or (0, 0), dpi, rtol=5e-3):
        return
    for tag, dots in zip((Tag.X_RESOLUTION, Tag.Y_RESOLUTION), dpi, strict=True):
        directory[tag] = Entry(Kind.RATIONAL, 1, struct.pack(order + "II", round(dots * 1000), 1000))
    directory[Tag.RESOLUTION_UNIT] = Entry(Kind.SHORT, 1, struct.pack(order + "H", 2))
