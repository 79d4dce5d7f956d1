"""Saving a photograph, in the format that the file's name asks for, with everything that format can hold.

Pillow encodes what has eight bits a sample; PNG goes through imagecodecs (libpng) and TIFF through tifffile, at the
photo's own depth. Metadata travels as the bytes of the source, see `deoldify.photo.metadata`.
"""

from __future__ import annotations

import logging
import os
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import imagecodecs
import numpy as np
from PIL import Image

from deoldify.errors import PhotoError
from deoldify.photo import metadata
from deoldify.photo.labels import WITHOUT_ROOM, write_record
from deoldify.photo.partial import partial_file
from deoldify.photo.photo import Photo
from deoldify.photo.samples import bands, to_8_bits
from deoldify.photo.tiff import write_tiff

_log = logging.getLogger(__name__)

_SEGMENT = 65533  # bytes that one JPEG marker can hold
_XMP_PREFIX_LENGTH = 29
_FINE_TABLE_SUM = 738  # of the 64 luma divisors: about quality 90, where the standard table for 50 sums to 3688


def _write_png(photo: Photo, stream: BinaryIO) -> None:
    values = photo.pixels if photo.alpha is None else np.dstack((photo.pixels, photo.alpha))
    # NumPy calls an array contiguous whatever the stride of an axis of length 1; imagecodecs looks at all strides.
    values = values.copy() if 1 in values.shape else np.ascontiguousarray(values)
    encoded = memoryview(imagecodecs.png_encode(values, level=6))
    del values
    end_of_header = 8 + 25  # signature, IHDR
    stream.write(encoded[:end_of_header])

    def write_chunk(kind: bytes, data: bytes) -> None:
        stream.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))

    for kind, data in photo.png_chunks:
        write_chunk(kind, data)
    if photo.icc_profile:
        write_chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(photo.icc_profile))
    if photo.dpi:
        write_chunk(b"pHYs", struct.pack(">IIB", *(round(dots / 0.0254) for dots in photo.dpi), 1))
    if photo.exif:
        write_chunk(b"eXIf", photo.exif)
    if photo.xmp:
        write_chunk(b"iTXt", metadata.PNG_XMP + b"\0\0\0\0" + photo.xmp)
    stream.write(encoded[end_of_header:])


def _flattened(photo: Photo) -> Image.Image:
    """Return the photo without alpha, on white, at eight bits."""
    if photo.alpha is None:
        return Image.fromarray(to_8_bits(photo.pixels))
    white = np.iinfo(photo.pixels.dtype).max
    out = np.empty(photo.pixels.shape, np.uint8)
    for band in bands(out):
        cover = photo.alpha[band, :, None].astype(np.float64) / white
        out[band] = np.rint((photo.pixels[band] * cover + white * (1 - cover)) * (255 / white))
    return Image.fromarray(out)


def _check_side(photo: Photo, limit: int, kind: str) -> None:
    if max(photo.width, photo.height) > limit:
        raise PhotoError(
            f"a {kind} holds at most {limit} pixels a side and this photo has {photo.width} × {photo.height}: "
            "save it as PNG or TIFF"
        )


def _write_jpeg(photo: Photo, stream: BinaryIO) -> None:
    _check_side(photo, 65535, "JPEG")
    options: dict[str, Any] = {"quality": 95, "subsampling": 0}
    source = photo.jpeg
    if source is not None and source.tables and sum(source.tables[0]) <= _FINE_TABLE_SUM:
        # Pillow takes tables only without a quality of its own.
        options = {"qtables": [list(table) for table in source.tables[:2]], "subsampling": source.subsampling}
    if source is not None and source.progressive:
        options["progressive"] = True
    if photo.exif:
        options["exif"] = b"Exif\0\0" + metadata.fitting_exif(photo.exif, _SEGMENT - 6)
    if photo.xmp and len(photo.xmp) > _SEGMENT - _XMP_PREFIX_LENGTH:
        _log.warning("XMP of %d bytes does not fit into a JPEG and is left out", len(photo.xmp))
    elif photo.xmp:
        options["xmp"] = photo.xmp
    room = _SEGMENT - len(metadata.PHOTOSHOP_PREFIX)
    extra = b""
    for at in range(0, len(photo.photoshop or b""), room):
        segment = metadata.PHOTOSHOP_PREFIX + (photo.photoshop or b"")[at : at + room]
        extra += b"\xff\xed" + struct.pack(">H", len(segment) + 2) + segment
    kept = {"icc_profile": photo.icc_profile, "dpi": photo.dpi, "comment": photo.comment, "extra": extra}
    _flattened(photo).save(stream, "JPEG", **options, **{key: value for key, value in kept.items() if value})


def _write_webp(photo: Photo, stream: BinaryIO) -> None:
    _check_side(photo, 16383, "WebP")
    image = Image.fromarray(to_8_bits(photo.pixels))
    if photo.alpha is not None:
        image.putalpha(Image.fromarray(to_8_bits(photo.alpha)))
    order, directory = metadata.parse_exif(photo.exif)
    metadata.set_resolution(directory, order, photo.dpi)  # a WebP has no other place for it
    kept = {
        "exif": metadata.pack_exif(directory, order) if directory else None,
        "icc_profile": photo.icc_profile,
        "xmp": photo.xmp,
    }
    # WebP halves the resolution of colour; its sharp conversion keeps edges from bleeding for that.
    options: dict[str, Any] = {"lossless": True, "exact": True} if photo.lossless else {"use_sharp_yuv": True}
    image.save(stream, "WEBP", quality=95, **options, **{key: value for key, value in kept.items() if value})


def _write_bmp(photo: Photo, stream: BinaryIO) -> None:
    _flattened(photo).save(stream, "BMP", dpi=photo.dpi or (96, 96))


_Writer = Callable[[Photo, BinaryIO], None]
_WRITERS: dict[str, _Writer] = {
    ".jpg": _write_jpeg,
    ".jpeg": _write_jpeg,
    ".jpe": _write_jpeg,
    ".jfif": _write_jpeg,
    ".png": _write_png,
    ".tif": write_tiff,
    ".tiff": write_tiff,
    ".webp": _write_webp,
    ".bmp": _write_bmp,
}
WRITABLE_SUFFIXES: Sequence[str] = tuple(_WRITERS)
"""Suffixes that ``save_photo`` knows."""

PAGED_SUFFIXES: Sequence[str] = (".tif", ".tiff")
"""Those of them whose files hold several pages."""


def save_photo(
    photo: Photo,
    path: str | os.PathLike[str],
    *,
    label: str | None = None,
    stamp: str | None = None,
    modified: int | None = None,
) -> None:
    """Save a photograph in the format that the suffix of ``path`` names, with everything that format can hold.

    PNG and TIFF are written without loss at the photo's own depth. A JPEG is compressed as finely as the JPEG that it
    came from, at least at quality 95 without subsampling where that was coarse or no JPEG. JPEG, WebP and BMP round
    16 bits to 8; JPEG and BMP lay transparent parts on white. The file appears whole or not at all.

    Args:
        photo: what ``open_photo`` returned, or a copy with other pixels.
        path: where to; an existing file is replaced.
        label: what was done to the photo. It is added to the EXIF tag ProcessingSoftware (and is Software where there
            was none); the XMP names the IPTC digital source type of pictures that a trained model made in part. Nothing
            is drawn over the picture.
        stamp: more of that, for programs, which ``read_label`` gives back: added to ProcessingSoftware, or kept in a
            record beside formats that hold no tags.
        modified: nanoseconds since 1970, the date of the file; None leaves it at now.

    Raises:
        PhotoError: the suffix is unknown, the folder is missing, the format cannot hold the photo, or the disk refuses.
    """
    target = _target(path)
    suffix = Path(path).suffix.lower()
    photo = _labelled(photo, label, stamp)
    with _told(path), partial_file(target, modified=modified) as stream:
        _WRITERS[suffix](photo, stream)
        if stamp and suffix in WITHOUT_ROOM:
            write_record(target, stream, stamp)


@contextmanager
def saving_pages(
    path: str | os.PathLike[str],
    *,
    count: int,
    stamp: str | None = None,
    modified: int | None = None,
) -> Iterator[Callable[[Photo, str | None], None]]:
    """Save photographs as the pages of one TIFF, one at a time; it appears when the block ends, and not if that raises.

    Args:
        path: where to; its suffix must be a TIFF's.
        count: how many pages there are going to be.
        stamp: of each, see ``save_photo``.
        modified: the file's date, see ``save_photo``.

    Yields:
        what adds a page, given its photo and its label.

    Raises:
        PhotoError: as ``save_photo`` does, or the suffix is none of a TIFF.
    """
    target = _target(path)
    if Path(path).suffix.lower() not in PAGED_SUFFIXES:
        raise PhotoError(f"cannot save {path}: only a TIFF holds several pages; let the name end in .tif")
    begun = False

    try:
        with partial_file(target, modified=modified) as stream:

            def add(photo: Photo, label: str | None) -> None:
                nonlocal begun
                with _told(path):
                    write_tiff(_labelled(photo, label, stamp), stream, pages=count, more=begun)
                begun = True

            yield add
    except OSError as error:
        raise PhotoError(f"cannot save {path}: {error.strerror or error}") from error


def _target(path: str | os.PathLike[str]) -> Path:
    """The file that a path leads to."""
    target = Path(os.path.realpath(path))
    if Path(path).suffix.lower() not in _WRITERS:
        raise PhotoError(f"cannot save {path}: the name must end in one of {', '.join(WRITABLE_SUFFIXES)}")
    if not target.parent.is_dir():
        raise PhotoError(f"cannot save {path}: there is no folder {target.parent}")
    if target.is_dir():
        raise PhotoError(f"cannot save {path}: it is a folder")
    return target


def _labelled(photo: Photo, label: str | None, stamp: str | None) -> Photo:
    if label:
        photo = replace(photo, exif=metadata.label_exif(photo.exif, label), xmp=metadata.label_xmp(photo.xmp))
    return replace(photo, exif=metadata.label_exif(photo.exif, stamp)) if stamp else photo


@contextmanager
def _told(path: str | os.PathLike[str]) -> Iterator[None]:
    """Errors name the file."""
    try:
        yield
    except PhotoError as error:
        raise PhotoError(f"cannot save {path}: {error}") from None
    except OSError as error:
        raise PhotoError(f"cannot save {path}: {error.strerror or error}") from error
