"""What time and people leave on a picture or a mount: stains, foxing, tape, ink, silver that shines."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from train.data.fading.effect import Rgb as Floats
from train.data.old_photograph.grey import Grey, clouds, floats

_INKS = ((20, 25, 60), (30, 60, 160), (170, 30, 40), (15, 15, 15), (245, 245, 240), (120, 60, 30), (40, 110, 70))
"""Iron gall, blue, red, black, white, brown and green; each is varied."""


def aged(picture: Floats, rng: np.random.Generator) -> Floats:
    """The picture with some of what is met."""
    for probability, effect in _EFFECTS:
        if rng.random() < probability:
            picture = np.clip(effect(picture, rng), 0, 1).astype(np.float32)
    return picture


def _absorbing(rng: np.random.Generator) -> Floats:
    """How much of red, green and blue a stain takes: yellow to brown, or now and then any colour."""
    if rng.random() < 0.8:
        blue = rng.uniform(0.1, 0.8)
        green = blue * rng.uniform(0.25, 0.85)
        return np.array([green * rng.uniform(0, 0.8), green, blue], np.float32)
    return rng.uniform(0, 0.5, 3).astype(np.float32)


def _stained(picture: Floats, rng: np.random.Generator) -> Floats:
    """Water, glue and touch: patches with soft or hard edges, now and then with a darker rim."""
    field = clouds(picture.shape[:2], int(rng.integers(2, 9)), rng)
    level, hardness = rng.uniform(0.2, 1.6), rng.uniform(1, 10)
    cover = np.clip((field - level) * hardness, 0, 1)
    if rng.random() < 0.35:
        cover = cover * 0.5 + np.exp(-(((field - level) * hardness) ** 2))
    return np.asarray(picture * (1 - rng.uniform(0.15, 0.9) * cover[..., None] * _absorbing(rng)), np.float32)


def _yellowed(picture: Floats, rng: np.random.Generator) -> Floats:
    """The edges, or a place that something lay on, have taken another tint than the rest."""
    height, width = picture.shape[:2]
    y, x = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)[None]
    if rng.random() < 0.6:
        cover = np.exp((np.maximum(np.abs(x), np.abs(y)) - 1) * rng.uniform(2, 15))
    else:
        left, right = np.sort(rng.uniform(-1.2, 1.2, 2))
        low, high = np.sort(rng.uniform(-1.2, 1.2, 2))
        cover = ((x > left) & (x < right) & (y > low) & (y < high)).astype(np.float32)
    return picture * (1 - rng.uniform(0.1, 0.7) * cover[..., None].astype(np.float32) * _absorbing(rng))


def _foxed(picture: Floats, rng: np.random.Generator) -> Floats:
    """Small brown spots."""

    def spots(draw: ImageDraw.ImageDraw, height: int, width: int) -> None:
        for _ in range(int(rng.integers(5, 80))):
            x, y, radius = rng.uniform(0, width), rng.uniform(0, height), rng.exponential(0.9) + 0.3
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=int(rng.integers(60, 256)))

    cover = _drawn(picture, spots, float(rng.uniform(0.3, 1.2)))
    return picture * (1 - rng.uniform(0.3, 1.0) * cover[..., None] * _absorbing(rng))


def _taped(picture: Floats, rng: np.random.Generator) -> Floats:
    """Strips of tape that turned amber, or what they left."""

    def strips(draw: ImageDraw.ImageDraw, height: int, width: int) -> None:
        for _ in range(int(rng.integers(1, 4))):
            x, y, angle = rng.uniform(0, width), rng.uniform(0, height), rng.normal(0, 0.2) + rng.choice([0, np.pi / 2])
            along = rng.uniform(0.05, 0.6) * width * np.array([np.cos(angle), np.sin(angle)])
            draw.line((x, y, x + along[0], y + along[1]), fill=255, width=int(rng.integers(2, max(3, height // 12))))

    cover = _drawn(picture, strips, float(rng.uniform(0, 1)))
    return picture * (1 - rng.uniform(0.2, 0.8) * cover[..., None] * _absorbing(rng))


def _inked(picture: Floats, rng: np.random.Generator) -> Floats:
    """Names, numbers, stamps, crop marks, in ink, paint or pencil."""

    def marks(draw: ImageDraw.ImageDraw, height: int, width: int) -> None:
        for _ in range(int(rng.integers(1, 4))):
            x, y = rng.uniform(-0.1, 0.8) * width, rng.uniform(0, 0.95) * height
            size = float(rng.uniform(6, max(7.0, 0.16 * height)))
            text = "".join(rng.choice(list("AbcdEfghiKlmnoprStu 0123456789."), int(rng.integers(2, 22))))
            draw.text((x, y), text, fill=int(rng.integers(110, 256)), font=ImageFont.load_default(size))
        if rng.random() < 0.3:
            x, y, w = rng.uniform(0, 0.8) * width, rng.uniform(0, 0.8) * height, rng.uniform(0.08, 0.3) * width
            shape = draw.ellipse if rng.random() < 0.5 else draw.rectangle
            shape((x, y, x + w, y + w * rng.uniform(0.3, 1)), outline=200, width=int(rng.integers(1, 3)))
        if rng.random() < 0.3:
            points = [(rng.uniform(0, width), rng.uniform(0, height)) for _ in range(int(rng.integers(2, 5)))]
            draw.line(points, fill=220, width=int(rng.integers(1, 3)))

    ink = np.array(_INKS[int(rng.integers(len(_INKS)))], np.float32) / 255 + rng.normal(0, 0.06, 3)
    cover = _drawn(picture, marks, float(rng.uniform(0, 0.7))) * np.float32(rng.uniform(0.4, 1.0))
    return np.asarray(picture + cover[..., None] * (ink - picture), np.float32)


def _silvered(picture: Floats, rng: np.random.Generator) -> Floats:
    """Silver that has wandered to the surface shines, bluish mostly, over what is dark."""
    height, width = picture.shape[:2]
    y, x = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)[None]
    near = np.exp((np.maximum(np.abs(x), np.abs(y)) - 1) * rng.uniform(2, 10))
    if rng.random() < 0.5:
        near = near * np.clip(0.6 + 0.6 * clouds((height, width), int(rng.integers(3, 9)), rng), 0, 1.5)
    hue = np.array([0.8, 1.0, 1.3], np.float32) if rng.random() < 0.7 else rng.uniform(0.6, 1.4, 3).astype(np.float32)
    return picture + rng.uniform(0.05, 0.4) * near[..., None].astype(np.float32) * (1 - picture) ** 2 * hue


_EFFECTS: tuple[tuple[float, Callable[[Floats, np.random.Generator], Floats]], ...] = (
    (0.45, _stained), (0.45, _yellowed), (0.2, _foxed), (0.1, _taped), (0.3, _inked), (0.25, _silvered),
)  # fmt: skip


def _drawn(picture: Floats, marks: Callable[[ImageDraw.ImageDraw, int, int], None], softness: float) -> Grey:
    height, width = picture.shape[:2]
    cover = Image.new("L", (width, height))
    marks(ImageDraw.Draw(cover), height, width)
    return floats(cover.filter(ImageFilter.GaussianBlur(softness)) if softness else cover)
