"""What happens to an album: photos come in and are previewed, and jobs are done on them, one turn at a time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextvars import copy_context
from dataclasses import replace
from pathlib import Path

from demo.adjusting import finish, possible
from demo.album import MAX_ALBUM_BYTES, MAX_FILE_BYTES, MAX_PHOTOS, Album, Done, Entry
from demo.archives import is_archive, pack, unpack
from demo.jobs import Colouring, Job, JobError, do, explained, open_for
from demo.models import settled, tells
from demo.planes import keep
from demo.previews import what_is_left_out, write_previews
from demo.storage import storage
from demo.turns import TURNS, LeftError, Turns
from deoldify.errors import LeftOutError, PhotoError

_NEWS_SECONDS = 1.0  # how long the page waits for news before it looks whether the work still goes on

_PREVIEWS = Turns()  # decoding takes memory: one photo at a time, whoever sent it

log = logging.getLogger("deoldify.app")


def take_in(album: Album, files: Iterable[tuple[str, Path]]) -> Iterator[None]:
    """Add photos, and the photos of ZIP archives, to an album; yields whenever there is something new to show.

    Args:
        album: grows.
        files: the visitor's name for each, and where it lies.
    """
    new: list[Entry] = []
    for name, path in files:
        if is_archive(path):
            new += _taken_out(album, name, path)
        else:
            new.append(_taken(album, name, path))
    if new and not album.running:
        with album.changing():  # what was dropped last is what the visitor wants to see
            album.chosen = next((entry.id for entry in new if entry.state == "reading"), album.chosen)
    yield
    for entry in new:
        if entry.state == "reading":
            look_at(album, entry)
            yield


def _taken(album: Album, name: str, path: Path) -> Entry:
    why = ""
    if album.room() < 1:
        why = f"It was left out: {MAX_PHOTOS} photos are the most."
    elif album.bytes() + path.stat().st_size > MAX_ALBUM_BYTES:
        why = f"It was left out: all photos together may have {MAX_ALBUM_BYTES // 10**9} GB."
    return album.add(name, path, why=why)


def _taken_out(album: Album, name: str, path: Path) -> list[Entry]:
    folder = storage().new_folder()
    unpacked = unpack(
        path, folder, most=album.room(), file_bytes=MAX_FILE_BYTES, all_bytes=MAX_ALBUM_BYTES - album.bytes()
    )
    return [album.add(entry.name or name, entry.path or path, why=entry.why) for entry in unpacked]


def look_at(album: Album, entry: Entry) -> None:
    """Decode a photo once, to show it and to know whether it can be done."""
    try:
        with _PREVIEWS.take(left=lambda: album.gone):
            photo = open_for(entry.source, entry.name)
            shown = write_previews(photo, storage().new_folder(), "photo")
    except LeftError:
        return
    except JobError as error:
        with album.changing():
            entry.state, entry.why = "failed", str(error)
        return
    note = what_is_left_out(photo)
    with album.changing():
        entry.shown, entry.size, entry.note = shown, (photo.width, photo.height), note
        if entry.state == "reading":
            entry.state = "waiting"


def work(album: Album, job: Job) -> Iterator[None]:
    """Do a job on what is to do in an album; yields whenever there is something new to show.

    Where the visitor stops it or leaves, what is done stays.
    """
    with album.changing():
        if album.running:
            return
        todo = album.to_do(job)
        if not todo:
            album.status = "There is no photo yet. Drop one, paste one, or pick an example."
        else:
            album.running, album.stopping = True, False
            album.status, album.share = job.doing, 0.0
            for entry in todo:
                if entry.state != "reading":
                    entry.state, entry.why = "waiting", ""
    if not todo:
        yield
        return
    yield from followed(album, lambda: _work(album, job, todo))


def followed(album: Album, work: Callable[[], None]) -> Iterator[None]:
    """Do work on an album that is ``running`` until that has ended; yields whenever there is something new to show."""
    context = copy_context()  # where a GPU is lent, the lender looks there for who asks
    threading.Thread(target=context.run, args=(work,), daemon=True).start()
    yield from news(album)


def news(album: Album) -> Iterator[None]:
    """Yields once, and whenever there is something new to show, until nothing is being done on the album."""
    version = -1
    while True:
        running = album.running  # the last change of all ends that
        before, version = version, album.wait_for_change(version, _NEWS_SECONDS if running else 0)
        if version != before:
            yield
        if not running:
            return


def _work(album: Album, job: Job, todo: list[Entry]) -> None:
    done = failed = left = 0
    try:
        for number, entry in enumerate(todo):
            if album.stopping or album.gone:
                break
            if entry.id not in album.entries:  # removed meanwhile
                continue
            if _work_on(album, job, entry, number, len(todo)):
                done += 1
            else:
                failed += entry.state == "failed"
                left += entry.state == "left"
    finally:
        with album.changing():
            stopped, album.running, album.stopping = album.stopping, False, False
            for entry in todo:
                if entry.state == "working":
                    entry.state = "waiting"
                if entry.state == "waiting" and entry.done is not None:
                    entry.state = "done"
            album.share = 1.0
            album.status = _summary(done, failed, left, len(todo), stopped)


def _summary(done: int, failed: int, left: int, of: int, stopped: bool) -> str:
    if stopped:
        return f"Stopped. {done} of {of} done; what is done is kept."
    if of == 1:
        return "Done." if done else ""
    left_out = f", {left} left: {'has' if left == 1 else 'have'} colours" if left else ""
    return f"{done} of {of} photos done{f', {failed} failed' if failed else ''}{left_out}."


def _work_on(album: Album, job: Job, entry: Entry, number: int, of: int) -> bool:
    """Do the job on one photo, in its turn; whether it was done."""
    which = f"Photo {number + 1} of {of}: " if of > 1 else ""

    def tell(doing: str, share: float) -> None:
        with album.changing():
            album.status, album.share = f"{which}{doing} …", (number + share) / of

    def wait(ahead: int) -> None:
        tell(f"waiting for a turn, {ahead} before you", 0.0)

    try:
        if entry.shown is None:
            look_at(album, entry)
            if entry.shown is None:
                return False
        with album.changing():
            entry.state = "working"
        with TURNS.take(left=lambda: album.gone or album.stopping, tell=wait):
            own = _of_its_own(job, album, entry)
            result = do(own, entry.source, entry.name, storage().new_folder(), tell)
            folder = storage().new_folder()
            shown = write_previews(result.after, folder, "result")
            kept = None if result.plane is None else keep(result.plane, folder)
    except LeftError:
        return False
    except LeftOutError as reason:
        with album.changing():
            entry.state, entry.why, entry.done = "left", str(reason), None
        return False
    except JobError as error:
        with album.changing():
            entry.state, entry.why, entry.done = "failed", str(error), None
        return False
    except OSError:
        log.exception("could not show a result")
        with album.changing():
            entry.state, entry.why = "failed", "The result could not be kept; the server's disk may be full."
        return False
    with album.changing():
        entry.done = Done(job, own, result.file, shown, str(result.facts), kept)
        entry.state = "done"
        album.archive = None
    return True


def _of_its_own(job: Job, album: Album, entry: Entry) -> Job:
    """The job with what was asked of this photo's colours before, as far as the model can do it."""
    if not isinstance(job, Colouring):
        return job
    with explained(entry.source, entry.name):
        model = settled(job.model)
    lively, certain = tells(model)
    adjustments = possible(entry.adjustments, lively=lively, certain=certain)
    recolour = job.recolour or len(album.entries) == 1  # one photo alone is done whatever it is
    return replace(job, model=model, adjustments=adjustments, recolour=recolour)


def pack_results(album: Album) -> None:
    """Make the ZIP archive of all results, where there is none of them yet."""
    if album.archive is not None or not album.results():
        return
    with album.changing():
        album.status = "Packing the ZIP …"
    try:
        for entry in album.results():
            finish(album, entry)
    except (JobError, PhotoError):
        log.exception("could not write a result with its new colours")
        with album.changing():
            album.status = "A photo with changed colours could not be written; the server's disk may be full."
        return
    files = [(entry.result_name, entry.done.file) for entry in album.results() if entry.done is not None]
    target = storage().new_folder() / "deoldify.zip"
    try:
        pack(files, target)
    except OSError:
        log.exception("could not pack the results")
        with album.changing():
            album.status = "The ZIP could not be written; the server's disk may be full, or the results are too old."
        return
    with album.changing():
        album.archive, album.status = target, f"The ZIP of {len(files)} photos is ready."
