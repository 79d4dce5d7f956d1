"""From a photo to what is made of it: jobs, the models that do them, and the facts that are told afterwards."""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, Protocol

from demo.gpu import on_gpu
from demo.models import DEFADE_MODEL, EMBEDDED_MODEL, bring, colorizer, defader, settled, wake
from demo.previews import what_is_left_out
from deoldify.colorizer import Asked
from deoldify.errors import CheckpointError, DeOldifyError, LeftOutError, ProgramError, UnknownModelError
from deoldify.folder import Job as FolderJob
from deoldify.imaging import Adjustments, ColourPlane, Transfer
from deoldify.jobs import colorize_job, defade_job, restore_job, stamp_for
from deoldify.model import FACTOR_PIXELS
from deoldify.monochrome import without_colours
from deoldify.photo import Photo, Render, Verdict, open_photo, save_photo
from deoldify.restoring import Colour, restore_photo

MAX_PIXELS = 100_000_000
log = logging.getLogger("deoldify.app")


@dataclass(frozen=True)
class ColourFacts:
    """How a photo was coloured; ``wanted_factor`` is more than ``render_factor`` where memory ran short.

    ``adjustments`` are what was asked for beside the model's own colours, in words.
    """

    model: str
    render_factor: int
    wanted_factor: int
    automatic: bool
    transfer: Transfer
    width: int
    height: int
    seconds: float
    adjustments: str = ""
    monochrome: bool = True
    confidence: float = 1.0

    def __str__(self) -> str:
        side = self.render_factor * FACTOR_PIXELS
        return (
            f"Coloured in {self.seconds:.1f} s by {self.model} at render factor {self.render_factor}"
            f"{', chosen automatically' if self.automatic else ''} ({side} × {side} px). "
            f"{_on_shortage(Render(self.model, self.render_factor, self.wanted_factor))}"
            f"{self._on_its_own_colours()}"
            f"The download has all {self.width} × {self.height} pixels."
        )

    def _on_its_own_colours(self) -> str:
        if self.monochrome:
            return ""
        return f"It was taken for {Verdict(False, self.confidence)}: its own colours are replaced. "


@dataclass(frozen=True)
class RestoreFacts:
    """How a photo was restored, whether it was ``coloured``, and what it was taken for: ``monochrome``, and how sure.

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
    monochrome: bool = False
    confidence: float = 1.0

    def __str__(self) -> str:
        return (
            f"Restored{' and coloured' if self.coloured else ''} in {self.seconds:.1f} s by {self.model} at "
            f"strength {self.strength:g}{', tone kept' if self.keep_tone else ''}. "
            f"It was taken for {Verdict(self.monochrome, self.confidence)}. {_on_shortage(*self.renders)}"
            f"The download has all {self.width} × {self.height} pixels."
        )


def _on_shortage(*renders: Render) -> str:
    """A sentence for each render that had to be smaller than it should be."""
    return "".join(
        f"Memory ran short, so {render.model} made a smaller render: factor {render.factor} instead of "
        f"{render.wanted}. "
        for render in renders
        if render.factor < render.wanted
    )


Facts = ColourFacts | RestoreFacts


def asked_of(adjustments: Adjustments) -> Asked:
    """Adjustments as `Colorizer.paint` takes them."""
    return Asked(
        saturation=adjustments.saturation,
        warmth=adjustments.warmth,
        liveliness=adjustments.liveliness,
        caution=adjustments.caution,
        hints=adjustments.hints,
    )


@dataclass(frozen=True, eq=False)
class Made:
    """What a job made of a photo, the label that says so, and its colours, where they can be changed afterwards."""

    photo: Photo
    label: str
    plane: ColourPlane | None = None


class Job(Protocol):
    """What a visitor asks to be done with a photo: plain data, so that it can be sent to a GPU's process."""

    doing: ClassVar[str]  # as progress tells it
    suffix: ClassVar[str]  # of the result's file name

    @property
    def models(self) -> tuple[str, ...]:
        """The models that must be here."""
        ...

    @property
    def stamped(self) -> FolderJob:
        """The same job as the command line knows it, for the stamp of the result."""
        ...

    def __call__(self, photo: Photo) -> Made:
        """What is made of the photo."""
        ...

    def facts(self, result: Photo, label: str, seconds: float) -> Facts:
        """How it was done."""
        ...


@dataclass(frozen=True)
class Colouring:
    """Colour a photo; ``likely`` tells which of other likely colours were taken afterwards, 0 for none."""

    model: str
    render_factor: int | None
    transfer: Transfer
    adjustments: Adjustments = field(default_factory=Adjustments)
    likely: int = 0
    recolour: bool = field(default=True, compare=False)  # or leave what has colours of its own

    doing: ClassVar[str] = "Colouring"
    suffix: ClassVar[str] = "colour"

    @property
    def models(self) -> tuple[str, ...]:
        return (self.model,)

    @property
    def stamped(self) -> FolderJob:
        return colorize_job(
            settled(self.model), render_factor=self.render_factor, transfer=self.transfer, likely=self.likely,
            **asked_of(self.adjustments),
        )  # fmt: skip

    @property
    def label(self) -> str:
        """What the photo should say of itself."""
        return colorizer(self.model).label_with(self.likely, **asked_of(self.adjustments))

    def __call__(self, photo: Photo) -> Made:
        if not self.recolour:
            photo = without_colours(photo)
        model, asked = colorizer(self.model), asked_of(self.adjustments)
        if self.transfer == "guided":
            plane = model.plane(photo.pixels, render_factor=self.render_factor)
            return Made(model.paint(photo, plane, **asked), self.label, plane)
        coloured = model.colorize_photo(photo, render_factor=self.render_factor, transfer=self.transfer, **asked)
        return Made(coloured, self.label)

    def facts(self, result: Photo, label: str, seconds: float) -> ColourFacts:
        automatic, render = self.render_factor is None, result.renders[-1]
        return ColourFacts(
            render.model, render.factor, render.wanted, automatic, self.transfer, result.width, result.height, seconds,
            str(self.adjustments), **_taken_for(result),
        )  # fmt: skip


@dataclass(frozen=True)
class Restoring:
    """Give a faded photo its tone and colour back, and colour what is black and white, or as asked."""

    strength: float
    keep_tone: bool
    colorizer: str
    colour: Colour

    doing: ClassVar[str] = "Restoring"
    suffix: ClassVar[str] = "restored"

    @property
    def models(self) -> tuple[str, ...]:
        return (DEFADE_MODEL,) if self.colour == "never" else (DEFADE_MODEL, self.colorizer)

    @property
    def stamped(self) -> FolderJob:
        if self.colour == "never":
            return defade_job(strength=self.strength, keep_tone=self.keep_tone)
        return restore_job(
            settled(self.colorizer), strength=self.strength, keep_tone=self.keep_tone, colour=self.colour
        )

    def __call__(self, photo: Photo) -> Made:
        model = defader()
        if self.colour == "never":
            return Made(model.defade_photo(photo, strength=self.strength, keep_tone=self.keep_tone), model.label)
        painter = colorizer(self.colorizer)
        return Made(
            *restore_photo(photo, model, painter, strength=self.strength, keep_tone=self.keep_tone, colour=self.colour)
        )

    def facts(self, result: Photo, label: str, seconds: float) -> RestoreFacts:
        return RestoreFacts(
            DEFADE_MODEL, self.strength, self.keep_tone, result.coloured, result.renders, result.width, result.height,
            seconds, **_taken_for(result),
        )  # fmt: skip


def _taken_for(photo: Photo) -> dict[str, Any]:
    assert photo.verdict is not None
    return asdict(photo.verdict)


@dataclass(frozen=True)
class Result:
    """A photo after a job, the file that was written, how it was done, and what of the photo's file was left out."""

    after: Photo
    file: Path
    facts: Facts
    plane: ColourPlane | None
    left_out: str


class JobError(Exception):
    """What a visitor is told where a job cannot be done: a sentence that helps, and nothing of the server's."""


Tell = Callable[[str, float], None]
"""Takes what is being done, and the share of the work that is behind."""


@on_gpu
def _render(job: Job, photo: Photo) -> Made:
    # The job names its models: a ZeroGPU worker is forked with them in it, and only what is passed is pickled.
    return job(photo)


def open_for(source: Path, name: str) -> Photo:
    """Open a visitor's photo.

    Raises:
        JobError: it cannot be read; the sentence calls it by ``name``.
    """
    with explained(source, name):
        return open_photo(source, max_pixels=MAX_PIXELS)


def do(job: Job, source: Path, name: str, folder: Path, tell: Tell) -> Result:
    """Do a job on a photo.

    Args:
        job: what is asked for.
        source: the photo's file.
        name: what the visitor calls it, with its folders or without.
        folder: where the result is written.
        tell: told how far it is.

    Raises:
        JobError: it cannot be done; says why.
        LeftOutError: it is rightly left as it is.
    """
    tell("Reading the photo", 0.0)
    before = open_for(source, name)
    with explained(source, name):
        for model in job.models:
            bring(model, lambda p: tell(str(p), p.done / p.total))
        start = time.perf_counter()  # a download is not the model's fault
        for model in job.models:
            tell(f"Waking the model {model}", 0.1)
            wake(model)
        tell(job.doing, 0.3)
        made = _render(job, before)
        tell("Writing the photo", 0.9)
        file = folder / f"{PurePosixPath(name).stem}-{job.suffix}{before.suffix}"
        write(made.photo, file, job, made.label, source)
        seconds = round(time.perf_counter() - start, 2)
        facts = job.facts(made.photo, made.label, seconds)
        return Result(made.photo, file, facts, made.plane, what_is_left_out(before))


def write(photo: Photo, file: Path, job: Job, label: str, source: Path) -> None:
    """Write what a job made of a photo's file: byte for byte what the command line writes.

    Raises:
        PhotoError: it cannot be written.
        OSError: the photo's file is not there any more.
    """
    save_photo(photo, file, label=label, stamp=str(stamp_for(job.stamped, source)))


@contextmanager
def explained(source: Path, name: str) -> Iterator[None]:
    """Turn whatever goes wrong with a photo into a `JobError`, which a visitor is told; the log keeps the rest."""
    try:
        yield
    except LeftOutError:
        raise
    except UnknownModelError as error:
        raise JobError(sentence(error)) from error
    except CheckpointError as error:
        log.warning("%s", error)
        raise JobError(
            f"This model is not on the server, and it cannot be fetched now. "
            f"The model {EMBEDDED_MODEL} needs no download."
        ) from error
    except (DeOldifyError, ValueError) as error:
        if _is_full(error):
            log.error("the disk is full: %s", error)
            raise JobError("The server's disk is full, so the result could not be kept. Try again later.") from error
        if isinstance(error, ProgramError):
            log.exception("could not finish %s", source)
        quoted = f"“{PurePosixPath(name).name}”"
        raise JobError(sentence(error).replace(str(source), quoted)) from error
    except Exception as error:
        if _is_full(error):
            log.error("the disk is full: %s", error)
            raise JobError("The server's disk is full, so the result could not be kept. Try again later.") from error
        log.exception("could not finish %s", source)
        raise JobError(
            "Something went wrong with this photo; the log of the program tells what. "
            "A smaller render factor, the model compact or another photo may work."
        ) from error


def sentence(error: Exception) -> str:
    """What an error says, with a capital."""
    message = str(error)
    return message[:1].upper() + message[1:]


def _is_full(error: BaseException | None) -> bool:
    """Whether an error says, or was caused by one that says, that nothing more can be written."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        error = error.__cause__
    return False
