"""Old photographs in colour.

>>> import deoldify
>>> colorizer = deoldify.load("compact")
>>> coloured = colorizer(image)
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from deoldify.checkpoints import ModelInfo, models
from deoldify.errors import (
    CheckpointError,
    DeOldifyError,
    HubError,
    OutOfMemoryError,
    PhotoError,
    UnknownModelError,
)

if TYPE_CHECKING:
    from PIL import Image

    from deoldify.imaging import Transfer
    from deoldify.pipeline import Colorizer, load, load_colorizer

__version__ = "0.1.0"

__all__ = [
    "CheckpointError",
    "Colorizer",
    "DeOldifyError",
    "HubError",
    "ModelInfo",
    "OutOfMemoryError",
    "PhotoError",
    "UnknownModelError",
    "colorize",
    "load",
    "load_colorizer",
    "models",
]


def __getattr__(name: str) -> Any:
    # What needs torch is imported when it is first asked for, so that listing models and --help stay quick.
    if name in ("Colorizer", "load", "load_colorizer"):
        from deoldify import pipeline

        return getattr(pipeline, name)
    raise AttributeError(f"module 'deoldify' has no attribute {name!r}")


@cache
def _best_colorizer() -> Colorizer:
    """The best colorizer whose weights are on this machine, loaded once."""
    from deoldify.pipeline import load_colorizer

    here = {model.name for model in models() if model.here and model.task == "colorize"}
    best = next((name for name in ("artistic", "stable", "video", "compact") if name in here), "compact")
    return load_colorizer(best)


def colorize(image: Image.Image, *, render_factor: int | None = None, transfer: Transfer = "guided") -> Image.Image:
    """Colour an image with the best model that is on this machine, which is loaded once.

    Args:
        image: any mode Pillow knows.
        render_factor: side of the square that the generator sees, in units of 16 pixels; None chooses it.
        transfer: ``"guided"``, ``"bilinear"`` or ``"none"``; see ``Colorizer.__call__``.

    Returns:
        RGB, or RGBA where the image has transparency; the same size.

    Raises:
        ValueError: ``render_factor`` or ``transfer`` is out of range.
        CheckpointError: the weights are damaged.
    """
    return _best_colorizer()(image, render_factor=render_factor, transfer=transfer)
