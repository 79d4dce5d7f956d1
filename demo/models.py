"""The models that the page works with: awake ones, those that may be fetched, and how many stay in memory."""

from __future__ import annotations

import functools
import threading
from collections import defaultdict
from collections.abc import Callable
from typing import Literal

from deoldify import checkpoints
from deoldify.checkpoints import Progress
from deoldify.colorizer import Colorizer
from deoldify.defader import Defader
from deoldify.errors import CheckpointError, UnknownModelError
from deoldify.loading import load, load_colorizer
from deoldify.network import GeneratorConfig

MODELS_IN_MEMORY = 2

DEFAULT_MODEL = "compact"
DEFADE_MODEL: Literal["defade"] = "defade"


class DownloadsError(CheckpointError):
    """A model is not here, and visitors may not have it fetched."""


class _Downloads:
    """Whether the page fetches models that are not here: for whoever sits at the machine, not for strangers."""

    allowed = True


downloads = _Downloads()

_waking: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)


def colorizer(model: str) -> Colorizer:
    """The colorizer of this name, which stays loaded while it is among the last few that were asked for.

    However many ask at once, it is loaded once.
    """
    with _waking[checkpoints.find(model).name]:  # of known names only, so that their number is bounded
        return _colorizer(model)


@functools.lru_cache(maxsize=MODELS_IN_MEMORY)
def _colorizer(model: str) -> Colorizer:
    return load_colorizer(model)


def defader() -> Defader:
    """The embedded defader, loaded once."""
    with _waking[DEFADE_MODEL]:
        return _defader()


@functools.cache
def _defader() -> Defader:
    return load(DEFADE_MODEL)


def wake(model: str) -> None:
    """Load a model, if it is not loaded already."""
    if model == DEFADE_MODEL:
        defader()
    else:
        colorizer(model)


def tells(model: str) -> tuple[bool, bool]:
    """Whether a model has a lively opinion beside its cautious one, and whether it tells where it guesses."""
    try:
        checkpoint = checkpoints.find(model)
    except UnknownModelError:
        return True, True  # what is asked of it will be answered by an error anyway
    lively = isinstance(checkpoint.config, GeneratorConfig) and checkpoint.config.head == "distribution"
    return lively, lively or checkpoint.renders > 1


def bring(model: str, progress: Callable[[Progress], None]) -> None:
    """Fetch a model that is not here.

    Args:
        model: its name.
        progress: told of the download.

    Raises:
        DownloadsError: it is not here, and must not be fetched.
        CheckpointError: it cannot be fetched, or nobody knows it.
    """
    checkpoint = checkpoints.find(model)
    if checkpoints.locate(checkpoint) is not None:
        return
    if not downloads.allowed:
        raise DownloadsError(
            f"{model} is not on this computer, and downloads from the page are off; "
            f"run `deoldify fetch {model}`, or start the page with --allow-downloads"
        )
    checkpoints.fetch(checkpoint, progress=progress)
