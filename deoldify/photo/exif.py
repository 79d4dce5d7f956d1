"""EXIF blocks: read, packed, cut to what a JPEG holds, and labelled; the tags themselves are ``metadata``'s."""

from __future__ import annotations

import io
import struct

from deoldify.photo.faults import warn
from deoldify.photo.metadata import (
    NESTED,
    Directory,
    Entry,
    Kind,
    Layout,
    Tag,
    append_directory,
    read_directory,
    resolution,
)


def parse_exif(exif: bytes | None) -> tuple[str, Directory]:
    """Byte order and first directory of an EXIF block; an empty directory where there is none to be read.

    Args:
        exif: a TIFF structure, with or without the "Exif" prefix.
    """
    block = (exif or b"").removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if order is None:
        return "<", {}
    try:
        return order, read_directory(io.BytesIO(block), struct.unpack_from(order + "I", block, 4)[0], Layout(order))
    except struct.error:
        warn("EXIF that cannot be read is left out")
        return "<", {}


def pack_exif(directory: Directory, order: str) -> bytes:
    """An EXIF block, without the "Exif" prefix, of one directory and those that it points to.

    A maker note stays at the offset where it was: makers count offsets inside it from the start of the block.
    """
    out = bytearray(b"II*\0" if order == "<" else b"MM\0*") + bytes(4)
    exif = directory.get(Tag.EXIF_IFD)
    note = exif.nested.get(Tag.MAKER_NOTE) if exif is not None and exif.nested else None
    if note is not None and 8 <= note.offset < 32768 and len(note.data) > 4:
        out += bytes(note.offset - len(out)) + note.data
        out += bytes(len(out) % 2)
    else:
        note = None
    struct.pack_into(order + "I", out, 4, append_directory(out, 0, directory, Layout(order), note))
    return bytes(out)


def resolution_of_exif(exif: bytes | None) -> tuple[float, float] | None:
    """``resolution`` of an EXIF block."""
    order, directory = parse_exif(exif)
    return resolution(directory, order)


_KEPT_LONGEST = frozenset(
    {Tag.PROCESSING_SOFTWARE, Tag.IMAGE_DESCRIPTION, Tag.ORIENTATION, Tag.X_RESOLUTION, Tag.Y_RESOLUTION,
     Tag.RESOLUTION_UNIT, Tag.SOFTWARE, 306, 315, 33432, *NESTED}
)  # fmt: skip


def fitting_exif(exif: bytes, limit: int) -> bytes:
    """EXIF of at most ``limit`` bytes, as a JPEG holds it: without the largest tags where it had more."""
    if len(exif) <= limit:
        return exif
    order, directory = parse_exif(exif)
    tables = [directory, *(entry.nested for entry in directory.values() if entry.nested)]
    size = {
        (index, tag): 12 + (len(entry.data) + len(entry.data) % 2 if len(entry.data) > 4 else 0)
        for index, table in enumerate(tables)
        for tag, entry in table.items()
    }
    largest = sorted(size, key=lambda at: (at[1] in _KEPT_LONGEST, -size[at], -at[1]))
    removed, whole = 0, len(exif)
    for index, tag in largest:
        if whole <= limit and len(exif := pack_exif(directory, order)) <= limit:
            break
        del tables[index][tag]
        removed, whole = removed + 1, whole - size[index, tag]
    warn(f"{removed} tags do not fit into a JPEG and are left out")
    return exif if len(exif) <= limit else pack_exif({}, order)


def label_exif(exif: bytes | None, label: str) -> bytes:
    """EXIF with ``label`` added to ProcessingSoftware, and as Software where there was none."""
    order, directory = parse_exif(exif)
    text = label.encode() + b"\0"
    earlier = directory.get(Tag.PROCESSING_SOFTWARE)
    if earlier is not None and earlier.kind == Kind.ASCII and (before := earlier.data.rstrip(b"\0 ")):
        text = before + b"\0" if label.encode() in before else before + b"; " + text
    directory[Tag.PROCESSING_SOFTWARE] = Entry(Kind.ASCII, len(text), text)
    software = directory.get(Tag.SOFTWARE)
    if software is None or not software.data.strip(b"\0 "):
        directory[Tag.SOFTWARE] = Entry(Kind.ASCII, len(label.encode()) + 1, label.encode() + b"\0")
    return pack_exif(directory, order)
