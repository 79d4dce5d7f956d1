"""A photograph as a file: pixels as they are, everything that must survive, and the way back to disk.

Pillow decodes and encodes what has eight bits a sample. It reduces 16-bit colour to eight bits, so 16-bit PNG goes
through imagecodecs (libpng) and TIFF through tifffile. Metadata travels as the bytes of the source, see
``deoldify.metadata``.
"""

from __future__ import annotations

import importlib
import io
import logging
import os
import secrets
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, cast

import imagecodecs
import numpy as np
import tifffile
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from deoldify import metadata
from deoldify.errors import PhotoError
from deoldify.samples import (
    Array,
    Samples,
    Space,
    bands,
    from_float,
    samples_of,
    to_8_bits,
    to_rgb,
    turn_upright,
    unpremultiplied,
)

MAX_PIXELS = 300_000_000
"""Largest photograph that is decoded unless the caller says otherwise: 300 megapixels."""

READABLE_SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".tif", ".tiff", ".webp", ".bmp", ".gif", ".avif", ".heic",
    ".heif",
)  # fmt: skip
"""File names worth trying in a folder; ``open_photo`` itself goes by the content alone."""

_log = logging.getLogger(__name__)

_GREY_TOLERANCE = 2  # of 255: what JPEG's colour rounding adds to a picture without colour

# What decoders raise on damaged files; anything else is a fault of ours and must not be taken for one of the file.
_DAMAGE = (
    OSError, SyntaxError, ValueError, TypeError, RuntimeError, LookupError, EOFError, struct.error, zlib.error,
    Image.DecompressionBombError,
)  # fmt: skip


# ---------------------------------------------------------------------------------------------------------------------
# The photo


@dataclass(frozen=True)
class JpegSettings:
    """How a JPEG was compressed, so that it can be compressed the same way again.

    ``tables`` are its quantisation tables (64 values each), ``subsampling`` Pillow's 0, 1, 2 for 4:4:4, 4:2:2, 4:2:0.
    """

    tables: tuple[tuple[int, ...], ...]
    subsampling: int
    progressive: bool


@dataclass(frozen=True)
class Render:
    """A render that a photograph's pixels were made with.

    Attributes:
        model: what users call the model.
        factor: the render factor: side of the square that the generator saw, in units of 16 pixels.
        wanted: the render factor asked for or, if none was, best for the photo: more than ``factor`` where memory ran
            short.
    """

    model: str
    factor: int
    wanted: int


@dataclass(frozen=True, eq=False)
class Photo:
    """A decoded photograph and everything of its file that must survive.

    Attributes:
        pixels: (H, W, 3) RGB, uint8 or uint16, upright.
        alpha: (H, W), dtype of ``pixels``, not premultiplied; None where the file has none.
        format: Pillow's name of the file's format, such as "JPEG" or "TIFF".
        exif: a TIFF structure without the "Exif" prefix: all tags of the file, for a TIFF too, apart from those that
            describe how its pixels are stored. Orientation 1, no thumbnail.
        icc_profile: an RGB profile in which ``pixels`` are to be read; None means sRGB.
        xmp: the XMP packet.
        dpi: horizontal and vertical resolution in dots per inch.
        photoshop: Photoshop image resources, in which JPEG and TIFF keep their IPTC captions.
        comment: the comment of a JPEG.
        png_chunks: text, time and gamma chunks of a PNG: type and content.
        jpeg: compression settings of a JPEG.
        tiff_compression: value of the Compression tag of a TIFF.
        lossless: whether the file was a WebP without loss.
        was_grey: whether the file stored one channel.
        pages: pages of a TIFF that are not thumbnails; only the first is in ``pixels``.
        renders: what ``pixels`` were made with, in order; empty for a photo as it was opened.
    """

    pixels: Array
    alpha: Array | None = None
    format: str = "PNG"
    exif: bytes | None = None
    icc_profile: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None
    photoshop: bytes | None = None
    comment: bytes | None = None
    png_chunks: tuple[tuple[bytes, bytes], ...] = ()
    jpeg: JpegSettings | None = None
    tiff_compression: int | None = None
    lossless: bool = False
    was_grey: bool = False
    pages: int = 1
    renders: tuple[Render, ...] = ()

    def __post_init__(self) -> None:
        pixels, alpha = self.pixels, self.alpha
        if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype not in (np.uint8, np.uint16):
            raise ValueError(f"pixels must be (H, W, 3) uint8 or uint16, not {pixels.shape} {pixels.dtype}")
        if alpha is not None and (alpha.shape != pixels.shape[:2] or alpha.dtype != pixels.dtype):
            raise ValueError(f"alpha {alpha.shape} {alpha.dtype} does not fit pixels {pixels.shape} {pixels.dtype}")

    @property
    def width(self) -> int:
        """Pixels in a row."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.pixels.shape[0])

    @property
    def bits(self) -> int:
        """Bits a sample: 8 or 16."""
        return 8 * self.pixels.dtype.itemsize

    @property
    def suffix(self) -> str:
        """Suffix of a file in the photo's own format, or in the nearest one that can hold its colours."""
        return {"TIFF": ".tif", "WEBP": ".webp"}.get(self.format, ".jpg" if self.format in _LOSSY else ".png")

    @property
    def is_grey(self) -> bool:
        """Whether no pixel differs between its channels by more than JPEG's rounding (2 of 255)."""
        tolerance = _GREY_TOLERANCE * (257 if self.bits == 16 else 1)
        for band in bands(self.pixels):
            r, g, b = (self.pixels[band, :, channel] for channel in range(3))
            spread = np.maximum(np.maximum(r, g), b) - np.minimum(np.minimum(r, g), b)
            if int(spread.max(initial=0)) > tolerance:
                return False
        return True

    def with_pixels(self, pixels: Array) -> Photo:
        """Return the same photo with other pixels of the same size.

        Args:
            pixels: (H, W, 3) RGB, uint8 or uint16; alpha follows its depth.

        Raises:
            ValueError: shape or dtype do not fit.
        """
        if pixels.shape != self.pixels.shape:
            raise ValueError(f"pixels of shape {pixels.shape} cannot replace {self.pixels.shape}")
        alpha = self.alpha
        if alpha is not None and alpha.dtype != pixels.dtype:
            alpha = to_8_bits(alpha) if pixels.dtype == np.uint8 else alpha.astype(np.uint16) * np.uint16(257)
        return replace(self, pixels=pixels, alpha=alpha)

    @classmethod
    def from_image(cls, image: Image.Image) -> Photo:
        """Take over a Pillow image of any mode, in the orientation and with the metadata that it has.

        Raises:
            PhotoError: its mode or range of values has no meaning as a photograph.
        """
        exif, icc = image.info.get("exif"), image.info.get("icc_profile")
        try:
            samples = samples_of(image)
        except PhotoError as error:
            raise PhotoError(f"the image {error}") from None
        pixels, icc_profile = to_rgb(samples, samples.icc or icc)
        return cls(
            pixels,
            samples.alpha,
            format=image.format or "PNG",
            exif=exif.removeprefix(b"Exif\0\0") if exif else None,
            icc_profile=icc_profile,
            xmp=_as_bytes(image.info.get("xmp")),
            dpi=_dpi_of(image),
            was_grey=samples.space == "grey",
        )

    def to_image(self) -> Image.Image:
        """Return a Pillow image, RGB or RGBA at eight bits, with EXIF, ICC profile, XMP and DPI in its ``info``."""
        image = Image.fromarray(to_8_bits(self.pixels))
        if self.alpha is not None:
            image.putalpha(Image.fromarray(to_8_bits(self.alpha)))
        kept = {"exif": self.exif, "icc_profile": self.icc_profile, "xmp": self.xmp, "dpi": self.dpi}
        image.info.update({key: value for key, value in kept.items() if value is not None})
        return image


_LOSSY = frozenset({"JPEG", "MPO", "AVIF", "HEIF"})


# ---------------------------------------------------------------------------------------------------------------------
# Opening


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
            return _open_tiff(stream, max_pixels)
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


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if width < 1 or height < 1:
        raise PhotoError(f"is not a photograph that can be read: it is {width} × {height} pixels in size")
    if width * height > max_pixels:
        raise PhotoError(
            f"has {width} × {height} = {width * height / 1e6:.0f} megapixels; "
            f"at most {max_pixels / 1e6:g} are allowed: make it smaller first"
        )


def _open_with_pillow(stream: BinaryIO, kind: str, max_pixels: int) -> Photo:
    image = _reader(kind)(stream)
    _check_size(*image.size, max_pixels)
    info = image.info
    icc, xmp, dpi = info.get("icc_profile"), _as_bytes(info.get("xmp")), _dpi_of(image)
    exif = _as_bytes(info.get("exif"))
    if exif is None and "Raw profile type exif" in info:
        exif = image.getexif().tobytes()
    extras: dict[str, Any] = {"format": image.format or kind}
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        extras["photoshop"] = _photoshop_of(image)
        extras["comment"] = _as_bytes(info.get("comment"))
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
    return _photo(samples, icc, exif, xmp, dpi, extras)


def _photo(
    samples: Samples,
    icc: bytes | None,
    exif: bytes | None,
    xmp: bytes | None,
    dpi: tuple[float, float] | None,
    extras: dict[str, Any],
) -> Photo:
    """Turn what was decoded upright and into RGB, and bring the metadata into agreement with that."""
    order, directory = metadata.parse_exif(exif)
    orientation = metadata.number(directory.get(metadata.Tag.ORIENTATION), order) or 1
    if not 1 <= orientation <= 8 or samples.upright:
        orientation = 1
    # Channels come last: turning one grey channel before it becomes three is a third of the work and memory.
    alpha = None if samples.alpha is None else turn_upright(samples.alpha, orientation)
    samples = replace(samples, values=turn_upright(samples.values, orientation), alpha=None)
    pixels, icc_profile = to_rgb(samples, samples.icc or icc)
    height, width = pixels.shape[:2]
    if directory:
        metadata.make_upright(directory, order, width, height, transposed=orientation > 4)
        exif = metadata.pack_exif(directory, order)
    else:
        exif = None
    if xmp is not None and (orientation > 1 or samples.upright):
        xmp = metadata.upright_xmp(xmp)
    if dpi is not None and orientation > 4:
        dpi = dpi[::-1]
    if icc_profile != icc and "png_chunks" in extras:
        extras["png_chunks"] = tuple(chunk for chunk in extras["png_chunks"] if chunk[0] not in _PNG_COLORIMETRY)
    return Photo(
        pixels, alpha, exif=exif, icc_profile=icc_profile, xmp=xmp, dpi=dpi, was_grey=samples.space == "grey", **extras
    )


def _as_bytes(value: object) -> bytes | None:
    if isinstance(value, str):
        return value.encode() or None
    return value or None if isinstance(value, bytes) else None


def _dpi_of(image: Image.Image) -> tuple[float, float] | None:
    dpi: Any = image.info.get("dpi")
    try:
        x, y = float(dpi[0]), float(dpi[1])
    except (TypeError, ValueError, IndexError, ZeroDivisionError):
        return None
    return (x, y) if 0 < x < 1e6 and 0 < y < 1e6 else None


_PHOTOSHOP_PREFIX = b"Photoshop 3.0\0"


def _photoshop_of(image: JpegImagePlugin.JpegImageFile) -> bytes | None:
    segments = (data for marker, data in image.applist if marker == "APP13" and data.startswith(_PHOTOSHOP_PREFIX))
    return b"".join(data[len(_PHOTOSHOP_PREFIX) :] for data in segments) or None


# ---------------------------------------------------------------------------------------------------------------------
# PNG


# What describes the picture or its maker. Profile, resolution, EXIF and XMP are carried by fields of their own.
_PNG_KEPT = frozenset({b"tEXt", b"zTXt", b"iTXt", b"tIME", b"gAMA", b"cHRM", b"sRGB", b"cICP"})
_PNG_COLORIMETRY = frozenset({b"gAMA", b"cHRM", b"sRGB", b"cICP"})  # of the source, until it is converted
_PNG_XMP = b"XML:com.adobe.xmp\0"


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
        if not data.startswith((_PNG_XMP, b"Raw profile type exif\0", b"Raw profile type APP1\0")):
            chunks.append((head[4:], data))
    return tuple(chunks)


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


def _decode_16_bit_png(stream: BinaryIO) -> Samples:
    stream.seek(0)
    values = imagecodecs.png_decode(stream.read())
    channels = values.shape[2] if values.ndim == 3 else 1
    alpha = np.ascontiguousarray(values[..., -1]) if channels in (2, 4) else None
    if channels > 2:
        return Samples(values[..., :3], "rgb", alpha)
    return Samples(values[..., 0] if channels == 2 else values.reshape(values.shape[:2]), "grey", alpha)


def _write_png(photo: Photo, stream: BinaryIO) -> None:
    values = photo.pixels if photo.alpha is None else np.dstack((photo.pixels, photo.alpha))
    # NumPy calls an array contiguous whatever the stride of an axis of length 1; imagecodecs looks at all strides.
    values = values.copy() if 1 in values.shape else np.ascontiguousarray(values)
    encoded = memoryview(imagecodecs.png_encode(values, level=6))
    del values
    end_of_header = 8 + 25  # signature, IHDR
    stream.write(encoded[:end_of_header])

    def write_chunk(kind: bytes, data: bytes) -> None:
        stream.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))

    for kind, data in photo.png_chunks:
        write_chunk(kind, data)
    if photo.icc_profile:
        write_chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(photo.icc_profile))
    if photo.dpi:
        write_chunk(b"pHYs", struct.pack(">IIB", *(round(dots / 0.0254) for dots in photo.dpi), 1))
    if photo.exif:
        write_chunk(b"eXIf", photo.exif)
    if photo.xmp:
        write_chunk(b"iTXt", _PNG_XMP + b"\0\0\0\0" + photo.xmp)
    stream.write(encoded[end_of_header:])


# ---------------------------------------------------------------------------------------------------------------------
# TIFF


def _open_tiff(stream: BinaryIO, max_pixels: int) -> Photo:
    with tifffile.TiffFile(stream) as tiff:
        pages = tiff.pages
        page = pages.first
        layout = metadata.Layout(tiff.byteorder, tiff.is_bigtiff)
        if 50706 in page.tags:
            raise PhotoError("is a camera's raw file: develop it to TIFF or JPEG first")
        _check_size(page.imagewidth, page.imagelength, max_pixels)
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
    return _photo(samples, icc, exif, xmp, dpi, extras)


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


_NO_COMPRESSION, _LZW, _DEFLATE, _PACKBITS, _ZSTD = 1, 5, 8, 32773, 50000


def _write_tiff(photo: Photo, stream: BinaryIO) -> None:
    order, directory = metadata.parse_exif(photo.exif)
    values, alpha = photo.pixels, photo.alpha
    if alpha is not None:
        values = np.dstack((values, alpha))
    # Fax and JPEG inside a TIFF cannot hold what was gained; Deflate loses nothing and is read everywhere.
    compression = photo.tiff_compression if photo.tiff_compression in (1, 5, 8, 32773, 50000) else _DEFLATE
    big = values.nbytes > 0xF0000000
    with tifffile.TiffWriter(stream, bigtiff=big, byteorder=cast(Any, order)) as writer:
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
    pointer, word = (8 if big else 4), struct.Struct(order + layout.word)
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


# ---------------------------------------------------------------------------------------------------------------------
# JPEG, WebP, BMP


_SEGMENT = 65533  # bytes that one JPEG marker can hold
_XMP_PREFIX_LENGTH = 29
_FINE_TABLE_SUM = 738  # of the 64 luma divisors: about quality 90, where the standard table for 50 sums to 3688


def _flattened(photo: Photo) -> Image.Image:
    """Return the photo without alpha, on white, at eight bits."""
    if photo.alpha is None:
        return Image.fromarray(to_8_bits(photo.pixels))
    white = np.iinfo(photo.pixels.dtype).max
    out = np.empty(photo.pixels.shape, np.uint8)
    for band in bands(out):
        cover = photo.alpha[band, :, None].astype(np.float64) / white
        out[band] = np.rint((photo.pixels[band] * cover + white * (1 - cover)) * (255 / white))
    return Image.fromarray(out)


def _check_side(photo: Photo, limit: int, kind: str) -> None:
    if max(photo.width, photo.height) > limit:
        raise PhotoError(
            f"a {kind} holds at most {limit} pixels a side and this photo has {photo.width} × {photo.height}: "
            "save it as PNG or TIFF"
        )


def _write_jpeg(photo: Photo, stream: BinaryIO) -> None:
    _check_side(photo, 65535, "JPEG")
    options: dict[str, Any] = {"quality": 95, "subsampling": 0}
    source = photo.jpeg
    if source is not None and source.tables and sum(source.tables[0]) <= _FINE_TABLE_SUM:
        # Pillow takes tables only without a quality of its own.
        options = {"qtables": [list(table) for table in source.tables[:2]], "subsampling": source.subsampling}
    if source is not None and source.progressive:
        options["progressive"] = True
    if photo.exif:
        options["exif"] = b"Exif\0\0" + metadata.fitting_exif(photo.exif, _SEGMENT - 6)
    if photo.xmp and len(photo.xmp) > _SEGMENT - _XMP_PREFIX_LENGTH:
        _log.warning("XMP of %d bytes does not fit into a JPEG and is left out", len(photo.xmp))
    elif photo.xmp:
        options["xmp"] = photo.xmp
    room = _SEGMENT - len(_PHOTOSHOP_PREFIX)
    extra = b""
    for at in range(0, len(photo.photoshop or b""), room):
        segment = _PHOTOSHOP_PREFIX + (photo.photoshop or b"")[at : at + room]
        extra += b"\xff\xed" + struct.pack(">H", len(segment) + 2) + segment
    kept = {"icc_profile": photo.icc_profile, "dpi": photo.dpi, "comment": photo.comment, "extra": extra}
    _flattened(photo).save(stream, "JPEG", **options, **{key: value for key, value in kept.items() if value})


def _write_webp(photo: Photo, stream: BinaryIO) -> None:
    _check_side(photo, 16383, "WebP")
    image = Image.fromarray(to_8_bits(photo.pixels))
    if photo.alpha is not None:
        image.putalpha(Image.fromarray(to_8_bits(photo.alpha)))
    order, directory = metadata.parse_exif(photo.exif)
    metadata.set_resolution(directory, order, photo.dpi)  # a WebP has no other place for it
    kept = {
        "exif": metadata.pack_exif(directory, order) if directory else None,
        "icc_profile": photo.icc_profile,
        "xmp": photo.xmp,
    }
    # WebP halves the resolution of colour; its sharp conversion keeps edges from bleeding for that.
    options: dict[str, Any] = {"lossless": True, "exact": True} if photo.lossless else {"use_sharp_yuv": True}
    image.save(stream, "WEBP", quality=95, **options, **{key: value for key, value in kept.items() if value})


def _write_bmp(photo: Photo, stream: BinaryIO) -> None:
    _flattened(photo).save(stream, "BMP", dpi=photo.dpi or (96, 96))


# ---------------------------------------------------------------------------------------------------------------------
# Saving


_Writer = Callable[[Photo, BinaryIO], None]
_WRITERS: dict[str, _Writer] = {
    ".jpg": _write_jpeg,
    ".jpeg": _write_jpeg,
    ".jpe": _write_jpeg,
    ".jfif": _write_jpeg,
    ".png": _write_png,
    ".tif": _write_tiff,
    ".tiff": _write_tiff,
    ".webp": _write_webp,
    ".bmp": _write_bmp,
}

WRITABLE_SUFFIXES: Sequence[str] = tuple(_WRITERS)
"""Suffixes that ``save_photo`` knows."""


def save_photo(photo: Photo, path: str | os.PathLike[str], *, label: str | None = None) -> None:
    """Save a photograph in the format that the suffix of ``path`` names, with everything that format can hold.

    PNG and TIFF are written without loss at the photo's own depth. A JPEG is compressed as finely as the JPEG that it
    came from, at least at quality 95 without subsampling where that was coarse or no JPEG. JPEG, WebP and BMP round
    16 bits to 8; JPEG and BMP lay transparent parts on white. The file appears whole or not at all.

    Args:
        photo: what ``open_photo`` returned, or a copy with other pixels.
        path: where to; an existing file is replaced.
        label: what was done to the photo. It is added to the EXIF tag ProcessingSoftware (and is Software where there
            was none); the XMP names the IPTC digital source type of pictures that a trained model made in part. Nothing
            is drawn over the picture.

    Raises:
        PhotoError: the suffix is unknown, the folder is missing, the format cannot hold the photo, or the disk refuses.
    """
    target = Path(os.path.realpath(path))
    writer = _WRITERS.get(Path(path).suffix.lower())
    if writer is None:
        raise PhotoError(f"cannot save {path}: the name must end in one of {', '.join(WRITABLE_SUFFIXES)}")
    if not target.parent.is_dir():
        raise PhotoError(f"cannot save {path}: there is no folder {target.parent}")
    if target.is_dir():
        raise PhotoError(f"cannot save {path}: it is a folder")
    if label:
        photo = replace(photo, exif=metadata.label_exif(photo.exif, label), xmp=metadata.label_xmp(photo.xmp))
    # Opened like any new file, so that its permissions are those that the user's umask gives.
    partial = target.with_name(f".{target.stem[:80]}-{secrets.token_hex(6)}.part")
    try:
        with partial.open("x+b") as stream:
            writer(photo, stream)
        os.replace(partial, target)
    except PhotoError as error:
        raise PhotoError(f"cannot save {path}: {error}") from None
    except OSError as error:
        raise PhotoError(f"cannot save {path}: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)
