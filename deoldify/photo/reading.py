"""Opening a photograph: what kind of file it is, and its pixels and metadata by the decoder for that kind.

What a file holds beside its pixels is read here, chunk by chunk, with bounds; decoders see the pixels alone. Whatever
they raise, one door turns into a ``PhotoError`` with the photo's name, see ``faults``.
"""

from __future__ import annotations

import importlib
import io
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import BmpImagePlugin, GifImagePlugin, Image, WebPImagePlugin

from deoldify.errors import PhotoError
from deoldify.photo.containers import AvifFile, check_bmp, is_lossless_webp, samples_of_webp
from deoldify.photo.exif import resolution_of_exif
from deoldify.photo.faults import opening, shown, unreadable
from deoldify.photo.gif import read_gif, size_of_gif
from deoldify.photo.jpeg import read_jpeg, size_of_jpeg
from deoldify.photo.jpeg2000 import read_jpeg_2000, size_of_jpeg_2000
from deoldify.photo.kinds import other_kind
from deoldify.photo.photo import Photo, as_bytes, dpi_of
from deoldify.photo.png import read_png, size_of_png
from deoldify.photo.samples import check_size, samples_of
from deoldify.photo.tiff import read_tiff, size_of_tiff
from deoldify.photo.upright import upright_photo

MAX_PIXELS = 300_000_000
"""Largest photograph that is decoded unless the caller says otherwise: 300 megapixels."""

READABLE_SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".tif", ".tiff", ".webp", ".bmp", ".dib", ".gif",
    ".avif", ".heic", ".heif", ".hif", ".jls", ".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx",
)  # fmt: skip
"""File names worth trying in a folder; ``open_photo`` itself goes by the content alone."""


def open_photo(source: str | os.PathLike[str] | BinaryIO, *, max_pixels: int = MAX_PIXELS, page: int = 0) -> Photo:
    """Open a photograph: JPEG of all kinds, PNG, TIFF, WebP, BMP, AVIF, JPEG 2000, the first picture of a GIF or MPO,
    HEIF with pillow-heif.

    The EXIF orientation is applied. Grey photographs with a grey ICC profile, CMYK and CIELAB are converted to sRGB;
    the values of RGB photographs, and of grey ones without a profile, stay as they are. 9- to 16-bit samples become
    uint16 over its whole range, floating-point samples between 0 and 1 likewise.

    Args:
        source: a path, or a binary stream, which is read from its beginning and left open.
        max_pixels: photographs of more pixels are refused before they are decoded.
        page: which page of a TIFF, counted from 0 and without thumbnails and masks; see ``Photo.pages``.

    Raises:
        PhotoError: there is no such file, or it is no photograph, damaged, too large, or of a kind that cannot be
            read, or has no such page.
        TypeError: ``source`` is neither a path nor a binary stream, or ``max_pixels`` or ``page`` no whole number.
        ValueError: ``page`` is negative, or the stream is closed.
    """
    _check_numbers(max_pixels, page)
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        name = shown(path)
        if path.is_dir():
            raise PhotoError(f"{name} is a folder, not a photograph")
        try:
            stream: BinaryIO = path.open("rb")
        except FileNotFoundError:
            raise PhotoError(f"{name} does not exist") from None
        except OSError as error:
            raise PhotoError(f"{name} cannot be opened: {error.strerror or error}") from error
        with stream, opening(name):
            return _open_stream(stream, max_pixels, page)
    if isinstance(source, io.TextIOBase) or not hasattr(source, "read"):
        raise TypeError(f"a photograph is opened from a path or a stream of bytes, not from a {type(source).__name__}")
    if getattr(source, "closed", False):
        raise ValueError("the stream of the photograph is closed")
    given = getattr(source, "name", None)
    name = given if isinstance(given, str) else "the uploaded file"
    seekable = getattr(source, "seekable", None)
    if seekable is not None and seekable():
        stream = source
    else:
        with opening(name):
            data = source.read()
        if not isinstance(data, bytes):
            raise TypeError(f"a photograph is a stream of bytes, and this one gave a {type(data).__name__}")
        stream = io.BytesIO(data)
    with opening(name):
        return _open_stream(stream, max_pixels, page)


def _check_numbers(max_pixels: object, page: object) -> None:
    for name, value in (("max_pixels", max_pixels), ("page", page)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            raise TypeError(f"{name} must be a whole number, not {value!r}")
        if value < 0:
            raise ValueError(f"{name} must not be negative, and is {value}")


def _open_stream(stream: BinaryIO, max_pixels: int, page: int) -> Photo:
    stream.seek(0)
    start = stream.read(_HEAD)
    if not start:
        raise PhotoError("is empty")
    kind = _sniff(start)
    if kind is None:
        other = other_kind(start)
        if other is not None:
            raise unreadable(other)
        raise PhotoError(
            "is not a photograph that can be read: its content is none of "
            "JPEG, PNG, TIFF, WebP, BMP, GIF, AVIF, HEIF, JPEG 2000"
        )
    stream.seek(0)
    if kind == "TIFF":
        return read_tiff(stream, max_pixels, page)
    if page:
        raise PhotoError(f"is a {kind}, of which only the first picture is taken: it has no page {page + 1}")
    if kind == "JPEG":
        return _open_jpeg(stream, max_pixels)
    if kind == "PNG":
        return _open_png(stream, max_pixels)
    if kind == "JPEG 2000":
        return _open_jpeg_2000(stream, max_pixels)
    return _open_with_pillow(stream, kind, max_pixels)


def pixels_in(source: str | os.PathLike[str] | BinaryIO) -> int:
    """Return how many pixels a photograph has, by its header alone; 0 where that cannot be told. See ``size_in``."""
    width, height = size_in(source)
    return width * height


def size_in(source: str | os.PathLike[str] | BinaryIO) -> tuple[int, int]:
    """Return width and height of a photograph as it is stored, by its header alone; zeros where they cannot be told.

    Nothing is decoded, and nothing is raised: what is wrong with the file, ``open_photo`` tells.

    Args:
        source: a path, or a binary stream, which is at its beginning before and afterwards.
    """
    if isinstance(source, (str, os.PathLike)):
        try:
            with Path(source).open("rb") as stream:
                return size_in(stream)
        except OSError:
            return 0, 0
    try:
        with opening("the stream"):
            kind = _sniff(source.read(_HEAD))
            source.seek(0)
            if kind is None:
                return 0, 0
            sizes = {"TIFF": size_of_tiff, "JPEG": size_of_jpeg, "PNG": size_of_png, "JPEG 2000": size_of_jpeg_2000,
                     "GIF": size_of_gif}  # fmt: skip
            width, height = sizes[kind](source) if kind in sizes else _reader(kind)(source).size
            return int(width), int(height)
    except PhotoError:
        return 0, 0
    finally:
        source.seek(0)


_MOST_IN_ANIMATIONS = 150_000_000
"""Pixels: decoders of animations hold several pictures at once."""
_HEAD = 4096  # bytes by which a kind is told


def _sniff(start: bytes) -> str | None:
    """Tell the format by its first bytes; Pillow's own search would try formats that are no photographs."""
    prefixes = {
        b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG", b"II*\0": "TIFF", b"MM\0*": "TIFF", b"II+\0": "TIFF",
        b"MM\0+": "TIFF", b"BM": "BMP", b"GIF8": "GIF", b"\0\0\0\x0cjP  \r\n\x87\n": "JPEG 2000",
        b"\xff\x4f\xff\x51": "JPEG 2000",
    }  # fmt: skip
    for prefix, kind in prefixes.items():
        if start.startswith(prefix):
            return kind
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WEBP"
    return _sniff_heif(start) if start[4:8] == b"ftyp" else None


def _sniff_heif(start: bytes) -> str | None:
    """AVIF, or HEIF of any other kind, by the major brand or, where that is common to both, by the compatible ones."""
    length = min(int.from_bytes(start[:4], "big"), len(start))
    brands = [start[8:12], *(start[at : at + 4] for at in range(16, length - 3, 4))]
    if any(brand in (b"avif", b"avis", b"avio", b"MA1A", b"MA1B") for brand in brands):
        return "AVIF"
    heif = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"mif2", b"msf1", b"miaf",
            b"MiHB", b"MiHE", b"MiHA", b"jpeg", b"jpgs", b"j2ki", b"1pic", b"unif")  # fmt: skip
    return "HEIF" if any(brand in heif for brand in brands) else None


# Pillow's Image.open has one size limit for the whole process; its readers, called by name, have none, so that each
# caller's own limit holds.
_READERS: dict[str, Callable[..., Image.Image]] = {
    "WEBP": WebPImagePlugin.WebPImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "AVIF": AvifFile,
}


def _reader(kind: str) -> Callable[..., Image.Image]:
    if kind != "HEIF":
        return _READERS[kind]
    try:
        importlib.import_module("pillow_heif").register_heif_opener()
    except ImportError:
        raise PhotoError(
            "is a HEIF photograph, and pillow-heif is missing: pip install deoldify[heif], or convert it to JPEG first"
        ) from None
    return Image.OPEN["HEIF"][0]


def _open_jpeg(stream: BinaryIO, max_pixels: int) -> Photo:
    found = read_jpeg(stream, max_pixels)
    dpi = found.dpi or resolution_of_exif(found.exif)
    return upright_photo(found.samples, found.icc, found.exif, found.xmp, dpi, found.fields)


def _open_png(stream: BinaryIO, max_pixels: int) -> Photo:
    found, samples = read_png(stream, max_pixels)
    fields = {
        "format": "PNG", "png_chunks": tuple(found.chunks), "photoshop": found.photoshop, "pages": found.frames,
        "animated": found.frames > 1,
    }  # fmt: skip
    return upright_photo(samples, found.icc, found.exif, found.xmp, found.dpi, fields)


def _open_jpeg_2000(stream: BinaryIO, max_pixels: int) -> Photo:
    found, samples = read_jpeg_2000(stream, max_pixels)
    return upright_photo(samples, found.icc, found.exif, found.xmp, found.dpi, {"format": "JPEG2000"})


def _open_with_pillow(stream: BinaryIO, kind: str, max_pixels: int) -> Photo:
    gif = read_gif(stream) if kind == "GIF" else None
    if kind == "BMP":
        check_bmp(stream)
        stream.seek(0)
    image = _reader(kind)(stream if gif is None else gif.file)
    check_size(*image.size, max_pixels)
    info = image.info
    icc, xmp, dpi = info.get("icc_profile"), as_bytes(info.get("xmp")), dpi_of(image)
    exif = as_bytes(info.get("exif"))
    frames = int(getattr(image, "n_frames", 1)) if gif is None else gif.frames
    if frames > 1:
        check_size(*image.size, min(max_pixels, _MOST_IN_ANIMATIONS))
    fields: dict[str, Any] = {"format": kind, "pages": max(1, frames), "animated": frames > 1}
    if gif is not None:
        icc, xmp, fields["comment"] = gif.icc, gif.xmp, gif.comment
    elif kind == "WEBP":
        fields["lossless"] = is_lossless_webp(stream)
    elif kind == "HEIF":
        fields["animated"] = False  # they are pictures of one container
    samples = samples_of_webp(stream) if kind == "WEBP" and frames < 2 else samples_of(image)
    if isinstance(image, AvifFile):
        samples = replace(samples, orientation=image.orientation)
    elif kind == "HEIF":
        samples = replace(samples, orientation=1)
    del image  # its pixels are copied: hold them only once while the photo is turned
    return upright_photo(samples, icc, exif, xmp, dpi or resolution_of_exif(exif), fields)
