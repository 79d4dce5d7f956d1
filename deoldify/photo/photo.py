"""The record of a photograph: its pixels, and everything of its file that must survive."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from PIL import Image

from deoldify.errors import LeftOutError, PhotoError
from deoldify.photo import xmp
from deoldify.photo.exif import pack_exif, parse_exif
from deoldify.photo.samples import Array, bands, samples_of, to_8_bits, to_rgb

_GREY_TOLERANCE = 2  # of 255: what JPEG's colour rounding adds to a picture without colour


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
        count: how many renders it was made of, at sizes around ``factor``.
        certainty: mean over the pixels of how sure they are of its colours, 0 to 1; None where they do not tell.
    """

    model: str
    factor: int
    wanted: int
    count: int = 1
    certainty: float | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Verdict:
    """What a photograph was taken for, before anything was done to it.

    Attributes:
        monochrome: it is black and white, be it neutral or toned; otherwise it has colours of its own.
        confidence: how likely that is, 0.5 to 1.
    """

    monochrome: bool
    confidence: float

    @classmethod
    def of(cls, probability: float) -> Verdict:
        """The verdict where it is as likely as that, 0 to 1, that a photograph is black and white."""
        return cls(probability >= 0.5, max(probability, 1 - probability))

    def __str__(self) -> str:
        # Nothing that is a guess is said to be 100 % sure.
        sure = min(99, max(50, int(100 * self.confidence)))
        return f"{'black and white' if self.monochrome else 'a colour photograph'} ({sure} % sure)"


class InColourError(LeftOutError):
    """A photograph is left as it is, since it has colours of its own; ``verdict`` is what it was taken for."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__("has colours")
        self.verdict = verdict


@dataclass(frozen=True, eq=False, repr=False)
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
        comment: the comment of a JPEG or GIF.
        png_chunks: text, time and gamma chunks of a PNG: type and content.
        jpeg: compression settings of a JPEG.
        tiff_compression: value of the Compression tag of a TIFF.
        lossless: whether the file was a WebP without loss.
        was_grey: whether the file stored one channel.
        pages: how many pages a TIFF has, thumbnails and masks left aside, or how many frames an animation, or how many
            pictures a file of several; one of them is in ``pixels``.
        animated: whether they are the frames of an animation.
        renders: what ``pixels`` were made with, in order; empty for a photo as it was opened.
        verdict: what it was taken for before anything was done to it; None where nobody has looked yet.
        coloured: whether a colorizer gave it its colours.
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
    animated: bool = False
    renders: tuple[Render, ...] = ()
    verdict: Verdict | None = None
    coloured: bool = False

    def __post_init__(self) -> None:
        pixels, alpha = self.pixels, self.alpha
        if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype not in (np.uint8, np.uint16):
            raise ValueError(f"pixels must be (H, W, 3) uint8 or uint16, not {pixels.shape} {pixels.dtype}")
        if alpha is not None and (alpha.shape != pixels.shape[:2] or alpha.dtype != pixels.dtype):
            raise ValueError(f"alpha {alpha.shape} {alpha.dtype} does not fit pixels {pixels.shape} {pixels.dtype}")

    def __repr__(self) -> str:
        return f"Photo({self.width}×{self.height}, {self.bits} bits, {self.format})"

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
        order, directory = parse_exif(as_bytes(exif))  # without the thumbnail of the old picture
        return cls(
            pixels,
            samples.alpha,
            format=image.format or "PNG",
            exif=pack_exif(directory, order) if directory else None,
            icc_profile=icc_profile,
            xmp=xmp.cleaned(as_bytes(image.info.get("xmp"))),
            dpi=dpi_of(image),
            was_grey=samples.space == "grey",
        )

    def to_image(self) -> Image.Image:
        """Return a Pillow image, RGB or RGBA at eight bits, with EXIF, ICC profile, XMP and DPI in its ``info``."""
        image = Image.fromarray(to_8_bits(self.pixels))
        if self.alpha is not None:
            image.putalpha(Image.fromarray(to_8_bits(self.alpha)))
        exif = None if self.exif is None else b"Exif\0\0" + self.exif  # as ``save(exif=...)`` wants it
        kept = {"exif": exif, "icc_profile": self.icc_profile, "xmp": self.xmp, "dpi": self.dpi}
        image.info.update({key: value for key, value in kept.items() if value is not None})
        return image


_LOSSY = frozenset({"JPEG", "MPO", "AVIF", "HEIF"})


def as_bytes(value: object) -> bytes | None:
    """Metadata as Pillow gives it, as text or bytes, in bytes; None for anything else and where it is empty."""
    if isinstance(value, str):
        return value.encode() or None
    return value or None if isinstance(value, bytes) else None


def dpi_of(image: Image.Image) -> tuple[float, float] | None:
    """The resolution that an image claims, where that makes sense."""
    dpi: Any = image.info.get("dpi")
    try:
        x, y = float(dpi[0]), float(dpi[1])
    except (TypeError, ValueError, IndexError, ZeroDivisionError):
        return None
    return (x, y) if 0 < x < 1e6 and 0 < y < 1e6 else None
