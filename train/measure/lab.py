"""Measures of colour as it is seen, in CIELAB, on 8-bit pictures, (H, W, 3) uint8 each; they need scikit-image.

Paleness buys ΔE, loudness buys colourfulness, speckle buys hues, and a colorizer that keeps still costs itself all
three: only together do these numbers mean anything.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from train.measure.distance import Rgb

Ab = npt.NDArray[np.float64]
"""(H, W, 2), a and b of CIELAB."""

BINS_OF_HUE = 12
FAINTEST = 6.0
"""Chroma below which a pixel has no hue that anybody would name."""


def ab_of(rgb: Rgb) -> Ab:
    """a and b of every pixel."""
    from skimage.color import rgb2lab

    return np.asarray(rgb2lab(rgb)[..., 1:], np.float64)


def delta_e(a: Rgb, b: Rgb) -> float:
    """Mean CIEDE2000 between two pictures of one size."""
    from skimage.color import deltaE_ciede2000, rgb2lab

    return float(np.mean(deltaE_ciede2000(rgb2lab(a), rgb2lab(b))))  # type: ignore[no-untyped-call]


def mean_chroma(ab: Ab) -> float:
    """Mean length of (a, b) over the pixels, 0 of none."""
    return float(np.linalg.norm(ab, axis=-1).mean()) if ab.size else 0.0


def hues(rgb: Rgb) -> float:
    """How many hues a picture has, in effect: exp of the entropy of hue in twelve bins.

    Each pixel weighs as much as its chroma; those with a chroma under ``FAINTEST`` are left out.

    Returns:
        1 to 12; 0 for a picture without any hue.
    """
    ab = ab_of(rgb).reshape(-1, 2)
    strength = np.linalg.norm(ab, axis=1)
    ab, strength = ab[strength >= FAINTEST], strength[strength >= FAINTEST]
    if not len(ab):
        return 0.0
    turn = np.arctan2(ab[:, 1], ab[:, 0]) / (2 * np.pi) % 1
    shares = np.bincount((turn * BINS_OF_HUE).astype(int) % BINS_OF_HUE, strength, BINS_OF_HUE) / strength.sum()
    shares = shares[shares > 0]
    return float(np.exp(-(shares * np.log(shares)).sum()))


def movement(renders: Sequence[Rgb], others: Sequence[Rgb]) -> float:
    """How far colours lie apart in two renders of each of several photographs, of what colour there is.

    Args:
        renders: one render of each.
        others: another of each, of the same sizes.

    Returns:
        the mean length of the difference of (a, b), over the mean length of (a, b) in both; 0 where all is grey.
    """
    moved = length = 0.0
    for render, other in zip(renders, others, strict=True):
        a, b = ab_of(render), ab_of(other)
        moved += mean_chroma(a - b)
        length += (mean_chroma(a) + mean_chroma(b)) / 2
    return moved / length if length else 0.0
