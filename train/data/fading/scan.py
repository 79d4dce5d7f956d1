"""What scanners and printers do to tones, and what is left of a scan that was saved as a small file."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from deoldify.imaging import Triple
from train.data.fading.effect import Range, Rgb, Strength, as_amount, clipped, is_zero, row, to_float, to_image, uniform


@dataclass(frozen=True)
class Levels:
    """Each channel's black, white and gamma moved: scans, weak contrast, lifted blacks, white-balance casts.

    No model of a material: it is what scanners and printers do to tones whatever the material, and what remains of
    any fading when only each channel's end points and middle are looked at. A black below 0 or a white above 1
    clips.

    Attributes:
        black: where black comes to lie in red, green and blue at strength 1.
        white: where white comes to lie.
        gamma: exponent of the encoded values; above 1 darkens the middle.
    """

    black: Triple = (0.0, 0.0, 0.0)
    white: Triple = (1.0, 1.0, 1.0)
    gamma: Triple = (1.0, 1.0, 1.0)

    @classmethod
    def draw(cls, rng: np.random.Generator, black: Range, white: Range, gamma: Range, cast: float = 0.0) -> Levels:
        """Draw the black, the white and the logarithm of the gamma that the channels share, then each channel's own
        departures from them, within ± ``cast`` × 0.3, 0.5 and 0.8.
        """
        lows, highs = uniform(rng, black), uniform(rng, white)
        middle = uniform(rng, (float(np.log(gamma[0])), float(np.log(gamma[1]))))
        own = rng.uniform(-cast, cast, (3, 3)) * np.array([[0.3], [0.5], [0.8]])
        rows = np.stack([lows + own[0], highs + own[1], np.exp(middle + own[2])])
        blacks, whites, gammas = [(r, g, b) for r, g, b in rows.tolist()]
        return cls(blacks, whites, gammas)

    def __call__(self, rgb: Rgb, strength: Strength) -> Rgb:
        if is_zero(strength):
            return rgb
        amount = as_amount(strength)
        curved = rgb
        if self.gamma != (1.0, 1.0, 1.0):
            curved = np.power(rgb, np.exp(amount * np.log(row(self.gamma))))
        black = amount * row(self.black)
        span = 1 + amount * (row(self.white) - 1) - black
        return clipped(curved * span + black)


@dataclass(frozen=True)
class Jpeg:
    """Saved as a small JPEG, as early scans were. Grey stays grey.

    Attributes:
        quality: at strength 1, on the scale of libjpeg; weaker ones come nearer to 100.
    """

    quality: int

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Jpeg:
        """Draw a quality of 25 to 85."""
        return cls(int(rng.integers(25, 86)))

    def __call__(self, rgb: Rgb, strength: float) -> Rgb:
        if is_zero(strength):
            return rgb
        buffer = io.BytesIO()
        to_image(rgb).save(buffer, "JPEG", quality=round(100 - (100 - self.quality) * strength))
        return to_float(Image.open(buffer))
