"""Which files of which folders are photographs to do, and what could not be read while they were looked for."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from deoldify.photo import READABLE_SUFFIXES

_JUNK = frozenset(
    {
        "@eadir", "@recently-snapshot", "@recycle", "@sharebin", "@tmp", "#recycle", "#snapshot", "$recycle.bin",
        "__macosx", "lost+found", "system volume information", "thumbs.db",
    }
)  # fmt: skip
"""What storage boxes and systems put among photographs, in lower case; what begins with a dot goes without saying."""

Identity = tuple[int | str, int | str]
"""What two paths to one file have in common."""


@dataclass(frozen=True)
class Found:
    """A photograph to do.

    Attributes:
        path: its file.
        relative: where it lies in the folder that was named; its bare name where the photo itself was.
        named: whether that was the case.
    """

    path: Path
    relative: Path
    named: bool = False


@dataclass(frozen=True)
class Trouble:
    """A file or folder that gave nothing to do.

    Attributes:
        path: of it.
        message: why, a whole sentence.
        is_empty: whether it is a folder that could be read and has no photographs.
    """

    path: Path
    message: str
    is_empty: bool = False


def identity_of(path: Path) -> Identity:
    """Of the file or folder that a path leads to.

    Raises:
        OSError: it leads nowhere, or there is no telling.
    """
    found = path.stat()
    if found.st_ino:
        return found.st_dev, found.st_ino
    return "", os.path.normcase(os.path.realpath(path))  # file systems without numbers


def list_photographs(inputs: Iterable[Path], output: Path | None) -> tuple[list[Found], list[Trouble]]:
    """List photographs that were named, and those in folders that were.

    Hidden files and folders and what systems leave among photographs are none. What lies in the output folder is none,
    unless that folder is one of the named ones or above it. A folder is gone through once, however many links lead
    there, and by its own name if it has one.

    Args:
        inputs: files and folders.
        output: folder of the results, which need not be there; None where there is none.

    Returns:
        the photographs, in order of the inputs and then of their paths, each once; and what could not be read.
    """
    photos: dict[tuple[str, str], Found] = {}
    places: dict[Path, str] = {}  # of folders, since asking for each photo takes long on a share
    troubles: list[Trouble] = []
    for given in inputs:
        try:
            is_folder = stat.S_ISDIR(given.stat().st_mode)
        except OSError as error:
            troubles.append(_trouble(given, error))
            continue
        if is_folder:
            found, missed = _inside(given, _skipped(given, output))
            troubles += missed
            if not found and not missed:
                troubles.append(Trouble(given, f"there are no photographs in {given}", is_empty=True))
        else:
            found = [Found(given, Path(given.name), named=True)]
        for photo in found:
            parent = photo.path.parent
            if parent not in places:
                places[parent] = os.path.realpath(parent)
            photos.setdefault((places[parent], photo.path.name), photo)
    return list(photos.values()), troubles


def _skipped(root: Path, output: Path | None) -> set[Identity]:
    """The output folder, unless going through ``root`` begins in it."""
    if output is None:
        return set()
    with contextlib.suppress(OSError):
        skipped = identity_of(output)
        above = root.resolve()
        if all(identity_of(folder) != skipped for folder in (above, *above.parents)):
            return {skipped}
    return set()


def _inside(root: Path, seen: set[Identity]) -> tuple[list[Found], list[Trouble]]:
    found: list[Found] = []
    troubles: list[Trouble] = []
    folders, links = [root], list[Path]()
    while folders or links:
        folder = folders.pop() if folders else links.pop(0)
        try:
            identity = identity_of(folder)
            if identity in seen:
                continue
            seen.add(identity)
            with os.scandir(folder) as entries:
                inside = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            troubles.append(_trouble(folder, error))
            continue
        for entry in inside:
            if _is_junk(entry):
                continue
            path = Path(entry.path)
            if _is_folder(entry):
                (links if entry.is_symlink() else folders).append(path)
            elif path.suffix.lower() in READABLE_SUFFIXES:
                if os.path.isfile(path):
                    found.append(Found(path, path.relative_to(root)))
                else:
                    what = "is a pipe or a device" if os.path.exists(path) else "is a link that leads nowhere"
                    troubles.append(Trouble(path, f"{path} {what}, not a photograph"))
    return sorted(found, key=lambda photo: photo.relative.parts), troubles


def _is_junk(entry: os.DirEntry[str]) -> bool:
    if entry.name.startswith(".") or entry.name.lower() in _JUNK:
        return True
    if os.name == "nt":
        with contextlib.suppress(OSError):
            attributes = getattr(entry.stat(follow_symlinks=False), "st_file_attributes", 0)
            return bool(attributes & stat.FILE_ATTRIBUTE_HIDDEN)
    return False


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself: what it is called decides whether that is worth a line
        return False


def _trouble(path: Path, error: OSError) -> Trouble:
    if isinstance(error, FileNotFoundError):
        return Trouble(path, f"{path} does not exist")
    return Trouble(path, f"{path} cannot be opened: {error.strerror or error}")
