"""What a generator sees and what it should make of it: how a picture becomes a pair."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from deoldify.imaging import sampled_square
from train.data.fading import fade, fade_randomly, jitter_2018
from train.data.old_photograph import as_old_photograph
from train.data.pictures import Rgb, cut, cut_out, luma_only, noisy, relit, tilted, to_bytes, with_border
from train.recipes import Damage


@dataclass(frozen=True)
class Preparation:
    """How a picture becomes a pair of what a generator sees and what it should make of it.

    Attributes:
        damage: what makes the input of the original: ``"old photograph"``, see ``as_old_photograph``; ``"grey"``, its
            luma and nothing else, as in 2018 and 2019; ``"fading"``, see ``defade_pair``; ``"jitter-2018"``,
            brightness and contrast shaken by a half.
        crop: the least share of a picture's area that is kept.
        lighting: largest change of brightness and contrast of input and original alike; see ``relit``.
        warp: largest shift of a corner towards the centre, in units of the side; see ``tilted``.
        noise: probability of noise on the input; see ``noisy``.
        sampled: damage the picture at its own size and pick pixels of it then, for a generator that reads tones off
            single pixels (``GeneratorConfig.sees_samples``).
    """

    damage: Damage = "old photograph"
    crop: float = 0.5
    lighting: float = 0.0
    warp: float = 0.0
    noise: float = 0.0
    sampled: bool = False

    @property
    def wants_colour(self) -> bool:
        """Whether greyscale originals teach the wrong thing."""
        return self.damage in ("old photograph", "grey")

    def pair(self, image: Image.Image, size: int, rng: np.random.Generator) -> tuple[Rgb, Rgb]:
        """Input and original, (size, size, 3) each, of an RGB image."""
        if self.warp:
            image = tilted(image, self.warp, rng)
        rgb = cut_out(image, 2 * size, rng, self.crop) if self.sampled else np.asarray(cut(image, size, rng, self.crop))
        if self.lighting:
            rgb = relit(rgb, self.lighting, rng)
        before, after = self._damaged(rgb, rng)
        if self.sampled:
            before, after = sampled_square(before, size), sampled_square(after, size)
        if self.noise and rng.random() < self.noise:
            before = noisy(before, rng)
        return before, after

    def planes(self, image: Image.Image, size: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Input and original, (3, size, size) uint8 each, of an RGB image."""
        before, after = (np.ascontiguousarray(rgb.transpose(2, 0, 1)) for rgb in self.pair(image, size, rng))
        return torch.from_numpy(before), torch.from_numpy(after)

    def _damaged(self, rgb: Rgb, rng: np.random.Generator) -> tuple[Rgb, Rgb]:
        if self.damage == "old photograph":
            return as_old_photograph(rgb, rng)
        if self.damage == "fading":
            return defade_pair(rgb, rng)
        if self.damage == "grey":
            return luma_only(rgb), rgb
        return to_bytes(fade(np.asarray(rgb, np.float32) / np.float32(255), jitter_2018(rng))), rgb


def defade_pair(rgb: Rgb, rng: np.random.Generator) -> tuple[Rgb, Rgb]:
    """A faded photograph and the fresh one.

    One in ten is not faded at all, so that a photograph that is fine is left alone; one in eight was black and
    white, so that a toned silver print comes back neutral; one in twelve has a border, which fades with it.
    """
    if rng.random() < 1 / 12:
        rgb = with_border(rgb, rng)
    if rng.random() < 1 / 8:
        rgb = luma_only(rgb)
    strength = 0.0 if rng.random() < 1 / 10 else rng.uniform(0.15, 1.0)
    return to_bytes(fade_randomly(np.asarray(rgb, np.float32) / np.float32(255), strength, rng)), rgb
