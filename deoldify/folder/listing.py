"""Which files of which folders are photographs to do, and what could not be read while they were looked for."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from deoldify.errors import PhotoError
from deoldify.folder import stores
from deoldify.folder.places import Place, Url
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
        path: its file, or its address in a store.
        relative: where it lies in the folder that was named; its bare name where the photo itself was.
        named: whether that was the case.
    """

    path: Place
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

    path: Place
    message: str
    is_empty: bool = False


def identity_of(path: Place) -> Identity:
    """Of the file or folder that a path leads to; an address is its own.

    Raises:
        OSError: it leads nowhere, or there is no telling.
    """
    if isinstance(path, Url):
        return "", str(path)
    found = path.stat()
    if found.st_ino:
        return found.st_dev, found.st_ino
    return "", os.path.normcase(os.path.realpath(path))  # file systems without numbers


def list_photographs(inputs: Iterable[Place], output: Place | None) -> tuple[list[Found], list[Trouble]]:
    """List photographs that were named, and those in folders that were.

    Hidden files and folders and what systems leave among photographs are none. What lies in the output folder is none,
    unless that folder is one of the named ones or above it. A folder is gone through once, however many links lead
    there, and by its own name if it has one.

    Args:
        inputs: files and folders, here or in stores.
        output: folder of the results, which need not be there; None where there is none.

    Returns:
        the photographs, in order of the inputs and then of their paths, each once; and what could not be read.
    """
    photos: dict[tuple[str, str], Found] = {}
    places: dict[Place, str] = {}  # of folders, since asking for each photo takes long on a share
    troubles: list[Trouble] = []
    for given in inputs:
        if isinstance(given, Url):
            found, missed = _in_store(given, output)
        else:
            found, missed = _here(given, output)
        troubles += missed
        for photo in found:
            parent = photo.path.parent
            if parent not in places:
                places[parent] = str(parent) if isinstance(parent, Url) else os.path.realpath(parent)
            photos.setdefault((places[parent], photo.path.name), photo)
    return list(photos.values()), troubles


def _here(given: Path, output: Place | None) -> tuple[list[Found], list[Trouble]]:
    """What a file or a folder of this computer gives."""
    try:
        is_folder = stat.S_ISDIR(given.stat().st_mode)
    except OSError as error:
        return [], [_trouble(given, error)]
    if not is_folder:
        return [Found(given, Path(given.name), named=True)], []
    found, missed = _inside(given, _skipped(given, output))
    return found, missed if found or missed else [_nothing_in(given)]


def _in_store(given: Url, output: Place | None) -> tuple[list[Found], list[Trouble]]:
    """What a file or a folder of a store gives."""
    try:
        files = stores.listed(given)
    except PhotoError as error:
        return [], [Trouble(given, str(error))]
    if "" in files:
        return [Found(files[""], Path(given.name), named=True)], []
    if not files and Path(given.name).suffix.lower() in READABLE_SUFFIXES:
        return [], [Trouble(given, f"{given} does not exist")]
    inside = output is not None and not given.is_below(output)
    found = [
        Found(file, Path(name))
        for name, file in files.items()
        if file.suffix.lower() in READABLE_SUFFIXES
        and not any(_is_junk_name(part) for part in Path(name).parts)
        and not (inside and output is not None and file.is_below(output))
    ]
    return sorted(found, key=lambda photo: photo.relative.parts), [] if found else [_nothing_in(given)]


def _nothing_in(folder: Place) -> Trouble:
    return Trouble(folder, f"there are no photographs in {folder}", is_empty=True)


def _skipped(root: Path, output: Place | None) -> set[Identity]:
    """The output folder, unless going through ``root`` begins in it."""
    if not isinstance(output, Path):
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


def _is_junk_name(name: str) -> bool:
    return name.startswith(".") or name.lower() in _JUNK


def _is_junk(entry: os.DirEntry[str]) -> bool:
    if _is_junk_name(entry.name):
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
