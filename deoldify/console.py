"""What the command line says, how it is ended, and what it leaves behind as its exit status."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

import typer

from deoldify.errors import UsageError
from deoldify.session import Prepare, Session, Wishes
from deoldify.terminal import say

if TYPE_CHECKING:
    from deoldify.folder import Job, Place
    from deoldify.watching import Watch

_PATIENCE_SECONDS = 2.0
"""A signal often comes twice, from the terminal and from a program between; a later one means now."""


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


def do_photos(
    photos: Sequence[Place],
    output: Place,
    prepare: Prepare,
    job: Callable[[], Job],
    *,
    render_factor: int | None,
    force: bool,
    keep_dates: bool,
    all_pages: bool,
    after: str,
    left_after: str = "",
    wishes: Wishes = Wishes(),  # noqa: B008, it cannot be changed
) -> None:
    """Open, work on and save every photo that is not done already; a bad one does not stop the others.

    Args:
        photos: files, folders, addresses in stores, and ``-``.
        output: a file, a folder, an address or ``-``, see ``folder.plan``.
        prepare: is only called where a photo is left to do.
        job: what that does.
        render_factor: of the renders; None for the models' own.
        force: do again what is in the output folder.
        keep_dates: see ``folder.Run``.
        all_pages: see ``folder.Run``.
        after: what can be done next, for the last line.
        left_after: what can be done with photos that were left.
        wishes: what else is asked of the run.

    Raises:
        UsageError: the photos and the output do not go together, or the report is none that can be gone on with.
        ReportError: the report cannot be written.
        typer.Exit: some photos could not be done: status 1.
    """
    from deoldify.folder import plan

    wishes.check()
    what = job()
    if wishes.watch:
        from deoldify.watching import Watch

        watch = Watch(photos)
    planned = plan(photos, output, what, force=force, clean=not wishes.dry_run, may_be_empty=wishes.watch)
    session = Session(
        prepare, what, Wishes() if wishes.dry_run else wishes, check=_ending.check,
        render_factor=render_factor, keep_dates=keep_dates, all_pages=all_pages,
    )  # fmt: skip
    if wishes.dry_run:
        from deoldify.dry_run import tell

        tell(planned, what, session)
        if planned.troubles:
            raise typer.Exit(1)
        return
    try:
        with session:
            if wishes.watch:
                rested = watch.settled(task.source for task in planned.tasks)
                planned.tasks = [task for task in planned.tasks if task.source in rested]
            session.do(planned)
            if wishes.watch:
                _go_on(watch, photos, output, session, what, force=force)
    except Ended:
        session.tally.tell_end(output, what.done, wishes.report)
        raise
    session.tally.sum_up(what.done, left_after)
    if str(output) != "-":
        session.tally.tell_end(output, what.done, wishes.report, after)
    if session.tally.failed:
        raise typer.Exit(1)


def _go_on(
    watch: Watch, photos: Sequence[Place], output: Place, session: Session, job: Job, *, force: bool
) -> NoReturn:
    """Do what comes into the folders, until the program is ended."""
    from deoldify.folder import Plan, Trouble, plan

    say(f"watching {', '.join(map(str, photos))}: what comes there is done, until Ctrl-C")
    for paths in watch.arrivals(_ending.check):
        try:
            planned = plan(photos, output, job, force=force, only=paths, clean=False, may_be_empty=True)
        except UsageError as error:  # one name that is taken is not the end of all that is still to come
            planned = Plan(troubles=[Trouble(path, f"{path} is not done: {error}") for path in sorted(paths)])
        session.do(Plan(tasks=planned.tasks, troubles=[each for each in planned.troubles if each.path in paths]))
    raise AssertionError("a watch ends by being ended")
