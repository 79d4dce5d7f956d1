"""The square that a network sees of a photograph.

Arrays are (H, W, 3) RGB, uint8 or uint16, as photographs come; squares are uint8.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from deoldify.imaging.colour import Pixels, is_grey
from deoldify.imaging.rows import side_by_side, strips

_MOST_NARROW = 1 << 27
"""Pixels of a picture made as narrow as the square; a strip that would have more is made low first."""


_WIDEST = 1 << 21
"""Pixels of a row; of a wider one whole numbers of pixels are averaged first."""


def grey_square(pixels: Pixels, side: int) -> npt.NDArray[np.uint8]:
    """A photograph's luma, stretched to the square that a colorizer's generator sees.

    Stretched first and made grey then, as DeOldify's filter does: the other way round, roundings differ.

    Args:
        pixels: (H, W, 3) RGB, uint8 or uint16.
        side: of the square, in pixels.

    Returns:
        (side, side) uint8.
    """
    return np.array(Image.fromarray(colour_square(pixels, side)).convert("L"))


def colour_square(pixels: Pixels, side: int, *, reducing_gap: float | None = None) -> npt.NDArray[np.uint8]:
    """A photograph stretched to the square that a defader's generator sees.

    Args:
        pixels: (H, W, 3) RGB, uint8 or uint16.
        side: of the square, in pixels.
        reducing_gap: Pillow's, for rows: whole numbers of pixels are averaged first, down to so many times the side,
            which takes a third of the time where a trace of difference is no matter.

    Returns:
        (side, side, 3) uint8.
    """
    height, width = pixels.shape[:2]
    if width < side and height * side > _MOST_NARROW:  # a pixel wide, say, and ten million high
        # Shrunk by a whole number first: the weights of ten million rows take more memory than their pixels.
        whole = Image.fromarray(_eight_bits(pixels))
        low = whole.resize((width, side), Image.Resampling.BILINEAR, reducing_gap=4.0)
        return np.array(low.resize((side, side), Image.Resampling.BILINEAR))
    narrow = np.empty((height, side, 3), np.uint8)
    gap = reducing_gap or (4.0 if width > _WIDEST else None)

    # Pillow, too, makes a picture narrow first and low then, so that this is what it makes of the whole at once.
    def make_narrow(rows: slice) -> None:
        for strip in strips(rows, width):
            values = _eight_bits(pixels[strip])
            grey = is_grey(values)
            image = Image.fromarray(values[..., 0] if grey else values)
            resized = np.asarray(image.resize((side, len(values)), Image.Resampling.BILINEAR, reducing_gap=gap))
            narrow[strip] = resized[..., None] if grey else resized

    side_by_side(make_narrow, height, width)
    return np.array(Image.fromarray(narrow).resize((side, side), Image.Resampling.BILINEAR))


def sampled(pixels: Pixels, height: int, width: int) -> Pixels:
    """A picture of another size that holds pixels as they are, evenly picked: its darkest stay as dark as they were.

    Args:
        pixels: (H, W, 3) RGB, uint8 or uint16.
        height: of the result; more than H repeats rows.
        width: of the result; more than W repeats columns.

    Returns:
        (height, width, 3), dtype of ``pixels``.
    """
    rows, columns = (
        ((2 * np.arange(wanted) + 1) * given) // (2 * wanted)
        for wanted, given in zip((height, width), pixels.shape[:2])
    )
    picked: Pixels = np.take(pixels[rows], columns, axis=1)  # a third of the time of both at once
    return picked


def sampled_square(pixels: Pixels, side: int) -> npt.NDArray[np.uint8]:
    """A photograph as a generator sees it that reads tones off single pixels; see ``sampled``.

    Args:
        pixels: (H, W, 3) RGB, uint8 or uint16.
        side: of the square, in pixels.

    Returns:
        (side, side, 3) uint8.
    """
    return _eight_bits(sampled(pixels, side, side))


def _eight_bits(pixels: Pixels) -> npt.NDArray[np.uint8]:
    return np.asarray(pixels if pixels.dtype == np.uint8 else pixels >> 8, np.uint8)
