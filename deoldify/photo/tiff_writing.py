"""Photos written as the pages of a TIFF, by tifffile, with their tags put back entry by entry."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, BinaryIO, cast

import numpy as np
import tifffile

from deoldify.photo import metadata
from deoldify.photo.exif import parse_exif
from deoldify.photo.metadata import Directory, Entry, Kind, Layout, Tag
from deoldify.photo.photo import Photo
from deoldify.photo.photoshop import iptc_of
from deoldify.photo.samples import Array

_NO_COMPRESSION, _LZW, _DEFLATE, _PACKBITS, _ZSTD = 1, 5, 8, 32773, 50000
_LARGEST_CLASSIC = 0xF0000000  # bytes of samples; beyond that offsets do not fit into 32 bits


@dataclass(frozen=True)
class _Tags:
    """What a page says beside its pixels."""

    order: str
    directory: Directory


def write_tiff(photos: Iterable[Photo], stream: BinaryIO) -> None:
    """Write photos as pages, each compressed as the TIFF that it came from where that lost nothing.

    Args:
        photos: one or more, taken one after the other, so that no two need be in memory at once.
        stream: empty, to be read and written.

    Raises:
        ValueError: there is no photo.
    """
    waiting = iter(photos)
    first = next(waiting, None)
    if first is None:
        raise ValueError("a TIFF has at least one page")
    order = parse_exif(first.exif)[0]
    samples = first.pixels.nbytes * (4 if first.alpha is not None else 3) // 3
    layout = Layout(order, samples * first.pages > _LARGEST_CLASSIC)
    pages: list[_Tags] = []
    with tifffile.TiffWriter(stream, bigtiff=layout.big, byteorder=cast(Any, order)) as writer:
        for photo in chain((first,), waiting):
            pages.append(_tags_of(photo))
            _write_page(photo, writer)
        del photo, first
    # Directories behind the pixels take the place of tifffile's, which could hold no EXIF and GPS.
    pointer, word = (8 if layout.big else 4), struct.Struct(order + layout.word)
    stream.seek(pointer)
    (at,) = word.unpack(stream.read(word.size))
    stored = [
        {tag: entry for tag, entry in written.items() if tag in metadata.STORAGE}
        for written in _directories(stream, at, layout)
    ]
    base = stream.seek(0, os.SEEK_END)
    out = bytearray(base % 2)
    following = 0
    for page, storage in zip(reversed(pages), reversed(stored), strict=True):
        directory = metadata.in_order(page.directory, page.order, order) | storage
        following = metadata.append_directory(out, base, directory, layout, following=following)
    stream.write(out)
    stream.seek(pointer)
    stream.write(word.pack(following))


def _write_page(photo: Photo, writer: tifffile.TiffWriter) -> None:
    values: Array = photo.pixels
    if photo.alpha is not None:
        values = np.dstack((values, photo.alpha))
    # Fax and JPEG inside a TIFF cannot hold what was gained; Deflate loses nothing and is read everywhere.
    lossless = (_NO_COMPRESSION, _LZW, _DEFLATE, _PACKBITS, _ZSTD)
    compression = photo.tiff_compression if photo.tiff_compression in lossless else _DEFLATE
    writer.write(
        values,
        photometric="rgb",
        extrasamples=None if photo.alpha is None else ("unassalpha",),
        compression=compression,
        predictor=compression in (_LZW, _DEFLATE, _ZSTD),
        metadata=None,
        software="",
        contiguous=False,
    )


def _tags_of(photo: Photo) -> _Tags:
    order, directory = parse_exif(photo.exif)
    directory = {tag: entry for tag, entry in directory.items() if tag not in metadata.STORAGE}
    metadata.set_resolution(directory, order, photo.dpi)
    if photo.comment and Tag.IMAGE_DESCRIPTION not in directory:
        text = photo.comment.rstrip(b"\0") + b"\0"
        directory[Tag.IMAGE_DESCRIPTION] = Entry(Kind.ASCII, len(text), text)
    for tag, kind, data in (
        (Tag.XMP, Kind.BYTE, photo.xmp),
        (Tag.PHOTOSHOP, Kind.BYTE, photo.photoshop),
        (Tag.IPTC, Kind.UNDEFINED, None if Tag.IPTC in directory else iptc_of(photo.photoshop)),
        (Tag.ICC_PROFILE, Kind.UNDEFINED, photo.icc_profile),
    ):
        if data:
            directory[tag] = Entry(kind, len(data), data)
    return _Tags(order, directory)


def _directories(stream: BinaryIO, at: int, layout: Layout) -> Iterator[Directory]:
    """Those that tifffile wrote, one page after the other."""
    count = struct.Struct(layout.order + ("Q" if layout.big else "H"))
    word = struct.Struct(layout.order + layout.word)
    while at:
        yield metadata.read_directory(stream, at, layout)
        stream.seek(at)
        (entries,) = count.unpack(stream.read(count.size))
        stream.seek(at + count.size + entries * (20 if layout.big else 12))
        (at,) = word.unpack(stream.read(word.size))
