"""What a caller may have a photograph in, and the photograph of it."""

from __future__ import annotations

import io
import os
from typing import Any, BinaryIO, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from deoldify.photo.photo import Photo
from deoldify.photo.reading import open_photo

Source: TypeAlias = (
    Image.Image
    | Photo
    | str
    | os.PathLike[str]
    | bytes
    | bytearray
    | memoryview
    | BinaryIO
    | npt.NDArray[np.uint8]
    | npt.NDArray[np.uint16]
)
"""An image, the path or the content of a file, a binary stream, or pixels."""


def photo_of(source: Source) -> Photo:
    """Take a photograph from whatever a caller has it in.

    Args:
        source: a Pillow image of any mode, in the orientation that it has; the path of a file, its bytes, or a binary
            stream of them, which `open_photo` opens and turns upright; pixels, (H, W) grey, (H, W, 3) RGB or (H, W, 4)
            RGBA, uint8 or uint16; or a `Photo`, which is given back.

    Raises:
        TypeError: it is nothing of that.
        PhotoError: it is no photograph, or one that cannot be read.
    """
    if isinstance(source, Photo):
        return source
    if isinstance(source, Image.Image):
        return Photo.from_image(source)
    if isinstance(source, np.ndarray):
        return _photo_of_pixels(source)
    if isinstance(source, bytes | bytearray | memoryview):
        return open_photo(io.BytesIO(source))
    if isinstance(source, str | os.PathLike) or hasattr(source, "read"):
        return open_photo(source)
    raise _refused(f"a {type(source).__name__}")


def _photo_of_pixels(pixels: npt.NDArray[Any]) -> Photo:
    channels = pixels.shape[2] if pixels.ndim == 3 else 1 if pixels.ndim == 2 else 0
    if channels not in (1, 3, 4) or not pixels.size or pixels.dtype not in (np.uint8, np.uint16):
        raise _refused(f"an array {pixels.shape} of {pixels.dtype}")
    colours = pixels.reshape(*pixels.shape[:2], channels)[..., :3]
    return Photo(
        np.repeat(colours, 3, axis=-1) if channels == 1 else np.ascontiguousarray(colours),
        np.ascontiguousarray(pixels[..., 3]) if channels == 4 else None,
        was_grey=channels == 1,
    )


def _refused(what: str) -> TypeError:
    return TypeError(
        "a photograph must be a PIL image, a path, the bytes of a file, or a numpy array, (H, W), (H, W, 3) or "
        f"(H, W, 4) of uint8 or uint16, not {what}"
    )
