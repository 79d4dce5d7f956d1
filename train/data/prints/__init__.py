"""Scans of prints and of colour photographs as archives and families have them, made of fresh photographs.

What tells a toned print from a faded colour photograph is learned on these, so they are varied more widely than real
ones: tones of any hue that bend with density and from place to place, paper that yellowed unevenly, stains, foxing, ink
of any colour, mounts and albums of any colour, two prints on a card, a strip of colours to calibrate by, a scanner's
cast, fringes, noise and JPEG. What is around, on and under a picture befalls prints and colour photographs alike, so
that none of it tells them apart: ``toning`` is a print's alone, ``ageing`` what time does to either, ``mounting`` what
lies around them, ``scanning`` what is left in the file.

Pictures are (H, W, 3) float32 sRGB of 0 to 1.
"""

from __future__ import annotations

import numpy as np

from deoldify.imaging import colour_square, to_tensor
from deoldify.monochrome import unexplained
from train.data.fading import DyeFading, Levels, SilverPrint, fade_randomly
from train.data.fading.effect import Rgb as Floats
from train.data.old_photograph import aged_grey
from train.data.pictures import Rgb, to_bytes
from train.data.prints.ageing import aged
from train.data.prints.mounting import framed
from train.data.prints.scanning import scanned
from train.data.prints.toning import toned

_GLANCE, _LEAST_LEFT = 48, 1.0
"""Side of the square in which colours are looked for, and what must be left of a and b at a fifth of its pixels."""

__all__ = ["as_colour_photograph", "as_print", "faded_colour", "framed"]


def as_print(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    """A scan of a monochrome print of a scene.

    Args:
        rgb: (H, W, 3) uint8, the scene; at least 16 pixels high and wide.
        rng: source of chance.

    Returns:
        (H, W, 3) uint8.
    """
    grey = np.clip(aged_grey(rgb, rng), 0, 1)
    if rng.random() < 0.2:
        thrice: Floats = np.repeat(grey[..., None], 3, axis=-1).astype(np.float32)
        picture = SilverPrint.draw(rng)(thrice, float(rng.uniform(0.2, 1.0)))
    else:
        picture = toned(grey, rng)
    return _as_found(picture, rng, ageing=0.6, frames=0.5)


def as_colour_photograph(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    """A scan of a colour photograph: fresh, or with its dyes as far gone as they are met; as ``as_print``."""
    if rng.random() < 0.3:  # as cameras write them
        return to_bytes(scanned(_floats(rgb), rng)) if rng.random() < 0.5 else rgb
    return _as_found(faded_colour(rgb, rng), rng, ageing=0.3, frames=0.35)


def faded_colour(rgb: Rgb, rng: np.random.Generator) -> Floats:
    """A colour photograph whose dyes have faded; fresh where they would have gone until no colours are left."""
    faded = _faded(_floats(rgb), rng)
    return faded if _colours_left(faded) else _floats(rgb)


def _colours_left(picture: Floats) -> bool:
    small = colour_square(to_bytes(picture), _GLANCE)
    _, left = unexplained(to_tensor(small))
    return float(left.square().sum(dim=1).sqrt().flatten().quantile(0.8)) > _LEAST_LEFT


def _faded(picture: Floats, rng: np.random.Generator) -> Floats:
    chance = rng.random()
    if chance < 0.15:
        return picture
    if chance < 0.7:
        return fade_randomly(picture, float(rng.uniform(0.15, 1.0)), rng)
    if chance < 0.85:  # a slide or print of weak colours that went all to one side
        luma = picture @ np.array([0.299, 0.587, 0.114], np.float32)
        picture = luma[..., None] + np.float32(rng.uniform(0.3, 0.8)) * (picture - luma[..., None])
    picture = DyeFading.draw(rng)(np.clip(picture, 0, 1), float(rng.uniform(0.6, 1.1)))
    return Levels.draw(rng, (0.0, 0.25), (0.7, 1.0), (0.6, 1.6), cast=0.5)(picture, 1.0)


def _as_found(picture: Floats, rng: np.random.Generator, *, ageing: float, frames: float) -> Rgb:
    if rng.random() < ageing:
        picture = aged(picture, rng)
    if rng.random() < frames:
        picture = framed(picture, rng)
        if rng.random() < ageing:
            picture = aged(picture, rng)
    return to_bytes(scanned(picture, rng))


def _floats(rgb: Rgb) -> Floats:
    picture: Floats = np.asarray(rgb, np.float32) / np.float32(255)
    return picture
