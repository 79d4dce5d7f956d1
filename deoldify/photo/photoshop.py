"""Photoshop's image resources, in which JPEG and TIFF keep their IPTC captions, block by block.

A block is a signature, a number, a name, a length and data; see Adobe's "Photoshop File Formats Specification", image
resource blocks.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from deoldify.photo import xmp
from deoldify.photo.exif import pack_exif, parse_exif
from deoldify.photo.metadata import Tag

PHOTOSHOP_PREFIX = b"Photoshop 3.0\0"
"""What a JPEG's segments of Photoshop's image resources begin with."""

_SIGNATURES = (b"8BIM", b"MeSa", b"AgHg", b"PHUT", b"DCSR")
_IPTC = 1028
_THUMBNAILS = frozenset({1033, 1036})
_EXIF = frozenset({1058, 1059})
_XMP = 1060


def _blocks(resources: bytes) -> Iterator[tuple[int, bytes, bytes, bytes]]:
    """Number, header, data and all of each block, up to the first that is none."""
    at = 0
    while resources[at : at + 4] in _SIGNATURES and at + 7 <= len(resources):
        (number,) = struct.unpack_from(">H", resources, at + 4)
        data_at = at + 7 + resources[at + 6]
        data_at += (data_at - at) % 2
        if data_at + 4 > len(resources):
            return
        (length,) = struct.unpack_from(">I", resources, data_at)
        end = data_at + 4 + length
        if end > len(resources):
            return
        yield number, resources[at:data_at], resources[data_at + 4 : end], resources[at : end + length % 2]
        at = end + length % 2


def cleaned(resources: bytes | None) -> bytes | None:
    """Resources byte for byte, but for what shows or promises the old picture, and what follows a block that cannot be
    read: thumbnails are left out, and copies of EXIF and XMP are as those of an upright photo."""
    kept = list[bytes]()
    for number, header, data, whole in _blocks(resources or b""):
        if number in _EXIF or number == _XMP:
            new = _without_thumbnail(data) if number in _EXIF else xmp.cleaned(data)
            whole = header + _sized(xmp.upright(new) if number == _XMP else new) if new else b""
        kept += [] if number in _THUMBNAILS else [whole]
    return b"".join(kept) or None


def _without_thumbnail(exif: bytes) -> bytes | None:
    order, directory = parse_exif(exif)
    directory.pop(Tag.ORIENTATION, None)  # of a picture that may have been turned since
    return pack_exif(directory, order) if directory else None


def _sized(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data + bytes(len(data) % 2)


def iptc_of(resources: bytes | None) -> bytes | None:
    """The IPTC records among resources."""
    return next((data for number, _, data, _ in _blocks(resources or b"") if number == _IPTC and data), None)


def with_iptc(resources: bytes | None, iptc: bytes) -> bytes:
    """Resources that hold these IPTC records, unless they have some already."""
    if iptc_of(resources) is not None:
        return resources or b""
    return (resources or b"") + b"8BIM" + struct.pack(">HH", _IPTC, 0) + _sized(iptc)
