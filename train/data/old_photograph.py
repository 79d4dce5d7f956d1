"""A scene as an old camera, print and scanner might have left it: what a colorizer is given."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from deoldify.imaging import LUMA_WEIGHTS
from train.data.pictures import Rgb, to_bytes


def as_old_photograph(rgb: Rgb, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """The grey picture that an old camera, print and scanner might have left of a scene.

    Emulsions before about 1930 saw little red (orthochromatic), prints have their own tone curve, and scans bring
    blur, grain, JPEG and sometimes a border. A third of the pictures stay the plain luma.

    Args:
        rgb: (H, W, 3) uint8.
        rng: source of chance.

    Returns:
        (H, W) uint8.
    """
    weights = np.array(LUMA_WEIGHTS)
    if rng.random() < 1 / 3:
        return to_bytes(rgb @ weights / 255)
    if rng.random() < 0.4:  # another emulsion or filter: any mix of channels, now and then nearly blind to red
        weights = rng.dirichlet(np.array([2.0, 4.0, 1.5]))
    grey = rgb @ weights / 255
    if rng.random() < 0.7:
        grey = grey ** np.exp(rng.normal(0, 0.25))
    if rng.random() < 0.6:
        low, high = rng.uniform(-0.1, 0.2), rng.uniform(0.8, 1.1)
        grey = low + grey * (high - low)
    if rng.random() < 0.3:
        picture = Image.fromarray(to_bytes(grey)).filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 1.0))))
        grey = np.asarray(picture) / 255
    if rng.random() < 0.5:
        grey = grey + rng.normal(0, rng.uniform(0.005, 0.06), grey.shape)
    if rng.random() < 0.3:
        buffer = io.BytesIO()
        Image.fromarray(to_bytes(grey)).save(buffer, "JPEG", quality=int(rng.integers(30, 90)))
        return np.asarray(Image.open(buffer))
    return to_bytes(grey)
