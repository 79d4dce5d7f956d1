"""Pure functions on pixels: colour spaces and normalisation. Tensors are (N, C, H, W)."""

from __future__ import annotations

import torch
from torch import Tensor

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

LUMA_WEIGHTS = (0.299, 0.587, 0.114)
"""Weights of R, G and B in luma (ITU-R BT.601)."""
U_SCALE = 0.492
V_SCALE = 0.877
"""U = 0.492 (B − Y) and V = 0.877 (R − Y), the analogue YUV of BT.601 that OpenCV's RGB2YUV uses."""


def _per_channel(values: tuple[float, ...], like: Tensor) -> Tensor:
    return torch.tensor(values, dtype=like.dtype, device=like.device).view(1, -1, 1, 1)


def normalise(rgb: Tensor) -> Tensor:
    """(N, 3, H, W) RGB in 0 to 1 to ImageNet-normalised."""
    return (rgb - _per_channel(IMAGENET_MEAN, rgb)) / _per_channel(IMAGENET_STD, rgb)


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
