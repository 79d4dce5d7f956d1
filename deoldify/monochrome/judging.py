"""Black and white, or in colour: the decision, and how sure it is."""

from __future__ import annotations

import math
from dataclasses import replace

from deoldify.imaging import Pixels, colour_square, to_tensor
from deoldify.monochrome.explained import unexplained
from deoldify.photo import InColourError, Photo, Verdict

SIDE = 96
"""Pixels of the square that is looked at: small enough that grain, fringes and JPEG have averaged out."""

_EDGE = SIDE // 8  # where a mount may be
_HALF_LEFT, _STEEPNESS = 1.6, 3.0
"""Units of a and b that are left over at even odds, and how fast the odds fall."""


def judge(pixels: Pixels) -> Verdict:
    """Whether a photograph is black and white, be it neutral or toned, and how sure that is.

    Args:
        pixels: (H, W, 3) RGB, uint8 or uint16.
    """
    _, left = unexplained(to_tensor(colour_square(pixels, SIDE)))
    inner = left[..., _EDGE:-_EDGE, _EDGE:-_EDGE].square().sum(dim=1).sqrt()
    typical = float(inner.flatten().quantile(0.75))
    odds = _STEEPNESS * (math.log(_HALF_LEFT) - math.log(max(typical, 1e-3)))
    return Verdict.of(1 / (1 + math.exp(-odds)))


def judged(photo: Photo) -> Photo:
    """The photo with what it is taken for; one that has been judged before keeps its verdict."""
    return photo if photo.verdict is not None else replace(photo, verdict=judge(photo.pixels))


def without_colours(photo: Photo) -> Photo:
    """The photo with what it is taken for.

    Raises:
        InColourError: it has colours of its own.
    """
    photo = judged(photo)
    assert photo.verdict is not None
    if not photo.verdict.monochrome:
        raise InColourError(photo.verdict)
    return photo
