"""What a century does to a print: see the room's head for what effects take and give."""

from __future__ import annotations

import numpy as np
from PIL import ImageDraw

from train.data.old_photograph.grey import Grey, clouds, laid_over, marked


def unevenly_faded(grey: Grey, rng: np.random.Generator) -> Grey:
    """Lighter and darker from place to place."""
    return np.asarray(grey + np.float32(rng.uniform(0.02, 0.1)) * clouds(grey.shape, int(rng.integers(2, 5)), rng))


def stained(grey: Grey, rng: np.random.Generator) -> Grey:
    """Patches that are darker or paler, with soft or hard edges, as water, foxing and touch leave them."""
    field = clouds(grey.shape, int(rng.integers(3, 9)), rng)
    patches = np.clip((field - rng.uniform(0.5, 1.5)) * rng.uniform(1, 8), 0, 1)
    tone = rng.choice([rng.uniform(0.0, 0.5), rng.uniform(0.6, 1.0)])
    return laid_over(grey, tone, patches * rng.uniform(0.1, 0.6))


def scratched(grey: Grey, rng: np.random.Generator) -> Grey:
    """Fine lines, light more often than dark, mostly along one direction."""
    height, width = grey.shape
    direction = rng.uniform(0, np.pi)

    def marks(draw: ImageDraw.ImageDraw) -> None:
        for _ in range(int(rng.integers(1, 12))):
            x, y = rng.uniform(0, width), rng.uniform(0, height)
            angle, length = direction + rng.normal(0, 0.3), rng.uniform(0.05, 1.0) * max(width, height)
            bend = rng.normal(0, 0.05) * length
            points = [
                (x + along * length * np.cos(angle) - bend * along * (1 - along) * np.sin(angle),
                 y + along * length * np.sin(angle) + bend * along * (1 - along) * np.cos(angle))
                for along in np.linspace(0, 1, 6)
            ]  # fmt: skip
            draw.line(points, fill=int(rng.integers(80, 256)), width=1)

    tone = float(rng.choice([1.0, 0.95, 0.1], p=[0.5, 0.3, 0.2]))
    return marked(grey, marks, tone, float(rng.uniform(0, 0.6)))


def creased(grey: Grey, rng: np.random.Generator) -> Grey:
    """Folds and cracks across the print: a pale line, with a shadow beside it."""
    height, width = grey.shape

    def marks(draw: ImageDraw.ImageDraw) -> None:
        for _ in range(int(rng.integers(1, 4))):
            flat = rng.random() < 0.5
            length, other = (width, height) if flat else (height, width)
            at, slope = rng.uniform(0, other), rng.normal(0, 0.2)
            steps = np.linspace(-0.05, 1.05, 24)
            wander = np.cumsum(rng.normal(0, 0.004 * other, len(steps)))
            points = [(s * length, at + slope * s * length + w) for s, w in zip(steps, wander, strict=True)]
            points = points if flat else [(y, x) for x, y in points]
            draw.line(points, fill=int(rng.integers(120, 256)), width=int(rng.integers(1, 4)))

    pale = marked(grey, marks, rng.uniform(0.8, 1.0), float(rng.uniform(0, 1)))
    beside = np.roll(np.abs(pale - grey), int(rng.integers(1, 4)), axis=int(rng.integers(2)))
    return np.asarray(pale - np.float32(rng.uniform(0, 0.15)) * beside)


def dusty(grey: Grey, rng: np.random.Generator) -> Grey:
    """Specks and hairs, light on one print and dark on another."""
    height, width = grey.shape

    def marks(draw: ImageDraw.ImageDraw) -> None:
        for _ in range(int(rng.integers(3, 60))):
            x, y, radius = rng.uniform(0, width), rng.uniform(0, height), rng.exponential(0.7)
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=int(rng.integers(100, 256)))
        for _ in range(int(rng.integers(0, 4))):
            x, y, size, start = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(3, 20), rng.uniform(0, 360)
            draw.arc((x, y, x + size, y + size), start, start + rng.uniform(40, 160), fill=int(rng.integers(100, 256)))

    return marked(grey, marks, float(rng.choice([1.0, 0.0], p=[0.7, 0.3])), float(rng.uniform(0, 0.5)))
