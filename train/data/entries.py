"""The images that a folder or a tar file holds: listed, told apart by their names, and read."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from zlib import crc32

from PIL import Image

from train.errors import DataError

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}


@dataclass(frozen=True)
class Entry:
    """Where one image lies: a file, or ``size`` bytes at ``offset`` of a tar file."""

    source: str
    name: str
    path: Path
    offset: int = 0
    size: int = -1


def index(*roots: Path) -> list[Entry]:
    """List the images of folders, or of tar files.

    A tar file is a source named after it; so is each sub-folder; images directly in a folder are the source ``"."``.

    Args:
        roots: folders, in which sub-folders and tar files are looked into; tar files; or image files.

    Raises:
        DataError: one of them is missing or is no tar file, or there is no image in any of them.
    """
    entries = []
    for root in roots:
        if not root.exists():
            raise DataError(f"{root} does not exist; --data names a folder of images, of sub-folders, or of tar files")
        inside = sorted(root.rglob("*")) if root.is_dir() else [root]
        for path in inside:
            if path.suffix == ".tar":
                entries += _index_tar(path)
            elif path.suffix.lower() in SUFFIXES:
                relative = path.relative_to(root if root.is_dir() else root.parent)
                entries.append(Entry(relative.parts[0] if len(relative.parts) > 1 else ".", str(relative), path))
    if not entries:
        looked = ", ".join(map(str, roots[:3])) + (", …" if len(roots) > 3 else "")
        raise DataError(f"{looked} holds no images ({', '.join(sorted(SUFFIXES))}) and no tar files of them")
    return entries


def _index_tar(path: Path) -> list[Entry]:
    try:
        with tarfile.open(path) as tar:
            return [
                Entry(path.stem, name_in_tar(path.stem, member.name), path, member.offset_data, member.size)
                for member in tar
                if is_image(member)
            ]
    except (tarfile.TarError, OSError) as error:
        raise DataError(f"{path} cannot be read as a tar file ({error}); make it again or move it away") from error


def is_image(member: tarfile.TarInfo) -> bool:
    """Whether a member of a tar file is an image, by its name."""
    return member.isfile() and Path(member.name).suffix.lower() in SUFFIXES


def name_in_tar(stem: str, member: str) -> str:
    """What an image in a tar file is called: the same wherever the tar file lies."""
    return f"{stem}/{Path(member).name}"


HELD_OUT = 0.01
"""Share of the images that training does not see."""


def is_held_out(name: str, share: float = HELD_OUT) -> bool:
    """Whether an image belongs to the validation part; decided by its name alone, so it never moves."""
    return crc32(name.encode()) < share * 2**32


def is_unseen(entry: Entry, hold_out: Sequence[str] = ()) -> bool:
    """Whether an image belongs to the validation part: of sources that are held out as a whole, or of the hundredth.

    Images of one source are alike, so that a hundredth of each says little of photographs from elsewhere. Where sources
    are held out as a whole they are all that is measured, and the hundredth of the others is left alone.
    """
    return entry.source in hold_out if hold_out else is_held_out(entry.name)


def check_sources(entries: Sequence[Entry], hold_out: Sequence[str]) -> None:
    """Raise ``DataError`` where a source to hold out is not there."""
    sources = {entry.source for entry in entries}
    unknown = sorted(set(hold_out) - sources)
    if unknown:
        raise DataError(f"--hold-out names {', '.join(unknown)}, and the data have {', '.join(sorted(sources))}")


class Reader:
    """Reads entries; keeps one open handle per tar file, so it must not be shared between processes."""

    def __init__(self) -> None:
        self._handles: dict[Path, BinaryIO] = {}

    def read(self, entry: Entry) -> Image.Image:
        """The image as RGB; raises ``OSError`` where it cannot be read or decoded."""
        return decoded(self.content(entry))

    def content(self, entry: Entry) -> bytes:
        """The file as it is; raises ``OSError`` where it cannot be read."""
        if entry.size < 0:
            return entry.path.read_bytes()
        if entry.path not in self._handles:
            self._handles[entry.path] = entry.path.open("rb")
        handle = self._handles[entry.path]
        handle.seek(entry.offset)
        return handle.read(entry.size)


def decoded(content: bytes) -> Image.Image:
    """The image in a file's content, as RGB; raises ``OSError`` where there is none."""
    try:
        return Image.open(io.BytesIO(content)).convert("RGB")
    except Exception as error:  # a damaged file fails in as many ways as there are bytes
        raise OSError(f"no image that can be decoded: {error}") from error
