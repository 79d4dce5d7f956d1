"""The models that the page works with: awake ones, those that may be fetched, and how many stay in memory."""

from __future__ import annotations

import functools
import threading
from collections import defaultdict
from collections.abc import Callable
from typing import Literal

from demo import gpu
from deoldify import checkpoints
from deoldify.checkpoints import AUTO, Checkpoint, Progress
from deoldify.colorizer import Colorizer
from deoldify.defader import Defader
from deoldify.errors import CheckpointError, UnknownModelError
from deoldify.loading import load, load_best, load_colorizer
from deoldify.network import GeneratorConfig

MODELS_IN_MEMORY = 2

DEFAULT_MODEL = AUTO
EMBEDDED_MODEL: Literal["compact"] = "compact"
DEFADE_MODEL: Literal["defade"] = "defade"


class DownloadsError(CheckpointError):
    """A model is not here, and visitors may not have it fetched."""


class _Downloads:
    """Whether the page fetches models that are not here: for whoever sits at the machine, not for strangers."""

    allowed = True


downloads = _Downloads()

_waking: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
_chosen: dict[tuple[tuple[str, ...], ...], str] = {}
"""What auto is, by the colorizers that are here, since it was measured."""
_awake: dict[str, Colorizer] = {}
"""Colorizers that were loaded to be measured, until they are asked for by their names."""


def records_of(model: str) -> list[Checkpoint]:
    """The records that a model's name stands for; those of auto are the best here, as far as that is known.

    Raises:
        UnknownModelError: nobody knows one of them.
    """
    if model == AUTO:
        here = tuple(checkpoints.best_here()) or ((EMBEDDED_MODEL,),)
        model = _chosen.get(here, "+".join(here[0]))
    return [checkpoints.find(name) for name in sorted(checkpoints.names_of(model))]


def colorizer(model: str) -> Colorizer:
    """The colorizer of this name, which stays loaded while it is among the last few that were asked for.

    However many ask at once, it is loaded once.
    """
    name = settled(model)
    with _waking[name]:  # of known names only, so that their number is bounded
        return _colorizer(name)


@functools.lru_cache(maxsize=MODELS_IN_MEMORY)
def _colorizer(model: str) -> Colorizer:
    return _awake.pop(model, None) or load_colorizer(model)


def settled(model: str) -> str:
    """The name of the model, or of those that are to agree, that a name stands for; what auto is, is measured once.

    That is once for each set of colorizers that are here; where a GPU is lent, it is the truest of them.
    """
    if model == AUTO:
        with _waking[AUTO]:
            here = tuple(checkpoints.best_here())
            if len(here) > 1 and here not in _chosen and not gpu.ELSEWHERE:
                best = load_best()
                _chosen[here] = best.checkpoint.name
                _awake[best.checkpoint.name] = best
    return "+".join(record.name for record in records_of(model))


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
        checkpoint, *others = records_of(model)
    except UnknownModelError:
        return True, True  # what is asked of it will be answered by an error anyway
    if others:  # what they agree on is one opinion, and as sure as they agree
        return False, True
    lively = isinstance(checkpoint.config, GeneratorConfig) and checkpoint.config.head == "distribution"
    return lively, lively or checkpoint.renders > 1


def bring(model: str, progress: Callable[[Progress], None]) -> None:
    """Fetch what is not here of a model, or of several that are to agree.

    Args:
        model: its name; auto is here.
        progress: told of the download.

    Raises:
        DownloadsError: it is not here, and must not be fetched.
        CheckpointError: it cannot be fetched, or nobody knows it.
    """
    for checkpoint in records_of(model):
        if checkpoints.locate(checkpoint) is not None:
            continue
        if not downloads.allowed:
            raise DownloadsError(
                f"{checkpoint.name} is not on this computer, and downloads from the page are off; "
                f"run `deoldify fetch {checkpoint.name}`, or start the page with --allow-downloads"
            )
        checkpoints.fetch(checkpoint, progress=progress)
