"""Many photographs: some side by side, so that one is decoded or encoded while another is rendered."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from deoldify.errors import DeOldifyError
from deoldify.network import memory
from deoldify.photo import Photo, Render, open_photo, pixels_in, save_photo

Work = Callable[[Photo], tuple[Photo, str]]
"""A photo to what is made of it, and the label that says so. It is called from several threads at once."""

PIXELS_AT_ONCE = 100_000_000
"""Photos are begun as long as those in hand have no more pixels together; a larger one is done alone."""


@dataclass(frozen=True)
class Outcome:
    """What has become of a photo.

    Attributes:
        source: its file.
        pages: how many pages that has, of which the first was worked on; 0 where it could not be opened.
        error: why nothing was saved, or None.
        renders: what it was made with.
    """

    source: Path
    pages: int
    error: DeOldifyError | OSError | None
    renders: tuple[Render, ...] = ()


def process(
    jobs: Sequence[tuple[Path, Path]], work: Work, *, workers: int, short: bool = False
) -> Generator[Outcome, None, None]:
    """Open, work on and save photographs, several at a time; a bad one does not stop the others.

    What is saved does not depend on the number of workers. A photo is begun when a worker is free and there is room
    for its pixels, so that memory does not grow with the number of photos. When the generator is closed, or the caller
    is interrupted while waiting, photos in hand are dropped before they are saved; a file that is being written is
    finished first.

    Args:
        jobs: pairs of a file and what it is to become; folders are made where they are missing.
        work: what to do with a photo. Renders take turns by themselves, see ``Prepared``.
        workers: how many photos are in hand at once.
        short: renders take no longer than what surrounds them. They gain little from a second core then, and another
            photo much, so each takes one; and the process's heap keeps what is freed, see ``memory.let_heap_grow``.

    Yields:
        one outcome a photo, as they are finished.

    Raises:
        Exception: what ``work`` raised that is neither a ``DeOldifyError`` nor an ``OSError``, when it did.
    """
    waiting = iter(jobs)
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
                    job = next(waiting, None)
                if job is None:
                    break
                with room.taken_by(pixels_in(job[0])):
                    outcome = _do(*job, work, stop)
                if outcome is not None:
                    finished.put(outcome)
        except BaseException as error:  # the caller's thread is to have it
            finished.put(error)
        finally:
            finished.put(None)

    hands = [threading.Thread(target=work_through) for _ in range(min(workers, len(jobs)))]
    try:
        for hand in hands:
            hand.start()
        left = len(hands)
        while left:
            outcome = finished.get()
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


def _do(source: Path, target: Path, work: Work, stop: threading.Event) -> Outcome | None:
    """Do one photo; None where it was dropped because of ``stop``."""
    pages = 0
    try:
        photo = open_photo(source)
        pages = photo.pages
        if stop.is_set():
            return None
        result, label = work(photo)
        del photo  # the encoder needs its memory
        if stop.is_set():
            return None
        target.parent.mkdir(parents=True, exist_ok=True)
        save_photo(result, target, label=label)
    except (DeOldifyError, OSError) as error:
        return Outcome(source, pages, error)
    return Outcome(source, pages, None, result.renders)


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
