"""What Pillow does not tell of WebP, AVIF and BMP, or tells at the price of reading their EXIF."""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

import imagecodecs
import numpy as np
from PIL import AvifImagePlugin

from deoldify.photo.faults import unreadable
from deoldify.photo.samples import Samples

_MOST_BLOCKS = 200_000
_MOST_IN_RUNS, _WIDEST_IN_RUNS = 32_000_000, 100_000
"""Pixels of a BMP that is packed by runs, which Pillow unpacks in Python, and of a row of it, of which it skips 255."""


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


def samples_of_webp(stream: BinaryIO) -> Samples:
    """The picture of a WebP that is no animation, in a quarter of the memory of Pillow's decoder."""
    stream.seek(0)
    values = imagecodecs.webp_decode(stream.read())
    alpha = np.ascontiguousarray(values[..., 3]) if values.shape[2] == 4 else None
    return Samples(np.ascontiguousarray(values[..., :3]), "rgb", alpha)


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


def check_bmp(stream: BinaryIO) -> None:
    """Refuse a BMP that cannot be decoded, or not with bounds, by its header.

    Raises:
        PhotoError: that is so; the message goes on after its name.
    """
    stream.seek(14)
    head = stream.read(20)
    if len(head) < 20 or struct.unpack_from("<I", head)[0] < 40:
        return  # of OS/2, where nothing is packed
    _, width, height, _, _, packing = struct.unpack("<IiiHHI", head)
    if packing in (4, 5):
        raise unreadable("a BMP that holds a JPEG or a PNG")
    if packing in (1, 2) and (abs(width) > _WIDEST_IN_RUNS or abs(width * height) > _MOST_IN_RUNS):
        raise unreadable(f"a BMP packed by runs, of more than {_MOST_IN_RUNS / 1e6:g} megapixels")
