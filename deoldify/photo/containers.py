"""What Pillow does not tell of WebP, GIF and AVIF, or tells at the price of reading their EXIF."""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

from PIL import AvifImagePlugin

_MOST_BLOCKS = 200_000


class AvifFile(AvifImagePlugin.AvifImageFile):
    """An AVIF whose EXIF is left as it is: Pillow writes it anew, and fails over types that it does not expect.

    Attributes:
        orientation: 1 to 8, as the container has it, which alone counts.
    """

    def _open(self) -> None:
        assert self.fp is not None
        if not AvifImagePlugin.SUPPORTED:
            raise NotImplementedError("Pillow was built without AVIF")
        decoder = AvifImagePlugin._avif.AvifDecoder(  # type: ignore[attr-defined]
            self.fp.read(),
            AvifImagePlugin.DECODE_CODEC_CHOICE,
            AvifImagePlugin._get_default_max_threads(),
        )
        self._decoder = decoder
        self._size, self.n_frames, self._mode, icc, exif, self.orientation, xmp = decoder.get_info()
        self.is_animated = self.n_frames > 1
        self.info.update({"icc_profile": icc, "exif": exif, "xmp": xmp})
        self.seek(0)


def is_lossless_webp(stream: BinaryIO) -> bool:
    """Whether the picture of a WebP, or the first of an animation, is stored without loss."""
    size = stream.seek(0, os.SEEK_END)
    at = 12
    for _ in range(_MOST_BLOCKS):
        stream.seek(at)
        head = stream.read(8)
        if len(head) < 8 or at >= size:
            return False
        kind, length = head[:4], struct.unpack("<I", head[4:])[0]
        if kind in (b"VP8L", b"VP8 "):
            return kind == b"VP8L"
        # A frame holds chunks of its own behind 16 bytes.
        at += 24 if kind == b"ANMF" else 8 + length + length % 2
    return False


def frames_of_gif(stream: BinaryIO) -> int:
    """How many pictures a GIF has, counted without decoding one."""
    stream.seek(10)
    flags = stream.read(3)[:1]
    stream.seek(13 + _table(flags))
    frames = 0
    for _ in range(_MOST_BLOCKS):
        mark = stream.read(1)
        if mark == b",":
            frames += 1
            stream.seek(_table(stream.read(9)[8:]) + 1, os.SEEK_CUR)
        elif mark == b"!":
            stream.seek(1, os.SEEK_CUR)
        else:
            break
        for _ in range(_MOST_BLOCKS):
            length = stream.read(1)
            if length in (b"", b"\0"):
                break
            stream.seek(length[0], os.SEEK_CUR)
    return frames


def _table(flags: bytes) -> int:
    """Bytes of a table of colours."""
    return 3 << ((flags[0] & 7) + 1) if flags and flags[0] & 0x80 else 0
