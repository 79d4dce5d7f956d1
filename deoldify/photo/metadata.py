"""Metadata as the bytes it came as: EXIF and TIFF tags in their directories, and XMP packets.

Tags are moved entry by entry in their own byte order, never by way of decoded values, so that unknown tags, odd
encodings and maker notes arrive unchanged.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import re
import struct
from dataclasses import dataclass, field
from enum import IntEnum
from typing import BinaryIO

import numpy as np

_log = logging.getLogger(__name__)


class Tag(IntEnum):
    """Tags that are looked at; all others are only carried."""

    PROCESSING_SOFTWARE = 11
    IMAGE_WIDTH = 256
    IMAGE_LENGTH = 257
    ORIENTATION = 274
    X_RESOLUTION = 282
    Y_RESOLUTION = 283
    RESOLUTION_UNIT = 296
    SOFTWARE = 305
    XMP = 700
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
    UNDEFINED = 7
    IFD = 13
    LONG8 = 16


STORAGE = frozenset(
    {254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 277, 278, 279, 280, 281, 284, 288, 289, 290, 291, 292,
     293, 317, 320, 321, 322, 323, 324, 325, 330, 332, 334, 336, 338, 339, 340, 341, 342, 347, 400, *range(512, 522),
     529, 530, 531, 532, 32997, 32998}
)  # fmt: skip
"""Tags that say how the pixels of one particular file are stored, and where: true of no other file."""

COLORIMETRY = frozenset({301, 318, 319})
"""Tags of the source's RGB; meaningless once grey or CMYK has been converted."""

PNG_XMP = b"XML:com.adobe.xmp\0"
"""Keyword of the chunk in which a PNG keeps its XMP."""

PHOTOSHOP_PREFIX = b"Photoshop 3.0\0"
"""What a JPEG's segments of Photoshop's image resources begin with."""

_NESTED = frozenset({Tag.EXIF_IFD, Tag.GPS_IFD, Tag.INTEROP_IFD})
_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_NUMBER_CODES: dict[int, str] = {Kind.SHORT: "H", Kind.LONG: "I"}


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


def read_directory(stream: BinaryIO, offset: int, layout: Layout, nesting: int = 0) -> Directory:
    """Read a directory and those that it points to; entries that point beyond the file are left out.

    Args:
        stream: the whole file.
        offset: where in it the directory begins.
        layout: of the file.
        nesting: how many directories lead here.

    Raises:
        struct.error: there is no directory at ``offset``.
    """
    end = stream.seek(0, os.SEEK_END)
    stream.seek(offset)
    count_format = layout.order + ("Q" if layout.big else "H")
    (count,) = struct.unpack(count_format, stream.read(struct.calcsize(count_format)))
    entry = struct.Struct(f"{layout.order}HH{layout.word}{layout.inline}s")
    table = stream.read(min(count, 65535) * entry.size)
    directory: Directory = {}
    for at in range(0, len(table) - entry.size + 1, entry.size):
        tag, kind, values, inline = entry.unpack_from(table, at)
        length = values * _TYPE_BYTES.get(kind, 1)
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
                    directory[tag] = Entry(Kind.LONG, 1, nested=read_directory(stream, position, layout, nesting + 1))
            continue
        if length > layout.inline:
            stream.seek(position)
            data = stream.read(length)
        directory[tag] = Entry(kind, values, data, offset=position)
    return directory


def append_directory(
    out: bytearray, base: int, directory: Directory, layout: Layout, placed: Entry | None = None
) -> int:
    """Append a directory and all it needs to what will be written.

    Args:
        out: is appended to.
        base: where in the file its first byte lies.
        directory: tag by tag; values in the byte order of ``layout``.
        layout: of the file.
        placed: an entry whose values are in the file already, at its own offset.

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
    out += bytes(layout.inline)
    return start


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
    except struct.error as error:
        _log.warning("EXIF that cannot be read is dropped: %s", error)
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


def number(entry: Entry | None, order: str) -> int | None:
    """The first value of a SHORT or LONG entry; None where there is none."""
    code = _NUMBER_CODES.get(entry.kind) if entry is not None else None
    if entry is None or code is None or len(entry.data) < struct.calcsize(code):
        return None
    return int(struct.unpack_from(order + code, entry.data)[0])


def make_upright(directory: Directory, order: str, width: int, height: int, *, transposed: bool) -> None:
    """Bring orientation, sizes and resolutions into agreement with upright pixels of this size."""
    if Tag.ORIENTATION in directory:
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
    return dots[0], dots[1]


def set_resolution(directory: Directory, order: str, dpi: tuple[float, float] | None) -> None:
    """Write ``dpi`` into the tags unless they say the same already."""
    if dpi is None or np.allclose(resolution(directory, order) or (0, 0), dpi, rtol=5e-3):
        return
    for tag, dots in zip((Tag.X_RESOLUTION, Tag.Y_RESOLUTION), dpi, strict=True):
        directory[tag] = Entry(Kind.RATIONAL, 1, struct.pack(order + "II", round(dots * 1000), 1000))
    directory[Tag.RESOLUTION_UNIT] = Entry(Kind.SHORT, 1, struct.pack(order + "H", 2))


def fitting_exif(exif: bytes, limit: int) -> bytes:
    """EXIF of at most ``limit`` bytes, as a JPEG holds it: without the largest tags where it had more."""
    while len(exif) > limit:
        order, directory = parse_exif(exif)
        tables = [directory, *(entry.nested for entry in directory.values() if entry.nested)]
        _, tag, table = max(
            ((len(entry.data), tag, table) for table in tables for tag, entry in table.items()),
            key=lambda found: found[0],
        )
        _log.warning("tag %d of %d bytes does not fit into a JPEG and is left out", tag, len(table[tag].data))
        del table[tag]
        exif = pack_exif(directory, order)
    return exif


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


def upright_xmp(xmp: bytes) -> bytes:
    """The packet with tiff:Orientation, where it has one, set to 1."""
    return re.sub(rb"(tiff:Orientation(?:\s*=\s*[\"']|\s*>\s*))[2-8]", rb"\g<1>1", xmp)


_AI_SOURCE = b"http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
_EMPTY_XMP = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)


def label_xmp(xmp: bytes | None) -> bytes:
    """An XMP packet with the IPTC property DigitalSourceType: made in part by a trained model.

    Args:
        xmp: a packet, the rest of which stays byte for byte as it was; None makes a new one.
    """
    xmp = xmp or _EMPTY_XMP
    changed, found = re.subn(
        rb"([<\s][\w.-]+:DigitalSourceType(?:\s*=\s*[\"']|\s*>\s*|\s+\w+:resource\s*=\s*[\"']))[^\"'<]*",
        lambda match: match[1] + _AI_SOURCE,
        xmp,
    )
    if found:
        return changed
    close = re.search(rb"</([A-Za-z_][\w.-]*):RDF\s*>", xmp)
    if close is None:  # an empty RDF element, or an encoding other than UTF-8
        _log.warning("the XMP packet has no place for a label and is left as it is")
        return xmp
    rdf = close[1]
    about = re.search(rb"<" + rdf + rb":Description\s[^>]*?" + rdf + rb":about\s*=\s*([\"'][^\"']*[\"'])", xmp)
    description = (
        b"<" + rdf + b":Description " + rdf + b":about=" + (about[1] if about else b'""')
        + b' xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">'
        + b"<Iptc4xmpExt:DigitalSourceType>" + _AI_SOURCE + b"</Iptc4xmpExt:DigitalSourceType>"
        + b"</" + rdf + b":Description>"
    )  # fmt: skip
    return xmp[: close.start()] + description + xmp[close.start() :]
