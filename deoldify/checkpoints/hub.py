"""The Hugging Face Hub, as a source of single files: its cache, and downloads that end in reasonable time."""

from __future__ import annotations

import json
import logging
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deoldify.errors import HubError

Meter = Callable[[int, float], object]
"""Takes the bytes received so far, and bytes per second over the last few seconds."""

PATIENCE_SECONDS = 10.0
"""How long the Hub may deliver nothing; with what surrounds it, a hung Hub is reported within 15 seconds."""

_START_SECONDS = 30.0  # to import the client, from a slow disk
_FINISH_SECONDS = 120.0  # to close a file of all bytes, on a slow disk
_LEAVE_SECONDS = 2.0
_SPEED_SECONDS = 5.0

_log = logging.getLogger(__name__)


class IncompleteError(HubError):
    """A file came with another length than promised; worth a second try."""


@dataclass(frozen=True)
class HubFile:
    """A file in a model repository.

    Attributes:
        repo: ``"owner/name"``.
        file: path in the repository.
        revision: commit, 40 hex digits, so that a cached file needs no question to the Hub; or a branch or a tag,
            of which the cache holds what it last was.
    """

    repo: str
    file: str
    revision: str

    @property
    def url(self) -> str:
        """Where a browser finds it."""
        return f"{endpoint()}/{self.repo}/resolve/{self.revision}/{self.file}"


def endpoint() -> str:
    """The Hub's address: ``HF_ENDPOINT``, or the public one."""
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def cache_folder() -> Path:
    """The Hub's cache, shared by all programs that use the Hub: ``HF_HUB_CACHE``, or ``hub`` in ``HF_HOME``."""
    from huggingface_hub import constants

    # The client reads the environment once, when it is imported.
    return Path(os.environ.get("HF_HUB_CACHE") or constants.HF_HUB_CACHE).expanduser()


def cached(file: HubFile) -> Path | None:
    """Where the file lies in the cache, unverified. Asks no network."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(file.repo, file.file, cache_dir=cache_folder(), revision=file.revision)
    return Path(found) if isinstance(found, str) else None


def discard(path: Path) -> None:
    """Remove a file from the cache: the blob and the link to it, for the client would go on with either.

    A link that leads out of the cache is removed, and nothing that it leads to.
    """
    blob = path.resolve()
    path.unlink(missing_ok=True)
    if blob.is_relative_to(cache_folder().resolve()):
        blob.unlink(missing_ok=True)


@contextmanager
def alone(file: HubFile) -> Iterator[None]:
    """Let one process or thread at a time fetch a file; the others wait here.

    The client has a lock of its own, but a wait for that looks like a hung Hub from outside.

    Raises:
        HubError: the cache cannot be written.
    """
    from filelock import FileLock, Timeout

    folder = cache_folder() / ".locks"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / f"deoldify--{file.repo.replace('/', '--')}--{file.file.replace('/', '--')}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            _log.warning("another download of %s is under way; waiting for it", file.file)
            lock.acquire()
    except NotImplementedError:
        pass  # a file system without locks: then the client downloads twice, which is safe
    except OSError as error:
        raise HubError(f"the cache {folder.parent} cannot be written ({error}); see HF_HOME") from error
    try:
        yield
    finally:
        lock.release()


def download(file: HubFile, *, size: int, meter: Meter, patience: float) -> Path:
    """Bring a file into the cache, unverified.

    Args:
        file: what to bring.
        size: its length in bytes, at most; what announces more is refused before it is fetched.
        meter: told some ten times a second how far it is.
        patience: seconds that the Hub may deliver nothing, from the first question on.

    Raises:
        HubError: the Hub is unreachable, hung, forbidden by ``HF_HUB_OFFLINE``, lacks the file, or has a larger one.
        IncompleteError: the file came with another length than the Hub had promised.
    """
    request = asdict(file) | {
        "endpoint": endpoint(), "cache": str(cache_folder()), "timeout": 0.8 * patience, "largest": size
    }  # fmt: skip
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(folder for folder in sys.path if folder),
        "HF_HUB_DISABLE_XET": "1",  # a second way through other servers, where a stall would look different
        # Half of our patience, so that a stalled connection is given up and resumed before we lose the rest.
        "HF_HUB_DOWNLOAD_TIMEOUT": str(max(1, int(patience / 2))),
    }
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("hub_process.py")), json.dumps(request)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
            env=environment,
            text=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        try:
            return _follow(_news(process), size=size, meter=meter, patience=patience)
        except EOFError:
            complaints.seek(0)
            last = complaints.read().decode(errors="replace").strip().rpartition("\n")[2]
            raise HubError(f"the download ended without a word ({last or 'killed'})") from None
        finally:
            _end(process)


def _news(process: subprocess.Popen[str]) -> queue.Queue[dict[str, Any] | None]:
    """What the process says, item by item, and ``None`` once it is silent for good."""
    news: queue.Queue[dict[str, Any] | None] = queue.Queue()

    def hear() -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                if line.startswith("{"):  # an interpreter may have its own things to say as it starts
                    news.put(json.loads(line))
        news.put(None)

    threading.Thread(target=hear, daemon=True).start()
    return news


def _follow(news: queue.Queue[dict[str, Any] | None], *, size: int, meter: Meter, patience: float) -> Path:
    """Follow a download to the path at its end; `EOFError` if it ends without one."""
    done = 0
    recent: deque[tuple[float, int]] = deque()
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            item = news.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            silence = f"after {done / 1e6:.1f} MB nothing more came" if done else "it did not answer"
            raise HubError(f"{silence} within {patience:g} seconds") from None
        now = time.monotonic()
        if item is None:
            raise EOFError
        if "path" in item:
            return Path(item["path"])
        if "failed" in item:
            raise (IncompleteError if item["incomplete"] else HubError)(item["failed"])
        if "ready" in item:
            recent.append((now, 0))
            deadline = now + patience
            continue
        done = item["done"]
        deadline = now + (patience if done < (item["total"] or size) else _FINISH_SECONDS)
        recent.append((now, done))
        while recent[0][0] < now - _SPEED_SECONDS and len(recent) > 2:
            recent.popleft()
        then, before = recent[0]
        meter(done, max(0, done - before) / (now - then) if now > then else 0.0)


def _end(process: subprocess.Popen[str]) -> None:
    """End a download that may still run, kindly at first, so that it removes what it has half written."""
    process.terminate()
    try:
        process.wait(_LEAVE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
