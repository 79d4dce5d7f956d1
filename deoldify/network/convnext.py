"""ConvNeXt (Liu et al. 2022) as a feature pyramid, its parts named as its authors' files name them.

A block is a 7×7 depthwise convolution, a layer norm over channels, and a perceptron of two layers at each place, scaled
and added to what went in. Maps are (N, C, H, W); norms and perceptrons work on (N, H, W, C).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPSILON = 1e-6
"""Of every layer norm."""


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of each place of an (N, C, H, W) map."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Block(nn.Module):
    """x + gamma · perceptron(norm(depthwise(x)))."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=EPSILON)
        self.pwconv1 = nn.Linear(channels, 4 * channels)
        self.pwconv2 = nn.Linear(4 * channels, channels)
        self.gamma = nn.Parameter(torch.full((channels,), 1e-6))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.dwconv(x).permute(0, 2, 3, 1))  # (N, H, W, C)
        y = self.gamma * self.pwconv2(F.gelu(self.pwconv1(y)))
        return x + cast(Tensor, y).permute(0, 3, 1, 2)


class ConvNeXt(nn.Module):
    """A pyramid of four feature maps.

    Args:
        widths: channels of the maps at 1/4, 1/8, 1/16 and 1/32 of the input's side.
        depths: blocks at each of them.
    """

    def __init__(self, widths: Sequence[int], depths: Sequence[int]) -> None:
        super().__init__()
        stem = nn.Sequential(nn.Conv2d(3, widths[0], 4, stride=4), ChannelNorm(widths[0]))
        self.downsample_layers = nn.ModuleList([stem])
        for a, b in zip(widths, widths[1:]):
            self.downsample_layers.append(nn.Sequential(ChannelNorm(a), nn.Conv2d(a, b, 2, stride=2)))
        self.stages = nn.ModuleList(
            nn.Sequential(*(Block(width) for _ in range(depth))) for width, depth in zip(widths, depths)
        )
        self.norms = nn.ModuleList(ChannelNorm(width) for width in widths)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, 3, H, W), normalised, to the maps of all four sizes, each normalised for who looks at it."""
        maps = []
        for down, stage, norm in zip(self.downsample_layers, self.stages, self.norms):
            x = cast(Tensor, stage(down(x)))
            maps.append(cast(Tensor, norm(x)))
        return maps
