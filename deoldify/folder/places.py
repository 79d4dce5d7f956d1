"""Where photographs lie: at a path, or in a store that fsspec knows, such as a bucket, under an address.

`Url` has the little of a path that naming and planning need; what a store is asked for stands in ``stores``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path, PurePath, PurePosixPath
from typing import TypeAlias

from deoldify.errors import UsageError

_FORM = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://(.*)", re.DOTALL)  # one letter is a drive

_READ_ONLY = frozenset({"http", "https", "data"})
"""Schemes whose servers list nothing and take nothing."""


@dataclass(frozen=True)
class Facts:
    """What tells that a file has changed: its size in bytes, and its date in nanoseconds since 1970, if it has one."""

    size: int
    modified: int | None


@dataclass(frozen=True)
class Url:
    """The address of a file or folder in a store, such as ``s3://box/scans``.

    Attributes:
        scheme: the store's kind, in fsspec's words.
        path: what stands behind ``://``, without slashes at its end.
        facts: of the file, where a listing has told them.
    """

    scheme: str
    path: str
    facts: Facts | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.path}"

    def __truediv__(self, below: str | PurePath) -> Url:
        inside = below if isinstance(below, str) else below.as_posix()
        return Url(self.scheme, f"{self.path}/{inside}")

    @property
    def parent(self) -> Url:
        above = self.path.rpartition("/")[0]
        return Url(self.scheme, above) if above.strip("/") else self

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def stem(self) -> str:
        return PurePosixPath(self.name).stem

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.name).suffix

    def is_below(self, folder: Place) -> bool:
        """Whether it lies in a folder, or is it."""
        return isinstance(folder, Url) and f"{self}/".startswith(f"{folder}/")


Place: TypeAlias = Path | Url
"""A file or a folder, here or in a store."""


def place_of(text: str | Path) -> Place:
    """What a command line names: an address such as ``s3://box/scans``, or a path; ``file://`` leads to one as well.

    Raises:
        UsageError: the kind of store is unknown, of no use here, or needs a package that is not installed; the message
            says which.
    """
    found = _FORM.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return Path(text)
    scheme, path = found[1].lower(), found[2].rstrip("/")
    if scheme in _READ_ONLY:
        raise UsageError(f"{text} is no folder of a store that can be listed and written to: download it first")
    from fsspec import get_filesystem_class
    from fsspec.implementations.local import LocalFileSystem

    if scheme in ("file", "local"):
        return Path(LocalFileSystem._strip_protocol(text))
    try:
        get_filesystem_class(scheme)
    except ValueError:
        raise UsageError(f"{text}: there are no stores of the kind {scheme!r}; s3, gs, az and sftp are some") from None
    except ImportError as error:
        raise UsageError(f"{text} cannot be reached: {error}") from error
    if not path.strip("/"):
        raise UsageError(f"{text} names no folder: say which, such as {scheme}://box/scans")
    return Url(scheme, path)
