"""What a run would do, told without doing it; and what it would take, by a few photos that are done for nobody."""

from __future__ import annotations

import contextlib
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from deoldify.errors import PhotoError
from deoldify.session import Session
from deoldify.tally import duration
from deoldify.terminal import say

if TYPE_CHECKING:
    from deoldify.folder import Job, Outcome, Place, Plan, Task

_TRIED = 6
"""Photos that are done for the estimate; the first of them is slower than others, and does not count for time."""

_GLANCE_SECONDS = 0.02


@dataclass(frozen=True)
class Trial:
    """What a few photos took.

    Attributes:
        pixels: of each photo whose time was taken.
        seconds: of each.
        wall: seconds that all of them took together, side by side.
        base: bytes of memory that the program had, with its models.
        peak: bytes that it had at most while they were done.
    """

    pixels: Sequence[int]
    seconds: Sequence[float]
    wall: float
    base: int
    peak: int


def tell(planned: Plan, job: Job, session: Session) -> None:
    """List on stdout what a plan would do and what not, with the reason; then what that would take.

    Args:
        planned: what was decided; nothing of it is done.
        job: what is done to a photo.
        session: of the run; it tries some photos, whose results are thrown away.
    """
    from deoldify.folder import is_pipe
    from deoldify.photo import shown

    piped = any(is_pipe(task.source) for task in planned.tasks)  # what comes through a pipe is gone once it was tried
    pixels = {} if piped else {task.source: _pixels_in(task.source) for task in planned.tasks}
    tried = [task for task in planned.tasks if pixels.get(task.source)][:_TRIED]
    found, trial = _tried(tried, pixels, session) if tried else ({}, None)
    for task in planned.tasks:
        outcome = found.get(task.source)
        if outcome is not None and outcome.status != "done":
            typer.echo(shown(f"{outcome.status}: {task.source}: {outcome.message}"))
        elif not piped and not pixels[task.source]:
            typer.echo(shown(f"doubtful: {task.source}: its size cannot be told, so it may be no photograph"))
        else:
            typer.echo(shown(f"do: {task.source} -> {task.target}"))
    for task in planned.there:
        typer.echo(shown(f"there: {task.source} -> {task.target}"))
    for path in planned.own:
        typer.echo(shown(f"left: {path}: it is a result of deoldify {job.name}"))
    for trouble in planned.troubles:
        typer.echo(shown(f"failed: {trouble.path}: {trouble.message}"))
    say(
        f"{len(planned.tasks)} to do, {len(planned.there)} there already, {planned.results} left, "
        f"{len(planned.troubles)} that cannot be done; nothing was written"
    )
    if trial is not None:
        seconds, memory = estimate(trial, list(pixels.values()), session.workers)
        say(
            f"by {len(tried)} that were tried: about {duration(seconds)} for all of them, and about "
            f"{memory / 1e9:.1f} GB of memory at most"
        )


def _pixels_in(place: Place) -> int:
    from deoldify.folder import opened
    from deoldify.photo import pixels_in

    with contextlib.suppress(OSError, PhotoError), opened(place) as stream:
        return pixels_in(stream)
    return 0


def estimate(trial: Trial, pixels: Sequence[int], workers: int) -> tuple[float, int]:
    """Seconds that photos will take, and bytes that the program will have at most.

    Time is a share for each photo and one for each of its pixels, fitted to the trial; memory above the program grows
    with the pixels in hand, as far as these are bounded.

    Args:
        trial: what some of them took.
        pixels: of each photo.
        workers: how many are in hand at once.
    """
    from deoldify.folder import running

    count = len(trial.pixels)
    mean_pixels, mean_seconds = sum(trial.pixels) / count, sum(trial.seconds) / count
    spread = sum((each - mean_pixels) ** 2 for each in trial.pixels)
    together = sum(
        (each - mean_pixels) * seconds for each, seconds in zip(trial.pixels, trial.seconds, strict=True)
    )  # fmt: skip
    each_pixel = min(max(0.0, together / spread), mean_seconds / mean_pixels) if spread else 0.0
    each_photo = mean_seconds - each_pixel * mean_pixels
    side_by_side = trial.wall / sum(trial.seconds)
    seconds = side_by_side * (each_photo * len(pixels) + each_pixel * sum(pixels))

    def in_hand(of: Sequence[int]) -> int:
        most = sorted(of)[-workers:]
        return max(min(sum(most), running.PIXELS_AT_ONCE), most[-1])

    more = max(1.0, in_hand(pixels) / in_hand(trial.pixels))
    return seconds, round(trial.base + more * (trial.peak - trial.base))


def _tried(tasks: Sequence[Task], pixels: dict[Place, int], session: Session) -> tuple[dict[Place, Outcome], Trial]:
    """Do photos into a folder that goes again."""
    from deoldify.folder import Plan, Task

    with tempfile.TemporaryDirectory(prefix="deoldify-") as name:
        elsewhere = [Task(task.source, Path(name) / str(i) / task.target.name) for i, task in enumerate(tasks)]
        first = {outcome.source: outcome for outcome in session.outcomes(Plan(tasks=elsewhere[:1]))}
        with _watched_memory() as memory:
            start = time.perf_counter()
            others = {outcome.source: outcome for outcome in session.outcomes(Plan(tasks=elsewhere[1:] or elsewhere))}
            wall = time.perf_counter() - start
    times = {source: outcome.seconds for source, outcome in others.items()}
    trial = Trial([pixels[source] for source in times], list(times.values()), wall, memory[0], max(memory))
    return {**first, **others}, trial


@contextmanager
def _watched_memory() -> Iterator[list[int]]:
    """Bytes that this process has, again and again."""
    import psutil

    process, ended = psutil.Process(), threading.Event()
    seen = [process.memory_info().rss]

    def look() -> None:
        while not ended.wait(_GLANCE_SECONDS):
            seen.append(process.memory_info().rss)

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        yield seen
    finally:
        ended.set()
        looking.join()
        seen.append(process.memory_info().rss)
