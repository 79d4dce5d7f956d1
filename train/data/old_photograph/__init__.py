"""A scene as an old camera, a print, a century and a scanner leave it: grey, and damaged in many small ways.

``printing`` has what befalls a photograph when it is taken and printed, ``damage`` what a century does to it, ``mount``
what lies around it, and pages of text. Effects take a grey picture, (H, W) float32 of 0 to 1, and a source of chance,
and give one of the same shape, not clipped. Here they come together, each as often as it is met.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from PIL import Image

from train.data.old_photograph.damage import creased, dusty, scratched, stained, unevenly_faded
from train.data.old_photograph.grey import Grey, floats, image
from train.data.old_photograph.mount import mounted, page, written_on
from train.data.old_photograph.printing import exposed, grainy, halftone, soft, vignetted
from train.data.pictures import Rgb, luma_only, to_bytes

__all__ = ["MOUNTED", "PAGES", "PLAIN", "aged_grey", "as_old_photograph"]

PLAIN = 1 / 4
"""Share of the pictures that stay the plain luma: photographs made grey are coloured too."""
MOUNTED = 1 / 40
"""Share that lies in a mount or has a border: few, since what is plain of them is cut off before a render, and each
teaches that what is plain at an edge is grey, which a sky is not."""
PAGES = 1 / 80
"""Share that is a page of text, which has no colour at all."""

Effect = Callable[[Grey, np.random.Generator], Grey]
_Effects = tuple[tuple[float, Effect], ...]
_ON_THE_PRINT: _Effects = ((0.12, vignetted), (0.3, soft), (0.4, grainy), (0.05, halftone), (0.1, written_on))
# What befell the mount as well: probabilities are of what albums and archives hold, by eye.
_ON_EVERYTHING: _Effects = (
    (0.12, unevenly_faded), (0.1, stained), (0.15, scratched), (0.07, creased), (0.2, dusty), (0.1, grainy),
)  # fmt: skip


def as_old_photograph(rgb: Rgb, rng: np.random.Generator) -> tuple[Rgb, Rgb]:
    """An old photograph of a scene, and what it should come out as.

    Args:
        rgb: (H, W, 3) uint8, the scene; at least 16 pixels high and wide.
        rng: source of chance.

    Returns:
        the photograph, grey as three equal channels, and the scene, both (H, W, 3) uint8. What lies around the scene
        is neutral in both, and now and then there is no scene, but a page of text.
    """
    if rng.random() < PAGES:
        text = _thrice(_scanned(page(rgb.shape[:2], rng), rng))
        return text, text
    plain = rng.random() < PLAIN
    grey = floats(luma_only(rgb)[..., 0]) if plain else _through(_ON_THE_PRINT, exposed(rgb, rng), rng)
    if rng.random() < MOUNTED:
        grey, rgb = mounted(grey, rgb, rng)
    if not plain:
        grey = _scanned(_through(_ON_EVERYTHING, grey, rng), rng)
    return _thrice(grey), rgb


def aged_grey(rgb: Rgb, rng: np.random.Generator) -> Grey:
    """The scene, (H, W, 3) uint8, as an old camera, a print and a century leave its greys, (H, W), not clipped."""
    return _through(_ON_EVERYTHING, _through(_ON_THE_PRINT, exposed(rgb, rng), rng), rng)


def _through(effects: _Effects, grey: Grey, rng: np.random.Generator) -> Grey:
    for probability, effect in effects:
        if rng.random() < probability:
            grey = effect(grey, rng)
    return grey


def _scanned(grey: Grey, rng: np.random.Generator) -> Grey:
    """As a file: now and then a JPEG of little quality."""
    if rng.random() < 0.3:
        buffer = io.BytesIO()
        image(grey).save(buffer, "JPEG", quality=int(rng.integers(30, 90)))
        return floats(Image.open(buffer))
    return grey


def _thrice(grey: Grey) -> Rgb:
    return np.repeat(to_bytes(grey)[..., None], 3, axis=-1)
