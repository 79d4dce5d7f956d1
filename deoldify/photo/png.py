"""PNG: its chunks, read and written one by one, and its pixels of up to 16 bits."""

from __future__ import annotations

import binascii
import os
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import BinaryIO

import imagecodecs
import numpy as np
from PIL import PngImagePlugin

from deoldify.photo.faults import damaged, unreadable, warn
from deoldify.photo.metadata import LARGEST_DPI
from deoldify.photo.photo import Photo
from deoldify.photo.photoshop import PHOTOSHOP_PREFIX, cleaned, iptc_of, with_iptc
from deoldify.photo.pieces import Piece, Pieces
from deoldify.photo.samples import Array, Samples, check_size, samples_of
from deoldify.photo.xmp_packet import LARGEST_XMP

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_XMP_KEYWORD = b"XML:com.adobe.xmp"
_RAW_KEYWORD = b"Raw profile type "
_MOST_CHUNKS = 200_000
_LARGEST_PROFILE = 1 << 24
_LIBPNG_SIDE = 1_000_000
"""libpng neither reads nor writes wider or higher pictures."""

# What describes the picture or its maker. Profile, resolution, EXIF and XMP are carried by fields of their own.
_KEPT = frozenset({b"tEXt", b"zTXt", b"iTXt", b"tIME", b"gAMA", b"cHRM", b"sRGB", b"cICP"})
_OF_PROGRAMS = frozenset({b"Software", b"date:create", b"date:modify", b"date:timestamp"})
_DECODED = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT"})
_LARGEST_CHUNK = 1 << 25  # of those that are kept


@dataclass
class Png:
    """What a PNG says; fields as a ``Photo`` has them.

    Attributes:
        pieces: the chunks that a decoder needs.
        depth: bits of a sample.
    """

    pieces: list[Piece] = field(default_factory=lambda: [_SIGNATURE])
    width: int = 0
    height: int = 0
    depth: int = 8
    exif: bytes | None = None
    xmp: bytes | None = None
    icc: bytes | None = None
    dpi: tuple[float, float] | None = None
    photoshop: bytes | None = None
    chunks: list[tuple[bytes, bytes]] = field(default_factory=list)
    frames: int = 1
    room: int = 2 * LARGEST_XMP
    """Bytes that compressed descriptions may still become, all together."""


def read_png(stream: BinaryIO, max_pixels: int) -> tuple[Png, Samples]:
    """A PNG's pixels and everything that it says of them.

    Raises:
        PhotoError: it is damaged, too large, or of a kind that cannot be read; the message goes on after its name.
    """
    found = _read_chunks(stream)
    check_size(found.width, found.height, max_pixels)
    if found.depth == 16:
        return found, _decode_16_bits(found)
    return found, samples_of(PngImagePlugin.PngImageFile(Pieces(found.pieces).file))


def size_of_png(stream: BinaryIO) -> tuple[int, int]:
    """Width and height, by the header."""
    stream.seek(16)
    width, height = struct.unpack(">II", stream.read(8))
    return width, height


def _read_chunks(stream: BinaryIO) -> Png:
    found = Png()
    size = stream.seek(0, os.SEEK_END)
    stream.seek(len(_SIGNATURE))
    for _ in range(_MOST_CHUNKS):
        at, head = stream.tell(), stream.read(8)
        if len(head) < 8 or head[4:] == b"IEND":
            break
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        if at == len(_SIGNATURE) and kind == b"CgBI":
            raise unreadable("a PNG as it is inside of iPhone programs")
        if (kind == b"IHDR") != (at == len(_SIGNATURE)):
            raise damaged("it has no header, or two")
        if kind in _DECODED:
            found.pieces.append((stream, at, min(length + 12, size - at)))
        if kind == b"IHDR":
            found.width, found.height, found.depth = struct.unpack(">IIB", stream.read(9))
        elif kind != b"IDAT" and at + length + 12 <= size:
            _take(found, kind, stream.read(length) if length <= _LARGEST_CHUNK else b"")
        stream.seek(at + length + 12)
    else:
        raise damaged("it has too many chunks")
    found.pieces.append(b"\0\0\0\0IEND\xaeB`\x82")
    return found


def _take(found: Png, kind: bytes, data: bytes) -> None:
    """Take over what a chunk says."""
    if kind == b"eXIf":
        found.exif = found.exif or data
    elif kind == b"iCCP":
        packed = data.partition(b"\0")[2]
        found.icc = found.icc or _inflated(found, packed[1:], _LARGEST_PROFILE)
    elif kind == b"pHYs" and len(data) == 9:
        x, y, unit = struct.unpack(">IIB", data)
        dots = x * 0.0254, y * 0.0254
        found.dpi = dots if unit == 1 and min(dots) > 0 and max(dots) < LARGEST_DPI else None
    elif kind == b"acTL" and len(data) == 8:
        found.frames = max(1, struct.unpack(">I", data[:4])[0])
    elif kind in _KEPT and data:
        keyword, _, rest = data.partition(b"\0")
        if kind == b"iTXt" and keyword == _XMP_KEYWORD:
            found.xmp = found.xmp or _international_text(found, rest)
        elif kind in (b"tEXt", b"zTXt") and keyword.startswith(_RAW_KEYWORD):
            _take_raw_profile(
                found, keyword[len(_RAW_KEYWORD) :], rest if kind == b"tEXt" else _inflated(found, rest[1:])
            )
        else:
            found.chunks.append((kind, data))


def _inflated(found: Png, packed: bytes, limit: int = LARGEST_XMP) -> bytes | None:
    """What Deflate packed; None where it is damaged or more than it can be."""
    inflate = zlib.decompressobj()
    try:
        data = inflate.decompress(packed, min(limit, found.room)) if found.room > 0 else b""
    except zlib.error:
        data = b""
    found.room -= len(data)
    if not inflate.eof:
        warn("a compressed description that is damaged or too large is left out")
        return None
    return data


def _international_text(found: Png, rest: bytes) -> bytes | None:
    packed, text = rest[:1] == b"\1", rest[2:].split(b"\0", 2)
    if len(text) < 3:
        return None
    return _inflated(found, text[2]) if packed else text[2]


def texts_of(chunks: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """What text chunks say, in UTF-8, as one comment for formats that have no such chunks.

    A comment or description that stands alone is given as it is, others with their keywords, a line each.
    """
    room, said = Png(), list[tuple[str, str]]()
    for kind, data in chunks:
        keyword, _, rest = data.partition(b"\0")
        if kind not in (b"tEXt", b"zTXt", b"iTXt") or keyword in _OF_PROGRAMS:
            continue
        if kind == b"iTXt":
            text = (_international_text(room, rest) or b"").decode("utf-8", "replace")
        else:
            text = (rest if kind == b"tEXt" else _inflated(room, rest[1:]) or b"").decode("latin-1")
        if text.strip():
            said.append((keyword.decode("latin-1"), text))
    if len(said) == 1 and said[0][0] in ("Comment", "Description"):
        return said[0][1].encode()
    return "\n".join(f"{keyword}: {text}" for keyword, text in said).encode() or None


def _take_raw_profile(found: Png, name: bytes, text: bytes | None) -> None:
    """Take over a profile as ImageMagick and ExifTool keep it: its name, its length, and hexadecimal digits."""
    words = (text or b"").strip().split(b"\n", 2)
    try:
        data = binascii.unhexlify(b"".join(words[2].split()))
    except (IndexError, ValueError):
        return
    if name in (b"exif", b"APP1") and data.startswith(b"Exif\0\0"):
        found.exif = found.exif or data[6:]
    elif name == b"xmp":
        found.xmp = found.xmp or data
    elif name in (b"iptc", b"8bim"):
        data = data.removeprefix(PHOTOSHOP_PREFIX)
        found.photoshop = with_iptc(None, data) if data.startswith(b"\x1c") else cleaned(data)
    elif name in (b"icc", b"icm"):
        found.icc = found.icc or data


def _decode_16_bits(found: Png) -> Samples:
    if max(found.width, found.height) > _LIBPNG_SIDE:
        raise unreadable(f"a PNG of 16 bits with more than {_LIBPNG_SIDE} pixels a side")
    values = imagecodecs.png_decode(Pieces(found.pieces).readall())
    channels = values.shape[2] if values.ndim == 3 else 1
    alpha = np.ascontiguousarray(values[..., -1]) if channels in (2, 4) else None
    if channels > 2:
        return Samples(values[..., :3], "rgb", alpha)
    return Samples(values[..., 0] if channels == 2 else values.reshape(values.shape[:2]), "grey", alpha)


# Writing


def write_png(photo: Photo, stream: BinaryIO) -> None:
    """Write a photo at its own depth, with all that it says."""
    values = photo.pixels if photo.alpha is None else np.dstack((photo.pixels, photo.alpha))
    # NumPy calls an array contiguous whatever the stride of an axis of length 1; imagecodecs looks at all strides.
    values = values.copy() if 1 in values.shape else np.ascontiguousarray(values)
    is_huge = max(photo.width, photo.height) > _LIBPNG_SIDE
    encoded = memoryview(_encoded(values) if is_huge else imagecodecs.png_encode(values, level=6))
    del values
    end_of_header = 8 + 25  # signature, IHDR
    stream.write(encoded[:end_of_header])
    for kind, data in photo.png_chunks:
        stream.write(_chunk(kind, data))
    if photo.icc_profile:
        stream.write(_chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(photo.icc_profile)))
    if photo.dpi:
        stream.write(_chunk(b"pHYs", struct.pack(">IIB", *(round(dots / 0.0254) for dots in photo.dpi), 1)))
    if photo.exif:
        stream.write(_chunk(b"eXIf", photo.exif))
    if photo.xmp:
        stream.write(_chunk(b"iTXt", _XMP_KEYWORD + b"\0\0\0\0\0" + photo.xmp))
    if photo.comment:
        text = photo.comment.replace(b"\0", b" ")
        is_utf_8 = not text.isascii() and _is_utf_8(text)
        stream.write(_chunk(b"iTXt", b"Comment\0\0\0\0\0" + text) if is_utf_8 else _chunk(b"tEXt", b"Comment\0" + text))
    if iptc_of(photo.photoshop) and photo.photoshop:
        stream.write(_chunk(b"zTXt", _RAW_KEYWORD + b"iptc\0\0" + zlib.compress(_raw_profile(photo.photoshop))))
    stream.write(encoded[end_of_header:])


def _is_utf_8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeError:
        return False
    return True


def _raw_profile(data: bytes) -> bytes:
    digits = data.hex().encode()
    lines = b"\n".join(digits[at : at + 72] for at in range(0, len(digits), 72))
    return b"\niptc\n%8d\n%b\n" % (len(data), lines)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _encoded(values: Array) -> bytes:
    """A PNG as libpng would write it if it took sides of more than a million pixels: rows without a filter."""
    height, width, channels = values.shape
    packer = zlib.compressobj(6)
    rows = values.reshape(height, -1).astype(values.dtype.newbyteorder(">"), copy=False)
    step = max(1, (1 << 20) // (width * channels))
    packed = []
    for top in range(0, height, step):
        part = np.ascontiguousarray(rows[top : top + step]).view(np.uint8)
        packed.append(packer.compress(np.pad(part, ((0, 0), (1, 0))).tobytes()))
    packed.append(packer.flush())
    header = struct.pack(">IIBBBBB", width, height, 8 * values.dtype.itemsize, 2 if channels == 3 else 6, 0, 0, 0)
    chunks = _chunk(b"IHDR", header) + _chunk(b"IDAT", b"".join(packed)) + _chunk(b"IEND", b"")
    return _SIGNATURE + chunks
