"""A photograph restored, and coloured where it is black and white."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, get_args

import numpy as np

from deoldify.colorizer import Colorizer
from deoldify.defader import Defader
from deoldify.imaging import inside_mount
from deoldify.monochrome import judged
from deoldify.photo import Photo

Colour = Literal["auto", "always", "never"]
"""Whether a photograph is coloured: where it is black and white, in any case, or in none."""


def restore_photo(
    photo: Photo,
    defader: Defader,
    colorizer: Colorizer,
    *,
    strength: float = 1.0,
    keep_tone: bool = False,
    colour: Colour = "auto",
) -> tuple[Photo, str]:
    """Give a photograph its tone and colour back, and colour where it is black and white.

    What is coloured loses every tone that it had: it is coloured from its restored luma. A mount or border around it
    stays as it is.

    Args:
        photo: at its own bit depth; everything but the pixels stays.
        defader: what restores it.
        colorizer: what colours it then.
        strength: of the restoration, see ``Defader.__call__``.
        keep_tone: restore brightness and contrast alone, see ``Defader.__call__``.
        colour: see ``Colour``.

    Returns:
        the restored photo, whose ``verdict`` and ``coloured`` tell what it was taken for and what was done; and the
        label that says so.

    Raises:
        ValueError: ``strength`` is out of range, or there is no such ``colour``; the message names what there is.
        OutOfMemoryError: not even the smallest render fits into the memory that is free.
    """
    check_colour(colour)
    photo = judged(photo)
    assert photo.verdict is not None
    to_colour = photo.verdict.monochrome if colour == "auto" else colour == "always"
    if not to_colour:
        return defader.defade_photo(photo, strength=strength, keep_tone=keep_tone), defader.label
    # Paper stays paper: neither fresh nor painted, and what is restored is not restored for its sake.
    inside = inside_mount(photo.pixels)
    picture = photo if inside is None else Photo(np.ascontiguousarray(inside.of(photo.pixels)), verdict=photo.verdict)
    restored = defader.defade_photo(picture, strength=strength, keep_tone=keep_tone, neutral=True)
    coloured = colorizer.colorize_photo(restored)
    if inside is not None:
        whole = photo.pixels.copy()
        inside.of(whole)[:] = coloured.pixels
        coloured = replace(photo.with_pixels(whole), renders=(*photo.renders, *coloured.renders), coloured=True)
    return coloured, f"{defader.label}. {colorizer.label}"


def check_colour(colour: str) -> None:
    """Raise a ``ValueError`` that says what there is where that is none of ``Colour``."""
    if colour not in get_args(Colour):
        raise ValueError(f"colour {colour!r} is none of {', '.join(get_args(Colour))}")
