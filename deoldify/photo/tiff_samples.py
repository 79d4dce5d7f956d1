"""The samples of a page of a TIFF. tifffile decodes plain ones and fax at any depth; palettes and JPEG inside a TIFF
are left to libtiff, by way of Pillow; CIELAB and YCbCr are turned into RGB here."""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import cast

import imagecodecs
import numpy as np
import PIL
import tifffile
from PIL import TiffImagePlugin

from deoldify.errors import PhotoError
from deoldify.photo.colours import lab_to_rgb, ycbcr_to_rgb
from deoldify.photo.faults import damaged, unreadable
from deoldify.photo.metadata import Directory, Layout, numbers
from deoldify.photo.samples import (
    Array,
    Samples,
    Space,
    from_float,
    samples_of,
    srgb_profile,
    to_whole_range,
    unpremultiplied,
)
from deoldify.photo.tiff_pages import Storage

_GREY_WHITE_0, _GREY, _RGB, _CMYK, _YCBCR, _CIELAB, _ICCLAB = 0, 1, 2, 5, 6, 8, 9
_JPEGS = (6, 7)
_COMPRESSIONS = frozenset({1, 5, 8, 32773, 32946, 34925, 50000})
"""What tifffile undoes into no more bytes than the page can have: none, LZW, Deflate, PackBits, LZMA, Zstandard."""
_BILEVEL = _COMPRESSIONS | {2, 3, 4}
"""Fax among them: libtiff prints a line for each row that is damaged, and there may be millions."""
_PILLOWS = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946, 34925, 50000})
_PHOTOMETRICS = {3: "a palette", 4: "a mask", 10: "ITU L*a*b*", 32803: "a camera's colour filter", 32844: "LogL",
                 32845: "LogLuv", 34892: "linear raw"}  # fmt: skip


@cache
def _quieten_libtiff() -> None:
    """Keep the libtiff that comes with Pillow from writing to stderr what is wrong with a file: the door says that."""
    for pattern in ("pillow.libs/libtiff*", "PIL/.dylibs/libtiff*"):
        for path in Path(PIL.__file__).parents[1].glob(pattern):
            with contextlib.suppress(OSError, AttributeError):
                ctypes.CDLL(str(path)).TIFFSetErrorHandler(None)


def read_samples(storage: Storage, directory: Directory, layout: Layout) -> Samples:
    """Decode a page.

    Raises:
        PhotoError: it is damaged, or of a kind that cannot be read; the message goes on after the name of the file.
    """
    photometric, compression, bits = storage.photometric, storage.compression, storage.bits
    if photometric in (_GREY_WHITE_0, _GREY, _RGB, _CMYK) and bits >= 8 and compression in _COMPRESSIONS:
        return _plain(storage)
    if photometric in (_CIELAB, _ICCLAB) and bits in (8, 16) and compression in _COMPRESSIONS:
        return _lab(storage)
    if photometric == _YCBCR and bits in (8, 16) and compression in _COMPRESSIONS:
        return _ycbcr(storage, directory, layout)
    if photometric in (_GREY_WHITE_0, _GREY) and bits == 1 and storage.samples == 1 and compression in _BILEVEL:
        return _bilevel(storage)
    few = photometric in (0, 1, 3) and bits <= 8 and compression in _PILLOWS
    if few or (compression in _JPEGS and photometric in (_RGB, _CMYK, _YCBCR) and bits == 8):
        return _by_pillow(storage)
    if compression not in _PILLOWS:
        raise unreadable(f"a TIFF with compression {compression}")
    colours = _PHOTOMETRICS.get(photometric, f"colours of kind {photometric}")
    raise unreadable(f"a TIFF with {colours}, {bits} bits a sample, compression {compression}")


def _bilevel(storage: Storage) -> Samples:
    white = _decoded(storage)[..., 0].astype(bool)
    if storage.photometric == _GREY_WHITE_0:
        white = ~white
    return Samples(white.astype(np.uint8) * np.uint8(255), "grey")


def _by_pillow(storage: Storage) -> Samples:
    _quieten_libtiff()
    try:
        image = TiffImagePlugin.TiffImageFile(storage.file.file)
    except (SyntaxError, KeyError) as error:
        raise unreadable(f"a TIFF with {storage.samples} samples of {storage.bits} bits: {error}") from error
    return samples_of(image)


def _decoded(storage: Storage) -> Array:
    """(H, W, samples) as stored, all of a page."""
    with tifffile.TiffFile(storage.file.file) as tiff:
        page = tiff.pages.first
        if page.dtype is None:
            raise unreadable(f"a TIFF with samples of {storage.bits} bits")
        values: Array = page.asarray()
        axes = page.axes
    if axes == "SYX":
        values = np.moveaxis(values, 0, -1)
    elif axes not in ("YX", "YXS"):
        raise unreadable(f"a TIFF with axes {axes}")
    return values[..., None] if values.ndim == 2 else values


def _plain(storage: Storage) -> Samples:
    values, bits = _decoded(storage), storage.bits
    if values.dtype.kind == "f":
        values, bits = from_float(values), 16
    elif values.dtype not in (np.uint8, np.uint16):
        raise PhotoError(f"has {values.dtype} samples, which have no known white: convert it to 16 bits")
    if 8 < bits < 16:
        values, bits = to_whole_range(values, bits), 16
    white = (1 << bits) - 1
    spaces: dict[int, tuple[Space, int]] = {_RGB: ("rgb", 3), _CMYK: ("cmyk", 4)}
    space, channels = spaces.get(storage.photometric, ("grey", 1))
    colours, alpha = _without_extra(values, channels, storage, white)
    if storage.photometric == _GREY_WHITE_0:
        colours = white - colours
    return Samples(colours[..., 0] if channels == 1 else colours, space, alpha)


def _without_extra(values: Array, channels: int, storage: Storage, white: int) -> tuple[Array, Array | None]:
    if values.shape[2] < channels:
        raise damaged(f"{values.shape[2]} channels are too few")
    alpha = None
    if values.shape[2] > channels and storage.extra[:1] in ((1,), (2,)):
        alpha = np.ascontiguousarray(values[..., channels])
    colours = values[..., :channels]
    if alpha is not None and storage.extra[0] == 1:
        colours = unpremultiplied(colours, alpha, white)
    return colours, alpha


def _lab(storage: Storage) -> Samples:
    values = _decoded(storage)
    if values.dtype.kind == "i":  # some writers call a* and b* signed, and L* with them
        values = values.view(values.dtype.str.replace("i", "u"))
    if values.dtype not in (np.uint8, np.uint16):
        raise unreadable(f"a TIFF with CIELAB in {values.dtype}")
    if values.shape[2] < 3 and storage.photometric == _CIELAB:
        values = np.dstack((values[..., 0], np.zeros((*values.shape[:2], 2), values.dtype)))  # L* alone
    colours, alpha = _without_extra(values, 3, replace(storage, extra=storage.extra and (2,)), 0)
    rgb = lab_to_rgb(colours, icc=storage.photometric == _ICCLAB)
    return Samples(rgb, "rgb", alpha, icc=srgb_profile())


_DECOMPRESSORS: dict[int, Callable[[bytes, int], bytes]] = {
    1: lambda data, size: data,
    5: lambda data, size: cast(bytes, imagecodecs.lzw_decode(data, out=size)),
    8: lambda data, size: cast(bytes, imagecodecs.zlib_decode(data, out=size)),
    32773: lambda data, size: cast(bytes, imagecodecs.packbits_decode(data, out=size)),
    32946: lambda data, size: cast(bytes, imagecodecs.zlib_decode(data, out=size)),
    50000: lambda data, size: cast(bytes, imagecodecs.zstd_decode(data, out=size)),
}


def _ycbcr(storage: Storage, directory: Directory, layout: Layout) -> Samples:
    across, down = storage.subsampling
    if (across, down) == (1, 1) or storage.planar:
        if storage.planar and (across, down) != (1, 1):
            raise unreadable("a TIFF with subsampled chroma in planes")
        values = _decoded(storage)[..., :3]
    else:
        values = _unpacked(storage)
    if values.shape[2] < 3 or values.dtype not in (np.uint8, np.uint16):
        raise unreadable(f"a TIFF with YCbCr in {values.shape[2]} samples of {values.dtype}")
    weights = _fractions(directory, 529, layout) or [0.299, 0.587, 0.114]
    white = float(np.iinfo(values.dtype).max)
    half = (white + 1) / 2
    reference = _fractions(directory, 532, layout) or [0, white, half, white, half, white]
    if len(weights) != 3 or len(reference) != 6 or not weights[1]:
        raise damaged("its YCbCr has no known white")
    return Samples(ycbcr_to_rgb(values, weights, reference), "rgb")


def _fractions(directory: Directory, tag: int, layout: Layout) -> list[float]:
    entry = directory.get(tag)
    if entry is None:
        return []
    if entry.kind != 5:
        return [float(value) for value in numbers(entry, layout.order)]
    pairs = np.frombuffer(entry.data, layout.order + "u4", len(entry.data) // 8 * 2).reshape(-1, 2)
    return [float(top) / float(bottom) if bottom else 0.0 for top, bottom in pairs]


def _unpacked(storage: Storage) -> Array:
    """Chroma that pixels share, given to each of them: (H, W, 3) of strips whose blocks hold Y, Y, …, Cb, Cr."""
    across, down = storage.subsampling
    if storage.bits != 8 or not storage.rows or storage.samples != 3 or storage.compression not in _DECOMPRESSORS:
        raise unreadable("a TIFF with subsampled chroma in tiles or in 16 bits")
    blocks, block = -(-storage.width // across), across * down + 2
    values = np.empty((storage.height, storage.width, 3), np.uint8)
    for index, (offset, length) in enumerate(storage.segments):
        top = index * storage.rows
        rows = min(storage.rows, storage.height - top)
        size = -(-rows // down) * blocks * block
        storage.file.seek(offset)
        data = _DECOMPRESSORS[storage.compression](storage.file.read(length) or b"", size)
        if len(data) < size:
            raise damaged("a strip is too short")
        packed = np.frombuffer(data, np.uint8, size).reshape(-1, blocks, block)
        luma = packed[..., :-2].reshape(-1, blocks, down, across).swapaxes(1, 2).reshape(-1, blocks * across)
        chroma = packed[..., -2:].repeat(down, 0).repeat(across, 1)
        values[top : top + rows, :, 0] = luma[:rows, : storage.width]
        values[top : top + rows, :, 1:] = chroma[:rows, : storage.width]
    return values
