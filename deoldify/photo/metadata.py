"""Metadata as the bytes it came as: EXIF and TIFF tags in their directories.

Tags are moved entry by entry in their own byte order, never by way of decoded values, so that unknown tags, odd
encodings and maker notes arrive unchanged.
"""

from __future__ import annotations

import contextlib
import io
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
     529, 530, 531, 532, 32997, 32998}
)  # fmt: skip
"""Tags that say how the pixels of one particular file are stored, and where: true of no other file."""

COLORIMETRY = frozenset({301, 318, 319})
"""Tags of the source's RGB; meaningless once grey or CMYK has been converted."""

DEPICTING = frozenset({20507, 37724})
"""Tags that show the picture as it was: a thumbnail in GDI+'s way, and Photoshop's layers. They are never read."""

LARGEST_DPI = 1e6
"""What claims more dots per inch is no resolution."""

_NESTED = frozenset({Tag.EXIF_IFD, Tag.GPS_IFD, Tag.INTEROP_IFD})
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
        if length > layout.inline or tag in _NESTED:
            (position,) = struct.unpack(layout.order + layout.word, inline)
            if position + length > end or (tag in _NESTED and position in (0, offset)):
                continue
        if tag in _NESTED:
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


def parse_exif(exif: bytes | None) -> tuple[str, Directory]:
    """Byte order and first directory of an EXIF block; an empty directory where there is none to be read.

    Args:
        exif: a TIFF structure, with or without the "Exif" prefix.
    """
    block = (exif or b"").removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if order is None:
        return "<", {}
    try:
        return order, read_directory(io.BytesIO(block), struct.unpack_from(order + "I", block, 4)[0], Layout(order))
    except struct.error:
        warn("EXIF that cannot be read is left out")
        return "<", {}


def pack_exif(directory: Directory, order: str) -> bytes:
    """An EXIF block, without the "Exif" prefix, of one directory and those that it points to.

    A maker note stays at the offset where it was: makers count offsets inside it from the start of the block.
    """
    out = bytearray(b"II*\0" if order == "<" else b"MM\0*") + bytes(4)
    exif = directory.get(Tag.EXIF_IFD)
    note = exif.nested.get(Tag.MAKER_NOTE) if exif is not None and exif.nested else None
    if note is not None and 8 <= note.offset < 32768 and len(note.data) > 4:
        out += bytes(note.offset - len(out)) + note.data
        out += bytes(len(out) % 2)
    else:
        note = None
    struct.pack_into(order + "I", out, 4, append_directory(out, 0, directory, Layout(order), note))
    return bytes(out)


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


def resolution_of_exif(exif: bytes | None) -> tuple[float, float] | None:
    """``resolution`` of an EXIF block."""
    order, directory = parse_exif(exif)
    return resolution(directory, order)


def set_resolution(directory: Directory, order: str, dpi: tuple[float, float] | None) -> None:
    """Write ``dpi`` into the tags unless they say the same already."""
    if dpi is None or np.allclose(resolution(directory, order) or (0, 0), dpi, rtol=5e-3):
        return
    for tag, dots in zip((Tag.X_RESOLUTION, Tag.Y_RESOLUTION), dpi, strict=True):
        directory[tag] = Entry(Kind.RATIONAL, 1, struct.pack(order + "II", round(dots * 1000), 1000))
    directory[Tag.RESOLUTION_UNIT] = Entry(Kind.SHORT, 1, struct.pack(order + "H", 2))


_KEPT_LONGEST = frozenset(
    {Tag.PROCESSING_SOFTWARE, Tag.IMAGE_DESCRIPTION, Tag.ORIENTATION, Tag.X_RESOLUTION, Tag.Y_RESOLUTION,
     Tag.RESOLUTION_UNIT, Tag.SOFTWARE, 306, 315, 33432, *_NESTED}
)  # fmt: skip


def fitting_exif(exif: bytes, limit: int) -> bytes:
    """EXIF of at most ``limit`` bytes, as a JPEG holds it: without the largest tags where it had more."""
    if len(exif) <= limit:
        return exif
    order, directory = parse_exif(exif)
    tables = [directory, *(entry.nested for entry in directory.values() if entry.nested)]
    size = {
        (index, tag): 12 + (len(entry.data) + len(entry.data) % 2 if len(entry.data) > 4 else 0)
        for index, table in enumerate(tables)
        for tag, entry in table.items()
    }
    largest = sorted(size, key=lambda at: (at[1] in _KEPT_LONGEST, -size[at], -at[1]))
    removed, whole = 0, len(exif)
    for index, tag in largest:
        if whole <= limit and len(exif := pack_exif(directory, order)) <= limit:
            break
        del tables[index][tag]
        removed, whole = removed + 1, whole - size[index, tag]
    warn(f"{removed} tags do not fit into a JPEG and are left out")
    return exif if len(exif) <= limit else pack_exif({}, order)


def label_exif(exif: bytes | None, label: str) -> bytes:
    """EXIF with ``label`` added to ProcessingSoftware, and as Software where there was none."""
    order, directory = parse_exif(exif)
    text = label.encode() + b"\0"
    earlier = directory.get(Tag.PROCESSING_SOFTWARE)
    if earlier is not None and earlier.kind == Kind.ASCII and (before := earlier.data.rstrip(b"\0 ")):
        text = before + b"\0" if label.encode() in before else before + b"; " + text
    directory[Tag.PROCESSING_SOFTWARE] = Entry(Kind.ASCII, len(text), text)
    software = directory.get(Tag.SOFTWARE)
    if software is None or not software.data.strip(b"\0 "):
        directory[Tag.SOFTWARE] = Entry(Kind.ASCII, len(label.encode()) + 1, label.encode() + b"\0")
    return pack_exif(directory, order)
