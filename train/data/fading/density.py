"""Optical density of a print: from the picture, and back to it, by tables."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from train.data.fading.effect import Rgb
from train.data.srgb import from_linear, to_linear

D_MAX = 2.2
"""Density of the deepest black of a glossy print, where its surface reflects as much as the dyes let through."""

_DENSITY_STEPS = 8192
_LEVELS = 255 * 16  # finer than 8 bits, and every 8-bit level falls exactly on a step


def _density_table() -> npt.NDArray[np.float32]:
    light = to_linear(np.linspace(0, 1, _LEVELS + 1))
    black = 10**-D_MAX
    return (-np.log10(black + (1 - black) * light)).astype(np.float32)


def _encoded_table() -> npt.NDArray[np.float32]:
    black = 10**-D_MAX
    light = np.clip((10 ** -np.linspace(0, D_MAX, _DENSITY_STEPS) - black) / (1 - black), 0, 1)
    return from_linear(light).astype(np.float32)


_DENSITY = _density_table()
_ENCODED = _encoded_table()


def density(rgb: Rgb) -> Rgb:
    """Optical density of a print that looks like the picture: 0 for white, ``D_MAX`` for black."""
    return _nearest(_DENSITY, rgb * np.float32(_LEVELS))


def from_density(densities: Rgb) -> Rgb:
    """The inverse of ``density``, within a quarter of an 8-bit level; what lies outside 0 to ``D_MAX`` is clipped."""
    return _nearest(_ENCODED, densities * np.float32((_DENSITY_STEPS - 1) / D_MAX))


def _nearest(table: npt.NDArray[np.float32], steps: Rgb) -> Rgb:
    values: Rgb = table.take((steps + np.float32(0.5)).astype(np.int32), mode="clip")
    return values
