"""What a store is asked for: which files a folder has, the bytes of a file, and to take one, which appears when whole.

Stores are fsspec's, credentials theirs. Whatever one raises becomes a ``PhotoError`` with the address.
"""

from __future__ import annotations

import contextlib
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, BinaryIO, cast

from fsspec.core import url_to_fs

from deoldify.errors import DeOldifyError, PhotoError
from deoldify.folder.places import Facts, Place, Url

LARGEST = 2 << 30
"""Bytes of the largest photo that is taken from a store: it is held in memory."""

_BLOCK = 1 << 16  # bytes that are asked for at once of what is only glanced at

_DATES = ("LastModified", "last_modified", "mtime", "updated", "modified", "created")
"""What stores call the date of a file; the first that is there holds."""

_APPEAR_WHOLE = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss"})
"""Stores in which a file appears when its last byte has come; elsewhere it is written beside its place and renamed."""


def listed(root: Url) -> dict[str, Url]:
    """All files in a folder and below, by where they lie in it; for a file itself, that under the empty name.

    Raises:
        PhotoError: the store does not answer, or refuses.
    """
    with _reaching(root, "listed"):
        store, path = url_to_fs(str(root))
        store.invalidate_cache()
        found = store.find(path, detail=True)
    files: dict[str, Url] = {}
    for name, info in found.items():
        inside = name[len(path) :].strip("/") if name.startswith(path) else name
        if info.get("type") != "directory" and not name.endswith("/"):
            files[inside] = Url(root.scheme, (root / inside).path if inside else root.path, _facts(info))
    return files


def is_folder(place: Place) -> bool:
    """Whether it is one. What a store does not answer is none; that is told when it is listed."""
    if isinstance(place, Path):
        return place.is_dir()
    with contextlib.suppress(PhotoError), _reaching(place, "opened"):
        store, path = url_to_fs(str(place))
        return bool(store.isdir(path))
    return False


def facts_of(place: Place) -> Facts:
    """Size and date of a file.

    Raises:
        OSError: it is not there, or cannot be asked for.
        PhotoError: likewise, of a store.
    """
    if isinstance(place, Path):
        found = place.stat()
        return Facts(found.st_size, found.st_mtime_ns)
    if place.facts is not None:
        return place.facts
    with _reaching(place, "opened"):
        store, path = url_to_fs(str(place))
        return _facts(store.info(path))


@contextmanager
def opened(place: Place) -> Iterator[BinaryIO]:
    """A file to read from, anywhere in it; of a store, a block at a time.

    Raises:
        OSError: it cannot be opened.
        PhotoError: likewise, of a store.
    """
    if isinstance(place, Path):
        with place.open("rb") as stream:
            yield stream
        return
    with _reaching(place, "read"):
        store, path = url_to_fs(str(place))
        with store.open(path, "rb", block_size=_BLOCK) as stream:
            yield cast(BinaryIO, stream)


def content_of(url: Url) -> bytes:
    """All bytes of a file.

    Raises:
        PhotoError: it is not there, too large, or the store does not answer.
    """
    if facts_of(url).size > LARGEST:
        raise PhotoError(f"{url} is larger than {LARGEST >> 30} GB: copy it to a disk first")
    with _reaching(url, "read"):
        store, path = url_to_fs(str(url))
        return bytes(store.cat_file(path))


@contextmanager
def sent(url: Url) -> Iterator[Path]:
    """A path to write a file at, which is sent to its address when the block ends.

    Raises:
        PhotoError: the store does not take it.
    """
    with tempfile.TemporaryDirectory(prefix="deoldify-") as made:
        file = Path(made) / f"photo{url.suffix}"
        yield file
        _send(file, url)


def _send(file: Path, url: Url) -> None:
    with _reaching(url, "written"):
        store, path = url_to_fs(str(url))
        if url.scheme in _APPEAR_WHOLE:
            store.put_file(str(file), path)
            return
        folder = path.rpartition("/")[0]
        partial = f"{folder}/.deoldify-{secrets.token_hex(8)}.part"
        store.makedirs(folder, exist_ok=True)
        try:
            store.put_file(str(file), partial)
            store.mv(partial, path)
        except BaseException:
            with contextlib.suppress(Exception):
                store.rm_file(partial)
            raise


def _facts(info: dict[str, Any]) -> Facts:
    date = next((info[name] for name in _DATES if info.get(name) is not None), None)
    if isinstance(date, str):
        date = datetime.fromisoformat(date.replace("Z", "+00:00"))
    if isinstance(date, datetime):
        if date.tzinfo is None:
            date = date.replace(tzinfo=timezone.utc)
        date = date.timestamp()
    return Facts(int(info.get("size") or 0), None if date is None else round(date * 1_000_000) * 1000)


@contextmanager
def _reaching(url: Url, done: str) -> Iterator[None]:
    try:
        yield
    except DeOldifyError:
        raise
    except FileNotFoundError as error:
        raise PhotoError(f"{url} does not exist, or its store says so") from error
    except Exception as error:  # stores have errors of their own, of several libraries
        reason = " ".join(str(error).split()) or type(error).__name__
        raise PhotoError(f"{url} cannot be {done}: {reason}") from error
