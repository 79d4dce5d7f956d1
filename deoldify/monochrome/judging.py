"""Black and white, or in colour: the decision, and how sure it is."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file

from deoldify.checkpoints import embedded
from deoldify.imaging import Pixels, colour_square, inside_mount, to_tensor
from deoldify.monochrome.explained import unexplained
from deoldify.monochrome.head import Head
from deoldify.monochrome.measuring import measures
from deoldify.photo import InColourError, Photo, Verdict

SIDE = 48
"""Pixels of the square that is looked at: small enough that grain, fringes and JPEG have averaged out."""

_FILE = "monochrome.safetensors"
WEIGHTS = "5d03d155bdce2ce5ed636e47b3315751cb60ebe9182a3cd68d2c384626eed946"
"""SHA-256 of the weights, ``weights/monochrome.safetensors``."""


@cache
def _head() -> Head:
    """The head as it ships, loaded once."""
    head = Head()
    head.load_state_dict(load_file(embedded(_FILE, WEIGHTS)))
    return head.eval()


def square_of(pixels: Pixels) -> npt.NDArray[np.uint8]:
    """What is looked at of a photograph: (SIDE, SIDE, 3) uint8, of what its mount surrounds where it has one.

    Args:
        pixels: (H, W, 3) RGB, uint8 or uint16.
    """
    inside = inside_mount(pixels)
    seen: Pixels = pixels if inside is None else inside.of(pixels)
    return colour_square(seen, SIDE, reducing_gap=4.0)  # of 400 pixels or more a row; narrower ones stay as they are


@torch.no_grad()
def judge(pixels: Pixels) -> Verdict:
    """Whether a photograph is black and white, be it neutral or toned, and how sure that is.

    Args:
        pixels: (H, W, 3) RGB, uint8 or uint16.

    Raises:
        CheckpointError: the weights that decide are missing or damaged.
    """
    odds = _head()(measures(*unexplained(to_tensor(square_of(pixels)))))
    return Verdict.of(float(odds.sigmoid()))


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
