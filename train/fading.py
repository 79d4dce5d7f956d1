"""How photographs fade: dyes, silver, cameras and scans, each a small pure function of a picture and a strength.

A picture is (H, W, 3) float32 RGB in 0 to 1, sRGB-encoded. An effect is a frozen record of plain parameters that
says what happens at strength 1, and is called as ``effect(rgb, strength)``; strength 0 gives the picture back as it
is, between 0 and 1 the amounts grow with it. ``draw`` takes the parameters from the ranges it states, in the order in
which they are written there; applying an effect draws nothing, so the same record always does the same. Places are
relative to the picture, so that a fading looks alike at any size.

Strength 0.33 is mild, 0.66 medium, 1 strong: on photographs the faded picture is on average about 23, 17 and 14 dB
PSNR from the original. The look of one draw (which dye goes, where the light fell) does not depend on the strength.

Sources, named where they are used:
    Henry Wilhelm with Carol Brower, The Permanence and Care of Color Photographs, 1993.
    Rudolf Gschwind, Franziska Frey and Lukas Rosenthaler, Electronic Imaging: A Tool for the Reconstruction of Faded
    Color Photographs and Color Movies, 1995.
    Geoffrey Woolfe, Bruce Pillman and Michael Barry, Restoration of Faded Images, US patent 5,796,874, 1998.
    Sreya Chatterjee, Giorgio Trumpy and Ulrich Ruedel, Digital Unfading of Chromogenic Film Informed by Its Spectral
    Densities, 2023.
    James Reilly, Care and Identification of 19th-Century Photographic Prints, 1986.
    Gawain Weaver, A Guide to Fiber-Base Gelatin Silver Print Condition and Deterioration, 2008.
    R. W. G. Hunt, The Reproduction of Colour, 6th edition, 2004.
    Rudolf Kingslake, Optics in Photography, 1992.
    Alasdair Newson, Julie Delon and Bruno Galerne, A Stochastic Film Grain Model for Resolution-Independent
    Rendering, 2017.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from deoldify.imaging import LUMA_WEIGHTS, Triple
from train.srgb import decoded, encoded

Rgb = npt.NDArray[np.float32]  # (H, W, 3), 0 to 1, sRGB-encoded
Strength = float | npt.NDArray[np.float32]  # one number, or (H, W, 1) where the fading is uneven
Range = tuple[float, float]

D_MAX = 2.2
"""Density of the deepest black of a glossy print, where its surface reflects as much as the dyes let through."""

_LUMA = np.array(LUMA_WEIGHTS, np.float32)
_SIDE_ABSORPTION = np.array([[0.0, 0.08, 0.01], [0.22, 0.0, 0.10], [0.10, 0.26, 0.0]])
"""What cyan, magenta and yellow dye (columns) absorb of red, green and blue light (rows) that they should let pass,
as a share of their own band: roughly what Hunt (2004) shows for chromogenic materials."""

_DENSITY_STEPS = 8192
_LEVELS = 255 * 16  # finer than 8 bits, and every 8-bit level falls exactly on a step


def _density_table() -> npt.NDArray[np.float32]:
    light = decoded(np.linspace(0, 1, _LEVELS + 1))
    black = 10**-D_MAX
    return (-np.log10(black + (1 - black) * light)).astype(np.float32)


def _encoded_table() -> npt.NDArray[np.float32]:
    black = 10**-D_MAX
    light = np.clip((10 ** -np.linspace(0, D_MAX, _DENSITY_STEPS) - black) / (1 - black), 0, 1)
    return encoded(light).astype(np.float32)


_DENSITY = _density_table()
_ENCODED = _encoded_table()


class Effect(Protocol):
    """Something that happens to a photograph."""

    def __call__(self, rgb: Rgb, strength: float) -> Rgb:
        """The picture after it, float32 in 0 to 1; the picture itself at strength 0."""


class PointEffect(Protocol):
    """An effect that looks at each pixel alone, so that its strength may differ from pixel to pixel."""

    def __call__(self, rgb: Rgb, strength: Strength) -> Rgb:
        """As ``Effect``; ``strength`` may be (H, W, 1)."""


def density(rgb: Rgb) -> Rgb:
    """Optical density of a print that looks like the picture: 0 for white, ``D_MAX`` for black."""
    return _nearest(_DENSITY, rgb * np.float32(_LEVELS))


def from_density(densities: Rgb) -> Rgb:
    """The inverse of ``density``, within a quarter of an 8-bit level; what lies outside 0 to ``D_MAX`` is clipped."""
    return _nearest(_ENCODED, densities * np.float32((_DENSITY_STEPS - 1) / D_MAX))


def _nearest(table: npt.NDArray[np.float32], steps: Rgb) -> Rgb:
    values: Rgb = table.take((steps + np.float32(0.5)).astype(np.int32), mode="clip")
    return values


def luma(rgb: Rgb) -> Rgb:
    """Luma of a picture (ITU-R BT.601), (H, W, 1)."""
    return (rgb @ _LUMA)[..., None]


def _is_zero(strength: Strength) -> bool:
    return np.ndim(strength) == 0 and bool(strength == 0)


def _amount(strength: Strength) -> npt.NDArray[np.float32]:
    return np.asarray(strength, np.float32)


def _clipped(rgb: Rgb) -> Rgb:
    return np.clip(rgb, np.float32(0), np.float32(1))


def _uniform(rng: np.random.Generator, limits: Range) -> float:
    return float(rng.uniform(*limits))


def _triple(rng: np.random.Generator, low: float, high: float) -> Triple:
    red, green, blue = rng.uniform(low, high, 3).tolist()
    return red, green, blue


def _row(values: Triple) -> npt.NDArray[np.float32]:
    return np.array(values, np.float32)


@dataclass(frozen=True)
class DyeFamily:
    """A way for the three dyes of a print or slide to fade: ranges of ``DyeFading``'s parameters."""

    share: float
    cyan: Range
    magenta: Range
    yellow: Range
    highlights: Range
    stain: Range


DYE_FAMILIES = {
    # In the dark the cyan dye of the materials sold until the 1980s goes first, then the yellow: all turns red. The
    # couplers left in the paper yellow it meanwhile.
    "dark": DyeFamily(0.34, (0.55, 0.9), (0.15, 0.45), (0.25, 0.7), (0.0, 0.2), (0.1, 0.45)),
    # The same with a yellow dye that is as weak as the cyan: magenta to purple.
    "dark-magenta": DyeFamily(0.12, (0.5, 0.85), (0.1, 0.4), (0.5, 0.88), (0.0, 0.2), (0.0, 0.2)),
    # On display the magenta dye is often the first to go, and thin densities before thick: green and yellow, with
    # highlights washed out.
    "light-green": DyeFamily(0.12, (0.3, 0.6), (0.55, 0.85), (0.3, 0.7), (0.1, 0.4), (0.1, 0.45)),
    # Years of sun in a shop window: only cyan is left.
    "light-cyan": DyeFamily(0.12, (0.15, 0.5), (0.5, 0.8), (0.55, 0.9), (0.1, 0.4), (0.0, 0.2)),
    # Stained more than faded: paper whose couplers turned yellow.
    "stain": DyeFamily(0.14, (0.35, 0.65), (0.25, 0.55), (0.2, 0.5), (0.0, 0.3), (0.45, 0.85)),
    # All three alike: pale.
    "pale": DyeFamily(0.16, (0.55, 0.82), (0.55, 0.82), (0.55, 0.82), (0.0, 0.3), (0.0, 0.35)),
}
"""Families of dye fading with how often each is drawn; dark and light fading differ as Wilhelm (1993) describes."""


@dataclass(frozen=True)
class DyeFading:
    """The dyes of a chromogenic print or slide lose density, each at its own rate, and the base stains.

    Density per dye follows from the picture's density by the inverse of the absorption matrix, a share of it is
    lost, and the matrix leads back (Gschwind, Frey and Rosenthaler 1995; Woolfe, Pillman and Barry 1998; Chatterjee,
    Trumpy and Ruedel 2023). A share of the density is lost, so highlights and mid-tones take a cast and blacks lift.

    Attributes:
        loss: share of the density that the cyan, magenta and yellow dye lose at strength 1.
        highlights: how much less of the deepest density is lost than of the thinnest, as a share (light fading).
        stain: density that the base gains in red, green and blue at strength 1.
        crosstalk: the dyes' side absorptions as a multiple of typical ones; 0 for ideal dyes.
    """

    loss: Triple
    highlights: float = 0.0
    stain: Triple = (0.0, 0.0, 0.0)
    crosstalk: float = 1.0

    @classmethod
    def draw(cls, rng: np.random.Generator, family: DyeFamily | None = None) -> DyeFading:
        """Draw the family by its share, unless given; then cyan, magenta, yellow, highlights and the stain of blue
        from its ranges, 0 to 0.15 of the stain in red, 0.15 to 0.5 of it in green, and crosstalk 0.5 to 1.5.
        """
        if family is None:
            names = list(DYE_FAMILIES)
            shares = np.array([DYE_FAMILIES[name].share for name in names])
            family = DYE_FAMILIES[names[int(rng.choice(len(names), p=shares / shares.sum()))]]
        loss = (_uniform(rng, family.cyan), _uniform(rng, family.magenta), _uniform(rng, family.yellow))
        highlights = _uniform(rng, family.highlights)
        blue = _uniform(rng, family.stain)
        stain = (blue * _uniform(rng, (0.0, 0.15)), blue * _uniform(rng, (0.15, 0.5)), blue)
        return cls(loss, highlights, stain, _uniform(rng, (0.5, 1.5)))

    def __call__(self, rgb: Rgb, strength: Strength) -> Rgb:
        if _is_zero(strength):
            return rgb
        absorption = np.eye(3) + self.crosstalk * _SIDE_ABSORPTION
        dyes = density(rgb) @ np.linalg.inv(absorption).T.astype(np.float32)
        amount = _amount(strength)
        lost = _row(self.loss) * amount
        # A very pure colour asks for less than nothing of a dye; it must not fade by more than its share.
        kept = 1 - lost * (1 - np.clip(dyes, 0, D_MAX) * np.float32(self.highlights / D_MAX))
        faded = (dyes * kept) @ absorption.T.astype(np.float32)
        return from_density(faded + _row(self.stain) * amount)


@dataclass(frozen=True)
class SilverPrint:
    """A black-and-white print yellows, its silver thins and turns brown, and its dark edges silver over.

    Silver that is oxidised or sulphided absorbs blue more than red, so the image goes from neutral to yellow-brown
    as it loses density, thin densities first; the gelatine and the paper yellow; and near the edges silver that has
    wandered to the surface shines bluish over the dark parts (Weaver 2008; Reilly 1986). A silver print holds no
    colour: at any strength above 0 the result is the luma of the picture, toned.

    Attributes:
        loss: share of the density lost at strength 1.
        highlights: as in ``DyeFading``.
        brown: what share of its density the image gains in blue and loses in red at strength 1.
        stain: density that the paper gains in red, green and blue at strength 1.
        mirror: share of the light that silvered black at the very edge throws back at strength 1.
        reach: how far the silvering reaches in from the edges, as a share of the shorter side.
    """

    loss: float
    highlights: float = 0.0
    brown: float = 0.0
    stain: Triple = (0.0, 0.0, 0.0)
    mirror: float = 0.0
    reach: float = 0.1

    @classmethod
    def draw(cls, rng: np.random.Generator) -> SilverPrint:
        """Draw loss 0.15 to 0.65, highlights 0 to 0.5, brown 0 to 0.35, stain of blue 0.03 to 0.4 with 0 to 0.15 of
        it in red and 0.2 to 0.5 in green, mirror (in half of the prints) 0.05 to 0.35, reach 0.04 to 0.2.
        """
        loss, highlights, brown = rng.uniform(0.15, 0.65), rng.uniform(0, 0.5), rng.uniform(0, 0.35)
        blue = _uniform(rng, (0.03, 0.4))
        stain = (blue * _uniform(rng, (0.0, 0.15)), blue * _uniform(rng, (0.2, 0.5)), blue)
        mirror = _uniform(rng, (0.05, 0.35)) if rng.random() < 0.5 else 0.0
        return cls(float(loss), float(highlights), float(brown), stain, mirror, _uniform(rng, (0.04, 0.2)))

    def __call__(self, rgb: Rgb, strength: Strength) -> Rgb:
        if _is_zero(strength):
            return rgb
        amount = _amount(strength)
        silver = density(luma(rgb))
        silver = silver * (1 - self.loss * amount * (1 - silver * np.float32(self.highlights / D_MAX)))
        hue = 1 + amount * np.float32(self.brown) * _row((-1.0, 0.0, 1.0))
        toned = from_density(silver * hue + _row(self.stain) * amount)
        if self.mirror == 0:
            return toned
        height, width = rgb.shape[:2]
        y, x = _edge_distance(height), _edge_distance(width)
        near = np.exp(-np.minimum(y[:, None], x[None, :]) / np.float32(self.reach * min(height, width)))[..., None]
        shine = near * (1 - toned) ** 2 * amount * np.float32(self.mirror) * _row((0.9, 1.0, 1.12))
        return _clipped(toned + shine)


def _edge_distance(length: int) -> npt.NDArray[np.float32]:
    pixels = np.arange(length, dtype=np.float32)
    return np.minimum(pixels, pixels[::-1])


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
        lows, highs = _uniform(rng, black), _uniform(rng, white)
        middle = _uniform(rng, (float(np.log(gamma[0])), float(np.log(gamma[1]))))
        own = rng.uniform(-cast, cast, (3, 3)) * np.array([[0.3], [0.5], [0.8]])
        rows = np.stack([lows + own[0], highs + own[1], np.exp(middle + own[2])])
        blacks, whites, gammas = [(r, g, b) for r, g, b in rows.tolist()]
        return cls(blacks, whites, gammas)

    def __call__(self, rgb: Rgb, strength: Strength) -> Rgb:
        if _is_zero(strength):
            return rgb
        amount = _amount(strength)
        curved = rgb
        if self.gamma != (1.0, 1.0, 1.0):
            curved = np.power(rgb, np.exp(amount * np.log(_row(self.gamma))))
        black = amount * _row(self.black)
        span = 1 + amount * (_row(self.white) - 1) - black
        return _clipped(curved * span + black)


@dataclass(frozen=True)
class Overlay:
    """A veil of one colour over a picture whose own colours have weakened: the sepia and yellow of old albums.

    No model of a material but the look that photo applications give "old" pictures; kept so that a restorer has
    seen it.

    Attributes:
        colour: of the veil, RGB in 0 to 1.
        saturation: share of the chroma that is left at strength 1.
        veil: share of the veil in the picture at strength 1.
        multiply: the veil filters the light like a stained varnish; else it covers the picture and lifts its blacks.
    """

    colour: Triple
    saturation: float = 1.0
    veil: float = 0.5
    multiply: bool = False

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Overlay:
        """Draw a warm colour (8 in 10: red 0.75 to 1, green 0.7 to 0.92 of that, blue 0.4 to 0.8 of green) or any
        (0.4 to 1 each); saturation 0.15 to 0.9; whether it multiplies (half); veil 0.5 to 1 then, else 0.3 to 0.65.
        """
        if rng.random() < 0.8:
            red = rng.uniform(0.75, 1.0)
            green = red * rng.uniform(0.7, 0.92)
            colour = (float(red), float(green), float(green * rng.uniform(0.4, 0.8)))
        else:
            colour = _triple(rng, 0.4, 1.0)
        saturation = _uniform(rng, (0.15, 0.9))
        multiply = bool(rng.random() < 0.5)
        return cls(colour, saturation, _uniform(rng, (0.5, 1.0) if multiply else (0.3, 0.65)), multiply)

    def __call__(self, rgb: Rgb, strength: Strength) -> Rgb:
        if _is_zero(strength):
            return rgb
        amount = _amount(strength)
        y = luma(rgb)
        weak = y + (rgb - y) * (1 - amount * np.float32(1 - self.saturation))
        veil = amount * np.float32(self.veil)
        colour = _row(self.colour)
        covered: Rgb = weak * (1 + veil * (colour - 1)) if self.multiply else weak + veil * (colour - weak)
        return _clipped(covered)


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
        return cls(_uniform(rng, (0.8, 2.4))) if rng.random() < 0.5 else cls(-_uniform(rng, (0.5, 1.6)))

    def __call__(self, rgb: Rgb, strength: Strength) -> Rgb:
        if _is_zero(strength):
            return rgb
        gain = np.exp2(np.float32(self.stops) * _amount(strength))
        return _clipped(gain * rgb / (1 + (gain - 1) * rgb))


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
        if _is_zero(strength):
            return rgb
        mean = rgb.mean()
        factor = np.float32(self.contrast**strength)
        return _clipped((rgb - mean) * factor + (mean + np.float32(self.brightness * strength)))


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
        width = _uniform(rng, (0.4, 1.1))
        return cls(width, (_uniform(rng, (0.4, 0.6)), _uniform(rng, (0.4, 0.6))))

    def __call__(self, rgb: Rgb, strength: float) -> Rgb:
        if _is_zero(strength):
            return rgb
        y, x = _grid(rgb, self.centre)
        corner = (rgb.shape[0] ** 2 + rgb.shape[1] ** 2) / (4 * min(rgb.shape[:2]) ** 2)
        squared = (y * y + x * x) * np.float32((self.width * strength) ** 2 / corner)
        # cos⁴ of the light; the picture is encoded, which takes it to the power 1 / 2.2.
        darkened: Rgb = rgb * ((1 + squared) ** np.float32(-2 / 2.2))[..., None]
        return darkened


def _grid(rgb: Rgb, centre: tuple[float, float]) -> tuple[Rgb, Rgb]:
    """Rows (H, 1) and columns (1, W) relative to a point, in units of the shorter side."""
    height, width = rgb.shape[:2]
    side = min(height, width)
    y = (np.arange(height, dtype=np.float32) + np.float32(0.5 - centre[0] * height)) / np.float32(side)
    x = (np.arange(width, dtype=np.float32) + np.float32(0.5 - centre[1] * width)) / np.float32(side)
    return y[:, None], x[None, :]


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
        depth = _uniform(rng, (0.3, 0.85))
        shape: Literal["gradient", "blob"] = "gradient" if rng.random() < 0.5 else "blob"
        centre = (_uniform(rng, (0.1, 0.9)), _uniform(rng, (0.1, 0.9)))
        angle, size = _uniform(rng, (0.0, 2 * np.pi)), _uniform(rng, (0.2, 0.7))
        return cls(effect, depth, shape, centre, angle, size, bool(rng.random() < 0.5))

    def __call__(self, rgb: Rgb, strength: float) -> Rgb:
        if _is_zero(strength):
            return rgb
        y, x = _grid(rgb, self.centre)
        if self.shape == "gradient":
            along = y * np.float32(np.sin(self.angle)) + x * np.float32(np.cos(self.angle))
            light: Rgb = 0.5 + 0.5 * np.tanh(along / np.float32(self.size))
        else:
            light = np.exp((y * y + x * x) / np.float32(-2 * self.size**2))
        if self.around:
            light = 1 - light
        return self.effect(rgb, (np.float32(strength) * (1 - np.float32(self.depth) * (1 - light)))[..., None])


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
        amount = _uniform(rng, (0.005, 0.03))
        colour = _uniform(rng, (0.2, 1.0)) if rng.random() < 0.5 else 0.0
        return cls(amount, colour, bool(rng.random() < 0.5), int(rng.integers(1 << 31)))

    def __call__(self, rgb: Rgb, strength: float) -> Rgb:
        if _is_zero(strength):
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
        return _clipped(rgb + middle * noise)


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
        return cls(_uniform(rng, (0.002, 0.006)))

    def __call__(self, rgb: Rgb, strength: float) -> Rgb:
        if _is_zero(strength):
            return rgb
        pixels = self.radius * strength * min(rgb.shape[:2])
        return _to_float(_to_image(rgb).filter(ImageFilter.GaussianBlur(pixels)))


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
        if _is_zero(strength):
            return rgb
        buffer = io.BytesIO()
        _to_image(rgb).save(buffer, "JPEG", quality=round(100 - (100 - self.quality) * strength))
        return _to_float(Image.open(buffer))


def _to_image(rgb: Rgb) -> Image.Image:
    return Image.fromarray((rgb * np.float32(255) + np.float32(0.5)).astype(np.uint8))


def _to_float(image: Image.Image) -> Rgb:
    rgb: Rgb = np.asarray(image).astype(np.float32) / np.float32(255)
    return rgb


Kind = Literal["dyes", "tones", "veil", "camera", "silver", "jitter-2018"]


@dataclass(frozen=True)
class Fading:
    """What happened to one photograph.

    Attributes:
        kind: of what befell it most: its dyes faded, a scan or print bent the tones of each channel, a coloured veil,
            only camera and exposure, a silver print's ageing, or the jitter of 2018.
        strength: 0 to 1, applied to every effect; a third of what was asked where the photograph came off lightly.
        effects: in the order in which they befell it: camera, material, scan.
    """

    kind: Kind
    strength: float
    effects: tuple[Effect, ...]


KINDS: dict[Kind, float] = {"dyes": 0.58, "tones": 0.17, "veil": 0.13, "camera": 0.12}
"""What befalls a colour photograph, and how often."""
GREY_KINDS: dict[Kind, float] = {"silver": 0.75, "tones": 0.1, "camera": 0.15}
"""What befalls a black-and-white one; a neutral scan may take a cast, too."""
SLIGHT = 0.08
"""Share of the photographs that came off lightly: a third of the strength."""


def draw_fading(rng: np.random.Generator, strength: float, *, grey: bool = False) -> Fading:
    """Draw what happens to one photograph.

    Drawn in this order: the kind (``KINDS``, ``GREY_KINDS``), whether it is slight (``SLIGHT``), the camera's share
    (exposure, vignetting, blur, grain), the material's and whether it is uneven, the scan's (levels, JPEG). How often
    a side effect joins in stands where it is drawn. The strength changes none of the draws.

    Args:
        rng: source of chance.
        strength: 0 to 1; 0.33 mild, 0.66 medium, 1 strong.
        grey: whether the photograph is black and white.

    Raises:
        ValueError: the strength is outside 0 to 1.
    """
    _check_strength(strength)
    kinds = GREY_KINDS if grey else KINDS
    names = list(kinds)
    kind = names[int(rng.choice(len(names), p=list(kinds.values())))]
    if rng.random() < SLIGHT:
        strength = strength / 3
    effects = _camera(rng, only=kind == "camera")
    if kind != "camera":
        effects.append(_material(rng, kind, grey=grey))
    effects += _scan(rng, bend=kind in ("dyes", "veil", "silver"), grey=grey)
    return Fading(kind, strength, tuple(effects))


def _camera(rng: np.random.Generator, *, only: bool) -> list[Effect]:
    effects: list[Effect] = []
    if only and rng.random() < 0.2:
        effects.append(Jitter2018.draw(rng))
    elif only or rng.random() < 0.3:
        effects.append(Exposure.draw(rng))
    if rng.random() < (0.4 if only else 0.15):
        effects.append(Vignetting.draw(rng))
    if only and rng.random() < 0.75:
        effects.append(Levels.draw(rng, (-0.12, 0.45), (0.5, 1.12), (0.5, 1.6), cast=0.1))
    if rng.random() < 0.2:
        effects.append(Blur.draw(rng))
    if rng.random() < 0.25:
        effects.append(Grain.draw(rng))
    return effects


def _material(rng: np.random.Generator, kind: Kind, *, grey: bool) -> Effect:
    effect: PointEffect
    if kind == "dyes":
        effect = DyeFading.draw(rng)
    elif kind == "silver":
        effect = SilverPrint.draw(rng)
    elif kind == "veil":
        effect = Overlay.draw(rng)
    else:
        cast = _uniform(rng, (0.05, 0.3) if grey else (0.15, 0.6))
        effect = Levels.draw(rng, (0.05, 0.5), (0.5, 1.0), (0.45, 2.0), cast)
    return Uneven.draw(rng, effect) if rng.random() < 0.2 else effect


def _scan(rng: np.random.Generator, *, bend: bool, grey: bool) -> list[Effect]:
    effects: list[Effect] = []
    if bend:
        look = rng.random()
        if look < 0.4:  # pale: glare and a lazy scanner
            effects.append(Levels.draw(rng, (0.15, 0.5), (0.8, 1.0), (0.5, 1.0), cast=0.1))
        elif look < 0.62:  # muddy: scanned too dark
            effects.append(Levels.draw(rng, (0.0, 0.15), (0.45, 0.8), (1.0, 1.6), cast=0.1))
        elif look < 0.7:  # hard: the scanner stretched what it found
            effects.append(Levels.draw(rng, (-0.15, 0.0), (1.0, 1.15), (0.7, 1.4), cast=0.1))
        elif look < 0.92:  # a white balance of its own
            effects.append(Levels.draw(rng, (0.0, 0.2), (0.75, 1.0), (0.6, 1.6), cast=0.1 if grey else 0.4))
    if rng.random() < 0.25:
        effects.append(Jpeg.draw(rng))
    return effects


def jitter_2018(rng: np.random.Generator, strength: float = 1.0) -> Fading:
    """Draw what the defade training of 2018 did to its input, and nothing else: ``Jitter2018`` within ± 0.5.

    Raises:
        ValueError: the strength is outside 0 to 1.
    """
    _check_strength(strength)
    return Fading("jitter-2018", strength, (Jitter2018.draw(rng),))


def fade(rgb: Rgb, fading: Fading) -> Rgb:
    """Let a fading befall a photograph.

    Args:
        rgb: (H, W, 3) float32 RGB in 0 to 1, sRGB-encoded; left as it is.
        fading: what happens, see ``draw_fading``.

    Returns:
        (H, W, 3) float32 in 0 to 1; equal to ``rgb`` at strength 0.

    Raises:
        ValueError: ``rgb`` is not (H, W, 3) float32.
    """
    if rgb.dtype != np.float32 or rgb.ndim != 3 or rgb.shape[2] != 3:
        raise ValueError(f"a picture to fade is (H, W, 3) float32 in 0 to 1, this is {rgb.shape} {rgb.dtype}")
    faded: Rgb = rgb.copy()
    for effect in fading.effects:
        faded = effect(faded, fading.strength)
    return faded


def fade_randomly(rgb: Rgb, strength: float, rng: np.random.Generator) -> Rgb:
    """Draw a fading that suits the photograph, a silver print's for most black-and-white ones, and let it happen.

    Args:
        rgb: (H, W, 3) float32 RGB in 0 to 1, sRGB-encoded.
        strength: 0 to 1; 0.33 mild, 0.66 medium, 1 strong.
        rng: source of chance.

    Returns:
        (H, W, 3) float32 in 0 to 1.

    Raises:
        ValueError: as ``draw_fading`` and ``fade``.
    """
    return fade(rgb, draw_fading(rng, strength, grey=is_grey(rgb)))


def is_grey(rgb: Rgb, tolerance: float = 1.5 / 255) -> bool:
    """Whether a picture's channels differ nowhere by more than the tolerance."""
    green = rgb[..., 1]
    return bool(np.abs(rgb[..., 0] - green).max() <= tolerance and np.abs(rgb[..., 2] - green).max() <= tolerance)


def _check_strength(strength: float) -> None:
    if not 0 <= strength <= 1:
        raise ValueError(f"the strength of a fading lies between 0 and 1, not {strength}")
