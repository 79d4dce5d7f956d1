"""Saving a photograph, in the format that the file's name asks for, with everything that format can hold.

Pillow encodes what has eight bits a sample; PNG goes through imagecodecs (libpng) and TIFF through tifffile, at the
photo's own depth. Metadata travels as the bytes of the source, see `deoldify.photo.metadata`.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from PIL import Image

from deoldify.errors import PhotoError
from deoldify.photo import metadata, xmp
from deoldify.photo.exif import fitting_exif, label_exif, pack_exif, parse_exif
from deoldify.photo.faults import saving, shown, warn
from deoldify.photo.jpeg import EXTENDED_PREFIX, XMP_PREFIX
from deoldify.photo.labels import WITHOUT_ROOM, write_record
from deoldify.photo.partial import partial_file
from deoldify.photo.photo import Photo
from deoldify.photo.photoshop import PHOTOSHOP_PREFIX, iptc_of
from deoldify.photo.png import texts_of, write_png
from deoldify.photo.samples import bands, to_8_bits
from deoldify.photo.tiff_writing import write_tiff

_SEGMENT = 65533  # bytes that one JPEG marker can hold
_LARGEST_PROFILE = 255 * (_SEGMENT - 14)
_XMP_ROOM = _SEGMENT - len(XMP_PREFIX)
_EXTENDED_PIECE = 65_000
_EXIF_PREFIX = b"Exif\0\0"
_FINE_TABLE_SUM = 738  # of the 64 luma divisors: about quality 90, where the standard table for 50 sums to 3688


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


class _Unnumbered:
    """A stream that hides its file descriptor: Pillow would write to that itself and not notice that a disk is full."""

    def __init__(self, stream: BinaryIO) -> None:
        self.write, self.seek, self.tell, self.flush = stream.write, stream.seek, stream.tell, stream.flush

    @property
    def file(self) -> BinaryIO:
        """The same, as Pillow calls it."""
        return cast(BinaryIO, self)


def _write_jpeg(photo: Photo, stream: BinaryIO) -> None:
    options: dict[str, Any] = {"quality": 95, "subsampling": 0}
    source = photo.jpeg
    if source is not None and source.tables and sum(source.tables[0]) <= _FINE_TABLE_SUM:
        # Pillow takes tables only without a quality of its own.
        options = {"qtables": [list(table) for table in source.tables[:2]], "subsampling": source.subsampling}
    if source is not None and source.progressive:
        options["progressive"] = True
    if photo.exif:
        options["exif"] = _EXIF_PREFIX + fitting_exif(_without_iptc(photo.exif), _SEGMENT - len(_EXIF_PREFIX))
    extra = _xmp_segments(photo.xmp) if photo.xmp else b""
    room = _SEGMENT - len(PHOTOSHOP_PREFIX)
    for at in range(0, len(photo.photoshop or b""), room):
        extra += _segment(0xED, PHOTOSHOP_PREFIX + (photo.photoshop or b"")[at : at + room])
    dpi = photo.dpi if photo.dpi and min(photo.dpi) > 0.5 and max(photo.dpi) < 65535 else None
    for at in range(0, len(photo.comment or b""), _SEGMENT):
        extra += _segment(0xFE, (photo.comment or b"")[at : at + _SEGMENT])
    profile = photo.icc_profile
    if len(profile or b"") > _LARGEST_PROFILE:
        warn("its ICC profile does not fit into a JPEG and is left out")
        profile = None
    kept = {"icc_profile": profile, "dpi": dpi, "extra": extra}
    given = {key: value for key, value in kept.items() if value}
    _flattened(photo).save(_Unnumbered(stream).file, "JPEG", **options, **given)


def _segment(marker: int, data: bytes) -> bytes:
    return b"\xff" + bytes((marker,)) + struct.pack(">H", len(data) + 2) + data


def _without_iptc(exif: bytes) -> bytes:
    """EXIF without what a JPEG keeps among Photoshop's resources."""
    order, directory = parse_exif(exif)
    return pack_exif(directory, order) if directory.pop(metadata.Tag.IPTC, None) is not None else exif


def _xmp_segments(packet: bytes) -> bytes:
    """A packet as a JPEG keeps it: in one segment, or the longest properties in an extended packet of several."""
    if len(packet) <= _XMP_ROOM:
        return _segment(0xE1, XMP_PREFIX + packet)
    parts = xmp.split(packet, _XMP_ROOM)
    if parts is None:
        warn(f"XMP of {len(packet)} bytes does not fit into a JPEG and is left out")
        return b""
    standard, guid, extended = parts
    segments = _segment(0xE1, XMP_PREFIX + standard)
    for at in range(0, len(extended), _EXTENDED_PIECE):
        head = EXTENDED_PREFIX + guid + struct.pack(">II", len(extended), at)
        segments += _segment(0xE1, head + extended[at : at + _EXTENDED_PIECE])
    return segments


def _write_webp(photo: Photo, stream: BinaryIO) -> None:
    image = Image.fromarray(to_8_bits(photo.pixels))
    if photo.alpha is not None:
        image.putalpha(Image.fromarray(to_8_bits(photo.alpha)))
    order, directory = parse_exif(photo.exif)
    # A WebP has no other place for resolution, captions and comments.
    metadata.set_resolution(directory, order, photo.dpi)
    iptc = iptc_of(photo.photoshop)
    if iptc:
        directory.setdefault(metadata.Tag.IPTC, metadata.Entry(metadata.Kind.UNDEFINED, len(iptc), iptc))
    if photo.comment:
        text = photo.comment.rstrip(b"\0") + b"\0"
        description = metadata.Entry(metadata.Kind.ASCII, len(text), text)
        directory.setdefault(metadata.Tag.IMAGE_DESCRIPTION, description)
    kept = {
        "exif": pack_exif(directory, order) if directory else None,
        "icc_profile": photo.icc_profile,
        "xmp": photo.xmp,
    }
    # WebP halves the resolution of colour; its sharp conversion keeps edges from bleeding for that.
    options: dict[str, Any] = {"lossless": True, "exact": True} if photo.lossless else {"use_sharp_yuv": True}
    given = {key: value for key, value in kept.items() if value}
    image.save(_Unnumbered(stream).file, "WEBP", quality=95, **options, **given)


def _write_bmp(photo: Photo, stream: BinaryIO) -> None:
    _flattened(photo).save(_Unnumbered(stream).file, "BMP", dpi=photo.dpi or (96, 96))


def _write_one_tiff(photo: Photo, stream: BinaryIO) -> None:
    write_tiff((photo,), stream)


Ready = Callable[[BinaryIO], object]
"""Is told of a file that is complete and about to appear."""

_Writer = Callable[[Photo, BinaryIO], None]
_JPEG_SUFFIXES, PAGED_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif"), (".tif", ".tiff")
_WRITERS: dict[str, _Writer] = {
    **dict.fromkeys(_JPEG_SUFFIXES, _write_jpeg),
    ".png": write_png,
    **dict.fromkeys(PAGED_SUFFIXES, _write_one_tiff),
    ".webp": _write_webp,
    ".bmp": _write_bmp,
}
WRITABLE_SUFFIXES: Sequence[str] = tuple(_WRITERS)
"""Suffixes that ``save_photo`` knows."""

_LONGEST_SIDES = {**dict.fromkeys(_JPEG_SUFFIXES, ("JPEG", 65535)), ".webp": ("WebP", 16383)}


def save_photo(
    photo: Photo,
    path: str | os.PathLike[str],
    *,
    label: str | None = None,
    stamp: str | None = None,
    modified: int | None = None,
    ready: Ready | None = None,
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
            record beside a format that holds no tags.
        modified: nanoseconds since 1970, the date of the file; None leaves it at now.
        ready: is called with the whole file, open for reading, before it appears; where it raises, nothing appears.

    Raises:
        PhotoError: the suffix is unknown, the folder is missing, the format cannot hold the photo, or the disk refuses.
    """
    suffix, target = Path(path).suffix.lower(), Path(os.path.realpath(path))
    with saving(path):
        _check_savable(photo, Path(path))
        with partial_file(target, modified=modified) as stream:
            _WRITERS[suffix](_labelled(photo, label, stamp, suffix), stream)
            if stamp and suffix in WITHOUT_ROOM:
                write_record(target, stream, stamp)
            if ready is not None:
                ready(stream)


def save_pages(
    photos: Iterable[Photo],
    path: str | os.PathLike[str],
    *,
    label: str | None = None,
    stamp: str | None = None,
    modified: int | None = None,
    ready: Ready | None = None,
) -> None:
    """Save several photographs as the pages of one TIFF, each as ``save_photo`` would; it appears whole or not at all.

    Args:
        photos: one or more. They are taken one after the other, so that no two need be in memory at once; the
            ``pages`` of the first tells how many are to be expected.
        path: where to; an existing file is replaced.
        label: of each page, see ``save_photo``.
        stamp: of each page, see ``save_photo``.
        modified: the file's date, see ``save_photo``.
        ready: see ``save_photo``.

    Raises:
        PhotoError: ``path`` does not end in .tif or .tiff, and what ``save_photo`` raises. What taking a photo raises
            goes through.
    """
    suffix = Path(path).suffix.lower()

    def labelled() -> Iterator[Photo]:
        for photo in photos:
            yield _labelled(photo, label, stamp, suffix)

    with saving(path):
        _check_paged(Path(path))
        _check_path(Path(path))
        with partial_file(Path(os.path.realpath(path)), modified=modified) as stream:
            write_tiff(labelled(), stream)
            if ready is not None:
                ready(stream)


def check_savable(photo: Photo, path: str | os.PathLike[str], *, several: bool = False) -> None:
    """Say before the work on a photo what would keep its result from being saved there.

    Args:
        photo: of the size that the result will have.
        path: where it is to be saved.
        several: whether further pages are to be saved with it, see ``save_pages``.

    Raises:
        PhotoError: the suffix is unknown or not one of several pages, the folder is missing, or the format cannot hold
            a photo of that size.
    """
    with saving(path):
        _check_savable(photo, Path(path))
        if several:
            _check_paged(Path(path))


def _check_savable(photo: Photo, path: Path) -> None:
    _check_path(path)
    kind, longest = _LONGEST_SIDES.get(path.suffix.lower(), ("", 0))
    if longest and max(photo.width, photo.height) > longest:
        raise PhotoError(
            f"a {kind} holds at most {longest} pixels a side and this photo has {photo.width} × {photo.height}: "
            "save it as PNG or TIFF"
        )


def _check_paged(path: Path) -> None:
    if path.suffix.lower() not in PAGED_SUFFIXES:
        raise PhotoError("several pages need a name that ends in .tif or .tiff")


def _check_path(path: Path) -> None:
    target = Path(os.path.realpath(path))
    if path.suffix.lower() not in _WRITERS:
        raise PhotoError(f"the name must end in one of {', '.join(WRITABLE_SUFFIXES)}")
    if not target.parent.is_dir():
        raise PhotoError(f"there is no folder {shown(target.parent)}")
    if target.is_dir():
        raise PhotoError("it is a folder")


def _labelled(photo: Photo, label: str | None, stamp: str | None, suffix: str) -> Photo:
    if suffix != ".png" and photo.comment is None and photo.png_chunks:
        photo = replace(photo, comment=texts_of(photo.png_chunks))
    if label:
        # A packet that a JPEG holds in one segment is not to be parted for the label's sake; the EXIF has it, too.
        fits = suffix in _JPEG_SUFFIXES and len(photo.xmp or b"") <= _XMP_ROOM
        packet = xmp.labelled(photo.xmp, _XMP_ROOM if fits else None)
        photo = replace(photo, exif=label_exif(photo.exif, label), xmp=packet)
    return replace(photo, exif=label_exif(photo.exif, stamp)) if stamp else photo
