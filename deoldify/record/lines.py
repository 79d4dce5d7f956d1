"""A file of lines that grows while it is read: whole after every line, written by one run at a time."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from deoldify.errors import ReportError, UsageError
from deoldify.photo import locked


def open_lines(path: Path) -> BinaryIO:
    """Open a file to add lines, which nobody else may do until it is closed; its folder is made where it is missing.

    Raises:
        UsageError: another run is writing to it.
        ReportError: the folder or the disk refuses.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open("a+b")
    except OSError as error:
        raise refused(path, error) from error
    if locked(stream) is False:
        stream.close()
        raise UsageError(f"another run is writing to {path}: wait for it, or name another")
    return stream


def cut_torn(stream: BinaryIO) -> None:
    """Cut off a last line that a killed run has left without its end."""
    end = stream.seek(0, os.SEEK_END)
    stream.truncate(_complete(stream, end))


def add_line(stream: BinaryIO, line: bytes, path: Path) -> None:
    """Write a line, with its end, so that others see all of it.

    Raises:
        ReportError: the disk refuses.
    """
    try:
        stream.write(line)
        stream.flush()
    except OSError as error:
        raise refused(path, error) from error


def refused(path: Path, error: OSError) -> ReportError:
    """The error for what the system does not let one write."""
    return ReportError(f"{path} cannot be written: {error.strerror or error}")


def _complete(stream: BinaryIO, end: int) -> int:
    """Where the last complete line ends."""
    while end:
        start = max(0, end - (1 << 16))
        stream.seek(start)
        at = stream.read(end - start).rfind(b"\n")
        if at >= 0:
            return start + at + 1
        end = start
    return 0
