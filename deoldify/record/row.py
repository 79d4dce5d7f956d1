"""The record of one photograph: a row of the report."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timezone
from pathlib import Path
from typing import TypedDict

from deoldify import __version__
from deoldify.folder import Job, Outcome, Place, Status, Task, Trouble, digest_of, is_pipe, opened, stamp_of
from deoldify.photo import size_in


@dataclass(frozen=True, slots=True)
class Row:
    """What was done with a photograph, by what, and how it went.

    What is not known is None, or empty where it is text.

    Attributes:
        source: absolute path of the photo's file, or its address; ``-`` for stdin.
        output: absolute path of the result, or its address; ``-`` for stdout; empty where there is none.
        status: ``done``; ``there``, if the result was there already; ``left``, if the photo is rightly left as it is;
            ``failed``; ``skipped``, if it is not tried since it has killed the program.
        message: why it was left, skipped or has failed.
        source_sha256: of the photo's file, in hex.
        output_sha256: of the result's file, in hex.
        job: ``colorize``, ``defade`` or ``restore``.
        model: what was at work, in this order, with its version where it has one: ``defade@1, compact@1``; models
            that agree on a photo are joined by ``+``.
        weights: SHA-256 of the weights of each, in the same order and joined alike.
        render_factor: of the last render.
        renders: how many it was made of.
        strength: of a restoration.
        settings: all that was set, as a JSON object.
        width: of the result, in pixels.
        height: of the result, in pixels.
        bits: of its samples.
        pages: pages or frames that the photo's file has.
        pages_done: how many of them are in the result as done.
        monochrome: whether the photo was taken for monochrome, where that was asked.
        monochrome_confidence: how sure that was, 0.5 to 1.
        certainty: how sure the model is of the colours, 0 to 1, the mean over pixels and pages.
        left_out: what the result lacks of the photo, such as pages, or metadata without a place; and what else was
            warned of it.
        seconds: that it took, waiting for other photos' renders included.
        finished: when, in UTC, as ISO 8601.
        version: of this program.
    """

    source: str
    output: str
    status: Status
    message: str = ""
    source_sha256: str = ""
    output_sha256: str = ""
    job: str = ""
    model: str = ""
    weights: str = ""
    render_factor: int | None = None
    renders: int | None = None
    strength: float | None = None
    settings: str = ""
    width: int | None = None
    height: int | None = None
    bits: int | None = None
    pages: int | None = None
    pages_done: int | None = None
    monochrome: bool | None = None
    monochrome_confidence: float | None = None
    certainty: float | None = None
    left_out: str = ""
    seconds: float | None = None
    finished: str = ""
    version: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What tells rows of one photo and one result from others; of several, the last one holds."""
        return self.source, self.output


COLUMNS: tuple[str, ...] = tuple(field.name for field in fields(Row))
"""Names of what stands in a row, in order."""


def address_of(place: Place) -> str:
    """How a row names a file: by its absolute path, links left as they are; pipes by the name that they were given."""
    return os.path.abspath(place) if isinstance(place, Path) and not is_pipe(place) else str(place)


def row_of(outcome: Outcome, job: Job) -> Row:
    """The row of a photo that a run has come to an end with."""
    sure = [render.certainty for render in outcome.renders if render.certainty is not None]
    last = outcome.renders[-1] if outcome.renders else None
    used = dict.fromkeys(render.model for render in outcome.renders) or job.weights
    is_done = outcome.status == "done"
    return Row(
        source=address_of(outcome.source), output=address_of(outcome.target) if is_done else "",
        status=outcome.status, message=outcome.message, source_sha256=outcome.digest,
        output_sha256=outcome.result_digest, **_job_facts(job, list(used)),
        render_factor=last.factor if last else None, renders=last.count if last else None,
        width=outcome.size[0] or None, height=outcome.size[1] or None, bits=outcome.bits or None,
        pages=outcome.pages or None, pages_done=outcome.pages_done if is_done else None,
        monochrome=outcome.verdict.monochrome if outcome.verdict else None,
        monochrome_confidence=round(outcome.verdict.confidence, 4) if outcome.verdict else None,
        certainty=round(sum(sure) / len(sure), 4) if sure else None, left_out=_left_out(outcome),
        seconds=round(outcome.seconds, 3), finished=_now(), version=__version__,
    )  # fmt: skip


def row_of_there(task: Task, job: Job) -> Row:
    """The row of a photo whose result was there already, by what that says of itself.

    Raises:
        OSError: the result cannot be read.
        PhotoError: likewise, of a store.
    """
    stamp = stamp_of(task.target)
    with opened(task.target) as stream:
        digest = digest_of(stream)
        width, height = size_in(stream)
    return Row(
        source=address_of(task.source), output=address_of(task.target), status="there",
        source_sha256=stamp.digest if stamp else "", output_sha256=digest, **_job_facts(job, list(job.weights)),
        width=width or None, height=height or None, finished=_now(), version=__version__,
    )  # fmt: skip


def row_of_trouble(trouble: Trouble, job: Job) -> Row:
    """The row of a file or folder that gave nothing to do."""
    return Row(
        source=address_of(trouble.path), output="", status="failed", message=trouble.message,
        **_job_facts(job, list(job.weights)), finished=_now(), version=__version__,
    )  # fmt: skip


class _JobFacts(TypedDict):
    job: str
    model: str
    weights: str
    strength: float | None
    settings: str


def _job_facts(job: Job, models: Sequence[str]) -> _JobFacts:
    strength = job.settings.get("strength")
    # Of weights from a file the job knows the file's name, and the render that of the network.
    sole = next(iter(job.weights.values())) if len(job.weights) == 1 else ""

    def agreeing(model: str) -> Sequence[str]:
        return [model] if model in job.weights else model.split("+")

    return {
        "job": job.name,
        "model": ", ".join("+".join(job.full_names.get(each, each) for each in agreeing(model)) for model in models),
        "weights": ", ".join("+".join(job.weights.get(each, sole) for each in agreeing(model)) for model in models),
        "strength": float(strength) if isinstance(strength, int | float) else None,
        "settings": json.dumps({key: value for key, value in job.settings.items() if value not in (None, [])}),
    }


def _left_out(outcome: Outcome) -> str:
    rest = outcome.pages - outcome.pages_done if outcome.status == "done" else 0
    pages = [f"{rest} of {outcome.pages} {'frames' if outcome.animated else 'pages'}"] if rest > 0 else []
    return "; ".join([*pages, *outcome.warnings])


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
