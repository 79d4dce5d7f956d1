"""Fading that is stronger in one part of a picture than in another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from train.data.fading.effect import PointEffect, Rgb, grid, is_zero, uniform


@dataclass(frozen=True)
class Uneven:
    """Another effect, stronger where more light fell or less was covered (light fading on display, Wilhelm 1993).

    Attributes:
        effect: what happens unevenly.
        depth: how much weaker it is where it is weakest, as a share of the strength.
        shape: a ``"gradient"`` across the picture, or a ``"blob"``, in or around which it is strong.
        centre: of the gradient or the blob, (y, x) as shares of height and width.
        angle: of the gradient, in radians.
        size: half-width of the gradient, or radius of the blob, in shorter sides.
        around: the effect is strong on the other side, or around the blob instead of in it.
    """

    effect: PointEffect
    depth: float
    shape: Literal["gradient", "blob"] = "gradient"
    centre: tuple[float, float] = (0.5, 0.5)
    angle: float = 0.0
    size: float = 0.5
    around: bool = False

    @classmethod
    def draw(cls, rng: np.random.Generator, effect: PointEffect) -> Uneven:
        """Draw depth 0.3 to 0.85, shape, centre (0.1 to 0.9, twice), angle, size 0.2 to 0.7, whether around."""
        depth = uniform(rng, (0.3, 0.85))
        shape: Literal["gradient", "blob"] = "gradient" if rng.random() < 0.5 else "blob"
        centre = (uniform(rng, (0.1, 0.9)), uniform(rng, (0.1, 0.9)))
        angle, size = uniform(rng, (0.0, 2 * np.pi)), uniform(rng, (0.2, 0.7))
        return cls(effect, depth, shape, centre, angle, size, bool(rng.random() < 0.5))

    def __call__(self, rgb: Rgb, strength: float) -> Rgb:
        if is_zero(strength):
            return rgb
        y, x = grid(rgb, self.centre)
        if self.shape == "gradient":
            along = y * np.float32(np.sin(self.angle)) + x * np.float32(np.cos(self.angle))
            light: Rgb = 0.5 + 0.5 * np.tanh(along / np.float32(self.size))
        else:
            light = np.exp((y * y + x * x) / np.float32(-2 * self.size**2))
        if self.around:
            light = 1 - light
        return self.effect(rgb, (np.float32(strength) * (1 - np.float32(self.depth) * (1 - light)))[..., None])
