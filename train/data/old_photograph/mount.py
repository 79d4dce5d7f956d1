"""What lies around a print, and what is written on it: mounts, borders, a scanner's bed; and pages of nothing else."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from train.data.old_photograph.grey import Grey, clouds, floats, image, laid_over
from train.data.pictures import Rgb

_LETTERS = "AaBbCcDdEeFfGgHhIiKkLlMmNnOoPpRrSsTtUuVvWwYyZz0123456789.,-'"
_SMALLEST_FONT = 6.0  # pixels; below, letters are dust


def mounted(grey: Grey, rgb: Rgb, rng: np.random.Generator) -> tuple[Grey, Rgb]:
    """The photograph, and the scene, smaller and inside a neutral mount, border or scanner's bed of any tone.

    Args:
        grey: (H, W), the photograph.
        rgb: (H, W, 3), the scene.
        rng: source of chance.

    Returns:
        both of the same shapes; around the opening they are neutral and alike, to rounding.
    """
    height, width = grey.shape
    widest = rng.choice([0.04, 0.12, 0.25], p=[0.3, 0.4, 0.3])
    sides = rng.uniform(0, widest, 4) if rng.random() < 0.5 else np.full(4, rng.uniform(0.02, widest))
    top, bottom = (round(side * height) for side in sides[:2])
    left, right = (round(side * width) for side in sides[2:])
    inner = (width - left - right, height - top - bottom)
    mount = _mount(grey.shape, rng)
    if rng.random() < 0.2:  # a line around the opening
        line, shade = round(rng.uniform(0, 0.02) * width), np.float32(rng.uniform(0, 1))
        mount[max(0, top - line) : top + inner[1] + line, max(0, left - line) : left + inner[0] + line] = shade
    opening = _opening(inner, rng)
    seen = image(mount)
    wanted = seen.convert("RGB")
    for whole, inside in ((seen, image(grey)), (wanted, Image.fromarray(rgb))):
        whole.paste(inside.resize(inner, Image.Resampling.BICUBIC), (left, top), opening)
    return floats(seen), np.array(wanted)


def _mount(shape: tuple[int, int], rng: np.random.Generator) -> Grey:
    # Mid-greys more often than they are met: it was these that came out in the blue of a sky.
    tone = rng.choice([rng.uniform(0, 0.15), rng.uniform(0.15, 0.75), rng.uniform(0.75, 1.0)], p=[0.2, 0.45, 0.35])
    mount: Grey = np.full(shape, tone, np.float32)
    if rng.random() < 0.5:
        mount = mount + np.float32(rng.uniform(0, 0.05)) * clouds(shape, int(rng.integers(2, 6)), rng)
    if rng.random() < 0.2:
        mount = laid_over(mount, rng.choice([0.1, 0.9]), floats(_lettering(shape, 1, rng)))
    return mount


def _opening(size: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    """How much of the photograph is seen through the opening of a mount, of 255: mostly all."""
    chance = rng.random()
    if chance > 0.3:
        return Image.new("L", size, 255)
    opening = Image.new("L", size)
    draw = ImageDraw.Draw(opening)
    box = (0, 0, size[0] - 1, size[1] - 1)
    if chance < 0.1:
        draw.ellipse(box, fill=255)
    elif chance < 0.2:
        draw.rounded_rectangle(box, rng.uniform(0.03, 0.15) * min(size), fill=255)
    else:  # the oval that portraits fade out of
        soft = rng.uniform(0.03, 0.12) * min(size)
        draw.ellipse((soft, soft, box[2] - soft, box[3] - soft), fill=255)
        return opening.filter(ImageFilter.GaussianBlur(soft))
    return opening


def written_on(grey: Grey, rng: np.random.Generator) -> Grey:
    """A name, a date or a number in ink, or scratched white into the negative."""
    letters = _lettering(grey.shape, int(rng.integers(1, 3)), rng)
    return laid_over(grey, rng.choice([0.05, 0.95]), floats(letters))


def page(shape: tuple[int, int], rng: np.random.Generator) -> Grey:
    """A page of text, (H, W)."""
    height, width = shape
    letters = Image.new("L", (width, height))
    draw = ImageDraw.Draw(letters)
    size = max(_SMALLEST_FONT, float(rng.uniform(0.03, 0.1)) * height)
    font = ImageFont.load_default(size)
    margin = rng.uniform(0, 0.15) * width
    for top in np.arange(rng.uniform(0, 0.1) * height, height, size * rng.uniform(1.1, 1.8)):
        draw.text((margin, float(top)), " ".join(_words(rng) for _ in range(4)), fill=255, font=font)
    paper = np.full(shape, rng.uniform(0.7, 1.0), np.float32)
    return laid_over(paper, rng.uniform(0.0, 0.3), floats(letters))


def _lettering(shape: tuple[int, int], lines: int, rng: np.random.Generator) -> Image.Image:
    """Lines of letters somewhere on an empty sheet, as strong as they cover; now and then slanted, as by hand."""
    height, width = shape
    letters = Image.new("L", (width, height))
    draw = ImageDraw.Draw(letters)
    size = max(_SMALLEST_FONT, float(rng.uniform(0.03, 0.12)) * height)
    font = ImageFont.load_default(size)
    left, top = rng.uniform(-0.1, 0.6) * width, rng.uniform(0, 0.95) * height
    for line in range(lines):
        draw.text((left, top + line * 1.3 * size), _words(rng), fill=int(rng.integers(120, 256)), font=font)
    return letters.rotate(float(rng.normal(0, 6)), Image.Resampling.BILINEAR)


def _words(rng: np.random.Generator) -> str:
    letters = list(_LETTERS)
    return " ".join("".join(rng.choice(letters, size=int(rng.integers(1, 10)))) for _ in range(int(rng.integers(1, 6))))
