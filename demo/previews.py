"""What the page shows of a photograph: small JPEGs that every browser can show, and a word on what was left out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import PIL.Image

from deoldify.photo import Photo

PREVIEW_SIDE = 1600  # pixels, of what is compared on the page; the download has all of them
THUMB_SIDE = 160


@dataclass(frozen=True)
class Previews:
    """Files that show a photo: as large as it is compared, and small for the strip."""

    large: Path
    small: Path


def write_previews(photo: Photo, folder: Path, name: str) -> Previews:
    """Write what shows ``photo``: 8 bits, on white, in its own profile."""
    image = photo.to_image()
    image.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE), PIL.Image.Resampling.LANCZOS, reducing_gap=2)
    if image.mode == "RGBA":
        image = PIL.Image.alpha_composite(PIL.Image.new("RGBA", image.size, "white"), image).convert("RGB")
    found = Previews(folder / f"{name}.jpg", folder / f"{name}-small.jpg")
    image.save(found.large, quality=90, icc_profile=photo.icc_profile)
    image.thumbnail((THUMB_SIDE, THUMB_SIDE), PIL.Image.Resampling.LANCZOS)
    image.save(found.small, quality=80, icc_profile=photo.icc_profile)
    return found


def what_is_left_out(photo: Photo) -> str:
    """A sentence where a file holds more pictures than the one that is taken; otherwise nothing."""
    if photo.pages < 2:
        return ""
    if photo.animated:
        return f"This is an animation of {photo.pages} pictures; the first is taken."
    what = "pages" if photo.format == "TIFF" else "pictures"
    return f"This file has {photo.pages} {what}; the first is taken."
