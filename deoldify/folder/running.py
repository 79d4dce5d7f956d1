"""Many photographs: some side by side, so that one is decoded or encoded while another is rendered.

A photo is opened, worked on and saved with a stamp of what was made of which file, and its date follows. Each gives one
`Outcome`, whatever happens to it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import torch

from deoldify.errors import DeOldifyError, LeftOutError, PhotoError, ProgramError
from deoldify.folder import stores, streams
from deoldify.folder.outcomes import Outcome, Status
from deoldify.folder.places import Url
from deoldify.folder.planning import Task
from deoldify.folder.stamps import Job, Stamp, digest_of, stamp_in
from deoldify.network import memory
from deoldify.photo import (
    PAGED_SUFFIXES,
    WRITABLE_SUFFIXES,
    InColourError,
    Photo,
    Render,
    Verdict,
    check_savable,
    hearing,
    open_photo,
    pixels_in,
    save_pages,
    save_photo,
    working_on,
)

_log = logging.getLogger(__name__)

Work = Callable[[Photo], tuple[Photo, str]]
"""A photo to what is made of it, and the label that says so; or a ``LeftOutError``, where it is rightly left as it is.
It is called from several threads at once."""

PIXELS_AT_ONCE = 100_000_000
"""Photos are begun as long as those in hand have no more pixels together; a larger one is done alone."""

_GLANCE_SECONDS = 0.5


@dataclass(frozen=True)
class Run:
    """What is done to each photo of a run.

    Attributes:
        work: makes the result. Renders take turns by themselves, see ``Prepared``.
        job: what that is, for the stamps; None leaves them out.
        keep_dates: whether results get the dates of their photos' files.
        all_pages: whether all pages of a TIFF are done, or the first.
        announce: is told of each result when it is complete and about to appear, so that what it writes down is never
            less than what there is; from several threads at once. Where it raises, the photo has failed.
        look: is shown each photo and what was made of it, the first page of several; likewise.
        begin: is told of each photo before anything is done with it; likewise.
    """

    work: Work
    job: Job | None = None
    keep_dates: bool = True
    all_pages: bool = False
    announce: Callable[[Outcome], object] | None = None
    look: Callable[[Task, Photo, Photo], object] | None = None
    begin: Callable[[Task], object] | None = None


def process(tasks: Sequence[Task], run: Run, *, workers: int, short: bool = False) -> Generator[Outcome, None, None]:
    """Open, work on and save photographs, several at a time; a bad one does not stop the others.

    What is saved does not depend on the number of workers. A photo is begun when a worker is free and there is room
    for its pixels, so that memory does not grow with the number of photos. When the generator is closed, or the caller
    is interrupted while waiting, photos in hand are dropped before they are saved; a file that is being written is
    finished first.

    Args:
        tasks: files and what they are to become; folders are made where they are missing.
        run: what to do.
        workers: how many photos are in hand at once.
        short: renders take no longer than what surrounds them. They gain little from a second core then, and another
            photo much, so each takes one; and the process's heap keeps what is freed, see ``memory.let_heap_grow``.

    Yields:
        one outcome a photo, as they are finished.
    """
    waiting = iter(tasks)
    turn, stop, room = threading.Lock(), threading.Event(), _Room(PIXELS_AT_ONCE)
    finished: queue.SimpleQueue[Outcome | BaseException | None] = queue.SimpleQueue()

    usual = torch.get_num_threads()
    if short:
        memory.let_heap_grow()

    def work_through() -> None:
        try:
            torch.set_num_threads(1 if short else usual)
            while not stop.is_set():
                with turn:
                    task = next(waiting, None)
                if task is None:
                    break
                outcome = _do(task, run, stop, room)
                if outcome is not None:
                    finished.put(outcome)
        except BaseException as error:  # the caller's thread is to have it
            finished.put(error)
        finally:
            finished.put(None)

    hands = [threading.Thread(target=work_through) for _ in range(min(workers, len(tasks)))]
    try:
        for hand in hands:
            hand.start()
        left = len(hands)
        while left:
            try:
                outcome = finished.get(timeout=_GLANCE_SECONDS)  # without one, Windows keeps Ctrl-C waiting, too
            except queue.Empty:
                continue
            if isinstance(outcome, BaseException):
                raise outcome
            if outcome is None:
                left -= 1
            else:
                yield outcome
    finally:
        stop.set()
        for hand in hands:
            if hand.ident is not None:
                hand.join()
        torch.set_num_threads(usual)  # threads to come take the number that was set last, by whichever


def _do(task: Task, run: Run, stop: threading.Event, room: _Room) -> Outcome | None:
    """Do one photo; None where it was dropped because of ``stop``."""
    doing = _Doing(task, run, stop)
    status: Status = "failed"
    try:
        if run.begin is not None:
            run.begin(task)
        with hearing() as doing.warnings:
            doing.receive()
            with room.taken_by(doing.pixels()):
                doing.do()
    except _Dropped:
        return None
    except LeftOutError as reason:
        status, message = "left", str(reason)
        if isinstance(reason, InColourError):
            doing.verdict = reason.verdict
    except (DeOldifyError, OSError) as error:
        message = str(error)
        if isinstance(error, ProgramError):
            _log.info("%s", message, exc_info=error)
    except Exception as error:  # one photo's trouble, be it ours, is not that of the others
        message = f"{task.source} could not be done: {type(error).__name__}: {' '.join(str(error).split())}"
        _log.debug("%s", message, exc_info=error)
    else:
        status, message = "done", ""
    return doing.outcome(status, message)


class _Dropped(Exception):  # noqa: N818, it is none
    """The run ends before a photo is done."""


class _Doing:
    """A photo on its way, and what is known of it so far."""

    def __init__(self, task: Task, run: Run, stop: threading.Event) -> None:
        self._task, self._run, self._stop = task, run, stop
        self._start = time.perf_counter()
        self.warnings: Sequence[str] = ()
        self.verdict: Verdict | None = None
        self._came: streams.Received | None = None
        self._photo: Photo | None = None
        self._kind, self._digest, self._result_digest, self._bits = "", "", "", 0
        self._bytes, self._pages, self._pages_done, self._animated = 0, 0, 0, False
        self._renders: tuple[Render, ...] = ()
        self._coloured, self._seen = False, False
        self._size = (0, 0)
        self._label: str | None = None
        self._reason: LeftOutError | None = None

    def outcome(self, status: Status, message: str = "") -> Outcome:
        is_done = status == "done"
        return Outcome(
            self._task.source, self._task.target, status, message, kind=self._kind, pages=self._pages,
            animated=self._animated, pages_done=self._pages_done if is_done else 0, renders=self._renders,
            verdict=self.verdict, coloured=self._coloured, digest=self._digest,
            result_digest=self._result_digest if is_done else "", warnings=tuple(self.warnings), size=self._size,
            bits=self._bits, seconds=time.perf_counter() - self._start,
        )  # fmt: skip

    def receive(self) -> None:
        """Take in what comes by a pipe or from a store."""
        source = self._task.source
        if isinstance(source, Url):
            self._came = streams.Received(stores.content_of(source), str(source))
        elif streams.is_stdin(source) or streams.is_stream(source):
            self._came = streams.receive(source, self._stop.is_set)

    def pixels(self) -> int:
        """How many the photo has; 0 where that cannot be told."""
        return pixels_in(self._came or self._path)

    def do(self) -> None:
        self._open()
        source, job, target = self._task.source, self._run.job, self._task.target
        modified = stores.facts_of(source).modified if self._came is None or isinstance(source, Url) else None
        # A file of this computer takes the photo's date; elsewhere the stamp says it.
        keeps = self._run.keep_dates and isinstance(target, Path)
        kept, stamped = (modified, None) if keeps else (None, modified)
        stamp = None if job is None else str(Stamp(job.name, job.identity, self._digest, self._bytes, stamped))
        several = self._run.all_pages and self._pages > 1 and self._kind == "TIFF"
        save = self._save_pages if several else self._save
        if isinstance(target, Url):
            with stores.sent(target) as file:
                save(file, stamp, None)
        elif streams.is_stdout(target) or streams.is_stream(target):
            with streams.sent(target, self._suffix(several), self._stop.is_set) as file:
                save(file, stamp, None)
        else:
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                why = error.strerror or error
                raise PhotoError(f"cannot save {target}: its folder cannot be made ({why})") from error
            save(target, stamp, kept)

    def _open(self) -> None:
        try:
            self._photo = open_photo(self._came or self._path)
        finally:
            with contextlib.suppress(OSError):  # whatever it was, the report says which file it was
                self._digest, self._bytes = self._identified()
        self._kind, self._pages, self._animated = self._photo.format, self._photo.pages, self._photo.animated
        job = self._run.job
        if isinstance(self._task.source, Url) and not self._task.named and self._came is not None and job is not None:
            stamp = stamp_in(self._came)
            if stamp is not None and stamp.job == job.name:
                raise LeftOutError(f"is a result of deoldify {job.name} itself")

    def _identified(self) -> tuple[str, int]:
        """SHA-256 of the photo's file, and its length."""
        if self._came is not None:
            return digest_of(self._came), self._came.getbuffer().nbytes
        with self._path.open("rb") as stream:
            return digest_of(stream), os.fstat(stream.fileno()).st_size

    @property
    def _path(self) -> Path:
        """Of a photo that did not come."""
        assert isinstance(self._task.source, Path)
        return self._task.source

    def _suffix(self, several: bool) -> str:
        """Of what goes through a pipe."""
        asked = self._task.target.suffix.lower()
        if asked in WRITABLE_SUFFIXES:
            return asked
        return PAGED_SUFFIXES[0] if several or self._photo is None else self._photo.suffix

    def _save(self, target: Path, stamp: str | None, modified: int | None) -> None:
        assert self._photo is not None
        check_savable(self._photo, target)  # before the work, not after it
        result, label = self._made_of(self._photo)
        self._photo = None  # the encoder needs its memory
        self._pages_done = 1
        save_photo(result, target, label=label, stamp=stamp, modified=modified, ready=self._ready())

    def _save_pages(self, target: Path, stamp: str | None, modified: int | None) -> None:
        """One page at a time; pages that are rightly left are in the result as they were."""
        assert self._photo is not None
        check_savable(self._photo, target, several=True)
        self._photo = None
        first = self._made_of_page(0)
        taken: list[BaseException] = []

        def pages() -> Iterator[Photo]:
            try:
                yield first.pop()
                for number in range(1, self._pages):
                    yield self._made_of_page(number).pop()
                if not self._pages_done and self._reason is not None:
                    raise self._reason
            except BaseException as error:
                taken.append(error)
                raise

        try:
            save_pages(pages(), target, label=self._label, stamp=stamp, modified=modified, ready=self._ready())
        except PhotoError:
            if taken:  # it was no fault of saving
                raise taken[0] from None
            raise

    def _ready(self) -> Callable[[BinaryIO], None] | None:
        announce = self._run.announce
        if announce is None:
            return None

        def ready(stream: BinaryIO) -> None:
            self._result_digest = digest_of(stream)
            announce(self.outcome("done"))

        return ready

    def _made_of_page(self, number: int) -> list[Photo]:
        """What is saved of a page, alone in a list that lets go of it."""
        page = open_photo(self._came or self._path, page=number)
        try:
            result, label = self._made_of(page)
        except LeftOutError as reason:
            self._reason = reason
            return [page]
        self._pages_done += 1
        self._label = label
        return [replace(result, pages=self._pages)]

    def _made_of(self, photo: Photo) -> tuple[Photo, str]:
        if self._stop.is_set():
            raise _Dropped
        with working_on(self._task.source):
            result, label = self._run.work(photo)
        if self._stop.is_set():
            raise _Dropped
        if self._run.look is not None and not self._seen:
            self._seen = True
            self._run.look(self._task, photo, result)
        self._renders += result.renders
        self.verdict, self._coloured = result.verdict, result.coloured or self._coloured
        self._size, self._bits = (result.width, result.height), result.bits
        return result, label


class _Room:
    """Room for so many pixels; who finds none waits, unless all of it is free."""

    def __init__(self, pixels: int) -> None:
        self._pixels, self._taken = pixels, 0
        self._changed = threading.Condition()

    @contextmanager
    def taken_by(self, pixels: int) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: not self._taken or self._taken + pixels <= self._pixels)
            self._taken += pixels
        try:
            yield
        finally:
            with self._changed:
                self._taken -= pixels
                self._changed.notify_all()
