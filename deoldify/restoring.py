"""A photograph restored, and coloured where it is black and white."""

from __future__ import annotations

from deoldify.colorizer import Colorizer
from deoldify.defader import Defader
from deoldify.photo import Photo


def restore_photo(
    photo: Photo, defader: Defader, colorizer: Colorizer, *, strength: float = 1.0, keep_tone: bool = False
) -> tuple[Photo, str]:
    """Give a photograph its tone and colour back, and colour where it is black and white.

    Args:
        photo: at its own bit depth; everything but the pixels stays.
        defader: what restores it.
        colorizer: what colours it then.
        strength: of the restoration, see ``Defader.__call__``.
        keep_tone: restore brightness and contrast alone, see ``Defader.__call__``.

    Returns:
        the restored photo, and the label that says what was done.

    Raises:
        ValueError: ``strength`` is out of range; the message names the range.
        OutOfMemoryError: not even the smallest render fits into the memory that is free.
    """
    restored, neutral = defader.defade_and_judge(photo, strength=strength, keep_tone=keep_tone)
    if not neutral:
        return restored, defader.label
    return colorizer.colorize_photo(restored), f"{defader.label}. {colorizer.label}"
