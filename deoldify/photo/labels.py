"""What a saved photo says of how it was made, read back from the first bytes of its file without decoding anything.

JPEG, PNG, TIFF and WebP say it in the EXIF tag ProcessingSoftware. A BMP has no room for tags; what belongs to one lies
in a record, a small file in the hidden folder ``.deoldify`` beside it, which holds for that very file only.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import struct
from pathlib import Path
from typing import BinaryIO

from deoldify.photo import metadata
from deoldify.photo.partial import partial_file

WITHOUT_ROOM = frozenset({".bmp"})
"""Suffixes of the formats that ``save_photo`` writes and that hold no tags."""

_RECORDS = ".deoldify"
_LONGEST = 1 << 16  # bytes of a label
_MOST_BLOCKS = 100_000  # chunks or segments that are gone through


def label_in(stream: BinaryIO) -> str:
    """``read_label`` for a file that is open at its beginning, in a format that holds tags."""
    try:
        found = _exif_at(stream)
        return "" if found is None else _processing_software(stream, found).decode("utf-8", "replace")
    except (OSError, struct.error, ValueError, KeyError, TypeError, OverflowError):
        return ""


def read_label(path: Path) -> str:
    """The label of a photograph: all that programs have put into ProcessingSoftware; empty where there is none.

    Nothing is decoded and nothing is raised: a file that cannot be read has no label.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return ""
        if path.suffix.lower() in WITHOUT_ROOM:
            return _recorded(path)
        with path.open("rb") as stream:
            return label_in(stream)
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def write_record(target: Path, stream: BinaryIO, label: str) -> None:
    """Write down the label of a file that has no room for it.

    Args:
        target: where the file is going to be.
        stream: what it is going to contain, whole; read from its beginning.
        label: of the file.

    Raises:
        OSError: the folder or the disk refuses.
    """
    size, digest = _content(stream)
    record = {"name": os.fsencode(target.name).decode("utf-8", "replace"), "size": size, "sha256": digest}
    path = _record_of(target)
    path.parent.mkdir(exist_ok=True)
    with partial_file(path) as out:
        out.write(json.dumps(record | {"label": label}, indent=1).encode() + b"\n")


def _recorded(path: Path) -> str:
    record = json.loads(_record_of(path).read_bytes())
    if path.stat().st_size != record["size"]:
        return ""
    with path.open("rb") as stream:
        return str(record["label"]) if _content(stream)[1] == record["sha256"] else ""


def _record_of(path: Path) -> Path:
    """Named by a digest, since a name with something added may be longer than a name can be."""
    name = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:32]
    return path.parent / _RECORDS / f"{name}.json"


def _content(stream: BinaryIO) -> tuple[int, str]:
    """Length and SHA-256."""
    digest, size = hashlib.sha256(), 0
    stream.seek(0)
    while block := stream.read(1 << 20):
        digest.update(block)
        size += len(block)
    return size, digest.hexdigest()


def _exif_at(stream: BinaryIO) -> int | None:
    """Where in a file its EXIF, a TIFF structure, begins."""
    start = stream.read(12)
    if start[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return 0
    if start[:2] == b"\xff\xd8":
        return _exif_of_jpeg(stream)
    if start[:8] == b"\x89PNG\r\n\x1a\n":
        return _exif_among_chunks(stream, 8, ">I4s", 4, b"eXIf")
    if start[:4] == b"RIFF" and start[8:] == b"WEBP":
        return _exif_among_chunks(stream, 12, "<4sI", 0, b"EXIF")
    return None


def _exif_of_jpeg(stream: BinaryIO) -> int | None:
    at = 2
    for _ in range(_MOST_BLOCKS):
        stream.seek(at)
        head = stream.read(10)
        if len(head) < 10 or head[0] != 0xFF or head[1] == 0xDA:
            return None
        if head[1] == 0xE1 and head[4:] == b"Exif\0\0":
            return at + 10
        at += 2 + int.from_bytes(head[2:4], "big")
    return None


def _exif_among_chunks(stream: BinaryIO, at: int, form: str, after: int, wanted: bytes) -> int | None:
    """Of a PNG or RIFF, whose chunks begin at ``at``, with a head of ``form`` and ``after`` bytes behind them."""
    for _ in range(_MOST_BLOCKS):
        stream.seek(at)
        head = stream.read(8)
        if len(head) < 8:
            return None
        first, second = struct.unpack(form, head)
        length, kind = (first, second) if isinstance(second, bytes) else (second, first)
        if kind == wanted:
            return at + 8 + (6 if stream.read(6) == b"Exif\0\0" else 0)
        at += 8 + length + after + (length % 2 if after == 0 else 0)
    return None


def _processing_software(stream: BinaryIO, base: int) -> bytes:
    """That tag of the first directory of a TIFF structure that begins at ``base``."""
    stream.seek(base)
    head = stream.read(16)
    order = "<" if head[:2] == b"II" else ">"
    layout = metadata.Layout(order, big=struct.unpack_from(order + "H", head, 2)[0] == 43)
    (offset,) = struct.unpack_from(order + layout.word, head, 8 if layout.big else 4)
    stream.seek(base + offset)
    counts = struct.Struct(order + ("Q" if layout.big else "H"))
    (count,) = counts.unpack(stream.read(counts.size))
    entry = struct.Struct(f"{order}HH{layout.word}{layout.inline}s")
    table = stream.read(min(count, 65535) * entry.size)
    for at in range(0, len(table) - entry.size + 1, entry.size):
        tag, kind, length, inline = entry.unpack_from(table, at)
        if tag == metadata.Tag.PROCESSING_SOFTWARE and kind == metadata.Kind.ASCII:
            if length <= layout.inline:
                return bytes(inline[:length]).rstrip(b"\0 ")
            stream.seek(base + struct.unpack(order + layout.word, inline)[0])
            return stream.read(min(length, _LONGEST)).rstrip(b"\0 ")
    return b""
