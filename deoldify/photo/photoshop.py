"""Photoshop's image resources, in which JPEG and TIFF keep their IPTC captions, block by block.

A block is a signature, a number, a name, a length and data; see Adobe's "Photoshop File Formats Specification", image
resource blocks.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

PHOTOSHOP_PREFIX = b"Photoshop 3.0\0"
"""What a JPEG's segments of Photoshop's image resources begin with."""

_SIGNATURES = (b"8BIM", b"MeSa", b"AgHg", b"PHUT", b"DCSR")
_IPTC = 1028
_THUMBNAILS = frozenset({1033, 1036})


def _blocks(resources: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """Number, start, end and data of each block, up to the first that is none."""
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
        yield number, at, min(end + length % 2, len(resources)), resources[data_at + 4 : end]
        at = end + length % 2


def without_thumbnails(resources: bytes | None) -> bytes | None:
    """Resources byte for byte, but for thumbnails, and for what follows a block that cannot be read."""
    kept = (
        resources[start:end] for number, start, end, _ in _blocks(resources or b"") if number not in _THUMBNAILS
    ) if resources else ()  # fmt: skip
    return b"".join(kept) or None


def iptc_of(resources: bytes | None) -> bytes | None:
    """The IPTC records among resources."""
    return next((data for number, _, _, data in _blocks(resources or b"") if number == _IPTC and data), None)


def with_iptc(resources: bytes | None, iptc: bytes) -> bytes:
    """Resources that hold these IPTC records, unless they have some already."""
    if iptc_of(resources) is not None:
        return resources or b""
    block = b"8BIM" + struct.pack(">HHI", _IPTC, 0, len(iptc)) + iptc + bytes(len(iptc) % 2)
    return (resources or b"") + block
