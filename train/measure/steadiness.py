"""How steady a colorizer is: what it makes of a photograph at another size, mirrored, and in a mount.

None of it needs to know the true colours, so it can be told of real old photographs, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from train.measure.colour import grey_of
from train.measure.distance import Rgb
from train.measure.lab import ab_of, hues, mean_chroma, movement

Render = Callable[[Image.Image, int | None], Image.Image]
"""Colours an image by default but for the render factor, where one is given."""

FACTORS = (12, 18)
"""Render factors that colours are compared between."""
MOUNT = 1 / 6
"""Width of a mount on each side, in units of the photograph's."""
TONES = (0, 70, 128, 190, 255)
"""Of 255, of the mounts."""


@dataclass(frozen=True)
class Steadiness:
    """What is measured on one set.

    Attributes:
        images: how many.
        chroma: mean CIELAB chroma of the renders.
        hues: in effect, mean over renders; see ``lab.hues``.
        moved_by_size: how far colours move between the render factors ``FACTORS``; see ``lab.movement``.
        moved_by_mirror: how far between a photograph and its mirror.
        mount: mean CIELAB chroma in a neutral mount, of the tone for which it is highest.
        inside: by how much the mean chroma of what a mount surrounds differs from that of the photograph alone, in
            units of it, for the tone for which it differs most.
    """

    images: int
    chroma: float
    hues: float
    moved_by_size: float
    moved_by_mirror: float
    mount: float
    inside: float


def steadiness(photographs: Sequence[Rgb], render: Render, best: int, *, mounted: int = 12) -> Steadiness:
    """Render photographs in several ways, and compare.

    Args:
        photographs: (H, W, 3) each, of any size; what colour they have is taken from them first.
        render: the colorizer.
        best: its render factor of a photograph without a mount.
        mounted: photographs, evenly spread, that are laid into mounts.
    """
    greys = [Image.fromarray(grey_of(picture)) for picture in photographs]

    def rendered(images: Sequence[Image.Image], factor: int | None) -> list[Rgb]:
        return [np.asarray(render(image, factor).convert("RGB")) for image in images]

    plain = rendered(greys, None)
    small, large = (rendered(greys, factor) for factor in FACTORS)
    turned = rendered([grey.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for grey in greys], None)
    chosen = np.unique(np.linspace(0, len(greys) - 1, min(mounted, len(greys))).astype(int))
    few = [greys[number] for number in chosen]
    # So much larger that what the mount surrounds has the size that it would have alone.
    factor = round(best * (1 + 2 * MOUNT))
    alone = rendered(few, best)
    mounts, changes = [], []
    for tone in TONES:
        around, inside, before = 0.0, 0.0, 0.0
        for grey, single in zip(few, alone, strict=True):
            whole, box = in_mount(grey, tone)
            ab = ab_of(np.asarray(render(whole, factor).convert("RGB")))
            left, top, right, bottom = box
            within = np.zeros(ab.shape[:2], bool)
            within[top:bottom, left:right] = True
            around += mean_chroma(ab[~within]) / len(few)
            inside += mean_chroma(ab[within])
            before += mean_chroma(ab_of(single))
        mounts.append(around)
        changes.append(abs(inside - before) / before if before else 0.0)
    return Steadiness(
        images=len(greys),
        chroma=float(np.mean([mean_chroma(ab_of(picture)) for picture in plain])),
        hues=float(np.mean([hues(picture) for picture in plain])),
        moved_by_size=movement(small, large),
        moved_by_mirror=movement(plain, [picture[:, ::-1] for picture in turned]),
        mount=max(mounts),
        inside=max(changes),
    )


def in_mount(grey: Image.Image, tone: int) -> tuple[Image.Image, tuple[int, int, int, int]]:
    """A photograph in a neutral mount, and where it lies in it: left, top, right and bottom."""
    width, height = grey.size
    left, top = round(width * MOUNT), round(height * MOUNT)
    whole = Image.new("RGB", (width + 2 * left, height + 2 * top), (tone, tone, tone))
    whole.paste(grey, (left, top))
    return whole, (left, top, left + width, top + height)


def steadiness_table(results: Mapping[str, Steadiness]) -> str:
    """The results by set as a Markdown table."""
    small, large = FACTORS
    rows = [["set", "images", "chroma", "hues", f"moved {small} to {large}", "moved mirrored", "mount", "inside it"]]
    rows.append(["---"] * len(rows[0]))
    for name, s in results.items():
        rows.append([
            name, str(s.images), f"{s.chroma:.1f}", f"{s.hues:.2f}", f"{s.moved_by_size:.2f}",
            f"{s.moved_by_mirror:.2f}", f"{s.mount:.1f}", f"{s.inside:.0%}",
        ])  # fmt: skip
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
