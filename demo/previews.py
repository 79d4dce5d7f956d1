"""What the page shows of a photograph: small JPEGs that every browser can show, and a word on what was left out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import PIL.Image

from deoldify.photo import Photo

PREVIEW_SIDE = 1600  # pixels, of what is compared on the page; the download has all of them
THUMB_SIDE = 160

_MOVING = frozenset({"GIF", "PNG", "WEBP", "AVIF"})  # formats that may hold an animation


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


def what_is_left_out(photo: Photo, source: Path) -> str:
    """A sentence where a file holds more pictures than the one that is taken; otherwise nothing."""
    if photo.pages > 1:
        return f"This file has {photo.pages} pages; the first is taken."
    if photo.format in _MOVING:
        frames = frames_in(source)
        if frames > 1:
            return f"This is an animation of {frames} pictures; the first is taken."
    return ""


def frames_in(source: Path) -> int:
    """How many pictures an animation has; 1 for what is none."""
    try:
        with PIL.Image.open(source, formats=tuple(_MOVING)) as image:
            return int(getattr(image, "n_frames", 1))
    except (OSError, ValueError, SyntaxError, PIL.Image.DecompressionBombError):
        return 1
