"""Grey pictures as numbers and as images, and what is drawn or laid over them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from train.data.pictures import to_bytes

Grey = npt.NDArray[np.float32]  # (H, W), 0 to 1


def image(grey: Grey) -> Image.Image:
    """A grey picture in 8 bits; what lies outside of 0 to 1 is clipped."""
    return Image.fromarray(to_bytes(grey))


def floats(picture: Image.Image | npt.NDArray[np.uint8]) -> Grey:
    """An image of one channel as (H, W) float32 of 0 to 1."""
    grey: Grey = np.asarray(picture, np.float32) / np.float32(255)
    return grey


def laid_over(grey: Grey, tone: float | np.float32 | Grey, cover: Grey) -> Grey:
    """The picture with a tone laid over it where ``cover``, (H, W) of 0 to 1, is above 0."""
    return np.asarray(grey + (np.asarray(tone, np.float32) - grey) * cover.astype(np.float32), np.float32)


def marked(grey: Grey, marks: Callable[[ImageDraw.ImageDraw], None], tone: float, softness: float) -> Grey:
    """The picture with marks drawn on it.

    Args:
        grey: (H, W).
        marks: draws them, as strong as they cover, 0 to 255.
        tone: of all of them.
        softness: radius that they are blurred by, in pixels.
    """
    cover = Image.new("L", grey.shape[::-1])
    marks(ImageDraw.Draw(cover))
    if softness:
        cover = cover.filter(ImageFilter.GaussianBlur(softness))
    return laid_over(grey, tone, floats(cover))


def clouds(shape: tuple[int, int], cells: int, rng: np.random.Generator) -> Grey:
    """Smooth noise of mean 0 and deviation 1, with about so many cells along each side."""
    small = rng.standard_normal((cells, cells), dtype=np.float32)
    return np.asarray(Image.fromarray(small).resize(shape[::-1], Image.Resampling.BICUBIC))
