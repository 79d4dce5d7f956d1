"""What befell one photograph, drawn and applied: camera, material, scan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from train.data.fading.camera import Blur, Exposure, Grain, Jitter2018, Vignetting
from train.data.fading.effect import Effect, PointEffect, Rgb, uniform
from train.data.fading.material import DyeFading, Overlay, SilverPrint
from train.data.fading.scan import Jpeg, Levels
from train.data.fading.uneven import Uneven

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
        cast = uniform(rng, (0.05, 0.3) if grey else (0.15, 0.6))
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
