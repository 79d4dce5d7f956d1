"""Opening a photograph: what kind of file it is, and its pixels and metadata by the decoder for that kind.

Pillow decodes what has eight bits a sample. It reduces 16-bit colour to eight bits, so 16-bit PNG goes through
imagecodecs (libpng) and TIFF through tifffile.
"""

from __future__ import annotations

import importlib
import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import imagecodecs
import numpy as np
import tifffile
from PIL import AvifImagePlugin, BmpImagePlugin, GifImagePlugin, Image, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from deoldify.errors import PhotoError
from deoldify.photo import metadata
from deoldify.photo.photo import JpegSettings, Photo, as_bytes, dpi_of
from deoldify.photo.samples import Samples, check_size, samples_of
from deoldify.photo.tiff import read_tiff
from deoldify.photo.upright import upright_photo

MAX_PIXELS = 300_000_000
"""Largest photograph that is decoded unless the caller says otherwise: 300 megapixels."""

READABLE_SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".tif", ".tiff", ".webp", ".bmp", ".gif", ".avif", ".heic",
    ".heif",
)  # fmt: skip
"""File names worth trying in a folder; ``open_photo`` itself goes by the content alone."""

# What decoders raise on damaged files; anything else is a fault of ours and must not be taken for one of the file.
_DAMAGE = (
    OSError, SyntaxError, ValueError, TypeError, RuntimeError, LookupError, EOFError, struct.error, zlib.error,
    Image.DecompressionBombError,
)  # fmt: skip


def open_photo(source: str | os.PathLike[str] | BinaryIO, *, max_pixels: int = MAX_PIXELS) -> Photo:
    """Open a photograph: JPEG, PNG, TIFF, WebP, BMP, AVIF, the first picture of a GIF or MPO, HEIC with pillow-heif.

    The EXIF orientation is applied. Grey photographs with a grey ICC profile, CMYK and CIELAB are converted to sRGB;
    the values of RGB photographs, and of grey ones without a profile, stay as they are. 9- to 16-bit samples become
    uint16 over its whole range, floating-point samples between 0 and 1 likewise.

    Args:
        source: a path, or a binary stream, which is read from its beginning and left open.
        max_pixels: photographs of more pixels are refused before they are decoded.

    Raises:
        PhotoError: there is no such file, or it is no photograph, damaged, too large, or of a kind that cannot be read.
    """
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        if path.is_dir():
            raise PhotoError(f"{path} is a folder, not a photograph")
        try:
            stream: BinaryIO = path.open("rb")
        except FileNotFoundError:
            raise PhotoError(f"{path} does not exist") from None
        except OSError as error:
            raise PhotoError(f"{path} cannot be opened: {error.strerror or error}") from error
        with stream:
            return _open_stream(stream, str(path), max_pixels)
    name = getattr(source, "name", None)
    stream = source if source.seekable() else io.BytesIO(source.read())
    return _open_stream(stream, name if isinstance(name, str) else "the uploaded file", max_pixels)


def _open_stream(stream: BinaryIO, name: str, max_pixels: int) -> Photo:
    try:
        stream.seek(0)
        start = stream.read(32)
        if not start:
            raise PhotoError("is empty")
        kind = _sniff(start)
        stream.seek(0)
        if kind is None:
            raise PhotoError(
                "is not a photograph that can be read: its content is none of "
                "JPEG, PNG, TIFF, WebP, BMP, GIF, AVIF, HEIC"
            )
        if kind == "TIFF":
            return read_tiff(stream, max_pixels)
        return _open_with_pillow(stream, kind, max_pixels)
    except PhotoError as error:
        raise PhotoError(f"{name} {error}") from error.__cause__
    except _DAMAGE as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise PhotoError(f"{name} is not a photograph that can be read: damaged or cut short ({reason})") from error


def pixels_in(path: str | os.PathLike[str]) -> int:
    """Return how many pixels a photograph has, by its header alone; 0 where that cannot be told.

    Nothing is decoded, and nothing is raised: what is wrong with the file, ``open_photo`` tells.
    """
    try:
        with Path(path).open("rb") as stream:
            kind = _sniff(stream.read(32))
            stream.seek(0)
            if kind == "TIFF":
                with tifffile.TiffFile(stream) as tiff:
                    return int(tiff.pages.first.imagewidth * tiff.pages.first.imagelength)
            if kind is None:
                return 0
            width, height = _reader(kind)(stream).size
            return int(width * height)
    except (PhotoError, *_DAMAGE):
        return 0


def _sniff(start: bytes) -> str | None:
    """Tell the format by its first bytes; Pillow's own search would try formats that are no photographs."""
    prefixes = {
        b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG", b"II*\0": "TIFF", b"MM\0*": "TIFF", b"II+\0": "TIFF",
        b"MM\0+": "TIFF", b"BM": "BMP", b"GIF8": "GIF",
    }  # fmt: skip
    for prefix, kind in prefixes.items():
        if start.startswith(prefix):
            return kind
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WEBP"
    if start[4:8] == b"ftyp":
        brands = {b"avif": "AVIF", b"avis": "AVIF"} | dict.fromkeys(
            (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), "HEIF"
        )
        return brands.get(start[8:12])
    return None


# Pillow's Image.open has one size limit for the whole process; its readers, called by name, have none, so that each
# caller's own limit holds.
_READERS: dict[str, Callable[..., Image.Image]] = {
    "JPEG": JpegImagePlugin.jpeg_factory,
    "PNG": PngImagePlugin.PngImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "AVIF": AvifImagePlugin.AvifImageFile,
}


def _reader(kind: str) -> Callable[..., Image.Image]:
    if kind != "HEIF":
        return _READERS[kind]
    try:
        importlib.import_module("pillow_heif").register_heif_opener()
    except ImportError:
        raise PhotoError("is a HEIC photograph: install pillow-heif, or convert it to JPEG first") from None
    return Image.OPEN["HEIF"][0]


def _open_with_pillow(stream: BinaryIO, kind: str, max_pixels: int) -> Photo:
    image = _reader(kind)(stream)
    check_size(*image.size, max_pixels)
    info = image.info
    icc, xmp, dpi = info.get("icc_profile"), as_bytes(info.get("xmp")), dpi_of(image)
    exif = as_bytes(info.get("exif"))
    if exif is None and "Raw profile type exif" in info:
        exif = image.getexif().tobytes()
    extras: dict[str, Any] = {"format": image.format or kind}
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        extras["photoshop"] = _photoshop_of(image)
        extras["comment"] = as_bytes(info.get("comment"))
        if image.layers in (1, 3):
            extras["jpeg"] = JpegSettings(
                tuple(tuple(table) for _, table in sorted(image.quantization.items())),
                # A grey JPEG has no colour to subsample, so that its new colour is kept whole.
                max(JpegImagePlugin.get_sampling(image), 0) if image.layers == 3 else 0,
                bool(info.get("progressive")),
            )
    elif kind == "PNG":
        extras["png_chunks"] = _png_chunks(stream)
    elif kind == "WEBP":
        stream.seek(0)
        extras["lossless"] = b"VP8L" in stream.read(4096)
    if kind == "PNG" and _png_depth(stream) == 16:
        samples = _decode_16_bit_png(stream)
    else:
        samples = (_decode_jpeg(stream, image) if kind == "JPEG" else None) or samples_of(image)
    del image  # its pixels are copied: hold them only once while the photo is turned
    return upright_photo(samples, icc, exif, xmp, dpi, extras)


# JPEG


def _photoshop_of(image: JpegImagePlugin.JpegImageFile) -> bytes | None:
    prefix = metadata.PHOTOSHOP_PREFIX
    segments = (data for marker, data in image.applist if marker == "APP13" and data.startswith(prefix))
    return b"".join(data[len(prefix) :] for data in segments) or None


def _decode_jpeg(stream: BinaryIO, image: Image.Image) -> Samples | None:
    """Decode a whole JPEG in one go, in two thirds of the time and memory that Pillow needs; None leaves it to Pillow.

    This decoder does not tell where data is missing, so a file that does not end with the end of its picture is left
    to Pillow, and so is one that is damaged.
    """
    if image.mode not in ("L", "RGB"):
        return None
    stream.seek(0)
    data = stream.read()
    if not data.endswith(b"\xff\xd9"):
        return None
    try:
        values = imagecodecs.jpeg8_decode(data)
    except imagecodecs.Jpeg8Error:
        return None
    return Samples(values, "grey" if image.mode == "L" else "rgb")


# PNG


# What describes the picture or its maker. Profile, resolution, EXIF and XMP are carried by fields of their own.
_PNG_KEPT = frozenset({b"tEXt", b"zTXt", b"iTXt", b"tIME", b"gAMA", b"cHRM", b"sRGB", b"cICP"})


def _png_depth(stream: BinaryIO) -> int:
    stream.seek(24)
    return stream.read(1)[0]


def _png_chunks(stream: BinaryIO) -> tuple[tuple[bytes, bytes], ...]:
    chunks = []
    stream.seek(8)
    while len(head := stream.read(8)) == 8 and head[4:] != b"IEND":
        length = int.from_bytes(head[:4], "big")
        if head[4:] not in _PNG_KEPT:
            stream.seek(length + 4, os.SEEK_CUR)
            continue
        data = stream.read(length)
        stream.seek(4, os.SEEK_CUR)
        if not data.startswith((metadata.PNG_XMP, b"Raw profile type exif\0", b"Raw profile type APP1\0")):
            chunks.append((head[4:], data))
    return tuple(chunks)


def _decode_16_bit_png(stream: BinaryIO) -> Samples:
    stream.seek(0)
    values = imagecodecs.png_decode(stream.read())
    channels = values.shape[2] if values.ndim == 3 else 1
    alpha = np.ascontiguousarray(values[..., -1]) if channels in (2, 4) else None
    if channels > 2:
        return Samples(values[..., :3], "rgb", alpha)
    return Samples(values[..., 0] if channels == 2 else values.reshape(values.shape[:2]), "grey", alpha)
