"""The tone of a print: which colour each density has, and how that changes over the print."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from deoldify.imaging import from_cielab
from train.data.fading.effect import Rgb as Floats
from train.data.old_photograph.grey import Grey, clouds

_STEPS = 256
_KNOTS = 6

Table = npt.NDArray[np.float32]


def toned(grey: Grey, rng: np.random.Generator) -> Floats:
    """A print of a grey picture, (H, W) of 0 to 1: two tones that belong together, each stronger in other places."""
    light, ab = _curve(rng)
    picture = _table(light, ab)[_index(grey)]
    if rng.random() < 0.7:  # unevenly yellowed, toned or faded
        spread = rng.exponential(3.0)
        other = np.asarray(ab + _smooth(rng, 2) * spread + rng.normal(0, 1, 2) * spread, np.float32)
        lift = np.asarray(light + (_smooth(rng, 1)[:, 0] * 2 + rng.normal(0, 2)) * rng.random(), np.float32)
        mask = _mask(grey.shape, rng)[..., None]
        picture = picture + mask * (_table(lift, other)[_index(grey)] - picture)
    return np.asarray(picture, np.float32)


def _curve(rng: np.random.Generator) -> tuple[Table, Table]:
    """L, (steps,), and a and b, (steps, 2), of a print by the density of its picture: any hue, warm ones mostly."""
    dark, bright = rng.uniform(0, 38), rng.uniform(62, 100)
    tone = np.linspace(0, 1, _STEPS, dtype=np.float32)
    light = dark + (bright - dark) * tone ** np.float32(np.exp(rng.normal(0, 0.25)))
    hue = np.radians(rng.normal(72, 16)) if rng.random() < 0.72 else rng.uniform(0, 2 * np.pi)
    strength = abs(rng.normal(0, 1)) * rng.choice([2.0, 8.0, 18.0], p=[0.25, 0.5, 0.25])
    shape = rng.choice(["middle", "paper", "silver", "even"], p=[0.35, 0.3, 0.15, 0.2])
    where = {"middle": 4 * tone * (1 - tone), "paper": tone, "silver": 1 - tone, "even": np.ones_like(tone)}[shape]
    ab = strength * where[:, None] * np.array([np.cos(hue), np.sin(hue)], np.float32)
    paper = np.radians(rng.normal(80, 18))
    ab = ab + abs(rng.normal(0, 7)) * (tone**2)[:, None] * np.array([np.cos(paper), np.sin(paper)], np.float32)
    if rng.random() < 0.3:  # shadows of another hue: gold, selenium, iron
        split = rng.uniform(0, 2 * np.pi)
        ab = ab + abs(rng.normal(0, 9)) * ((1 - tone) ** 2)[:, None] * np.array([np.cos(split), np.sin(split)])
    return light.astype(np.float32), (ab + _smooth(rng, 2) * rng.exponential(1.6)).astype(np.float32)


def _smooth(rng: np.random.Generator, count: int) -> Table:
    """Smooth functions of density, (steps, count), of deviation about 1."""
    at = np.linspace(0, _KNOTS - 1, _STEPS)
    knots = rng.normal(0, 1, (_KNOTS, count))
    low = np.minimum(at.astype(int), _KNOTS - 2)
    share = at - low
    share = (share * share * (3 - 2 * share))[:, None]
    return np.asarray(knots[low] * (1 - share) + knots[low + 1] * share, np.float32)


def _table(light: Table, ab: Table) -> Table:
    """sRGB of each step, (steps, 3)."""
    lightness = torch.from_numpy(np.clip(light, 0, 100)).view(1, 1, 1, -1)
    colour = torch.from_numpy(np.ascontiguousarray(ab.T, np.float32)).view(1, 2, 1, -1)
    rgb: Table = from_cielab(lightness, colour)[0, :, 0].clamp(0, 1).T.contiguous().numpy()
    return rgb


def _index(grey: Grey) -> npt.NDArray[np.int32]:
    return np.asarray(np.clip(grey * (_STEPS - 1) + 0.5, 0, _STEPS - 1), np.int32)


def _mask(shape: tuple[int, int], rng: np.random.Generator) -> Grey:
    """Where the other tone is, 0 to 1: clouds, one side, or the edges."""
    height, width = shape
    y, x = np.linspace(-1, 1, height, dtype=np.float32)[:, None], np.linspace(-1, 1, width, dtype=np.float32)[None]
    chance = rng.random()
    if chance < 0.4:
        field = clouds(shape, int(rng.integers(2, 7)), rng)
    elif chance < 0.65:
        angle = rng.uniform(0, 2 * np.pi)
        field = 2 * (x * np.cos(angle) + y * np.sin(angle) - rng.uniform(-0.7, 0.7))
    else:
        near = np.maximum(np.abs(x), np.abs(y)) if rng.random() < 0.6 else np.sqrt(x * x + y * y) / np.sqrt(2)
        field = np.asarray(6 * (near - rng.uniform(0.5, 1.0)), np.float32)
        if rng.random() < 0.5:
            field = field + 0.7 * clouds(shape, int(rng.integers(3, 8)), rng)
    return np.asarray(1 / (1 + np.exp(-field * rng.uniform(0.7, 4))), np.float32)
