"""TIFF, read and written by tifffile at any depth, its tags carried entry by entry."""

from __future__ import annotations

import os
import struct
from dataclasses import replace
from typing import Any, BinaryIO, cast

import numpy as np
import tifffile
from PIL import TiffImagePlugin

from deoldify.errors import PhotoError
from deoldify.photo import metadata
from deoldify.photo.photo import Photo
from deoldify.photo.samples import Samples, Space, bands, check_size, from_float, samples_of, unpremultiplied
from deoldify.photo.upright import upright_photo

_NO_COMPRESSION, _LZW, _DEFLATE, _PACKBITS, _ZSTD = 1, 5, 8, 32773, 50000


def read_tiff(stream: BinaryIO, max_pixels: int) -> Photo:
    """The first page of a TIFF, and all of its tags that do not say how its pixels are stored.

    Raises:
        PhotoError: it is none that can be read; the message goes on after the name of the file.
    """
    with tifffile.TiffFile(stream) as tiff:
        pages = tiff.pages
        page = pages.first
        layout = metadata.Layout(tiff.byteorder, tiff.is_bigtiff)
        if 50706 in page.tags:
            raise PhotoError("is a camera's raw file: develop it to TIFF or JPEG first")
        check_size(page.imagewidth, page.imagelength, max_pixels)
        size = stream.seek(0, os.SEEK_END)
        if any(at + length > size for at, length in zip(page.dataoffsets, page.databytecounts, strict=False)):
            raise PhotoError("is not a photograph that can be read: cut short")
        count = sum(1 for each in pages if not cast(tifffile.TiffPage, each).subfiletype & 1)
        directory = metadata.read_directory(stream, page.offset, layout)
        compression, photometric = int(page.compression), int(page.photometric)
        bits = page.bitspersample
        # Whatever is not plain samples (bilevel fax, palettes, JPEG inside TIFF, CIELAB) is libtiff's trade.
        plain = photometric in (0, 1, 2, 5) and bits >= 8 and compression not in (6, 7)
        samples = _tiff_samples(page) if plain else None
    if samples is None:
        stream.seek(0)
        image = TiffImagePlugin.TiffImageFile(stream)
        samples = replace(samples_of(image), upright=True)
        if (metadata.number(directory.get(metadata.Tag.ORIENTATION), layout.order) or 1) > 4:
            metadata.swap_resolutions(directory)
    icc, xmp, photoshop = (
        directory.pop(tag).data.rstrip(b"\0" if tag == metadata.Tag.XMP else b"") or None if tag in directory else None
        for tag in (metadata.Tag.ICC_PROFILE, metadata.Tag.XMP, metadata.Tag.PHOTOSHOP)
    )
    dpi = metadata.resolution(directory, layout.order)
    dropped = metadata.STORAGE if samples.space == "rgb" else metadata.STORAGE | metadata.COLORIMETRY
    kept = {tag: entry for tag, entry in directory.items() if tag not in dropped}
    extras = {"format": "TIFF", "photoshop": photoshop, "tiff_compression": compression, "pages": max(count, 1)}
    exif = metadata.pack_exif(kept, layout.order) if kept else None
    return upright_photo(samples, icc, exif, xmp, dpi, extras)


def _tiff_samples(page: tifffile.TiffPage) -> Samples:
    values = page.asarray()
    if page.axes == "SYX":
        values = np.moveaxis(values, 0, -1)
    elif page.axes not in ("YX", "YXS"):
        raise PhotoError(f"is not a photograph that can be read: its axes are {page.axes}")
    if values.ndim == 2:
        values = values[..., None]
    if values.dtype.kind == "f":
        values, bits = from_float(values), 16
    elif values.dtype in (np.uint8, np.uint16):
        bits = page.bitspersample
    else:
        raise PhotoError(f"has {values.dtype} samples, which have no known white: convert it to 16 bits")
    white = (1 << bits) - 1
    if 8 < bits < 16:
        out = np.empty(values.shape, np.uint16)
        for band in bands(values):
            out[band] = (values[band].astype(np.uint32) * 65535 + white // 2) // white
        values, white = out, 65535
    photometric = int(page.photometric)
    spaces: dict[int, tuple[Space, int]] = {2: ("rgb", 3), 5: ("cmyk", 4)}
    space, channels = spaces.get(photometric, ("grey", 1))
    if values.shape[2] < channels:
        raise PhotoError(f"is not a photograph that can be read: {values.shape[2]} channels are too few")
    alpha = None
    if values.shape[2] > channels and page.extrasamples and int(page.extrasamples[0]) in (1, 2):
        alpha = np.ascontiguousarray(values[..., channels])
    colours = values[..., :channels]
    if alpha is not None and int(page.extrasamples[0]) == 1:
        colours = unpremultiplied(colours, alpha, white)
    if photometric == 0:
        colours = white - colours
    return Samples(colours[..., 0] if channels == 1 else colours, space, alpha)


def write_tiff(photo: Photo, stream: BinaryIO, *, pages: int = 1, more: bool = False) -> None:
    """Write a photo with its tags, compressed as the TIFF that it came from where that lost nothing.

    Args:
        photo: what is written.
        stream: readable, too; empty, or with ``more`` at any position.
        pages: how many there are going to be, of about this size.
        more: ``stream`` holds a TIFF, which gets one more page.
    """
    order, directory = metadata.parse_exif(photo.exif)
    if more and order != (first_order := _byte_order(stream)):
        order, directory = first_order, {}  # of pages of one file only those without tags have another order
    values, alpha = photo.pixels, photo.alpha
    if alpha is not None:
        values = np.dstack((values, alpha))
    # Fax and JPEG inside a TIFF cannot hold what was gained; Deflate loses nothing and is read everywhere.
    compression = photo.tiff_compression if photo.tiff_compression in (1, 5, 8, 32773, 50000) else _DEFLATE
    big = _is_big(stream) if more else values.nbytes * pages > 0xF0000000
    how: dict[str, Any] = {"append": "force"} if more else {"bigtiff": big, "byteorder": order}
    if more:
        stream.seek(0)
    with tifffile.TiffWriter(stream, **how) as writer:
        writer.write(
            values,
            photometric="rgb",
            extrasamples=None if alpha is None else ("unassalpha",),
            compression=compression,
            predictor=compression in (_LZW, _DEFLATE, _ZSTD),
            metadata=None,
            software="",
        )
    layout = metadata.Layout(order, big)
    word = struct.Struct(order + layout.word)
    pointer = _last_pointer(stream, layout)
    stream.seek(pointer)
    written = metadata.read_directory(stream, word.unpack(stream.read(word.size))[0], layout)
    directory = {tag: entry for tag, entry in directory.items() if tag not in metadata.STORAGE}
    metadata.set_resolution(directory, order, photo.dpi)
    for tag, kind, data in (
        (metadata.Tag.XMP, metadata.Kind.BYTE, photo.xmp),
        (metadata.Tag.PHOTOSHOP, metadata.Kind.BYTE, photo.photoshop),
        (metadata.Tag.ICC_PROFILE, metadata.Kind.UNDEFINED, photo.icc_profile),
    ):
        if data:
            directory[tag] = metadata.Entry(kind, len(data), data)
    directory |= {tag: entry for tag, entry in written.items() if tag in metadata.STORAGE}
    # A second directory behind the pixels takes the place of tifffile's, which could hold no EXIF and GPS.
    base = stream.seek(0, os.SEEK_END)
    out = bytearray(base % 2)
    first = metadata.append_directory(out, base, directory, layout)
    stream.write(out)
    stream.seek(pointer)
    stream.write(word.pack(first))


def _byte_order(stream: BinaryIO) -> str:
    stream.seek(0)
    return "<" if stream.read(2) == b"II" else ">"


def _is_big(stream: BinaryIO) -> bool:
    stream.seek(0)
    return stream.read(4) in (b"II+\0", b"MM\0+")


def _last_pointer(stream: BinaryIO, layout: metadata.Layout) -> int:
    """Where in a TIFF of ours it says where the directory of its last page is."""
    word, count = struct.Struct(layout.order + layout.word), struct.Struct(layout.order + ("Q" if layout.big else "H"))
    entry_bytes = 4 + 2 * word.size
    pointer = 8 if layout.big else 4
    while True:
        stream.seek(pointer)
        (directory,) = word.unpack(stream.read(word.size))
        stream.seek(directory)
        (entries,) = count.unpack(stream.read(count.size))
        following = directory + count.size + entries * entry_bytes
        stream.seek(following)
        if not word.unpack(stream.read(word.size))[0]:
            return pointer
        pointer = following
