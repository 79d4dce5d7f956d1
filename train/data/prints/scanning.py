"""What a scanner and a file make of what lies in the scanner: casts, fringes, noise in the colours, JPEG."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from train.data.fading.effect import Rgb as Floats
from train.data.fading.effect import to_float, to_image
from train.data.old_photograph.grey import clouds


def scanned(picture: Floats, rng: np.random.Generator) -> Floats:
    """The picture as its file holds it."""
    if rng.random() < 0.6:  # curves that the channels do not share
        gamma = np.exp(rng.normal(0, 0.05) + rng.normal(0, 0.06, 3)).astype(np.float32)
        gain, black = rng.normal(1, 0.03, 3).astype(np.float32), rng.normal(0, 0.015, 3).astype(np.float32)
        picture = np.clip(np.power(picture, gamma) * gain + black, 0, 1)
        if rng.random() < 0.4:
            wave = rng.normal(0, 0.012, 3).astype(np.float32)
            picture = picture + wave * np.sin(np.float32(rng.uniform(2, 9)) * picture + np.float32(rng.uniform(0, 6)))
    if rng.random() < 0.4:  # light that strays
        picture = picture.copy()
        for channel in range(3):
            field = clouds(picture.shape[:2], int(rng.integers(2, 4)), rng)
            picture[..., channel] += np.float32(rng.exponential(0.006)) * field
    if rng.random() < 0.4:
        picture = _fringed(picture, rng)
    if rng.random() < 0.6:
        picture = _noisy(picture, rng)
    picture = np.clip(picture, 0, 1).astype(np.float32)
    return _compressed(picture, rng) if rng.random() < 0.6 else picture


def _fringed(picture: Floats, rng: np.random.Generator) -> Floats:
    """Red and blue lie beside green by a part of a pixel."""
    fringed: Floats = picture.copy()
    for channel in (0, 2):
        for axis in (0, 1):
            share = np.float32(min(0.5, rng.exponential(0.1)))
            moved: Floats = np.roll(fringed[..., channel], int(rng.choice([-1, 1])), axis=axis)
            fringed[..., channel] += share * (moved - fringed[..., channel])
    return fringed


def _noisy(picture: Floats, rng: np.random.Generator) -> Floats:
    """Grain and noise of each channel's own, of any size, stronger in the shadows or everywhere alike."""
    height, width = picture.shape[:2]
    cells = int(max(height, width) / np.exp(rng.uniform(0, np.log(8))))
    noise = np.stack([clouds((height, width), cells, rng) for _ in range(3)], axis=-1)
    noise = noise + np.float32(rng.uniform(0, 1)) * noise.mean(axis=-1, keepdims=True)
    amount = np.float32(rng.exponential(0.008))
    return np.asarray(picture + amount * noise * (1.5 - picture if rng.random() < 0.5 else 1), np.float32)


def _compressed(picture: Floats, rng: np.random.Generator) -> Floats:
    buffer = io.BytesIO()
    quality = int(rng.integers(35, 96))
    to_image(picture).save(buffer, "JPEG", quality=quality, subsampling=int(rng.choice([0, 2])))
    return to_float(Image.open(buffer))
