"""A photograph as a file: pixels as they are, everything that must survive, and the way back to disk.

In comes a path or a stream, out goes a `Photo`, its pixels (H, W, 3) RGB, uint8 or uint16, upright; and the other way
round. ``photo`` is the record, ``reading`` and ``writing`` know the formats, ``tiff`` the one that needs most;
``samples`` takes what was decoded to RGB, ``upright`` turns it, ``metadata`` carries tags and XMP byte by byte;
``sources`` takes a photo from whatever else a caller has it in, ``labels`` reads back what a result says of itself, and
``partial`` lets files appear whole or not at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deoldify.doors import handing_on

if TYPE_CHECKING:
    from deoldify.photo.faults import hearing, shown, working_on
    from deoldify.photo.labels import WITHOUT_ROOM, label_in, read_label
    from deoldify.photo.partial import locked, partial_file, sweep
    from deoldify.photo.photo import InColourError, JpegSettings, Photo, Render, Verdict
    from deoldify.photo.reading import MAX_PIXELS, READABLE_SUFFIXES, open_photo, pixels_in, size_in
    from deoldify.photo.samples import array_of
    from deoldify.photo.sources import Source, photo_of
    from deoldify.photo.writing import PAGED_SUFFIXES, WRITABLE_SUFFIXES, check_savable, save_pages, save_photo
else:
    __getattr__, __dir__ = handing_on(
        __name__,
        faults=("hearing", "shown", "working_on"),
        labels=("WITHOUT_ROOM", "label_in", "read_label"),
        partial=("locked", "partial_file", "sweep"),
        photo=("InColourError", "JpegSettings", "Photo", "Render", "Verdict"),
        reading=("MAX_PIXELS", "READABLE_SUFFIXES", "open_photo", "pixels_in", "size_in"),
        samples=("array_of",),
        sources=("Source", "photo_of"),
        writing=("PAGED_SUFFIXES", "WRITABLE_SUFFIXES", "check_savable", "save_pages", "save_photo"),
    )

__all__ = [
    "MAX_PIXELS",
    "PAGED_SUFFIXES",
    "READABLE_SUFFIXES",
    "WITHOUT_ROOM",
    "WRITABLE_SUFFIXES",
    "InColourError",
    "JpegSettings",
    "Photo",
    "Render",
    "Source",
    "Verdict",
    "array_of",
    "check_savable",
    "hearing",
    "label_in",
    "locked",
    "open_photo",
    "partial_file",
    "photo_of",
    "pixels_in",
    "read_label",
    "save_pages",
    "save_photo",
    "shown",
    "size_in",
    "sweep",
    "working_on",
]
