"""Colour: what is normalised for a network, luma and chroma.

Tensors are (N, C, H, W) float; arrays are (H, W, 3) RGB, uint8 or uint16, as photographs come.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Triple = tuple[float, float, float]
Pixels = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]

IMAGENET_MEAN: Triple = (0.485, 0.456, 0.406)
IMAGENET_STD: Triple = (0.229, 0.224, 0.225)

LUMA_WEIGHTS: Triple = (0.299, 0.587, 0.114)
"""Weights of R, G and B in luma (ITU-R BT.601)."""

_GLANCE_PIXELS = 1 << 15

U_SCALE = 0.492
V_SCALE = 0.877
"""U = 0.492 (B − Y) and V = 0.877 (R − Y), the analogue YUV of BT.601 that OpenCV's RGB2YUV uses."""


def _per_channel(values: tuple[float, ...], like: Tensor) -> Tensor:
    return torch.tensor(values, dtype=like.dtype, device=like.device).view(1, -1, 1, 1)


def normalise(rgb: Tensor, mean: Triple = IMAGENET_MEAN, std: Triple = IMAGENET_STD) -> Tensor:
    """(N, 3, H, W) RGB in 0 to 1 to zero mean and unit deviation over ImageNet."""
    return (rgb - _per_channel(mean, rgb)) / _per_channel(std, rgb)


def denormalise(x: Tensor) -> Tensor:
    """The inverse of ``normalise``."""
    return x * _per_channel(IMAGENET_STD, x) + _per_channel(IMAGENET_MEAN, x)


def luma(rgb: Tensor) -> Tensor:
    """(N, 3, H, W) RGB to its luma Y, (N, 1, H, W), in the same range."""
    return (rgb * _per_channel(LUMA_WEIGHTS, rgb)).sum(dim=1, keepdim=True)


def chroma(rgb: Tensor) -> Tensor:
    """(N, 3, H, W) RGB in 0 to 1 to U (−0.436 to 0.436) and V (−0.615 to 0.615), (N, 2, H, W)."""
    y = luma(rgb)
    return torch.cat([(rgb[:, 2:3] - y) * U_SCALE, (rgb[:, 0:1] - y) * V_SCALE], dim=1)


def from_luma_chroma(y: Tensor, uv: Tensor) -> Tensor:
    """Luma (N, 1, H, W) and U, V (N, 2, H, W) to RGB (N, 3, H, W), unclamped; the inverse of luma and chroma."""
    red = y + uv[:, 1:2] / V_SCALE
    blue = y + uv[:, 0:1] / U_SCALE
    green = (y - LUMA_WEIGHTS[0] * red - LUMA_WEIGHTS[2] * blue) / LUMA_WEIGHTS[1]
    return torch.cat([red, green, blue], dim=1)


def to_tensor(picture: npt.NDArray[np.uint8]) -> Tensor:
    """(H, W) grey or (H, W, 3) RGB, uint8, to (1, 3, H, W) float32 in 0 to 1."""
    scaled = torch.from_numpy(picture).float().div(255)
    return scaled.expand(1, 3, -1, -1) if picture.ndim == 2 else scaled.permute(2, 0, 1).unsqueeze(0)


def is_grey(pixels: Pixels) -> bool:
    """Whether the three channels of (H, W, 3) are equal everywhere."""
    rows = max(1, _GLANCE_PIXELS // max(1, pixels.shape[1]))
    for top in range(0, len(pixels), rows):  # in colour pictures the first few tell
        values = pixels[top : top + rows].reshape(-1)
        differs = values[1:] != values[:-1]  # from the one before: of R, G, B, R, G, B ... every third may
        differs[2::3] = False
        if differs.any():
            return False
    return True
