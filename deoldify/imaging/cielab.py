"""CIELAB of sRGB pictures, at its white point D65. Tensors are (N, C, H, W) float."""

from __future__ import annotations

import torch
from torch import Tensor

_Matrix = tuple[tuple[float, float, float], ...]

_WHITE = (0.950456, 1.0, 1.088754)
"""X, Y and Z of what is white, as OpenCV has them; sRGB's own red, green and blue of 1 add up to it."""
_TO_XYZ: _Matrix = (
    (0.412453, 0.357580, 0.180423),
    (0.212671, 0.715160, 0.072169),
    (0.019334, 0.119193, 0.950227),
)
_FROM_XYZ: _Matrix = (
    (3.240479, -1.537150, -0.498535),
    (-0.969256, 1.875991, 0.041556),
    (0.055648, -0.204043, 1.057311),
)
_DARK = 0.008856
"""Of the white's light, below which the cube root becomes a straight line."""


def to_cielab(rgb: Tensor) -> Tensor:
    """(N, 3, H, W) sRGB in 0 to 1 to L (0 to 100), a and b (each within ±128), (N, 3, H, W)."""
    light = torch.where(rgb <= 0.04045, rgb / 12.92, ((rgb.clamp(min=0) + 0.055) / 1.055) ** 2.4)
    share = _mixed(light, _TO_XYZ) / light.new_tensor(_WHITE).view(1, 3, 1, 1)
    roots = torch.where(share > _DARK, share.clamp(min=_DARK) ** (1 / 3), share * (841 / 108) + 16 / 116)
    x, y, z = roots.chunk(3, dim=1)
    return torch.cat([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=1)


def from_cielab(lightness: Tensor, ab: Tensor) -> Tensor:
    """The inverse of ``to_cielab``; what sRGB cannot hold lies outside 0 to 1.

    Args:
        lightness: (N, 1, H, W), 0 to 100.
        ab: (N, 2, H, W).

    Returns:
        (N, 3, H, W) sRGB.
    """
    y = (lightness + 16) / 116
    roots = torch.cat([y + ab[:, 0:1] / 500, y, y - ab[:, 1:2] / 200], dim=1)
    share = torch.where(roots > _DARK ** (1 / 3), roots**3, (roots - 16 / 116) * (108 / 841))
    light = _mixed(share * roots.new_tensor(_WHITE).view(1, 3, 1, 1), _FROM_XYZ)
    return torch.where(light <= 0.0031308, light * 12.92, 1.055 * light.clamp(min=0.0031308) ** (1 / 2.4) - 0.055)


def _mixed(channels: Tensor, matrix: _Matrix) -> Tensor:
    # No matrix product, which autocast would do in 16 bits.
    return (channels.new_tensor(matrix).view(3, 3, 1, 1) * channels.unsqueeze(1)).sum(dim=2)
