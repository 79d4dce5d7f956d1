"""What becomes of a scene in an old camera and on paper: see the room's head for what effects take and give."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

from deoldify.imaging import LUMA_WEIGHTS
from train.data.old_photograph.grey import Grey, floats, image
from train.data.pictures import Rgb


def exposed(rgb: Rgb, rng: np.random.Generator) -> Grey:
    """The scene as an emulsion sees it and paper renders it.

    Emulsions before about 1930 are nearly blind to red; behind a filter any mix of channels is seen. Each print has a
    tone curve of its own, and black and white of its own.
    """
    weights = np.array(LUMA_WEIGHTS)
    chance = rng.random()
    if chance < 0.25:
        weights = rng.dirichlet(np.array([0.6, 4.0, 4.0]))
    elif chance < 0.45:
        weights = rng.dirichlet(np.array([2.0, 4.0, 1.5]))
    grey: Grey = np.asarray(rgb @ weights.astype(np.float32) / np.float32(255), np.float32)
    if rng.random() < 0.7:
        grey = grey ** np.float32(np.exp(rng.normal(0, 0.25)))
    if rng.random() < 0.25:  # toe and shoulder of the paper
        bend = np.float32(rng.uniform(0.2, 1.0))
        grey = grey + bend * (grey * grey * (3 - 2 * grey) - grey)
    if rng.random() < 0.6:
        low, high = rng.uniform(-0.1, 0.2), rng.uniform(0.8, 1.1)
        grey = np.float32(low) + grey * np.float32(high - low)
    return grey


def vignetted(grey: Grey, rng: np.random.Generator) -> Grey:
    """Darker corners, as lenses leave them."""
    y, x = (np.linspace(-1, 1, length, dtype=np.float32) for length in grey.shape)
    distance = (x[None] / rng.uniform(0.8, 1.2)) ** 2 + (y[:, None] / rng.uniform(0.8, 1.2)) ** 2
    return np.asarray(grey * (1 - rng.uniform(0.1, 0.5) * distance / 2), np.float32)


def soft(grey: Grey, rng: np.random.Generator) -> Grey:
    """Out of focus, or enlarged from little."""
    return floats(image(grey).filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 1.4)))))


def grainy(grey: Grey, rng: np.random.Generator) -> Grey:
    """Grain of single pixels, or of clumps."""
    amount = np.float32(rng.uniform(0.005, 0.06))
    if rng.random() < 0.5:
        return np.asarray(grey + amount * rng.standard_normal(grey.shape, dtype=np.float32))
    small = rng.standard_normal([-(-side // 2) for side in grey.shape], dtype=np.float32)
    clumps = np.asarray(Image.fromarray(small).resize(grey.shape[::-1], Image.Resampling.BICUBIC))
    return np.asarray(grey + amount * clumps, np.float32)


def halftone(grey: Grey, rng: np.random.Generator) -> Grey:
    """Dots of a printed page, as a scan softens them."""
    pitch, angle = rng.uniform(2.0, 3.2), rng.uniform(0, np.pi / 2)
    y, x = np.mgrid[: grey.shape[0], : grey.shape[1]].astype(np.float32) * np.float32(np.pi / pitch)
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    screen = (np.sin(along) * np.sin(across) + 1) / 2
    dots = np.clip((grey - screen) * rng.uniform(2, 6) + 0.5, 0, 1)
    return np.asarray(grey + rng.uniform(0.2, 0.7) * (dots - grey), np.float32)
