"""What chance does to a picture before it is damaged: cut, tilted, relit, framed, flickering.

Each is a function of a picture and of a source of chance, and leaves the picture it was given as it is.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops

from deoldify.imaging import LUMA_WEIGHTS, sampled

Rgb = npt.NDArray[np.uint8]  # (H, W, 3)


def cut(image: Image.Image, size: int, rng: np.random.Generator, smallest: float = 0.5) -> Image.Image:
    """A random part of an image as a ``size`` × ``size`` square, mirrored half of the time.

    Photographs are stretched to a square before a generator sees them, so the part keeps only roughly its shape.

    Args:
        image: any size.
        size: side of the result in pixels.
        rng: source of chance.
        smallest: the least share of the image's area that is kept.
    """
    left, top, w, h = _part(image.size, rng, smallest)
    part = image.resize((size, size), Image.Resampling.BICUBIC, box=(left, top, left + w, top + h), reducing_gap=2.0)
    return part.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else part


def cut_out(image: Image.Image, most: int, rng: np.random.Generator, smallest: float = 0.5) -> Rgb:
    """A random part of an image in its own pixels, mirrored half of the time; see ``cut``.

    Args:
        image: any size.
        most: longest side of the result in pixels; of a larger part, evenly picked pixels are taken.
        rng: source of chance.
        smallest: the least share of the image's area that is kept.
    """
    left, top, w, h = _part(image.size, rng, smallest)
    pixels: Rgb = np.asarray(image.crop((left, top, left + w, top + h)))
    shrink = min(1.0, most / max(w, h))
    part: Rgb = np.asarray(sampled(pixels, max(1, round(h * shrink)), max(1, round(w * shrink))), np.uint8)
    return np.ascontiguousarray(part[:, ::-1]) if rng.random() < 0.5 else part


def _part(size: tuple[int, int], rng: np.random.Generator, smallest: float) -> tuple[int, int, int, int]:
    """Left, top, width and height of a random part."""
    width, height = size
    area = width * height * rng.uniform(smallest, 1.0)
    aspect = (width / height) ** rng.uniform(0.4, 1.0) * np.exp(rng.uniform(-0.2, 0.2))
    w = min(width, max(1, round((area * aspect) ** 0.5)))
    h = min(height, max(1, round((area / aspect) ** 0.5)))
    return int(rng.integers(width - w + 1)), int(rng.integers(height - h + 1)), w, h


def tilted(image: Image.Image, most: float, rng: np.random.Generator) -> Image.Image:
    """The image as a camera held at another angle would see it: each corner moves inwards by up to half of ``most``."""
    width, height = image.size
    (left, top), (left2, bottom), (right, bottom2), (right2, top2) = rng.uniform(0, most / 2, (4, 2)).tolist()
    corners = ((left, top), (left2, 1 - bottom), (1 - right, 1 - bottom2), (1 - right2, top2))
    quad = [length * share for corner in corners for length, share in zip((width, height), corner)]
    return image.transform((width, height), Image.Transform.QUAD, quad, Image.Resampling.BILINEAR)


def relit(rgb: Rgb, most: float, rng: np.random.Generator) -> Rgb:
    """Other brightness and contrast, in the logit of the values, so that nothing clips.

    Args:
        rgb: (H, W, 3) uint8.
        most: below 1; mid-grey moves to within 0.5 × (1 ± ``most``), contrast by a factor within 1 − ``most`` and
            its inverse.
        rng: source of chance.
    """
    middle = rng.uniform(0.5 * (1 - most), 0.5 * (1 + most))
    contrast = np.exp(rng.uniform(np.log(1 - most), -np.log(1 - most)))
    values = np.clip(rgb / 255, 0.5 / 255, 1 - 0.5 / 255)
    logit = np.log(values / (1 - values)) * contrast + np.log(middle / (1 - middle))
    return to_bytes(1 / (1 + np.exp(-logit)))


def noisy(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    """A share of the pixels, up to 40 %, lighter or darker by up to 30 levels: what flickers from frame to frame."""
    hit = rng.random(rgb.shape[:2]) < rng.uniform(0.001, 0.4)
    change = rng.integers(-30, 31, rgb.shape[:2]) * hit
    return np.asarray(np.clip(rgb + change[..., None], 0, 255), np.uint8)


def with_border(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    """The picture inside a neutral mount or a black scan border of its own width on each side."""
    height, width = rgb.shape[:2]
    top, bottom, left, right = rng.integers(0, max(2, min(height, width) // 10), 4)
    framed = np.full_like(rgb, rng.choice([rng.integers(0, 40), rng.integers(200, 256)]))
    inner = Image.fromarray(rgb).resize((width - left - right, height - top - bottom), Image.Resampling.BICUBIC)
    framed[top : height - bottom, left : width - right] = np.asarray(inner)
    return framed


def has_no_colour(image: Image.Image, tolerance: int = 8) -> bool:
    """Whether an RGB image's channels nowhere differ by more than a JPEG of a grey picture may make them."""
    red, green, blue = image.split()
    pairs = ((red, green), (blue, green))
    return all(ImageChops.difference(*pair).getextrema()[1] <= tolerance for pair in pairs)  # type: ignore[operator]


def luma_only(rgb: Rgb) -> Rgb:
    """The picture's luma (ITU-R BT.601), three times."""
    return np.repeat(to_bytes(rgb @ np.array(LUMA_WEIGHTS) / 255)[..., None], 3, axis=-1)


def to_bytes(values: npt.NDArray[np.floating]) -> npt.NDArray[np.uint8]:
    """Values of 0 to 1 as 8 bits; what lies outside is clipped."""
    return np.asarray(np.rint(np.clip(values, 0, 1) * 255), dtype=np.uint8)
