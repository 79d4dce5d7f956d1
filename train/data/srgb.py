"""sRGB's transfer curve (IEC 61966-2-1), between encoded values and linear light, both of 0 to 1."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]


def to_linear(values: Values) -> Values:
    """Linear light of encoded values; any shape."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def from_linear(light: Values) -> Values:
    """The inverse of ``to_linear``."""
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
