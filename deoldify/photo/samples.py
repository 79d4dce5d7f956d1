"""Samples as decoders give them, to RGB: depth, transparency, orientation, grey, CMYK, CIELAB, ICC profiles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, cast

import imagecodecs
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

from deoldify.errors import PhotoError
from deoldify.photo.faults import warn

Array = npt.NDArray[Any]
Space = Literal["grey", "rgb", "cmyk"]

_BAND = 1 << 17  # pixels that are worked on at once: few enough for memory that is used again, not fetched anew


@dataclass(frozen=True)
class Samples:
    """A picture as it was decoded.

    Attributes:
        values: (H, W) for grey, (H, W, 3) for rgb, (H, W, 4) for cmyk, where the maximum is full ink; uint8 or uint16.
        space: what the values are.
        alpha: (H, W), dtype of ``values``, not premultiplied; None where there is none.
        icc: where decoding itself had to convert: the profile it converted to.
        orientation: what is still to be applied where the decoder knows better than EXIF does; None where not.
    """

    values: Array
    space: Space
    alpha: Array | None = None
    icc: bytes | None = None
    orientation: int | None = None


def bands(array: Array) -> Iterator[slice]:
    """Slices of the rows of an (H, W, ...) array that hold about ``_BAND`` pixels each."""
    rows = max(1, _BAND // max(1, array.shape[1]))
    for top in range(0, array.shape[0], rows):
        yield slice(top, top + rows)


def to_8_bits(array: Array) -> Array:
    """uint8 or uint16 values as uint8, 16-bit ones rounded to the nearest of 0 to 255."""
    if array.dtype == np.uint8:
        return array
    out = np.empty(array.shape, np.uint8)
    for band in bands(array):
        out[band] = (array[band].astype(np.uint32) + 128) // 257
    return out


_ROOMY_BYTES = 1 << 29
_BYTES_A_PIXEL = 8
"""Samples of a pixel may have so many bytes (RGB and alpha of 16 bits), and half a gigabyte beyond that together."""
_LONGEST_SIDE = 10_000_000
"""Pixels of a row or column. What is worked on row by row takes more memory where one row is all there is."""


def check_size(width: int, height: int, max_pixels: int, *, samples: int = 1, bits: int = 8) -> None:
    """Refuse a picture without pixels, or with too many, or with too much in each; the message goes on after its name.

    Raises:
        PhotoError: that is so.
    """
    if width < 1 or height < 1:
        raise PhotoError(f"is not a photograph that can be read: it is {width} × {height} pixels in size")
    if width * height > max_pixels:
        raise PhotoError(
            f"has {width} × {height} = {width * height / 1e6:.0f} megapixels; "
            f"at most {max_pixels / 1e6:g} are allowed: make it smaller first"
        )
    if max(width, height) > _LONGEST_SIDE:
        raise PhotoError(
            f"has {width} × {height} pixels, and at most {_LONGEST_SIDE:,} a side are allowed: cut it into pieces first"
        )
    if not 1 <= bits <= 64 or samples < 1:
        raise PhotoError(f"is not a photograph that can be read: it has {samples} samples of {bits} bits a pixel")
    if width * height * samples * max(bits, 8) // 8 > width * height * _BYTES_A_PIXEL + _ROOMY_BYTES:
        raise PhotoError(
            f"has {width} × {height} pixels of {samples} samples of {bits} bits, which are too many: "
            "save it with its colours alone"
        )


def to_whole_range(values: Array, bits: int) -> Array:
    """Samples of 9 to 15 bits over the whole range of uint16."""
    white = (1 << bits) - 1
    out = np.empty(values.shape, np.uint16)
    for band in bands(values):
        out[band] = (values[band].astype(np.uint32) * 65535 + white // 2) // white
    return out


def samples_of(image: Image.Image) -> Samples:
    """Take the samples out of a Pillow image of any mode, without reducing their depth.

    Raises:
        PhotoError: the values have no known white; the message goes on after the name of the picture.
    """
    if image.mode in ("I;16", "I;16L", "I;16B", "I;16N"):
        return Samples(np.asarray(image).astype(np.uint16, copy=False), "grey")
    if image.mode == "I":
        values = np.asarray(image)
        if values.min() < 0 or values.max() > 65535:
            raise PhotoError("has 32-bit samples beyond 0 to 65535, which have no known white: convert it to 16 bits")
        return Samples(values.astype(np.uint16), "grey")
    if image.mode == "F":
        return Samples(from_float(np.asarray(image)), "grey")
    if image.mode == "CMYK":
        return Samples(array_of(image), "cmyk")
    if image.mode == "LAB":
        srgb = ImageCms.createProfile("sRGB")
        image = cast(
            Image.Image, ImageCms.profileToProfile(image, ImageCms.createProfile("LAB"), srgb, outputMode="RGB")
        )
        return Samples(array_of(image), "rgb", icc=srgb_profile())
    grey = image.mode in ("1", "L", "LA", "La")
    mode = "L" if grey else "RGB"
    if not image.has_transparency_data:
        return Samples(array_of(image, mode), "grey" if grey else "rgb")
    shape = (image.height, image.width)
    values, alpha = np.empty(shape if grey else (*shape, 3), np.uint8), np.empty(shape, np.uint8)
    for band in bands(values):
        samples = _band_of(image, band, "LA" if grey else "RGBA")
        values[band] = samples[..., 0] if grey else samples[..., :3]
        alpha[band] = samples[..., -1]
    return Samples(values, "grey" if grey else "rgb", alpha)


def array_of(image: Image.Image, mode: str | None = None) -> Array:
    """The samples of a Pillow image of eight bits.

    They are copied band by band, because ``np.asarray`` of a whole image needs its memory twice more on the way.

    Args:
        image: of mode L, RGB or CMYK, or of any mode that can be converted to ``mode``.
        mode: one of these three; None for the image's own.

    Returns:
        (H, W) for L, else (H, W, channels), uint8, writable.
    """
    mode = mode or image.mode
    shape = (image.height, image.width)
    values = np.empty(shape if mode == "L" else (*shape, len(mode)), np.uint8)
    for band in bands(values):
        values[band] = _band_of(image, band, mode)
    return values


def _band_of(image: Image.Image, band: slice, mode: str) -> Array:
    part = image.crop((0, band.start, image.width, min(band.stop, image.height)))
    return np.asarray(part if part.mode == mode else part.convert(mode))


def from_float(values: Array) -> Array:
    """Floating-point samples, 0 for black to 1 for white, as uint16 over its whole range.

    Raises:
        PhotoError: the values go beyond; the message goes on after the name of the picture.
    """
    low, high = float(values.min()), float(values.max())
    if not (low >= -1e-3 and high <= 1 + 1e-3):
        raise PhotoError(
            f"has floating-point samples from {low:g} to {high:g}, but only 0 (black) to 1 (white) has a meaning: "
            "convert it to 16-bit integers"
        )
    out = np.empty(values.shape, np.uint16)
    for band in bands(values):
        out[band] = np.rint(np.clip(values[band], 0, 1) * np.float64(65535))
    return out


def srgb_profile() -> bytes:
    """The ICC profile of sRGB."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


_PROFILES: dict[Space, tuple[bytes, ...]] = {"grey": (b"GRAY", b"RGB "), "rgb": (b"RGB ",), "cmyk": (b"CMYK",)}


def to_rgb(samples: Samples, icc: bytes | None) -> tuple[Array, bytes | None]:
    """Pixels, and the RGB profile that they are in.

    A profile for another kind of colour than the file's own is dropped, as it would be by any viewer, with a warning.

    Args:
        samples: of any space; their transparency is left aside.
        icc: the profile that they came with.

    Returns:
        (H, W, 3) RGB, writable, dtype of the samples; and the profile, None for sRGB by default.
    """
    values, space = samples.values, samples.space
    profile_space = icc[16:20] if icc else b""
    rgb_profile = icc if profile_space == b"RGB " else None
    if icc and profile_space not in _PROFILES[space]:
        warn("its ICC profile is for another kind of colour and is left out")
    if space == "rgb":
        # Arrays over a decoder's own memory are read-only, which PyTorch does not take.
        return np.require(values, requirements=["C", "W"]), rgb_profile
    if space == "cmyk":
        return _cmyk_to_rgb(values, icc if profile_space == b"CMYK" else None)
    if profile_space == b"GRAY" and icc is not None:
        try:
            curve = _grey_to_srgb(icc, values.dtype)
        except RuntimeError:
            warn("its grey ICC profile cannot be used and is left out")
        else:
            values, rgb_profile = curve[values], srgb_profile()
    pixels = np.empty((*values.shape, 3), values.dtype)
    for channel in range(3):
        pixels[..., channel] = values
    return pixels, rgb_profile


def _grey_to_srgb(icc: bytes, dtype: np.dtype[Any]) -> Array:
    """The table that takes every grey value under ``icc`` to sRGB: (256,) uint8 or (65536,) uint16.

    The ramp goes through in floating point: Little CMS's 16-bit path is off by 150 of 65535 in the shadows.
    """
    white = np.iinfo(dtype).max
    ramp = np.linspace(0.0, 1.0, white + 1)
    rgb = imagecodecs.cms_transform(
        ramp[None],
        icc,
        srgb_profile(),
        colorspace="gray",
        outcolorspace="rgb",
        outdtype="float64",
        intent=imagecodecs.CMS.INTENT.RELATIVE_COLORIMETRIC,
    )
    curve = rgb[0, :, 1]
    # A grey profile with sRGB's own curve: keep every value rather than round it.
    if float(np.abs(curve - ramp).max()) < 0.5 / 255:
        curve = ramp
    return cast(Array, np.rint(np.clip(curve, 0, 1) * white).astype(dtype))


def _cmyk_to_rgb(values: Array, icc: bytes | None) -> tuple[Array, bytes | None]:
    white = np.iinfo(values.dtype).max
    pixels = np.empty((*values.shape[:2], 3), values.dtype)
    srgb = srgb_profile()
    for band in bands(values):
        if icc is not None:
            try:
                pixels[band] = imagecodecs.cms_transform(
                    np.ascontiguousarray(values[band]),
                    icc,
                    srgb,
                    colorspace="cmyk",
                    outcolorspace="rgb",
                    outdtype=values.dtype,
                    intent=imagecodecs.CMS.INTENT.RELATIVE_COLORIMETRIC,
                    flags=imagecodecs.CMS.FLAGS.BLACKPOINTCOMPENSATION,
                )
                continue
            except RuntimeError:
                warn("its CMYK ICC profile cannot be used and is left out")
                icc = None
        paper = white - values[band].astype(np.uint32)
        pixels[band] = (paper[..., :3] * paper[..., 3:] + white // 2) // white
    return pixels, srgb if icc is not None else None


def turn_upright(array: Array, orientation: int) -> Array:
    """Apply an EXIF orientation (1 to 8) to an array of (H, W, ...)."""
    if orientation in (3, 4, 6, 7):
        array = array[::-1]
    if orientation in (2, 3, 7, 8):
        array = array[:, ::-1]
    if orientation > 4:
        array = array.swapaxes(0, 1)
    return np.ascontiguousarray(array)


def unpremultiplied(colours: Array, alpha: Array, white: int) -> Array:
    """Colours, (H, W, channels), as they were before they were multiplied by alpha, (H, W), of at most ``white``."""
    out = np.empty(colours.shape, colours.dtype)
    for band in bands(colours):
        cover = np.maximum(alpha[band], 1)[..., None].astype(np.float64)
        out[band] = np.rint(np.minimum(colours[band] * (white / cover), white))
    return out
