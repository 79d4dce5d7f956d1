"""What the command line says, how it is ended, and what it leaves behind as its exit status."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

import typer

from deoldify.terminal import is_quiet, say

if TYPE_CHECKING:
    from deoldify.folder import Job, Outcome, Plan, Run, Work
    from deoldify.model import Model

_PATIENCE_SECONDS = 2.0
"""A signal often comes twice, from the terminal and from a program between; a later one means now."""

_SHORT_RENDER = 0.15
"""Seconds; what surrounds the render of a photo of a few megapixels takes about a third of that on a core."""


class _Lines(logging.Handler):
    """What the package logs, a line each."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            say(self.format(record), error=record.levelno >= logging.ERROR)
        except Exception:
            self.handleError(record)


def say_warnings() -> None:
    """Let warnings that are logged be said from now on."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[_Lines()])


class Ended(BaseException):
    """The program is to end: by Ctrl-C, by its terminal, or by another program. ``status`` is to be its exit status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class _Ending:
    """Turns signals into one ``Ended``; a second one after a while ends the process at once."""

    def __init__(self) -> None:
        self._status, self._since = 0, 0.0

    def __call__(self, number: int, frame: FrameType | None) -> None:
        status = 130 if number == signal.SIGINT else 143
        if not self._status:
            self._status, self._since = status, time.monotonic()
            raise Ended(status)
        if time.monotonic() - self._since > _PATIENCE_SECONDS:
            os._exit(status)

    def check(self) -> None:
        """Raise again what somebody's ``except`` may have kept."""
        if self._status:
            raise Ended(self._status)


_ending = _Ending()


def end_by_signals() -> None:
    """Let SIGTERM, SIGHUP and what Windows has in their place end the program as Ctrl-C does.

    Signals that are ignored already, as by nohup, stay so.
    """
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _ending)


def leave(status: int, *sentences: str) -> NoReturn:
    """End the program with a line for each sentence."""
    for sentence in sentences:
        say(sentence, error=True)
    sys.exit(status)


Prepare = Callable[[], "tuple[Work, Sequence[Model]]"]
"""Loads models: what is done with them to a photo, and what renders in it."""


def do_photos(
    photos: Sequence[Path],
    output: Path,
    prepare: Prepare,
    job: Callable[[], Job],
    *,
    render_factor: int | None,
    force: bool,
    keep_dates: bool,
    all_pages: bool,
    after: str,
    left_after: str = "",
    report: Path | None = None,
) -> None:
    """Open, work on and save every photo that is not done already; a bad one does not stop the others.

    Args:
        photos: files, folders, and ``-``.
        output: a file, a folder or ``-``, see ``folder.plan``.
        prepare: is only called where a photo is left to do.
        job: what that does.
        render_factor: of the renders; None for the models' own.
        force: do again what is in the output folder.
        keep_dates: see ``folder.Run``.
        all_pages: see ``folder.Run``.
        after: what can be done next, for the last line.
        left_after: what can be done with photos that were left.
        report: file for a row a photo, see ``record.Report``.

    Raises:
        UsageError: the photos and the output do not go together, or the report is none that can be gone on with.
        ReportError: the report cannot be written.
        typer.Exit: some photos could not be done: status 1.
    """
    from deoldify.folder import Run, plan

    if report is not None:
        from deoldify.record import check_report

        check_report(report)
    what = job()
    planned = plan(photos, output, what, force=force)
    if planned.there:
        whole = len(planned.tasks) + len(planned.there)
        say(f"{len(planned.there)} of {whole} photos are done already; --force does them again.")
    if planned.results:
        say(f"note: {planned.results} results of deoldify {what.name} among the photos are left as they are.")
    failed = {trouble.path: trouble.message for trouble in planned.troubles}
    for message in failed.values():
        say(f"error: {message}", error=True)
    left: list[Outcome] = []
    with ExitStack() as open_:
        write_down = None if report is None else open_.enter_context(_noting(report, planned, what))

        def run_of(work: Work) -> Run:
            return Run(work, what, keep_dates=keep_dates, all_pages=all_pages, announce=write_down)

        outcomes = open_.enter_context(closing(_outcomes(planned, prepare, run_of, render_factor)))
        for outcome in outcomes:
            _ending.check()
            if write_down is not None and outcome.status != "done":  # those were announced
                write_down(outcome)
            for render in outcome.renders:
                say(f"{outcome.source}: {render.model} at render factor {render.factor}", detail=True)
            for note in _notes(outcome, what.done):
                say(note)
            if outcome.status == "failed":
                failed[outcome.source] = outcome.message
                say(f"error: {outcome.message}", error=True)
            elif outcome.status == "left":
                left.append(outcome)
                say(f"left: {outcome.source}: {outcome.message}")
    _sum_up(len(planned.tasks) + len(planned.troubles), failed, left, what.done, left_after)
    made = len(planned.tasks) - len(left)
    if made and str(output) != "-":
        results = f"{planned.tasks[0].target} is" if len(planned.tasks) == 1 else f"{made} photos in {output} are"
        say(f"{results} {what.done}. {after}")


@contextmanager
def _noting(report: Path, planned: Plan, job: Job) -> Iterator[Callable[[Outcome], None]]:
    """A way to write down what becomes of photos, in a report that tells what a plan leaves nothing to do with."""
    from deoldify.record import Report, row_of, take_down

    with Report(report) as book:
        take_down(book, planned, job)
        yield lambda outcome: book.add(row_of(outcome, job))


def _outcomes(
    planned: Plan, prepare: Prepare, run_of: Callable[[Work], Run], render_factor: int | None
) -> Generator[Outcome, None, None]:
    """Of all tasks, as they are finished, under a progress bar where there are several."""
    if not planned.tasks:
        return
    several = len(planned.tasks) > 1
    if several:
        # Threads of a render that wait for each other leave the core to another photo. Read when torch is imported.
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    work, models_at_work = prepare()

    import torch
    from tqdm import tqdm

    from deoldify.folder import process

    short = False
    if several:
        for model in models_at_work:
            model.render_together(render_factor)
        short = _are_short(models_at_work, render_factor)
    _ending.check()
    run = run_of(work)
    # A photo more than there are cores for, so that none of them waits for a disk.
    with closing(process(planned.tasks, run, workers=torch.get_num_threads() + 1, short=short)) as outcomes:
        shown = several and not is_quiet()
        yield from tqdm(outcomes, total=len(planned.tasks), unit="photo", disable=None if shown else True)


def _are_short(models: Iterable[Model], render_factor: int | None) -> bool:
    """Whether renders are short; where memory is too short to try, each photo does with what there is."""
    from deoldify.network import memory

    try:
        return all(model.seconds(render_factor) < _SHORT_RENDER for model in models)
    except (MemoryError, RuntimeError) as error:
        if not memory.ran_out(error):
            raise
        return False


def _notes(outcome: Outcome, done: str) -> Iterable[str]:
    """What is to be said of a photo beside that it is done."""
    if outcome.status == "done" and outcome.verdict is not None:
        if done == "restored":
            yield f"{outcome.source}: taken for {outcome.verdict}{', and coloured' if outcome.coloured else ''}"
        elif done == "coloured" and not outcome.verdict.monochrome:
            yield f"note: {outcome.source} was taken for {outcome.verdict}: its own colours are replaced"
    if outcome.status == "done" and outcome.pages > outcome.pages_done:
        rest = outcome.pages - outcome.pages_done
        are = "is" if rest == 1 else "are"
        if outcome.animated:
            yield f"note: {outcome.source} has {outcome.pages} frames; the first one is {done}, {rest} {are} left"
        elif outcome.pages_done > 1:
            yield f"note: {outcome.source} has {outcome.pages} pages; {rest} {are} left as before"
        else:
            yield (
                f"note: {outcome.source} has {outcome.pages} pages; the first one is {done}, {rest} {are} left "
                f"(--pages all takes all)"
            )
    for render in outcome.renders:
        if render.factor < render.wanted:
            yield (
                f"note: {outcome.source}: memory ran short, so {render.model} used render factor {render.factor} "
                f"instead of {render.wanted}"
            )


def _sum_up(total: int, failed: dict[Path, str], left: Sequence[Outcome], done: str, left_after: str) -> None:
    if left:
        reasons = sorted({outcome.message for outcome in left})
        were = "was left as it is" if len(left) == 1 else "were left as they are"
        say(f"{len(left)} of {total} photos {were}: {', '.join(reasons)}. {left_after}".rstrip())
    if failed:
        if total > 1:
            say(f"{len(failed)} of {total} photos could not be {done}:", error=True)
            for message in failed.values():
                say(f"  {message}", error=True)
        raise typer.Exit(1)
