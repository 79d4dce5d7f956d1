"""A page of a TIFF as a photo: its samples by whichever decoder knows them, its tags entry by entry."""

from __future__ import annotations

from typing import BinaryIO

from deoldify.errors import PhotoError
from deoldify.photo import metadata
from deoldify.photo.exif import pack_exif
from deoldify.photo.metadata import Tag
from deoldify.photo.photo import Photo
from deoldify.photo.photoshop import cleaned
from deoldify.photo.tiff_pages import layout_of, pages_of, storage_of
from deoldify.photo.tiff_samples import read_samples
from deoldify.photo.upright import upright_photo


def read_tiff(stream: BinaryIO, max_pixels: int, page: int = 0) -> Photo:
    """A page of a TIFF, and all of its tags that do not say how its pixels are stored.

    Raises:
        PhotoError: it is none that can be read, or has no such page; the message goes on after the name of the file.
    """
    layout, first = layout_of(stream)
    pages = pages_of(stream, layout, first)
    if page >= len(pages):
        raise PhotoError(f"has {len(pages)} pages, and no page {page + 1}")
    offset, stands_before = pages[page]
    directory = metadata.read_directory(stream, offset, layout)
    if 50706 in directory:
        raise PhotoError("is a camera's raw file: develop it to TIFF or JPEG first")
    storage = storage_of(stream, directory, layout, max_pixels)
    samples = read_samples(storage, directory, layout)
    if stands_before is not None:
        before = metadata.read_directory(stream, stands_before, layout)
        if 50706 in before:
            raise PhotoError("is a camera's raw file: develop it to TIFF or JPEG first")
        directory = {tag: entry for tag, entry in before.items() if tag not in metadata.STORAGE} | directory
    icc, xmp, photoshop = (
        directory.pop(tag).data.rstrip(b"\0" if tag == Tag.XMP else b"") or None if tag in directory else None
        for tag in (Tag.ICC_PROFILE, Tag.XMP, Tag.PHOTOSHOP)
    )
    dpi = metadata.resolution(directory, layout.order)
    dropped = metadata.STORAGE if samples.space == "rgb" else metadata.STORAGE | metadata.COLORIMETRY
    kept = {tag: entry for tag, entry in directory.items() if tag not in dropped}
    extras = {
        "format": "TIFF", "photoshop": cleaned(photoshop), "tiff_compression": storage.compression,
        "pages": len(pages),
    }  # fmt: skip
    exif = pack_exif(kept, layout.order) if kept else None
    return upright_photo(samples, icc, exif, xmp, dpi, extras)


def size_of_tiff(stream: BinaryIO) -> tuple[int, int]:
    """Width and height of the first page."""
    layout, first = layout_of(stream)
    directory = metadata.read_directory(stream, pages_of(stream, layout, first)[0][0], layout)
    width, height = (metadata.number(directory.get(tag), layout.order) for tag in (Tag.IMAGE_WIDTH, Tag.IMAGE_LENGTH))
    return width or 0, height or 0
