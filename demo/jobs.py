"""From a photo to what is made of it: jobs, the models that do them, and the facts that are told afterwards."""

from __future__ import annotations

import functools
import html
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, Protocol

import gradio as gr

from demo.gpu import on_gpu
from deoldify import checkpoints
from deoldify.colorizer import Colorizer
from deoldify.defader import Defader
from deoldify.errors import DeOldifyError
from deoldify.imaging import Transfer
from deoldify.loading import load, load_colorizer
from deoldify.model import FACTOR_PIXELS
from deoldify.photo import Photo, Render, open_photo, save_photo
from deoldify.restoring import restore_photo

MAX_PIXELS = 100_000_000
MODELS_IN_MEMORY = 2

DEFAULT_MODEL = "compact"
DEFADE_MODEL: Literal["defade"] = "defade"

log = logging.getLogger("deoldify.app")


@dataclass(frozen=True)
class ColourFacts:
    """How a photo was coloured; ``wanted_factor`` is more than ``render_factor`` where memory ran short."""

    model: str
    render_factor: int
    wanted_factor: int
    automatic: bool
    transfer: Transfer
    width: int
    height: int
    seconds: float

    def __str__(self) -> str:
        side = self.render_factor * FACTOR_PIXELS
        return (
            f"Coloured in **{self.seconds:.1f} s** by **{self.model}** at render factor {self.render_factor}"
            f"{', chosen automatically' if self.automatic else ''} ({side} × {side} px). "
            f"{_on_shortage(Render(self.model, self.render_factor, self.wanted_factor))}"
            f"The download has all {self.width} × {self.height} pixels."
        )


@dataclass(frozen=True)
class RestoreFacts:
    """How a photo was restored; ``coloured`` where it was black and white and colour was asked for.

    ``renders`` are what it was made with: the defader's, which strength 0 does without, and the colorizer's.
    """

    model: str
    strength: float
    keep_tone: bool
    coloured: bool
    renders: tuple[Render, ...]
    width: int
    height: int
    seconds: float

    def __str__(self) -> str:
        return (
            f"Restored{' and coloured' if self.coloured else ''} in **{self.seconds:.1f} s** by **{self.model}** at "
            f"strength {self.strength:g}{', tone kept' if self.keep_tone else ''}. "
            f"{_on_shortage(*self.renders)}"
            f"The download has all {self.width} × {self.height} pixels."
        )


def _on_shortage(*renders: Render) -> str:
    """A sentence for each render that had to be smaller than it should be."""
    return "".join(
        f"**Memory ran short**, so {render.model} made a smaller render: factor {render.factor} instead of "
        f"{render.wanted}. "
        for render in renders
        if render.factor < render.wanted
    )


Facts = ColourFacts | RestoreFacts


class Job(Protocol):
    """What a visitor asks to be done with a photo: plain data, so that it can be sent to a GPU's process."""

    doing: ClassVar[str]  # as progress tells it
    suffix: ClassVar[str]  # of the result's file name

    @property
    def models(self) -> tuple[str, ...]:
        """The models that must be here."""
        ...

    def __call__(self, photo: Photo) -> tuple[Photo, str]:
        """What is made of the photo, and the label that says so."""
        ...

    def facts(self, result: Photo, label: str, seconds: float) -> Facts:
        """How it was done."""
        ...


@dataclass(frozen=True)
class Colouring:
    """Colour a photo."""

    model: str
    render_factor: int | None
    transfer: Transfer

    doing: ClassVar[str] = "Colouring"
    suffix: ClassVar[str] = "colour"

    @property
    def models(self) -> tuple[str, ...]:
        return (self.model,)

    def __call__(self, photo: Photo) -> tuple[Photo, str]:
        colorizer = loaded_colorizer(self.model)
        return colorizer.colorize_photo(
            photo, render_factor=self.render_factor, transfer=self.transfer
        ), colorizer.label

    def facts(self, result: Photo, label: str, seconds: float) -> ColourFacts:
        automatic, render = self.render_factor is None, result.renders[-1]
        return ColourFacts(
            self.model, render.factor, render.wanted, automatic, self.transfer, result.width, result.height, seconds
        )


@dataclass(frozen=True)
class Restoring:
    """Give a faded photo its tone and colour back and, where that is asked for, colour what is black and white."""

    strength: float
    keep_tone: bool
    colour: bool

    doing: ClassVar[str] = "Restoring"
    suffix: ClassVar[str] = "restored"

    @property
    def models(self) -> tuple[str, ...]:
        return (DEFADE_MODEL, DEFAULT_MODEL) if self.colour else (DEFADE_MODEL,)

    def __call__(self, photo: Photo) -> tuple[Photo, str]:
        defader = _defader()
        if self.colour:
            return restore_photo(
                photo, defader, loaded_colorizer(DEFAULT_MODEL), strength=self.strength, keep_tone=self.keep_tone
            )
        return defader.defade_photo(photo, strength=self.strength, keep_tone=self.keep_tone), defader.label

    def facts(self, result: Photo, label: str, seconds: float) -> RestoreFacts:
        coloured = label != _defader().label
        return RestoreFacts(
            DEFADE_MODEL, self.strength, self.keep_tone, coloured, result.renders, result.width, result.height, seconds
        )


@dataclass(frozen=True)
class Result:
    """A photo before and after a job, the file that was written, and how it was done."""

    before: Photo
    after: Photo
    file: Path
    facts: Facts


@functools.lru_cache(maxsize=MODELS_IN_MEMORY)
def loaded_colorizer(model: str) -> Colorizer:
    """The colorizer of this name, which stays loaded while it is among the last few that were asked for."""
    return load_colorizer(model)


@functools.cache
def _defader() -> Defader:
    return load(DEFADE_MODEL)


def _wake(model: str) -> None:
    """Load a model, if it is not loaded already."""
    if model == DEFADE_MODEL:
        _defader()
    else:
        loaded_colorizer(model)


@on_gpu
def _render(job: Job, photo: Photo) -> tuple[Photo, str]:
    # The job names its models: a ZeroGPU worker is forked with them in it, and only what is passed is pickled.
    return job(photo)


def do(job: Job, source: str | None, folder: Path, progress: gr.Progress) -> Result:
    """Do the job on the photo at ``source``, into ``folder``; what goes wrong is a ``gr.Error`` for the visitor."""
    if source is None:
        raise gr.Error("There is no photo yet. Upload one, paste one, or pick an example.", print_exception=False)
    try:
        progress(0.0, desc="Reading the photo")
        before = open_photo(source, max_pixels=MAX_PIXELS)
        for checkpoint in map(checkpoints.find, job.models):
            if checkpoints.locate(checkpoint) is None:
                checkpoints.fetch(checkpoint, progress=lambda p: progress(p.done / p.total, desc=str(p)))
        start = time.perf_counter()  # a download is not the model's fault
        for model in job.models:
            progress(0.1, desc=f"Waking the model {model}")
            _wake(model)
        progress(0.3, desc=job.doing)
        after, label = _render(job, before)
        progress(0.9, desc="Writing the photo")
        file = folder / f"{Path(source).stem}-{job.suffix}{before.suffix}"
        save_photo(after, file, label=label)
    except DeOldifyError as error:
        message = str(error).replace(source, f"“{Path(source).name}”")  # the visitor knows the file by its name
        message = html.escape(message[:1].upper() + message[1:], quote=False)
        raise gr.Error(message, duration=None, print_exception=False) from error
    except Exception as error:
        log.exception("could not finish %s", source)
        raise gr.Error(
            "Something went wrong with this photo; the log of the program tells what. "
            "A smaller render factor, the model compact or another photo may work.",
            duration=None,
            print_exception=False,
        ) from error
    seconds = round(time.perf_counter() - start, 2)
    return Result(before, after, file, job.facts(after, label, seconds))
