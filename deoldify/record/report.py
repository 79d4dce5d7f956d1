"""The report: a row a photograph, in a CSV file or one of JSON lines, whole after every row.

A row is one line and written by one call, so that the file can be read while it grows, and what a killed run has left
of a last line is told by its missing end. Only one run at a time writes to a report.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Literal, Protocol, get_args, get_origin, get_type_hints

from deoldify.errors import PhotoError, ReportError, UsageError
from deoldify.folder import Job, Place, Plan, Trouble
from deoldify.photo import partial_file
from deoldify.record.lines import add_line, cut_torn, open_lines, refused
from deoldify.record.row import COLUMNS, Row, address_of, row_of_there, row_of_trouble

SUFFIXES = (".csv", ".jsonl")
"""What a report's name may end in."""

_NEEDED = {"source", "output", "status"}
_TYPES: Mapping[str, Any] = get_type_hints(Row)

# In CSV a line break or a byte that is no text would part a row or make the whole file unreadable.
_AWKWARD = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]|\\(?=x[0-9a-f]{2}|ud[89a-f][0-9a-f]{2})")
_ESCAPED = re.compile(r"\\x([0-9a-f]{2})|\\u(d[89a-f][0-9a-f]{2})")


def check_report(path: Path) -> None:
    """Complain of a name that no report can have.

    Raises:
        UsageError: it ends in neither .csv nor .jsonl, or belongs to a folder.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"the report {path} must end in {' or '.join(SUFFIXES)}")
    if path.is_dir():
        raise UsageError(f"the report {path} is a folder: name a file")


def read_report(path: Path) -> Iterator[Row]:
    """Read the rows of a report, in order; a last line that is not complete is left out.

    Columns that this version does not know are passed over, and those that are missing are not known.

    Raises:
        ReportError: the file cannot be read, or is no report; the message names the line.
    """
    try:
        with path.open("rb") as stream:
            yield from _rows(path, stream)
    except OSError as error:
        raise ReportError(f"the report {path} cannot be read: {error.strerror or error}") from error


def latest(rows: Iterable[Row]) -> list[Row]:
    """Of the rows of a report those that hold: of each photo and result the last.

    A photo that was left or failed counts as such no more once it has a result.
    """
    held: dict[str, dict[str, Row]] = {}
    for row in rows:
        of_photo = held.setdefault(row.source, {})
        if row.output:
            of_photo.pop("", None)
        of_photo[row.output] = row
    return [row for of_photo in held.values() for row in of_photo.values()]


class Report:
    """A report that is being written; a context, at whose end it is closed.

    A file that is there is gone on with: a last line that is not complete goes, columns that came later are added.

    Args:
        path: its file; the folder is made where it is missing.

    Raises:
        UsageError: the file is there and is no report, or another run is writing to it; or its name is none for one.
        ReportError: the folder or the disk refuses.
    """

    def __init__(self, path: Path) -> None:
        check_report(path)
        self.path = path
        self._guard = threading.Lock()
        self._done: set[int] = set()
        try:
            self._stream = self._opened()
        except OSError as error:
            raise refused(path, error) from error

    def __enter__(self) -> Report:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()

    def add(self, row: Row) -> None:
        """Write a row; from any thread.

        Raises:
            ReportError: the disk refuses.
        """
        line = _line_of(row, self.path)
        with self._guard:
            add_line(self._stream, line, self.path)
            self._note(row)

    def has(self, source: Place, output: Place) -> bool:
        """Whether it has the row of a photo with this result, done or there."""
        return hash((address_of(source), address_of(output))) in self._done

    def _note(self, row: Row) -> None:
        if row.status in ("done", "there"):
            self._done.add(hash(row.key))  # a hash, since there may be millions

    def _opened(self) -> BinaryIO:
        while True:
            stream = open_lines(self.path)
            try:
                current = self._taken_up(stream)
            except BaseException:
                stream.close()
                raise
            if current:
                return stream
            stream.close()

    def _taken_up(self, stream: BinaryIO) -> bool:
        """Take up what is there; False where that had to be written anew, and is another file now."""
        if not stream.seek(0, os.SEEK_END):
            add_line(stream, _head(self.path), self.path)
            return True
        try:
            rows = list(_rows(self.path, stream))
        except ReportError as error:
            raise UsageError(f"{error}; it is left as it is: name another report") from error
        if _first_line(stream) == _head(self.path) or self.path.suffix.lower() == ".jsonl":
            cut_torn(stream)
            for row in rows:
                self._note(row)
            return True
        with partial_file(self.path) as anew:
            anew.write(_head(self.path) + b"".join(_line_of(row, self.path) for row in rows))
        return False


class Book(Protocol):
    """What keeps rows: a report, a gallery."""

    def add(self, row: Row) -> None:
        """Keep a row."""

    def has(self, source: Place, output: Place) -> bool:
        """Whether there is the row of a photo with this result."""


def take_down(report: Book, planned: Plan, job: Job) -> None:
    """Write rows of what a plan leaves nothing to do with: what could not be read, and what is there without a row.

    A run that was killed has left a result without a row only where the machine went down with it; or the results are
    those of a run without a report.

    Raises:
        ReportError: the disk refuses.
    """
    for trouble in planned.troubles:
        report.add(row_of_trouble(trouble, job))
    for task in planned.there:
        if not report.has(task.source, task.target):
            try:
                row = row_of_there(task, job)
            except (OSError, PhotoError) as error:
                row = row_of_trouble(Trouble(task.source, f"{task.target} cannot be read: {error}"), job)
            report.add(row)


def _first_line(stream: BinaryIO) -> bytes:
    stream.seek(0)
    return stream.readline(1 << 16)


def _head(path: Path) -> bytes:
    return b"" if path.suffix.lower() == ".jsonl" else _csv_line(COLUMNS)


def _line_of(row: Row, path: Path) -> bytes:
    if path.suffix.lower() == ".jsonl":
        return json.dumps(asdict(row)).encode() + b"\n"
    return _csv_line([_cell(getattr(row, column)) for column in COLUMNS])


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _csv_line(cells: Sequence[str]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow([_AWKWARD.sub(_escape, cell) for cell in cells])
    return line.getvalue().encode()


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def _unescape(found: re.Match[str]) -> str:
    return chr(int(found[1] or found[2], 16))


def _rows(path: Path, stream: BinaryIO) -> Iterator[Row]:
    stream.seek(0)
    columns: Sequence[str] | None = None
    for number, line in enumerate(stream, start=1):
        if not line.endswith(b"\n"):
            return
        try:
            if path.suffix.lower() == ".jsonl":
                yield _row_of_json(json.loads(line))
            elif columns is None:
                columns = next(csv.reader([line.decode("utf-8-sig")]))
                if not set(columns) >= _NEEDED:
                    raise ValueError(f"its first line does not name the columns {', '.join(sorted(_NEEDED))}")
            else:
                cells = next(csv.reader([line.decode()], strict=True))
                yield _row_of_cells(dict(zip(columns, cells, strict=True)))
        except (ValueError, TypeError, KeyError, StopIteration, csv.Error, RecursionError) as error:
            raise ReportError(f"{path} is no report of this program: line {number}: {error}") from error


def _row_of_json(said: object) -> Row:
    if not isinstance(said, dict) or not said.keys() >= _NEEDED:
        raise ValueError(f"it does not say {', '.join(sorted(_NEEDED))}")
    known = {name: value for name, value in said.items() if name in _TYPES}
    for name, value in known.items():
        if not isinstance(value, _plain(name)):
            raise ValueError(f"{name} is {value!r}")
    return Row(**{name: _shared(name, value) for name, value in known.items()})


def _row_of_cells(cells: Mapping[str, str]) -> Row:
    return Row(**{name: _value(name, _ESCAPED.sub(_unescape, cell)) for name, cell in cells.items() if name in _TYPES})


def _value(name: str, cell: str) -> Any:
    """What a cell of CSV says, in the type of its column."""
    kinds = _plain(name)
    if str in kinds:
        return _shared(name, cell)
    if not cell and type(None) in kinds:
        return None
    if bool in kinds:
        return {"yes": True, "no": False}[cell]
    return int(cell) if float not in kinds else float(cell)


def _shared(name: str, value: Any) -> Any:
    """Text that most rows have alike, once in memory: reports of millions are read."""
    return sys.intern(value) if name in ("job", "model", "weights", "settings", "version") else value


def _plain(name: str) -> tuple[type, ...]:
    """The types that a column's values may have."""
    kind = _TYPES[name]
    if get_origin(kind) is Literal:
        return (str,)
    kinds = get_args(kind) or (kind,)
    return (*kinds, int) if float in kinds else kinds
