"""JPEG 2000: the boxes of a JP2 file, and pixels of up to 16 bits by OpenJPEG. See ISO/IEC 15444-1, annexes A and I."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import imagecodecs
import numpy as np

from deoldify.errors import PhotoError
from deoldify.photo.colours import ycbcr_to_rgb
from deoldify.photo.faults import damaged, unreadable
from deoldify.photo.jpeg import samples_of_bits
from deoldify.photo.samples import Array, Samples, check_size

_EXIF_UUID = b"JpgTiffExif->JP2"
_XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_MOST_BOXES = 10_000
_MOST_TILES = 65_535
_MOST_PIXELS = 150_000_000
_LARGEST_BOX = 1 << 25
_SYCC = 18


@dataclass
class Jpeg2000:
    """What a file says beside its pixels; fields as a ``Photo`` has them.

    Attributes:
        space: number of the enumerated colour space.
        has_alpha: whether the last channel is opacity.
        palette: channels that a palette gives to each pixel; 0 without one.
        codestream: where the pixels begin.
    """

    exif: bytes | None = None
    xmp: bytes | None = None
    icc: bytes | None = None
    dpi: tuple[float, float] | None = None
    space: int = 0
    has_alpha: bool = False
    palette: int = 0
    codestream: int = 0


def read_jpeg_2000(stream: BinaryIO, max_pixels: int) -> tuple[Jpeg2000, Samples]:
    """The pixels of a JPEG 2000 and everything that it says of them.

    Raises:
        PhotoError: it is damaged, too large, or of a kind that cannot be read; the message goes on after its name.
    """
    found = _read_boxes(stream)
    width, height, components, bits = _announced(stream, found.codestream)
    if found.palette > 4:
        raise unreadable(f"a JPEG 2000 with a palette of {found.palette} channels")
    check_size(width, height, max_pixels, samples=components, bits=16)
    if width * height > _MOST_PIXELS:  # the decoder needs 32 bits for each sample, and as many again for a palette
        raise PhotoError(f"has {width * height / 1e6:.0f} megapixels, and of a JPEG 2000 {_MOST_PIXELS / 1e6:g} "
                         "are decoded at most: convert it to TIFF first")  # fmt: skip
    stream.seek(0)
    values: Array = imagecodecs.jpeg2k_decode(stream.read())
    if values.shape[:2] != (height, width):
        raise damaged("its picture is not what it announces")
    if values.dtype not in (np.uint8, np.uint16):
        raise unreadable(f"a JPEG 2000 of {values.dtype}")
    channels = values.shape[2] if values.ndim == 3 else 1
    alpha = None
    if channels in (2, 4):
        alpha = samples_of_bits(values[..., -1], bits, (height, width)).values if found.has_alpha else None
        values = values[..., :-1]
    samples = samples_of_bits(np.ascontiguousarray(values), bits, (height, width))
    if found.space == _SYCC and samples.space == "rgb" and not found.palette:
        white = int(np.iinfo(samples.values.dtype).max)
        half = (white + 1) / 2
        rgb = ycbcr_to_rgb(samples.values, (0.299, 0.587, 0.114), (0, white, half, white, half, white))
        return found, Samples(rgb, "rgb", alpha)
    return found, Samples(samples.values, samples.space, alpha)


def size_of_jpeg_2000(stream: BinaryIO) -> tuple[int, int]:
    """Width and height, by the header."""
    return _announced(stream, _read_boxes(stream).codestream)[:2]


def _announced(stream: BinaryIO, at: int) -> tuple[int, int, int, int]:
    """Width, height, components and bits of the codestream at an offset."""
    stream.seek(at)
    head = stream.read(44)
    if len(head) < 42 or head[:4] != b"\xff\x4f\xff\x51":
        raise damaged("it has no picture")
    x1, y1, x0, y0, tile_width, tile_height, tile_x, tile_y, count = struct.unpack_from(">8IH", head, 8)
    if not tile_width or not tile_height or not 1 <= count <= 16384 or x0 >= x1 or y0 >= y1:
        raise damaged("its sizes make no sense")
    if -(-(x1 - tile_x) // tile_width) * -(-(y1 - tile_y) // tile_height) > _MOST_TILES:
        raise damaged("it has too many tiles")
    stream.seek(at + 42)
    components = stream.read(3 * min(count, 8))
    depths, across, down = components[::3], components[1::3], components[2::3]
    if count > 4 or len(components) < 3 * count:
        raise unreadable(f"a JPEG 2000 of {count} components")
    if len(set(depths)) > 1 or depths[0] >= 16 or set(across + down) != {1}:
        raise unreadable("a JPEG 2000 with components of several sizes or depths, or of more than 16 bits")
    return x1 - x0, y1 - y0, count, depths[0] + 1


def _boxes(stream: BinaryIO, at: int, end: int, left: list[int]) -> Iterator[tuple[bytes, int, int]]:
    """Type, offset and end of the content of each box."""
    while at + 8 <= end and left[0] > 0:
        left[0] -= 1
        stream.seek(at)
        length, kind = struct.unpack(">I4s", stream.read(8))
        start = at + 8
        if length == 1:
            (length,) = struct.unpack(">Q", stream.read(8).ljust(8, b"\0"))
            start += 8
        stop = end if length == 0 else at + length
        if stop < start or stop > end:
            stop = end
        yield kind, start, stop
        at = stop


def _read_boxes(stream: BinaryIO) -> Jpeg2000:
    found, size, left = Jpeg2000(), stream.seek(0, os.SEEK_END), [_MOST_BOXES]
    stream.seek(0)
    if stream.read(4) == b"\xff\x4f\xff\x51":
        return found
    for kind, start, stop in _boxes(stream, 0, size, left):
        if kind == b"jp2c":
            found.codestream = start
            break
        if kind == b"jp2h":
            for inner, at, end in _boxes(stream, start, stop, left):
                _take_header(found, inner, _content(stream, at, end), stream, at, end, left)
        elif kind == b"uuid":
            data = _content(stream, start, stop)
            if data.startswith(_EXIF_UUID):
                found.exif = found.exif or data[16:]
            elif data.startswith(_XMP_UUID):
                found.xmp = found.xmp or data[16:]
    return found


def _content(stream: BinaryIO, start: int, stop: int) -> bytes:
    stream.seek(start)
    return stream.read(stop - start) if stop - start <= _LARGEST_BOX else b""


def _take_header(
    found: Jpeg2000, kind: bytes, data: bytes, stream: BinaryIO, at: int, end: int, left: list[int]
) -> None:
    if kind == b"colr" and data[:1] == b"\1" and len(data) >= 7:
        (found.space,) = struct.unpack_from(">I", data, 3)
    elif kind == b"colr" and data[:1] in (b"\2", b"\3"):
        found.icc = found.icc or data[3:]
    elif kind == b"pclr":
        found.palette = max(1, data[2]) if len(data) > 2 else 1
    elif kind == b"cmap":
        found.palette = max(found.palette, len(data) // 4)
    elif kind == b"cdef" and len(data) >= 2:
        count = min(struct.unpack_from(">H", data)[0], (len(data) - 2) // 6)
        types = [struct.unpack_from(">HHH", data, 2 + 6 * index) for index in range(count)]
        found.has_alpha = bool(types) and max(types)[1] in (1, 2)
    elif kind == b"res ":
        for inner, start, stop in _boxes(stream, at, end, left):
            said = _content(stream, start, stop)
            if inner in (b"resc", b"resd") and len(said) == 10 and found.dpi is None:
                found.dpi = _dots(said)


def _dots(said: bytes) -> tuple[float, float] | None:
    top_y, bottom_y, top_x, bottom_x, power_y, power_x = struct.unpack(">HHHHbb", said)
    if not (top_y and bottom_y and top_x and bottom_x):
        return None
    dots = top_x / bottom_x * 10.0**power_x * 0.0254, top_y / bottom_y * 10.0**power_y * 0.0254
    return dots if min(dots) > 0 and max(dots) < 1e6 else None
