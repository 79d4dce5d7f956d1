"""Old photographs in colour.

>>> import deoldify
>>> colorizer = deoldify.load("compact")
>>> coloured = colorizer("photo.jpg")  # or a PIL image, bytes, a numpy array; a PIL image comes back
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING

from deoldify.checkpoints import ModelInfo, models
from deoldify.doors import handing_on
from deoldify.errors import CheckpointError, DeOldifyError, HubError, OutOfMemoryError, PhotoError, UnknownModelError

if TYPE_CHECKING:
    from PIL import Image
    from typing_extensions import Unpack

    from deoldify.colorizer import Asked, Colorizer
    from deoldify.defader import Defader
    from deoldify.imaging import Hint, Transfer
    from deoldify.loading import load, load_colorizer
    from deoldify.photo import Source
    from deoldify.restoring import Colour
else:
    # What needs torch is imported when it is first asked for, so that listing models and --help stay quick.
    __getattr__, __dir__ = handing_on(
        __name__, colorizer=("Colorizer",), defader=("Defader",), imaging=("Hint",), loading=("load", "load_colorizer")
    )

# PyTorch looks when it makes its first tensor; see network.memory.keep_heap_small.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")

__version__ = "0.1.0"

__all__ = [
    "CheckpointError",
    "Colorizer",
    "DeOldifyError",
    "Defader",
    "Hint",
    "HubError",
    "ModelInfo",
    "OutOfMemoryError",
    "PhotoError",
    "UnknownModelError",
    "colorize",
    "defade",
    "load",
    "load_colorizer",
    "models",
    "restore",
]


@cache
def _best_colorizer() -> Colorizer:
    """The best colorizer whose weights are on this machine, loaded once."""
    from deoldify.loading import load_best

    return load_best()


@cache
def _defader() -> Defader:
    """The embedded defader, loaded once."""
    from deoldify.loading import load

    return load("defade")


def colorize(
    image: Source, *, render_factor: int | None = None, transfer: Transfer = "guided", **asked: Unpack[Asked]
) -> Image.Image:
    """Colour an image with the best model that is on this machine, which is loaded once.

    Args:
        image: of any mode Pillow knows; or a path, the bytes of a file, or a numpy array (see ``photo.photo_of``).
        render_factor: side of the square that the generator sees, in units of 16 pixels; None chooses it.
        transfer: ``"guided"``, ``"bilinear"`` or ``"none"``; see ``Colorizer.__call__``.
        **asked: saturation, warmth, liveliness, caution and hints; see there.

    Returns:
        RGB, or RGBA where the image has transparency; the same size.

    Raises:
        ValueError: something is out of range, or asked of a model that does not tell it; see there.
        CheckpointError: the weights are damaged.
        OutOfMemoryError: not even the smallest render fits into the memory that is free.
        PhotoError: there is no photograph in the file.
        TypeError: ``image`` is nothing that a photograph can be taken from; the message says what is.
    """
    return _best_colorizer()(image, render_factor=render_factor, transfer=transfer, **asked)


def defade(image: Source, *, strength: float = 1.0, keep_tone: bool = False) -> Image.Image:
    """Give a faded photograph its tone and colour back, with a model that is loaded once.

    Args:
        image: of any mode Pillow knows; or a path, the bytes of a file, or a numpy array (see ``photo.photo_of``).
        strength: 0 gives the photo back unchanged, 1 restores it, between blends, up to 1.5 overdoes.
        keep_tone: restore brightness and contrast alone and keep the colour as it is.

    Returns:
        RGB, or RGBA where the image has transparency; the same size.

    Raises:
        ValueError: ``strength`` is out of range; the message names the range.
        CheckpointError: the weights are damaged.
        OutOfMemoryError: not even the smallest render fits into the memory that is free.
        PhotoError: there is no photograph in the file.
        TypeError: ``image`` is nothing that a photograph can be taken from; the message says what is.
    """
    return _defader()(image, strength=strength, keep_tone=keep_tone)


def restore(image: Source, *, strength: float = 1.0, keep_tone: bool = False, colour: Colour = "auto") -> Image.Image:
    """``defade``, then ``colorize`` if the photograph is black and white, be it neutral or toned.

    Args:
        image: of any mode Pillow knows; or a path, the bytes of a file, or a numpy array (see ``photo.photo_of``).
        strength: see ``defade``.
        keep_tone: see ``defade``; a photograph that is coloured loses its tone all the same.
        colour: ``"auto"`` colours what is black and white, ``"always"`` any photograph, ``"never"`` none.

    Returns:
        RGB, or RGBA where the image has transparency; the same size. Its ``info`` says what the photograph was taken
        for: ``monochrome``, with the ``confidence`` in that, 0.5 to 1; and whether it was ``coloured``.

    Raises:
        ValueError: ``strength`` is out of range, or there is no such ``colour``; the message says what there is.
        CheckpointError: the weights are damaged.
        OutOfMemoryError: not even the smallest render fits into the memory that is free.
        PhotoError: there is no photograph in the file.
        TypeError: ``image`` is nothing that a photograph can be taken from; the message says what is.
    """
    from deoldify.model import image_of
    from deoldify.photo import photo_of
    from deoldify.restoring import restore_photo

    restored, _ = restore_photo(
        photo_of(image), _defader(), _best_colorizer(), strength=strength, keep_tone=keep_tone, colour=colour
    )
    return image_of(restored)
