"""DDColor (Kang et al. 2023): a pixel decoder, and colours that look for their places in it.

ConvNeXt's pyramid is decoded up to full size as in DeOldify's U-Net. Beside it a set of learned queries looks at the
decoder's maps, each becoming a colour: a vector whose product with the last map says where in the picture it belongs. A
1×1 convolution over these planes and the input gives a and b of CIELAB.
"""

from __future__ import annotations

import math
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deoldify.imaging import IMAGENET_MEAN, IMAGENET_STD, denormalise, from_cielab, normalise, to_cielab
from deoldify.network.config import DDColorConfig
from deoldify.network.convnext import ConvNeXt
from deoldify.network.layers import Blur, UpBlock, convolution, resize_nearest

HEADS = 8
"""Of every attention. No shape of a weight tells their number; this is what all published files have."""
LAST_SCALE = 4
"""From the pixel decoder's last map, at 1/4, to full size."""


class PixelDecoder(nn.Module):
    """From the encoder's maps to those at 1/16, 1/8, 1/4 and 1 of the input's side.

    Its blocks are those of DeOldify's U-Net, the last step a pixel shuffle by four: 1×1 convolution → ReLU → shuffle →
    blur.
    """

    def __init__(self, encoder_widths: tuple[int, ...], width: int, *, spectral: bool) -> None:
        super().__init__()
        *skips, bottom = encoder_widths
        widths = (bottom, *decoder_widths(width))
        self.blocks = nn.ModuleList(
            UpBlock(widths[i], skip, widths[i + 1], widths[i + 1], convs=1, attention=False, spectral=spectral)
            for i, skip in enumerate(reversed(skips))
        )
        self.last = convolution(widths[-1], widths[-1] * LAST_SCALE**2, 1, bias=True, spectral=spectral)
        self.blur = Blur()

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        *skips, x = maps
        decoded = []
        for block in self.blocks:
            x = block(x, skips.pop())
            decoded.append(x)
        decoded.append(self.blur(F.pixel_shuffle(F.relu(self.last(x)), LAST_SCALE)))
        return decoded


def decoder_widths(width: int) -> tuple[int, int, int]:
    """Channels of the pixel decoder's maps at 1/16, 1/8 and 1/4; the one at full size has as many as the last."""
    return width, width, width // 2


class Attention(nn.Module):
    """Multi-head attention (Vaswani et al. 2017), added to what asks and normalised after that.

    What makes queries, keys and values is one layer, in this order.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.into = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, asked: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """
        Args:
            x: (N, Q, C), what the answer is added to.
            asked: (N, Q, C), ``x`` with its positions.
            keys: (N, K, C).
            values: (N, K, C).

        Returns:
            (N, Q, C).
        """
        made = zip((asked, keys, values), self.into.weight.chunk(3), self.into.bias.chunk(3))
        n, _, width = keys.shape
        query, key, value = (
            F.linear(seen, weight.to(seen), bias.to(seen)).to(keys).view(n, -1, HEADS, width // HEADS).transpose(1, 2)
            for seen, weight, bias in made
        )
        attended = F.scaled_dot_product_attention(query, key, value)  # (N, HEADS, Q, C / HEADS)
        return cast(Tensor, self.norm(x + self.out(attended.transpose(1, 2).flatten(2).to(x))))


class ColourLayer(nn.Module):
    """One look at a map: the queries ask the map, then each other, and think it over."""

    def __init__(self, width: int, feed_forward_width: int) -> None:
        super().__init__()
        self.cross_attention = Attention(width)
        self.self_attention = Attention(width)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, feed_forward_width), nn.ReLU(), nn.Linear(feed_forward_width, width)
        )
        self.norm = nn.LayerNorm(width)

    def think(self, x: Tensor, positions: Tensor) -> Tensor:
        """What comes after the look: (N, Q, C) queries and what is added to them where they ask, to (N, Q, C)."""
        asked = x + positions
        x = self.self_attention(x, asked, asked, x)
        return cast(Tensor, self.norm(x + self.feed_forward(x)))


class ColourDecoder(nn.Module):
    """Colours of a picture, as vectors: (N, Q, channels of the last map)."""

    def __init__(self, config: DDColorConfig) -> None:
        super().__init__()
        width, widths = config.query_width, decoder_widths(config.width)
        self.start = nn.Parameter(torch.randn(config.queries, width))
        self.positions = nn.Parameter(torch.randn(config.queries, width))
        self.level = nn.Parameter(torch.randn(config.scales, width))
        self.projections = nn.ModuleList(nn.Conv2d(widths[i], width, 1) for i in range(config.scales))
        self.layers = nn.ModuleList(ColourLayer(width, config.feed_forward_width) for _ in range(config.layers))
        self.norm = nn.LayerNorm(width)
        self.colour = nn.Sequential(
            nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, widths[-1])
        )

    def forward(self, maps: list[Tensor]) -> Tensor:
        """
        Args:
            maps: (N, C, H, W) each, at 1/16, 1/8, 1/4, as far as there are scales.
        """
        values, keys = [], []
        for projection, level, x in zip(self.projections, self.level, maps):
            seen = projection(x).flatten(2).transpose(1, 2)  # (N, HW, C)
            seen = seen + level.to(seen)
            values.append(seen)
            keys.append(seen + sine_positions(x.shape[2], x.shape[3], level.numel()).to(seen))
        x = self.start.expand(len(maps[0]), -1, -1)
        for i, layer in enumerate(cast("list[ColourLayer]", list(self.layers))):
            scale = i % len(values)
            x = layer.cross_attention(x, x + self.positions, keys[scale], values[scale])
            x = layer.think(x, self.positions)
        return cast(Tensor, self.colour(self.norm(x)))


def sine_positions(height: int, width: int, channels: int) -> Tensor:
    """Where each place of a map is: (H · W, channels), sines and cosines of y, then of x, each of 0 to 2π at all sizes.

    As DETR (Carion et al. 2020) has them.
    """
    half = channels // 2
    wavelengths = 10000 ** (2 * (torch.arange(half) // 2) / half)
    rows, columns = (
        torch.arange(1, side + 1).div(side + 1e-6).mul(2 * math.pi)[:, None] / wavelengths for side in (height, width)
    )
    rows, columns = (
        torch.stack([turns[:, 0::2].sin(), turns[:, 1::2].cos()], dim=2).flatten(1) for turns in (rows, columns)
    )  # (H, half), (W, half)
    grid = [rows[:, None].expand(height, width, half), columns[None].expand(height, width, half)]
    return torch.cat(grid, dim=2).flatten(0, 1)


class DDColor(nn.Module):
    """The network.

    Args:
        config: its shape.
        spectral: as all files have it, spectral norm on the pixel decoder's convolutions and on the last one.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, config: DDColorConfig, *, spectral: bool = True) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1))
        self.encoder = ConvNeXt(config.encoder_widths, config.encoder_depths)
        self.pixel_decoder = PixelDecoder(config.encoder_widths, config.width, spectral=spectral)
        self.colour_decoder = ColourDecoder(config)
        self.refine = convolution(config.queries + 3, 2, 1, bias=True, spectral=spectral)

    def forward(self, x: Tensor) -> Tensor:
        """Colour a batch.

        Args:
            x: (N, 3, H, W) float, grey as three equal channels, RGB normalised with ImageNet's mean and std.
                Sides of at least 32; those divisible by 32 avoid resizing inside.

        Returns:
            (N, 3, H, W) float, normalised RGB: the grey's lightness with the colours found.
        """
        return on_lightness(x, self.ab(denormalise(x)))

    def ab(self, grey: Tensor) -> Tensor:
        """Colours of a batch in CIELAB.

        Args:
            grey: (N, 3, H, W) float, three equal channels in 0 to 1. Sides as ``forward`` has them.

        Returns:
            (N, 2, H, W) float, a and b.
        """
        x = (grey - self.mean) / self.std
        *maps, last = self.pixel_decoder(self.encoder(x.to(self.pixel_decoder.last.weight)))
        planes = torch.einsum("nqc,nchw->nqhw", self.colour_decoder(maps).to(last), last)
        return cast(Tensor, self.refine(torch.cat([resize_nearest(planes, x).to(x), x], dim=1)))


def on_lightness(x: Tensor, ab: Tensor) -> Tensor:
    """Grey as (N, 3, H, W) normalised RGB with a and b, (N, 2, H, W), as normalised RGB, in float32."""
    lightness = to_cielab(denormalise(x.float()))[:, :1]
    return normalise(from_cielab(lightness, ab.float()))
