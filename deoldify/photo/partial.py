"""A file that appears whole or not at all: it is written beside its place, under a name of its own, and then renamed.

A program that is killed leaves the partial file behind. Who writes one holds a lock on it, which the system lets go of
together with the process: by that the next run tells what was left behind from what another run is writing.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

if sys.platform != "win32":
    import fcntl

_NAME = re.compile(r"\.deoldify-[0-9a-f]{16}\.part")
_ABANDONED_SECONDS = 24 * 3600  # where a file system has no locks, age has to tell


@contextmanager
def partial_file(target: Path, *, modified: int | None = None) -> Iterator[BinaryIO]:
    """A new file that takes the place of ``target`` when the block ends, and goes when it raises.

    It is opened like any new file, so that its permissions are those that the user's umask gives.

    Args:
        target: where the file is to appear; one that is there already is replaced.
        modified: nanoseconds since 1970 that the file gets as its dates; None leaves them at now.

    Raises:
        OSError: the folder or the disk refuses.
    """
    partial, stream = _begun(target.parent)
    try:
        with stream:
            yield stream
            stream.flush()
            if os.name != "nt":  # as long as the lock is held
                _put(partial, target, modified)
        if os.name == "nt":  # where an open file can be neither renamed nor swept away
            _put(partial, target, modified)
    finally:
        partial.unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Delete the partial files in a folder that nobody writes any more; what cannot be deleted is left."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _NAME.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                with contextlib.suppress(OSError):
                    _sweep_one(Path(entry.path))


def _begun(folder: Path) -> tuple[Path, BinaryIO]:
    while True:
        path = folder / f".deoldify-{secrets.token_hex(8)}.part"
        stream = path.open("x+b")
        try:
            # Between the two a sweep may have taken it for one left behind.
            if locked(stream) is not False and path.exists():
                return path, stream
        except BaseException:
            stream.close()
            path.unlink(missing_ok=True)
            raise
        stream.close()


def _put(partial: Path, target: Path, modified: int | None) -> None:
    if modified is not None:
        with contextlib.suppress(OSError):  # some shares keep no dates, and the photo matters more
            os.utime(partial, ns=(modified, modified))
    os.replace(partial, target)


def _sweep_one(path: Path) -> None:
    with path.open("r+b") as stream:
        taken = locked(stream)
        old = time.time() - os.fstat(stream.fileno()).st_mtime > _ABANDONED_SECONDS
        if (taken or (taken is None and old)) and os.name != "nt":
            path.unlink()
    if os.name == "nt":
        path.unlink()  # fails as long as anybody has it open


def locked(stream: BinaryIO) -> bool | None:
    """Lock a file until it is closed; False where another process has, None where there are no locks."""
    if sys.platform != "win32":
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return None
        return True
    return None
