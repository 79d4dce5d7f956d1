"""The photos that a visitor has on a tab, what became of each, and what the page is told of them."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from demo.jobs import Job
from demo.planes import Kept
from demo.previews import Previews
from deoldify.imaging import Adjustments

MAX_PHOTOS = 200
MAX_FILE_BYTES = 200 * 1024**2
MAX_ALBUM_BYTES = 2_000_000_000

RETURN_SECONDS = 30.0
"""How long work goes on for a visitor whose browser is gone: a page that is loaded anew comes back sooner."""

State = Literal["reading", "waiting", "working", "done", "left", "failed"]


@dataclass(frozen=True)
class Version:
    """One of several versions of a photo's colours: how it is made, its colours, what shows it and tells of it."""

    made: Job
    kept: Kept
    small: Path
    about: str
    facts: str


@dataclass(frozen=True)
class Done:
    """What became of a photo: the file, what shows it, how it was done, and by which job."""

    job: Job  # as it was asked for
    made: Job  # as it was done in the end: with the photo's own adjustments, or of the version that was taken
    file: Path
    shown: Previews
    facts: str
    kept: Kept | None = None  # its colours, where they can be changed without a new render
    stale: bool = False  # the file does not have the colours that are shown yet
    versions: tuple[Version, ...] = ()
    taken: int | None = None  # which of them


@dataclass
class Entry:
    """One photo of an album."""

    name: str  # what the visitor calls it, with its folders
    source: Path
    state: State = "reading"
    why: str = ""  # it failed, or was left
    note: str = ""  # what was left out
    size: tuple[int, int] = (0, 0)  # width, height
    shown: Previews | None = None
    done: Done | None = None
    adjustments: Adjustments = field(default_factory=Adjustments)  # kept when the photo is rendered anew
    id: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def result_name(self) -> str:
        """Of the result, with the folders that the photo came in."""
        assert self.done is not None
        return str(PurePosixPath(self.name).with_name(self.done.file.name))


class Album:
    """A tab's photos. Threads change it inside ``changing``; changes are numbered, so that none overtakes another."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.chosen: str | None = None
        self.status = ""
        self.share = 0.0  # of the run's work that is behind
        self.running = False
        self.stopping = False
        self.left: float | None = None  # when the visitor's browser went, by `time.monotonic`
        self.archive: Path | None = None  # of all results
        self.version = 0
        self._changed = threading.Condition(threading.RLock())

    @property
    def gone(self) -> bool:
        """Whether the visitor has left, and has not come back for a while."""
        left = self.left
        return left is not None and time.monotonic() - left >= RETURN_SECONDS

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Change the album, alone, and tell who waits for that."""
        with self._changed:
            yield
            self.version += 1
            self._changed.notify_all()

    def wait_for_change(self, since: int, seconds: float) -> int:
        """Wait until the album is of another version than ``since``, no longer than that; the version it is of."""
        with self._changed:
            self._changed.wait_for(lambda: self.version != since, seconds)
            return self.version

    def room(self) -> int:
        """How many photos may still be added."""
        return MAX_PHOTOS - len(self.entries)

    def bytes(self) -> int:
        """Of all photos together."""
        return sum(entry.source.stat().st_size for entry in list(self.entries.values()) if entry.source.exists())

    def add(self, name: str, source: Path, *, why: str = "") -> Entry:
        """Add a photo, or one that cannot be taken and why."""
        entry = Entry(name, source, state="failed" if why else "reading", why=why)
        with self.changing():
            self.entries[entry.id] = entry
            self.archive = None
            if self.chosen is None and not why:
                self.chosen = entry.id
        return entry

    def choose(self, id: object) -> None:
        """Show another photo."""
        with self.changing():
            if isinstance(id, str) and id in self.entries:
                self.chosen = id

    def remove(self, id: object) -> None:
        """Take a photo off the page, with its result."""
        with self.changing():
            if not isinstance(id, str) or id not in self.entries:
                return
            ids = list(self.entries)
            at = ids.index(id)
            del self.entries[id]
            self.archive = None
            if self.chosen == id:
                left = ids[:at] + ids[at + 1 :]
                self.chosen = left[min(at, len(left) - 1)] if left else None

    def clear(self) -> None:
        """Take all photos off the page."""
        with self.changing():
            self.entries.clear()
            self.chosen = self.archive = None
            self.status = ""
            self.stopping = self.running

    def to_do(self, job: Job) -> list[Entry]:
        """The photos that this job has not been done on; if it has been on all, the chosen one once more."""
        able = [entry for entry in self.entries.values() if entry.shown is not None or entry.state == "reading"]
        todo = [entry for entry in able if entry.done is None or entry.done.job != job]
        return todo or [entry for entry in able if entry.id == self.chosen] or able

    def results(self) -> list[Entry]:
        """The photos that something has become of."""
        return [entry for entry in self.entries.values() if entry.done is not None]

    def strip(self) -> dict[str, Any]:
        """What the page shows of all photos."""
        with self._changed:
            photos = [
                {
                    "id": entry.id,
                    "name": entry.name,
                    "state": entry.state,
                    "why": entry.why,
                    "note": entry.note,
                    "size": list(entry.size),
                    "small": str(entry.shown.small) if entry.shown else None,
                    "large": str(entry.shown.large) if entry.shown else None,
                }
                for entry in self.entries.values()
            ]
            return {"version": self.version, "photos": photos, "chosen": self.chosen, "running": self.running}

    def result(self) -> dict[str, Any]:
        """What the page shows of the chosen photo and of the work: a result only ever beside its own photo."""
        with self._changed:
            entry = self.entries.get(self.chosen or "")
            view: dict[str, Any] = {
                "version": self.version,
                "status": self.status,
                "share": self.share,
                "running": self.running,
                "results": len(self.results()),
                "archive": str(self.archive) if self.archive else None,
                "photo": None,
                "done": None,
            }
            if entry is not None:
                view["photo"] = {"id": entry.id, "name": entry.name, "state": entry.state, "why": entry.why,
                                 "note": entry.note}  # fmt: skip
                if entry.done is not None and entry.shown is not None:
                    view["done"] = _told(entry.done, entry.shown, entry.adjustments)
            return view


def _told(done: Done, before: Previews, asked: Adjustments) -> dict[str, Any]:
    """What the page shows of what has become of a photo."""
    kept = done.kept
    return {
        "before": str(before.large),
        "after": str(done.shown.large),
        "file": str(done.file),
        "name": done.file.name,
        "facts": done.facts,
        "stale": done.stale,
        "adjustable": kept is not None,
        "usual": None if kept is None else kept.liveliness,
        "guesses": None if kept is None or kept.guesses is None else str(kept.guesses),
        "saturation": asked.saturation,
        "warmth": asked.warmth,
        "liveliness": asked.liveliness,
        "caution": asked.caution,
        "hints": [[hint.x, hint.y, hint.colour] for hint in asked.hints],
        "versions": [{"small": str(version.small), "about": version.about} for version in done.versions],
        "taken": done.taken,
    }
