"""A page beside the results that shows them, before and after: it opens from the disk and asks no network for anything.

The page is ``gallery.html``; what it shows lies in the hidden folder ``.deoldify/gallery`` beside it, which is not
searched for photographs: small JPEGs, and files of lines that a page from the disk can load, which are scripts.
"""

from __future__ import annotations

import contextlib
import hashlib
import html
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO
from urllib.parse import quote

from deoldify.errors import DeOldifyError
from deoldify.folder import Place, Task
from deoldify.photo import Photo, open_photo, partial_file
from deoldify.record.lines import add_line, cut_torn, open_lines, refused
from deoldify.record.row import Row, address_of

PREVIEW_SIDE = 640
"""Pixels of a preview's longer side: enough for half a screen, and some 50 kB."""

LINES_A_FILE = 2000
"""So that a line that was torn spoils the page of few photos, and only until the next run."""

_PAGE = "gallery.html"
_INSIDE = Path(".deoldify") / "gallery"
_LARGEST_PROFILE = 64 << 10  # bytes of an ICC profile that a preview carries
_BEFORE, _AFTER = b"photo(", b");\n"


class Gallery:
    """A gallery that is being written; a context, at whose end it is closed. What is there is gone on with.

    Args:
        folder: of the results; made where it is missing.

    Raises:
        UsageError: another run is writing to it.
        ReportError: the folder or the disk refuses.
    """

    def __init__(self, folder: Path) -> None:
        self.page = folder / _PAGE
        self._folder, self._inside = Path(os.path.abspath(folder)), folder / _INSIDE
        self._guard = threading.Lock()
        self._shown: set[int] = set()
        self._lock = open_lines(self._inside / "lock")
        try:
            self._number, self._count = 0, 0
            while (self._inside / self._name(self._number)).exists():
                self._count = sum(1 for _ in self._read(self._number))
                self._number += 1
            self._number = max(0, self._number - 1)
            self._stream = self._open()
            cut_torn(self._stream)
            with partial_file(self.page) as stream:
                stream.write(_page(folder).encode())
        except OSError as error:
            self._lock.close()
            raise refused(self.page, error) from error

    def __enter__(self) -> Gallery:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()
        self._lock.close()

    def has(self, source: Place, output: Place) -> bool:
        """Whether it shows a photo with this result."""
        return hash((address_of(source), address_of(output))) in self._shown

    def look(self, task: Task, before: Photo, after: Photo) -> None:
        """Keep previews of a photo and what has become of it; from any thread.

        Raises:
            ReportError: the disk refuses.
        """
        for end, photo in (("before", before), ("after", after)):
            path = self._folder / self._preview(address_of(task.source), address_of(task.target), end)
            image = photo.to_image().convert("RGB")
            image.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE), reducing_gap=2.0)
            image.info.clear()  # Pillow would carry it over
            profile = photo.icc_profile or b""
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                with partial_file(path) as stream:
                    keep = profile if len(profile) <= _LARGEST_PROFILE else b""
                    image.save(stream, "JPEG", quality=80, icc_profile=keep)
            except OSError as error:
                raise refused(path, error) from error

    def add(self, row: Row) -> None:
        """Show a photo; from any thread. Where its result was there already and has no previews, they are made.

        Raises:
            ReportError: the disk refuses.
        """
        if row.status == "there":
            self._look_again(row)
        line = _BEFORE + json.dumps(self._entry(row), separators=(",", ":")).encode() + _AFTER
        with self._guard:
            if self._count == LINES_A_FILE:
                self._stream.close()
                self._number, self._count = self._number + 1, 0
                self._stream = self._open()
            add_line(self._stream, line, self._inside / self._name(self._number))
            self._count += 1
            self._note(row.status, row.source, row.output)

    def _note(self, status: str, source: str, output: str) -> None:
        if status in ("done", "there"):
            self._shown.add(hash((source, output)))

    def _look_again(self, row: Row) -> None:
        if not (self._folder / self._preview(row.source, row.output, "after")).exists():
            with contextlib.suppress(DeOldifyError):  # then it is shown without
                source, output = Path(row.source), Path(row.output)
                self.look(Task(source, output), open_photo(source), open_photo(output))

    def _entry(self, row: Row) -> dict[str, Any]:
        """What the page knows of a photo, in short names, since there are many."""
        entry: dict[str, Any] = {
            "n": Path(row.source).name, "k": [row.source, row.output], "t": row.status, "b": self._address(row.source),
        }  # fmt: skip
        if row.output:
            entry["a"] = self._address(row.output)
            previews = [self._preview(row.source, row.output, end) for end in ("before", "after")]
            if all((self._folder / preview).exists() for preview in previews):
                entry["p"] = [preview.as_posix() for preview in previews]
        said = {
            "m": row.message, "c": row.certainty, "w": row.width, "h": row.height, "l": row.left_out, "o": row.model,
        }  # fmt: skip
        return entry | {key: value for key, value in said.items() if value not in (None, "")}

    def _address(self, path: str) -> str:
        """How the page names a file: relative to itself, so that the whole can be moved."""
        try:
            relative = os.path.relpath(path, self._folder)
        except ValueError:  # another drive
            return Path(path).as_uri()
        return "./" + quote(os.fsencode(relative.replace(os.sep, "/")))

    @staticmethod
    def _preview(source: str, output: str, end: str) -> Path:
        name = hashlib.sha256(os.fsencode(f"{source}\0{output}")).hexdigest()[:24]
        return _INSIDE / name[:2] / f"{name[2:]}-{end}.jpg"

    @staticmethod
    def _name(number: int) -> str:
        return f"photos-{number}.js"

    def _open(self) -> BinaryIO:
        return open_lines(self._inside / self._name(self._number))

    def _read(self, number: int) -> Iterator[None]:
        """Note what a file of lines shows."""
        with (self._inside / self._name(number)).open("rb") as stream:
            for line in stream:
                if line.endswith(_AFTER):
                    with contextlib.suppress(ValueError, KeyError, TypeError):
                        entry = json.loads(line[len(_BEFORE) : -len(_AFTER)])
                        self._note(entry["t"], *entry["k"])
                    yield None


def _page(folder: Path) -> str:
    """The page, whole in one file."""
    here = Path(__file__).parent / "page"
    parts = {part: (here / part).read_text(encoding="utf-8") for part in ("gallery.html", "gallery.css", "gallery.js")}
    title = html.escape(Path(os.path.abspath(folder)).name)
    page = parts["gallery.html"].replace("{{title}}", title).replace("{{css}}", parts["gallery.css"])
    return page.replace("{{js}}", parts["gallery.js"])
