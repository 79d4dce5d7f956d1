"""What can be done to a photograph, as results are stamped with it: whoever does it, by command or on the page.

The same job with the same weights and settings has one identity, so that a result tells what it was made by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from deoldify.checkpoints import AUTO, find_any, names_of
from deoldify.errors import CheckpointError
from deoldify.folder import Job, Stamp, digest_of, job_of
from deoldify.imaging import Adjustments

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from deoldify.colorizer import Asked
    from deoldify.imaging import Transfer
    from deoldify.restoring import Colour


def colorize_job(
    model: str,
    *,
    checkpoint: Path | None = None,
    render_factor: int | None = None,
    renders: int | None = None,
    transfer: Transfer = "guided",
    precision: str = "auto",
    pages: str = "first",
    likely: int = 0,
    one_look: bool = False,
    **asked: Unpack[Asked],
) -> Job:
    """The job of colouring photographs; arguments as ``Colorizer.colorize_photo`` and the command have them.

    The model may be several that agree, ``a+b``; ``auto`` is only one for a checkpoint that tells itself what it is of.

    ``likely`` tells which of other likely colours were chosen, see ``Variant``; ``one_look`` whether all are drawn to
    the look that they have together.

    Raises:
        CheckpointError: the file of weights cannot be read.
        UnknownModelError: no model has that name.
        ValueError: a setting is out of range.
    """
    adjustments = Adjustments(**asked)
    settings: dict[str, object] = {
        "render_factor": render_factor, "transfer": transfer, "precision": precision, "pages": pages,
        "saturation": float(adjustments.saturation), "warmth": float(adjustments.warmth),
        "liveliness": None if adjustments.liveliness is None else float(adjustments.liveliness),
        "caution": float(adjustments.caution), "renders": renders,
        "hints": [str(hint) for hint in adjustments.hints],
    }  # fmt: skip
    if one_look or adjustments.look is not None:
        settings["look"] = "one" if one_look else str(adjustments.look)
    if likely:  # no command makes these, so others' identities stay what they were
        settings["likely"] = likely
    return _job("colorize", "coloured", [model], checkpoint, settings)


def defade_job(
    *,
    checkpoint: Path | None = None,
    strength: float = 1.0,
    keep_tone: bool = False,
    render_factor: int | None = None,
    precision: str = "auto",
    pages: str = "first",
) -> Job:
    """The job of giving faded photographs their tone and colour back; see ``Defader.defade_photo``.

    Raises:
        CheckpointError: the file of weights cannot be read.
    """
    settings = {
        "strength": float(strength), "keep_tone": keep_tone, "render_factor": render_factor, "precision": precision,
        "pages": pages,
    }  # fmt: skip
    return _job("defade", "restored", ["defade"], checkpoint, settings)


def restore_job(
    model: str,
    *,
    strength: float = 1.0,
    keep_tone: bool = False,
    colour: Colour = "auto",
    precision: str = "auto",
    pages: str = "first",
) -> Job:
    """The job of restoring faded photographs and colouring those that are black and white; see ``restore_photo``.

    Raises:
        UnknownModelError: no model has that name.
    """
    settings = {
        "strength": float(strength), "keep_tone": keep_tone, "precision": precision, "pages": pages, "colour": colour,
    }  # fmt: skip
    return _job("restore", "restored", ["defade", model], None, settings)


def stamp_for(job: Job, source: Path) -> Stamp:
    """What a result says of its making from a file, whose date the result does not tell.

    Raises:
        OSError: the file cannot be read.
    """
    with source.open("rb") as stream:
        digest = digest_of(stream)
    return Stamp(job.name, job.identity, digest, source.stat().st_size)


def _job(name: str, done: str, models: Sequence[str], checkpoint: Path | None, settings: Mapping[str, object]) -> Job:
    """A job with the weights of some models, or with those of a file."""
    if checkpoint is not None and AUTO in models:  # what it is of is called by the name of its file then
        return job_of(name, done, weights={checkpoint.name: _digest_of(checkpoint)}, settings=settings)
    records = [find_any(each) for model in models for each in names_of(model)]
    weights = {record.name: record.sha256 if checkpoint is None else _digest_of(checkpoint) for record in records}
    full_names = {} if checkpoint is not None else {record.name: record.full_name for record in records}
    return job_of(name, done, weights=weights, settings=settings, full_names=full_names)


def _digest_of(checkpoint: Path) -> str:
    try:
        with checkpoint.open("rb") as stream:
            return digest_of(stream)
    except OSError as error:
        raise CheckpointError(f"{checkpoint} cannot be opened: {error.strerror or error}") from error
