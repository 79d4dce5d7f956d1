"""What lies around a picture: borders, mounts, albums, cards with two prints, a scanner's bed, a strip of colours."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFilter

from deoldify.imaging import from_cielab
from train.data.fading.effect import Rgb as Floats
from train.data.fading.effect import to_float, to_image
from train.data.old_photograph.grey import clouds


def framed(picture: Floats, rng: np.random.Generator) -> Floats:
    """The picture, smaller, in one to three things that lie around each other; of the same shape."""
    shape = picture.shape[:2]
    if rng.random() < 0.1:
        picture = _twice(picture, rng)
    for _ in range(int(rng.choice([1, 2, 3], p=[0.55, 0.35, 0.1]))):
        picture = _laid_on(picture, _paper(shape, rng), rng)
    if rng.random() < 0.07:
        picture = _with_strip(picture, rng)
    return picture


def _paper(shape: tuple[int, int], rng: np.random.Generator) -> Floats:
    """A board, a page or a bed of any colour: grey, cream and brown mostly, lively now and then."""
    chance = rng.random()
    hue = np.radians(rng.normal(78, 20)) if rng.random() < 0.6 else rng.uniform(0, 2 * np.pi)
    chroma = abs(rng.normal(0, 9)) if chance < 0.6 else rng.uniform(15, 60) if chance < 0.75 else rng.exponential(1.5)
    lightness = rng.choice([rng.uniform(0, 20), rng.uniform(20, 75), rng.uniform(75, 100)], p=[0.2, 0.35, 0.45])
    texture = clouds(shape, int(rng.integers(2, 7)), rng) * rng.exponential(1.5)
    light = np.clip(lightness + texture, 0, 100).astype(np.float32)
    tint = np.array([np.cos(hue), np.sin(hue)]) * chroma
    drift = np.stack([clouds(shape, int(rng.integers(2, 5)), rng) for _ in range(2)]) * rng.exponential(0.8)
    ab = torch.from_numpy((tint[:, None, None] + drift).astype(np.float32))
    rgb: Floats = from_cielab(torch.from_numpy(light)[None, None], ab[None])[0].clamp(0, 1).permute(1, 2, 0).numpy()
    return rgb


def _laid_on(picture: Floats, paper: Floats, rng: np.random.Generator) -> Floats:
    height, width = picture.shape[:2]
    widest = rng.choice([0.04, 0.12, 0.25], p=[0.35, 0.4, 0.25])
    sides = rng.uniform(0, widest, 4) if rng.random() < 0.6 else np.full(4, rng.uniform(0.01, widest))
    top, bottom = (round(side * height) for side in sides[:2])
    left, right = (round(side * width) for side in sides[2:])
    inner = (width - left - right, height - top - bottom)
    small = to_image(picture).resize(inner, Image.Resampling.BICUBIC)
    opening = Image.new("L", inner, 255)
    chance = rng.random()
    if chance < 0.2:
        opening = Image.new("L", inner)
        draw = ImageDraw.Draw(opening)
        if chance < 0.1:
            draw.ellipse((0, 0, inner[0] - 1, inner[1] - 1), fill=255)
        else:
            draw.rounded_rectangle((0, 0, inner[0] - 1, inner[1] - 1), rng.uniform(0.03, 0.5) * min(inner), fill=255)
        if rng.random() < 0.4:
            opening = opening.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.5, 0.08 * min(inner)))))
    whole = to_image(paper)
    if rng.random() < 0.25:  # a line or the paper's own edge around the opening
        line, tint = int(rng.integers(1, 4)), tuple(int(v) for v in rng.integers(0, 256, 3))
        grey = int(rng.integers(0, 256))
        ImageDraw.Draw(whole).rectangle(
            (left - line, top - line, left + inner[0] + line - 1, top + inner[1] + line - 1),
            fill=tint if rng.random() < 0.25 else (grey, grey, grey),
        )
    angle = float(rng.normal(0, 1.0)) if rng.random() < 0.3 else 0.0
    if angle:
        small = small.rotate(angle, Image.Resampling.BILINEAR)
        opening = opening.rotate(angle, Image.Resampling.BILINEAR)
    whole.paste(small, (left, top), opening)
    return to_float(whole)


def _twice(picture: Floats, rng: np.random.Generator) -> Floats:
    """Two prints side by side on a card, as for a stereoscope."""
    height, width = picture.shape[:2]
    half = width // 2
    one = to_float(to_image(picture).resize((half, height), Image.Resampling.BICUBIC))
    other = np.roll(one, int(rng.integers(0, 4)), axis=1) * np.float32(rng.uniform(0.92, 1.0))
    gap = _paper((height, width), rng)
    pause = int(rng.integers(0, 4))
    gap[:, : half - pause], gap[:, width - half + pause :] = one[:, pause:], other[:, pause:]
    return gap


def _with_strip(picture: Floats, rng: np.random.Generator) -> Floats:
    """A strip of colours and greys, or a ruler's marks, along an edge."""
    height, width = picture.shape[:2]
    broad = int(rng.uniform(0.03, 0.08) * height) + 1
    count = int(rng.integers(5, 16))
    colours = rng.uniform(0, 1, (count, 3)) if rng.random() < 0.7 else np.repeat(rng.uniform(0, 1, (count, 1)), 3, 1)
    start, end = np.sort(rng.integers(0, width + 1, 2))
    strip = np.repeat(colours, -(-width // count), axis=0)[: end - start].astype(np.float32)
    whole = picture.copy()
    where = slice(0, broad) if rng.random() < 0.5 else slice(height - broad, height)
    whole[where, start:end] = strip[None]
    return whole if rng.random() < 0.6 or height != width else np.ascontiguousarray(whole.swapaxes(0, 1))
