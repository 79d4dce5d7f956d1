"""Folders that are watched for photographs, which count as there when they have been written completely.

A scanner or a copy writes a file over seconds or minutes. One is taken as complete when nothing has changed about it
for a while and, where the system tells that (Linux, on its own disks), nobody has it open for writing.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from deoldify.errors import UsageError
from deoldify.folder import Place, list_photographs
from deoldify.photo import READABLE_SUFFIXES

if TYPE_CHECKING:
    from watchfiles.main import FileChange

SETTLE_SECONDS = 2.0
"""For which nothing must have changed about a file."""

_GLANCE_MILLISECONDS = 250


class Watch:
    """What happens in some folders and below them, from now on.

    Args:
        folders: to watch.

    Raises:
        UsageError: one of them is no folder, or the package watchfiles is missing.
    """

    def __init__(self, folders: Sequence[Place]) -> None:
        here = [folder for folder in folders if isinstance(folder, Path) and folder.is_dir()]
        for folder in folders:
            if folder not in here:
                raise UsageError(f"{folder} is no folder, and only folders can be watched")
        try:
            from watchfiles import watch
        except ImportError:
            raise UsageError("to watch a folder, install watchfiles: pip install deoldify[watch]") from None
        logging.getLogger("watchfiles").setLevel(logging.ERROR)  # it would tell of Ctrl-C in words of its own
        self._given = {os.path.realpath(folder): folder for folder in here}
        self._changes: Generator[set[FileChange], None, None] = watch(
            *self._given, watch_filter=None, debounce=_GLANCE_MILLISECONDS, rust_timeout=_GLANCE_MILLISECONDS,
            yield_on_timeout=True, raise_interrupt=False,
        )  # fmt: skip
        self._pending: dict[Path, tuple[tuple[int, int], float]] = {}
        self._note(next(self._changes, set()))  # it begins with the first look

    def settled(self, paths: Iterable[Place]) -> set[Path]:
        """Those of some photos that have rested long enough already; the others will be among the arrivals."""
        rested = set()
        for path in paths:
            if not isinstance(path, Path):
                continue
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > SETTLE_SECONDS and not _is_being_written(path):
                    rested.add(path)
                    continue
            self._pending[path] = (-1, -1), 0.0
        return rested

    def arrivals(self, check: Callable[[], None]) -> Iterator[set[Path]]:
        """Photos that have been written completely, as they come; this ends only when ``check`` raises.

        Args:
            check: is called several times a second.
        """
        for changes in self._changes:
            check()
            self._note(changes)
            complete = {path for path in list(self._pending) if self._is_complete(path)}
            if complete:
                yield complete
        check()

    def _note(self, changes: Iterable[tuple[object, str]]) -> None:
        for _, name in changes:
            path = self._as_given(name)
            if path.is_dir():  # moved here with all that is in it
                for found in list_photographs([path], None)[0]:
                    self._pending.setdefault(path / found.relative, ((-1, -1), 0.0))
            elif path.suffix.lower() in READABLE_SUFFIXES:
                self._pending.setdefault(path, ((-1, -1), 0.0))

    def _as_given(self, name: str) -> Path:
        """A path that begins as the user named the folder."""
        for real, given in self._given.items():
            if Path(name).is_relative_to(real):
                return given / Path(name).relative_to(real)
        return Path(name)

    def _is_complete(self, path: Path) -> bool:
        """Whether nothing has changed about a file for long enough; one that is gone is forgotten."""
        seen, since = self._pending[path]
        try:
            status = path.stat()
        except OSError:
            del self._pending[path]
            return False
        now = status.st_size, status.st_mtime_ns
        if now != seen or not status.st_size or _is_being_written(path):
            self._pending[path] = now, time.monotonic()
            return False
        if time.monotonic() - since < SETTLE_SECONDS:
            return False
        del self._pending[path]
        return True


def _is_being_written(path: Path) -> bool:
    """Whether somebody has a file open for writing, where the system tells."""
    if sys.platform != "linux":
        return False
    import fcntl

    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)  # is refused where there is a writer
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:
        return False  # a share that knows no leases, or the file of somebody else
    finally:
        os.close(descriptor)
    return False
