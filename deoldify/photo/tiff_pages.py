"""The pages of a TIFF: which of its directories are photographs, and how the samples of one are stored.

Directories may lead to each other in a loop, claim anything, and be half a million; so they are read here, with bounds,
and decoders see a file of one page whose tags have been found to agree with each other and with the file.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from deoldify.errors import PhotoError
from deoldify.photo import metadata
from deoldify.photo.faults import damaged, unreadable
from deoldify.photo.metadata import Directory, Entry, Kind, Layout, Tag, number, numbers
from deoldify.photo.pieces import Pieces
from deoldify.photo.samples import check_size

_MOST_PAGES = 10_000
_MOST_SEGMENTS = 300_000
"""Strips or tiles of a page: one a row of each plane of the tallest scans, and no more."""
_ROOMY_PIXELS = 1 << 24
"""Beyond the edges of a page tiles may have as many pixels again thrice, and so many more."""

# Tags of storage that a decoder is shown; whatever else a file says, it does not get to see.
_SHOWN = (256, 257, 258, 259, 262, 263, 264, 265, 266, 277, 278, 279, 273, 284, 292, 293, 317, 320, 321, 322, 323, 324,
          325, 332, 338, 339, 347, *range(512, 522), 529, 530, 531, 532)  # fmt: skip
_OFFSETS = {False: (273, 279), True: (324, 325)}  # of strips, of tiles: where they lie and how long they are


@dataclass(frozen=True)
class Storage:
    """How the samples of a page are stored.

    Attributes:
        width, height: in pixels.
        bits: of each sample; all are alike.
        samples: a pixel.
        photometric: value of PhotometricInterpretation.
        compression: value of Compression.
        planar: whether each sample has a plane of its own.
        floating: whether samples are floating-point numbers.
        extra: values of ExtraSamples.
        subsampling: pixels across and down that share their chroma.
        file: one page, for a decoder.
        segments: offset and length of each strip or tile in it.
        rows: of a strip; 0 for tiles.
    """

    width: int
    height: int
    bits: int
    samples: int
    photometric: int
    compression: int
    planar: bool
    floating: bool
    extra: tuple[int, ...]
    subsampling: tuple[int, int]
    file: Pieces
    segments: list[tuple[int, int]]
    rows: int


def layout_of(stream: BinaryIO) -> tuple[Layout, int]:
    """How the file's numbers are stored, and where its first directory begins."""
    stream.seek(0)
    start = stream.read(16)
    layout = Layout("<" if start[:2] == b"II" else ">", start[2:4] in (b"+\0", b"\0+"))
    at = 8 if layout.big else 4
    return layout, int(struct.unpack_from(layout.order + layout.word, start.ljust(16, b"\0"), at)[0])


def pages_of(stream: BinaryIO, layout: Layout, first: int) -> list[tuple[int, int | None]]:
    """Where the directories of the file's full pages begin, and for those that a reduced image stands for, where its
    own does; thumbnails and masks are no pages.

    Raises:
        PhotoError: there is no directory at all.
    """
    end = stream.seek(0, os.SEEK_END)
    pages: list[tuple[int, int | None]] = []
    reduced: list[int] = []
    seen: set[int] = set()
    budget = [end + metadata.SHARED_BYTES]
    offset = first
    while offset and offset not in seen and len(seen) < _MOST_PAGES:
        seen.add(offset)
        glance = _glance(stream, offset, layout, end, budget)
        if glance is None:
            break
        is_full, inner, offset_next = glance
        if is_full:
            pages.append((offset, None))
        else:
            reduced.append(offset)
            full = _full_below(inner, lambda sub: _glance(stream, sub, layout, end, budget), seen)
            if full is not None:
                pages.append((full, offset))
        offset = offset_next
    if not seen or not (pages or reduced):
        raise damaged("it has no directory")
    if pages and reduced and reduced[0] == first and pages[0][1] is None:
        pages[0] = (pages[0][0], first)  # what a thumbnail in front says of the photo is said nowhere else
    return pages or [(reduced[0], None)]


def _full_below(
    offsets: list[int], glance: Callable[[int], tuple[bool, list[int], int] | None], seen: set[int], nesting: int = 0
) -> int | None:
    """The first full page among SubIFDs, those of reduced ones among them included."""
    for offset in offsets:
        if offset in seen:
            continue
        seen.add(offset)
        found = glance(offset)
        if found is None:
            continue
        is_full, inner, _ = found
        full = offset if is_full else _full_below(inner, glance, seen, nesting + 1) if nesting < 3 else None
        if full is not None:
            return full
    return None


def _glance(
    stream: BinaryIO, offset: int, layout: Layout, end: int, budget: list[int]
) -> tuple[bool, list[int], int] | None:
    """Whether a directory is of a full page, its SubIFDs, and the offset of the next; None where there is none."""
    count_size, size = (8, 20) if layout.big else (2, 12)
    if offset + count_size > end:
        return None
    stream.seek(offset)
    (count,) = struct.unpack(layout.order + ("Q" if layout.big else "H"), stream.read(count_size))
    count = min(count, 65535)
    budget[0] -= count * size
    if budget[0] < 0:
        return None
    table = stream.read(count * size)
    word = stream.read(layout.inline)
    following = struct.unpack(layout.order + layout.word, word)[0] if len(word) == layout.inline else 0
    entries = np.frombuffer(
        table, np.dtype([("tag", layout.order + "u2"), ("rest", f"V{size - 2}")]), len(table) // size
    )
    entry = struct.Struct(f"{layout.order}HH{layout.word}{layout.inline}s")
    found: dict[int, list[int]] = {}
    for index in np.flatnonzero(np.isin(entries["tag"], (Tag.SUBFILE_TYPE, Tag.OLD_SUBFILE_TYPE, Tag.SUB_IFDS)))[:3]:
        tag, kind, values, inline = entry.unpack_from(table, int(index) * size)
        length = min(values, 64) * metadata.bytes_of(kind)
        if length > layout.inline:
            stream.seek(struct.unpack(layout.order + layout.word, inline)[0])
            inline = stream.read(length)
        found[tag] = numbers(Entry(kind, values, inline[:length]), layout.order)
    new, old = found.get(Tag.SUBFILE_TYPE, [0])[:1], found.get(Tag.OLD_SUBFILE_TYPE, [1])[:1]
    is_full = not (new and new[0] & 5) and old != [2]  # 1 a reduced image, 4 a mask
    return is_full, found.get(Tag.SUB_IFDS, []), following


def storage_of(stream: BinaryIO, directory: Directory, layout: Layout, max_pixels: int) -> Storage:
    """How a page is stored, once its tags have been found to make sense.

    Raises:
        PhotoError: they do not, or the page is too large, or of a kind that cannot be read.
    """

    def one(tag: int, otherwise: int | None = None) -> int:
        entry = directory.get(tag)
        found = otherwise if entry is None else number(entry, layout.order)
        if found is None:
            raise damaged(f"its tag {tag} is missing or is no number")
        return found

    width, height = one(Tag.IMAGE_WIDTH), one(Tag.IMAGE_LENGTH)
    samples, photometric, compression = one(277, 1), one(262), one(259, 1)
    each = numbers(directory.get(258), layout.order) or [1]
    formats = numbers(directory.get(339), layout.order) or [1]
    if len(set(each[:samples])) > 1 or len(set(formats[:samples])) > 1:
        raise unreadable("a TIFF whose samples are of several kinds")
    bits = each[0]
    planar = one(284, 1) == 2 and samples > 1
    check_size(width, height, max_pixels, samples=samples, bits=bits)
    subsampling = tuple(numbers(directory.get(530), layout.order)[:2] if photometric == 6 else ()) or (2, 2)
    if photometric != 6:
        subsampling = (1, 1)
    if len(subsampling) != 2 or any(step not in (1, 2, 4) for step in subsampling):
        raise damaged(f"its chroma is subsampled by {subsampling}")

    tiled = 322 in directory
    if tiled:
        across, down, rows = one(322), one(323), 0
        if across < 1 or down < 1:
            raise damaged(f"its tiles are {across} × {down} pixels in size")
        check_size(across, down, max_pixels, samples=samples, bits=bits)
        count = -(-width // across) * -(-height // down)
        if count * across * down > 4 * width * height + _ROOMY_PIXELS:
            raise damaged(f"its tiles are {across} × {down} pixels in size, for {width} × {height}")
    else:
        rows = max(1, min(one(278, height), height))
        count = -(-height // rows)
    count *= samples if planar else 1
    where, long = _OFFSETS[tiled]
    offsets, lengths = numbers(directory.get(where), layout.order), numbers(directory.get(long), layout.order)
    shown = {tag: directory[tag] for tag in _SHOWN if tag in directory}
    if compression == 6 and not offsets:  # the old way with JPEG, where the whole stream lies at tag 513
        offsets, lengths = [one(513)], [one(514)]
    elif not lengths and compression == 1 and count == 1:
        lengths = [-(-width * samples * bits // 8) * height]
    if min(len(offsets), len(lengths)) < count and compression != 6:
        raise damaged(f"{count - min(len(offsets), len(lengths))} of its {count} strips or tiles are missing")
    offsets, lengths = offsets[:count], lengths[:count]
    if compression == 1 and not tiled and not planar and count > 1 and _are_adjacent(offsets, lengths):
        offsets, lengths, rows, count = offsets[:1], [sum(lengths)], height, 1
        shown[278] = Entry(Kind.LONG, 1, struct.pack(layout.order + "I", height))
    if count > _MOST_SEGMENTS:
        raise PhotoError(f"is stored in {count} strips or tiles: save it anew")
    size = stream.seek(0, os.SEEK_END)
    if any(at < 0 or length < 0 or at + length > size for at, length in zip(offsets, lengths)):
        raise damaged("its strips or tiles end beyond the file")
    if sum(lengths) > 2 * size + _ROOMY_PIXELS:  # empty tiles are sometimes written once, but they are short
        raise damaged("its strips or tiles lie on top of each other")
    kind, code = (Kind.LONG8, "Q") if layout.big else (Kind.LONG, "I")
    for tag, values in ((where, offsets), (long, lengths)):
        shown[tag] = Entry(kind, len(values), struct.pack(f"{layout.order}{len(values)}{code}", *values))
    return Storage(
        width, height, bits, samples, photometric, compression, planar, formats[0] == 3,
        tuple(numbers(directory.get(338), layout.order)), (subsampling[0], subsampling[1]),
        _of_one_page(stream, size, shown, layout), list(zip(offsets, lengths)), rows,
    )  # fmt: skip


def _are_adjacent(offsets: list[int], lengths: list[int]) -> bool:
    return all(at + length == after for at, length, after in zip(offsets, lengths, offsets[1:]))


def _of_one_page(stream: BinaryIO, size: int, shown: Directory, layout: Layout) -> Pieces:
    """The file with a directory of its own behind it, and no other."""
    out = bytearray(size % 2)
    at = metadata.append_directory(out, size, shown, layout)
    head = 8 if layout.big else 4
    stream.seek(0)
    start = stream.read(head) + struct.pack(layout.order + layout.word, at)
    return Pieces([start, (stream, len(start), size - len(start)), bytes(out)])
