"""What an effect is, and what they all are written with."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from deoldify.imaging import LUMA_WEIGHTS, Triple

Rgb = npt.NDArray[np.float32]  # (H, W, 3), 0 to 1, sRGB-encoded
Strength = float | npt.NDArray[np.float32]  # one number, or (H, W, 1) where the fading is uneven
Range = tuple[float, float]

_LUMA = np.array(LUMA_WEIGHTS, np.float32)


class Effect(Protocol):
    """Something that happens to a photograph."""

    def __call__(self, rgb: Rgb, strength: float) -> Rgb:
        """The picture after it, float32 in 0 to 1; the picture itself at strength 0."""


class PointEffect(Protocol):
    """An effect that looks at each pixel alone, so that its strength may differ from pixel to pixel."""

    def __call__(self, rgb: Rgb, strength: Strength) -> Rgb:
        """As ``Effect``; ``strength`` may be (H, W, 1)."""


def luma(rgb: Rgb) -> Rgb:
    """Luma of a picture (ITU-R BT.601), (H, W, 1)."""
    return (rgb @ _LUMA)[..., None]


def is_zero(strength: Strength) -> bool:
    """Whether nothing happens anywhere."""
    return np.ndim(strength) == 0 and bool(strength == 0)


def as_amount(strength: Strength) -> npt.NDArray[np.float32]:
    """The strength as what multiplies (H, W, 3) float32 and leaves it float32."""
    return np.asarray(strength, np.float32)


def clipped(rgb: Rgb) -> Rgb:
    """The picture within 0 to 1."""
    return np.clip(rgb, np.float32(0), np.float32(1))


def uniform(rng: np.random.Generator, limits: Range) -> float:
    """A number drawn between two."""
    return float(rng.uniform(*limits))


def triple(rng: np.random.Generator, low: float, high: float) -> Triple:
    """Three numbers drawn between two, for red, green and blue."""
    red, green, blue = rng.uniform(low, high, 3).tolist()
    return red, green, blue


def row(values: Triple) -> npt.NDArray[np.float32]:
    """Three numbers as what multiplies the channels of (H, W, 3) float32."""
    return np.array(values, np.float32)


def grid(rgb: Rgb, centre: tuple[float, float]) -> tuple[Rgb, Rgb]:
    """Rows (H, 1) and columns (1, W) relative to a point, in units of the shorter side."""
    height, width = rgb.shape[:2]
    side = min(height, width)
    y = (np.arange(height, dtype=np.float32) + np.float32(0.5 - centre[0] * height)) / np.float32(side)
    x = (np.arange(width, dtype=np.float32) + np.float32(0.5 - centre[1] * width)) / np.float32(side)
    return y[:, None], x[None, :]


def to_image(rgb: Rgb) -> Image.Image:
    """The picture at 8 bits, for Pillow."""
    return Image.fromarray((rgb * np.float32(255) + np.float32(0.5)).astype(np.uint8))


def to_float(image: Image.Image) -> Rgb:
    """The inverse of ``to_image``."""
    rgb: Rgb = np.asarray(image).astype(np.float32) / np.float32(255)
    return rgb
