"""Where visitors' files lie: one folder of the project's own, a locked part of it for each server, nothing for long.

``GRADIO_TEMP_DIR``, or ``deoldify-page`` in the system's folder for temporary files, holds a part for each server that
runs. A part goes when its server ends; what a killed one left goes when the next one starts; within a part, a file
goes two hours after it was last written. Names are of `secrets`: whoever knows one cannot tell another.
"""

from __future__ import annotations

import atexit
import logging
import os
import secrets
import shutil
import tempfile
import threading
import time
from pathlib import Path

from filelock import FileLock, Timeout

KEPT_SECONDS = 2 * 60 * 60.0
"""How long a file is kept after it was last written."""

_SWEEP_SECONDS = 10 * 60.0
_VARIABLE = "GRADIO_TEMP_DIR"  # where Gradio looks for the folder of uploads

log = logging.getLogger("deoldify.app")


class Storage:
    """The part of the folder that belongs to this server."""

    def __init__(self, base: Path) -> None:
        base.mkdir(parents=True, exist_ok=True)
        with FileLock(base / "start.lock"):  # so that nobody takes a part for abandoned between its making and locking
            clear_abandoned(base)
            name = f"part-{secrets.token_hex(16)}"
            self._lock = FileLock(base / f"{name}.lock", thread_local=False)
            self._lock.acquire()
            self.part = base / name
            self.part.mkdir(mode=0o700)

    def new_folder(self) -> Path:
        """A new, empty folder whose name nobody can guess."""
        folder = self.part / secrets.token_hex(16)
        folder.mkdir(parents=True)
        return folder

    def sweep(self, older_than: float = KEPT_SECONDS) -> None:
        """Delete what was last written longer ago than that many seconds, and the folders that this empties."""
        sweep(self.part, older_than)

    def keep_swept(self) -> None:
        """From now on, sweep every ten minutes, whatever goes wrong in one of them."""

        def run() -> None:
            while True:
                time.sleep(_SWEEP_SECONDS)
                try:
                    self.sweep()
                except Exception:
                    log.exception("could not tidy up %s; trying again later", self.part)

        threading.Thread(target=run, daemon=True, name="sweep").start()

    def close(self) -> None:
        """Delete the part, and let go of it."""
        shutil.rmtree(self.part, ignore_errors=True)
        if self._lock.is_locked:
            self._lock.release()
            Path(self._lock.lock_file).unlink(missing_ok=True)


def clear_abandoned(base: Path) -> None:
    """Delete the parts of servers that ended without doing so; what a running server has locked stays."""
    for lock_file in base.glob("part-*.lock"):
        lock = FileLock(lock_file)
        try:
            lock.acquire(timeout=0)
        except (Timeout, OSError):
            continue
        shutil.rmtree(lock_file.with_suffix(""), ignore_errors=True)
        lock.release()
        lock_file.unlink(missing_ok=True)
    for part in base.glob("part-*"):
        if part.is_dir() and not part.with_name(f"{part.name}.lock").exists():
            shutil.rmtree(part, ignore_errors=True)


def sweep(folder: Path, older_than: float) -> None:
    """Delete files in a folder that were last written longer ago than that many seconds, and folders left empty."""
    limit = time.time() - older_than
    for place, folders, files in os.walk(folder, topdown=False):
        for name in files:
            path = Path(place, name)
            try:
                if path.lstat().st_mtime < limit:
                    path.unlink()
            except OSError as error:  # gone already, or held by another program: the next sweep tries again
                log.debug("%s stays for now: %s", path, error)
        for name in folders:
            path = Path(place, name)
            try:
                if path.lstat().st_mtime < limit:
                    (path.unlink if path.is_symlink() else path.rmdir)()
            except OSError:  # not empty
                continue


_opened: Storage | None = None


def storage() -> Storage:
    """This server's part of the folder, made the first time that it is asked for; it goes when the process ends."""
    global _opened
    if _opened is None:
        base = os.environ.get(_VARIABLE) or os.path.join(tempfile.gettempdir(), "deoldify-page")
        _opened = Storage(Path(base))
        os.environ[_VARIABLE] = str(_opened.part)  # Gradio's uploads go there, too
        atexit.register(_opened.close)
    return _opened
