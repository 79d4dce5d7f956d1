"""ZIP archives: photographs out of one that a visitor sends, results into one for them."""

from __future__ import annotations

import lzma
import secrets
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from demo.uploads import clean_name
from deoldify.photo import READABLE_SUFFIXES

_CHUNK = 1 << 20
_LITTER = frozenset({"__macosx", "@eadir", ".thumbnails"})
_FAULTS = (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError, ValueError, struct.error,
           zlib.error, lzma.LZMAError)  # fmt: skip


@dataclass(frozen=True)
class Unpacked:
    """One entry of an archive: a file that was written, or why there is none."""

    name: str
    path: Path | None
    why: str = ""


def is_archive(path: Path) -> bool:
    """Whether a file is a ZIP archive, by its first bytes."""
    with path.open("rb") as file:
        return file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")


def unpack(archive: Path, folder: Path, *, most: int, file_bytes: int, all_bytes: int) -> Iterator[Unpacked]:
    """Write the photographs of an archive into a folder, one after the other, under names of ours.

    Bytes are counted as they come: what an archive says of its sizes is not believed. What is nested, encrypted, a
    link, or no photograph by its name comes back with the reason; what systems leave in archives is passed over.

    Args:
        archive: a file.
        folder: where to.
        most: photographs that are taken; those beyond are one entry with the reason.
        file_bytes: largest photograph.
        all_bytes: bytes of all of them together.
    """
    try:
        opened = zipfile.ZipFile(archive)
    except _FAULTS:
        yield Unpacked("", None, "This ZIP archive is damaged and cannot be opened.")
        return
    taken, left = 0, all_bytes
    with opened:
        for info in opened.infolist():
            if info.is_dir() or _is_litter(info.filename):
                continue
            name = clean_name(info.filename)
            if taken == most:
                yield Unpacked(name, None, f"This and what follows was left out: {most} more photos are the most.")
                return
            why = _refused(info)
            if why:
                yield Unpacked(name, None, why)
                continue
            target = folder / f"{secrets.token_hex(16)}{PurePosixPath(name).suffix.lower()}"
            limit = min(file_bytes, left)
            try:
                size = _copy(opened, info, target, limit)
            except _FAULTS:
                target.unlink(missing_ok=True)
                yield Unpacked(name, None, "Its data in the ZIP archive is damaged.")
                continue
            if size > limit:
                target.unlink(missing_ok=True)
                most_mb = limit // 1_000_000
                yield Unpacked(name, None, f"It is larger than what may still be sent: {most_mb} MB.")
                continue
            taken, left = taken + 1, left - size
            yield Unpacked(name, target)


def _is_litter(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return parts[-1].startswith(".") or parts[-1] == "Thumbs.db" or any(part.lower() in _LITTER for part in parts)


def _refused(info: zipfile.ZipInfo) -> str:
    if stat.S_ISLNK(info.external_attr >> 16):
        return "It is a link, and links are not followed."
    if info.flag_bits & 1:
        return "It is encrypted. Unpack the archive, and send the photos."
    suffix = PurePosixPath(info.filename).suffix.lower()
    if suffix in (".zip", ".7z", ".rar", ".gz", ".tar"):
        return "It is an archive in an archive. Send it by itself."
    if suffix not in READABLE_SUFFIXES:
        return "It is not a photograph, by its name."
    return ""


def _copy(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path, limit: int) -> int:
    """Write an entry to a file, up to a little more than the limit; how many bytes that were."""
    size = 0
    with archive.open(info) as source, target.open("xb") as file:
        while size <= limit and (chunk := source.read(_CHUNK)):
            size += file.write(chunk)
    return size


def pack(files: Iterable[tuple[str, Path]], target: Path) -> None:
    """Write files into a ZIP archive under the names given, each read from disk piece by piece.

    They are stored as they are, for photographs are compressed already. Names that clash, letter case ignored, are
    numbered. The archive appears whole or not at all.
    """
    partial = target.with_name(f".{target.name}.part")
    try:
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
            for name, path in distinct(files):
                info = zipfile.ZipInfo.from_file(path, name, strict_timestamps=False)
                with path.open("rb") as source, archive.open(info, "w") as entry:
                    shutil.copyfileobj(source, entry, _CHUNK)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def distinct(files: Iterable[tuple[str, Path]]) -> Iterator[tuple[str, Path]]:
    """The same names and files, with numbers in names that would clash."""
    taken: set[str] = set()
    for name, path in files:
        pure, number, candidate = PurePosixPath(name), 1, name
        while candidate.casefold() in taken:
            number += 1
            candidate = str(pure.with_name(f"{pure.stem}-{number}{pure.suffix}"))
        taken.add(candidate.casefold())
        yield candidate, path
