"""What a simple camera did: light, lens, focus and grain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import ImageFilter

from train.data.fading.effect import Rgb, Strength, as_amount, clipped, grid, is_zero, to_float, to_image, uniform


@dataclass(frozen=True)
class Exposure:
    """Too much or too little light, rolled off at both ends as a film's characteristic curve does (Hunt 2004).

    Grey stays grey, black stays black and white white; nothing clips.

    Attributes:
        stops: at strength 1, the change of the dark tones in photographic stops of encoded value; above 0 lightens.
    """

    stops: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Exposure:
        """Draw over- or under-exposure, alike often; then 0.8 to 2.4 stops over or 0.5 to 1.6 under."""
        return cls(uniform(rng, (0.8, 2.4))) if rng.random() < 0.5 else cls(-uniform(rng, (0.5, 1.6)))

    def __call__(self, rgb: Rgb, strength: Strength) -> Rgb:
        if is_zero(strength):
            return rgb
        gain = np.exp2(np.float32(self.stops) * as_amount(strength))
        return clipped(gain * rgb / (1 + (gain - 1) * rgb))


@dataclass(frozen=True)
class Jitter2018:
    """Brightness and contrast as the first defade training of 2018 shook them: ``RandomLighting`` of fastai 0.7.

    Grey stays grey. At its limits it clips much of a picture; it is kept to compare with, and drawn seldom.

    Attributes:
        brightness: added at strength 1.
        contrast: factor of the distance to the picture's mean at strength 1.
    """

    brightness: float
    contrast: float

    @classmethod
    def draw(cls, rng: np.random.Generator, limit: float = 0.5) -> Jitter2018:
        """Draw brightness within ± ``limit``, then contrast between 1 / (1 + ``limit``) and 1 + ``limit``."""
        brightness, contrast = rng.uniform(-limit, limit, 2).tolist()
        return cls(brightness, 1 + contrast if contrast >= 0 else 1 / (1 - contrast))

    def __call__(self, rgb: Rgb, strength: float) -> Rgb:
        if is_zero(strength):
            return rgb
        mean = rgb.mean()
        factor = np.float32(self.contrast**strength)
        return clipped((rgb - mean) * factor + (mean + np.float32(self.brightness * strength)))


@dataclass(frozen=True)
class Vignetting:
    """Corners darkened by a simple lens: light falls with the fourth power of the cosine of its angle to the axis
    (Kingslake 1992). Grey stays grey.

    Attributes:
        width: half the diagonal as a multiple of the focal length, the tangent of the angle at the corners.
        centre: of the picture's bright part, (y, x) as shares of height and width.
    """

    width: float
    centre: tuple[float, float] = (0.5, 0.5)

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Vignetting:
        """Draw width 0.4 to 1.1, then each coordinate of the centre 0.4 to 0.6."""
        width = uniform(rng, (0.4, 1.1))
        return cls(width, (uniform(rng, (0.4, 0.6)), uniform(rng, (0.4, 0.6))))

    def __call__(self, rgb: Rgb, strength: float) -> Rgb:
        if is_zero(strength):
            return rgb
        y, x = grid(rgb, self.centre)
        corner = (rgb.shape[0] ** 2 + rgb.shape[1] ** 2) / (4 * min(rgb.shape[:2]) ** 2)
        squared = (y * y + x * x) * np.float32((self.width * strength) ** 2 / corner)
        # cos⁴ of the light; the picture is encoded, which takes it to the power 1 / 2.2.
        darkened: Rgb = rgb * ((1 + squared) ** np.float32(-2 / 2.2))[..., None]
        return darkened


@dataclass(frozen=True)
class Grain:
    """Film grain: noise of the density, which is strongest in the middle tones of the encoded picture.

    A simple stand-in for the grain model of Newson, Delon and Galerne (2017), whose variance is likewise that of a
    coin which falls white as often as the tone is light.

    Attributes:
        amount: standard deviation in the middle tones at strength 1, in encoded values.
        colour: how much the channels' grains differ: 0 grey grain, so that grey stays grey, 1 each layer its own.
        coarse: grains span about two pixels instead of one.
        seed: of the noise.
    """

    amount: float
    colour: float = 0.0
    coarse: bool = False
    seed: int = 0

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Grain:
        """Draw amount 0.005 to 0.03, colour 0 (half of the draws) or 0.2 to 1, whether coarse (half), the seed."""
        amount = uniform(rng, (0.005, 0.03))
        colour = uniform(rng, (0.2, 1.0)) if rng.random() < 0.5 else 0.0
        return cls(amount, colour, bool(rng.random() < 0.5), int(rng.integers(1 << 31)))

    def __call__(self, rgb: Rgb, strength: float) -> Rgb:
        if is_zero(strength):
            return rgb
        rng = np.random.default_rng(self.seed)
        height, width = rgb.shape[:2]
        noise: Rgb = rng.standard_normal((height + 1, width + 1, 1), np.float32)
        if self.colour:
            own = rng.standard_normal((height + 1, width + 1, 3), np.float32)
            noise = noise * np.float32((1 - self.colour**2) ** 0.5) + own * np.float32(self.colour)
        if self.coarse:
            noise = 0.5 * (noise[1:, 1:] + noise[:-1, 1:] + noise[1:, :-1] + noise[:-1, :-1])  # the deviation stays 1
        else:
            noise = noise[1:, 1:]
        middle = np.sqrt(rgb * (1 - rgb)) * np.float32(2 * self.amount * strength)
        return clipped(rgb + middle * noise)


@dataclass(frozen=True)
class Blur:
    """Slightly out of focus: a Gaussian, at 8 bits. Grey stays grey.

    Attributes:
        radius: its standard deviation at strength 1, as a share of the shorter side.
    """

    radius: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Blur:
        """Draw a radius of 0.2 to 0.6 % of the shorter side."""
        return cls(uniform(rng, (0.002, 0.006)))

    def __call__(self, rgb: Rgb, strength: float) -> Rgb:
        if is_zero(strength):
            return rgb
        pixels = self.radius * strength * min(rgb.shape[:2])
        return to_float(to_image(rgb).filter(ImageFilter.GaussianBlur(pixels)))
