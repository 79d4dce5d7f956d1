"""What becomes of dyes, of silver, and of the tones that remain: the material of a print."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from deoldify.imaging import Triple
from train.data.fading.density import D_MAX, density, from_density
from train.data.fading.effect import Range, Rgb, Strength, as_amount, clipped, is_zero, luma, row, triple, uniform

_SIDE_ABSORPTION = np.array([[0.0, 0.08, 0.01], [0.22, 0.0, 0.10], [0.10, 0.26, 0.0]])
"""What cyan, magenta and yellow dye (columns) absorb of red, green and blue light (rows) that they should let pass,
as a share of their own band: roughly what Hunt (2004) shows for chromogenic materials."""


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
        loss = (uniform(rng, family.cyan), uniform(rng, family.magenta), uniform(rng, family.yellow))
        highlights = uniform(rng, family.highlights)
        blue = uniform(rng, family.stain)
        stain = (blue * uniform(rng, (0.0, 0.15)), blue * uniform(rng, (0.15, 0.5)), blue)
        return cls(loss, highlights, stain, uniform(rng, (0.5, 1.5)))

    def __call__(self, rgb: Rgb, strength: Strength) -> Rgb:
        if is_zero(strength):
            return rgb
        absorption = np.eye(3) + self.crosstalk * _SIDE_ABSORPTION
        dyes = density(rgb) @ np.linalg.inv(absorption).T.astype(np.float32)
        amount = as_amount(strength)
        lost = row(self.loss) * amount
        # A very pure colour asks for less than nothing of a dye; it must not fade by more than its share.
        kept = 1 - lost * (1 - np.clip(dyes, 0, D_MAX) * np.float32(self.highlights / D_MAX))
        faded = (dyes * kept) @ absorption.T.astype(np.float32)
        return from_density(faded + row(self.stain) * amount)


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
        blue = uniform(rng, (0.03, 0.4))
        stain = (blue * uniform(rng, (0.0, 0.15)), blue * uniform(rng, (0.2, 0.5)), blue)
        mirror = uniform(rng, (0.05, 0.35)) if rng.random() < 0.5 else 0.0
        return cls(float(loss), float(highlights), float(brown), stain, mirror, uniform(rng, (0.04, 0.2)))

    def __call__(self, rgb: Rgb, strength: Strength) -> Rgb:
        if is_zero(strength):
            return rgb
        amount = as_amount(strength)
        silver = density(luma(rgb))
        silver = silver * (1 - self.loss * amount * (1 - silver * np.float32(self.highlights / D_MAX)))
        hue = 1 + amount * np.float32(self.brown) * row((-1.0, 0.0, 1.0))
        toned = from_density(silver * hue + row(self.stain) * amount)
        if self.mirror == 0:
            return toned
        height, width = rgb.shape[:2]
        y, x = _edge_distance(height), _edge_distance(width)
        near = np.exp(-np.minimum(y[:, None], x[None, :]) / np.float32(self.reach * min(height, width)))[..., None]
        shine = near * (1 - toned) ** 2 * amount * np.float32(self.mirror) * row((0.9, 1.0, 1.12))
        return clipped(toned + shine)


def _edge_distance(length: int) -> npt.NDArray[np.float32]:
    pixels = np.arange(length, dtype=np.float32)
    return np.minimum(pixels, pixels[::-1])


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
            colour = triple(rng, 0.4, 1.0)
        saturation = uniform(rng, (0.15, 0.9))
        multiply = bool(rng.random() < 0.5)
        return cls(colour, saturation, uniform(rng, (0.5, 1.0) if multiply else (0.3, 0.65)), multiply)

    def __call__(self, rgb: Rgb, strength: Strength) -> Rgb:
        if is_zero(strength):
            return rgb
        amount = as_amount(strength)
        y = luma(rgb)
        weak = y + (rgb - y) * (1 - amount * np.float32(1 - self.saturation))
        veil = amount * np.float32(self.veil)
        colour = row(self.colour)
        covered: Rgb = weak * (1 + veil * (colour - 1)) if self.multiply else weak + veil * (colour - weak)
        return clipped(covered)
