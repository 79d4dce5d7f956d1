"""Photographs that come and go by pipes: stdin, stdout and named ones, none of which is waited for for ever."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import select
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deoldify.errors import PhotoError
from deoldify.folder.places import Place, Url

DASH = Path("-")
"""What stands for stdin and for stdout."""

LARGEST = 512 << 20
"""Bytes of the largest photo that is taken from a pipe."""

_PARTNER_SECONDS = 10.0  # for another program to open the other end of a named pipe
_SILENCE_SECONDS = 300.0  # that a program at the other end may do nothing
_GLANCE_SECONDS = 0.2
_ATOMIC = 4096  # bytes that a pipe takes without blocking once it is ready: PIPE_BUF on Linux

Stopped = Callable[[], bool]
"""Whether waiting is to end, since the run does."""


def is_stdin(path: Place) -> bool:
    """Whether a path stands for stdin."""
    return path == DASH or str(path) in ("/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")


def is_stdout(path: Place) -> bool:
    """Whether a path stands for stdout."""
    return path == DASH or str(path) in ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")


def is_stream(path: Place) -> bool:
    """Whether a path leads to something that is neither a file nor a folder."""
    if path == DASH:
        return True
    if isinstance(path, Url):
        return False
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def is_pipe(path: Place) -> bool:
    """Whether a path stands for stdin or stdout, or leads to a pipe or a device."""
    return is_stdin(path) or is_stdout(path) or is_stream(path)


class Received(io.BytesIO):
    """What came through a pipe; ``name`` is what messages call it."""

    def __init__(self, data: bytes | bytearray, name: str) -> None:
        super().__init__(data)
        self.name = name


def receive(path: Path, stopped: Stopped) -> Received:
    """Read a photo from stdin or a named pipe to its end.

    Raises:
        PhotoError: nobody writes, the writer has gone silent, or there is no end to it; or the run was stopped.
    """
    name = "stdin" if is_stdin(path) else str(path)
    if is_stdin(path) and (os.name == "nt" or os.path.isfile("/dev/stdin")):
        data = sys.stdin.buffer.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise _endless(name)
        return Received(data, name)
    if is_stdin(path):
        return Received(_read_to_end(0, name, stopped, anybody_there=True), name)
    if not stat.S_ISFIFO(path.stat().st_mode):
        raise PhotoError(f"{name} is a device, not a photograph")
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        raise PhotoError(f"{name} cannot be opened: {error.strerror or error}") from error
    try:
        return Received(_read_to_end(descriptor, name, stopped, anybody_there=False), name)
    finally:
        os.close(descriptor)


def _read_to_end(descriptor: int, name: str, stopped: Stopped, *, anybody_there: bool) -> bytearray:
    data, start = bytearray(), time.monotonic()
    while len(data) <= LARGEST:
        if not anybody_there and not data and time.monotonic() - start > _PARTNER_SECONDS:
            raise PhotoError(f"{name} is a pipe that nobody writes to")
        if anybody_there or data:
            _wait(descriptor, "reading", f"{name}: no more of it came", stopped)
        try:
            block = os.read(descriptor, 1 << 20)
        except BlockingIOError:  # so there is a writer, only it has not written
            anybody_there = True
            continue
        except OSError as error:
            raise PhotoError(f"{name} cannot be read: {error.strerror or error}") from error
        if not block and (data or anybody_there):
            return data
        if not block:
            _check(stopped, name)
            time.sleep(_GLANCE_SECONDS / 4)
        data += block
    raise _endless(name)


def _endless(name: str) -> PhotoError:
    return PhotoError(f"{name} is more than {LARGEST >> 20} MB: save it as a file first")


def _wait(descriptor: int, purpose: str, complaint: str, stopped: Stopped) -> None:
    """Until a pipe can be read or written without blocking."""
    start = time.monotonic()
    while time.monotonic() - start < _SILENCE_SECONDS:
        _check(stopped, complaint.partition(":")[0])
        reading, writing = ([descriptor], []) if purpose == "reading" else ([], [descriptor])
        if any(select.select(reading, writing, [], _GLANCE_SECONDS)):
            return
    raise PhotoError(f"{complaint} for {_SILENCE_SECONDS:.0f} seconds")


def _check(stopped: Stopped, name: str) -> None:
    if stopped():
        raise PhotoError(f"{name} was not waited for any longer")


@contextmanager
def sent(path: Path, suffix: str, stopped: Stopped) -> Iterator[Path]:
    """A path to save a photo at, which is sent to stdout or through a named pipe when the block ends.

    Args:
        path: of the pipe.
        suffix: of the photo's format.
        stopped: whether waiting for a reader is to end.

    Raises:
        PhotoError: nobody reads.
    """
    with tempfile.TemporaryDirectory(prefix="deoldify-") as folder:
        file = Path(folder) / f"photo{suffix}"
        yield file
        data = file.read_bytes()
    name = "stdout" if is_stdout(path) else str(path)
    try:
        if is_stdout(path):
            sys.stdout.flush()
            _write(1, data, name, stopped)
        else:
            descriptor = _reader_of(path, name, stopped)
            try:
                _write(descriptor, data, name, stopped)
            finally:
                os.close(descriptor)
    except OSError as error:
        raise PhotoError(f"cannot write to {name}: {error.strerror or error}") from error


def _reader_of(path: Path, name: str, stopped: Stopped) -> int:
    """Open a pipe that somebody reads, or a device, for writing."""
    start = time.monotonic()
    while True:
        try:
            return os.open(path, os.O_WRONLY | getattr(os, "O_NONBLOCK", 0))
        except OSError as error:
            if error.errno != errno.ENXIO or time.monotonic() - start > _PARTNER_SECONDS:
                raise
        _check(stopped, name)
        time.sleep(_GLANCE_SECONDS / 4)


def _write(descriptor: int, data: bytes, name: str, stopped: Stopped) -> None:
    if os.name == "nt":
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    at = 0
    while at < len(data):
        _wait(descriptor, "writing", f"{name}: nobody read it", stopped)
        with contextlib.suppress(BlockingIOError):
            at += os.write(descriptor, data[at : at + _ATOMIC])
