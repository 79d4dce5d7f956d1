"""Blocks of the generator. Maps are (N, C, H, W) float tensors throughout."""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations


def convolution(in_channels: int, out_channels: int, size: int, *, bias: bool, spectral: bool) -> nn.Conv2d:
    """A stride-1 convolution that keeps height and width, Kaiming-initialised, with spectral norm if asked."""
    conv = nn.Conv2d(in_channels, out_channels, size, padding=size // 2, bias=bias)
    nn.init.kaiming_normal_(conv.weight)
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
    return cast(nn.Conv2d, parametrizations.spectral_norm(conv)) if spectral else conv


class ConvBlock(nn.Module):
    """3×3 convolution → ReLU → batch norm: in this order, which is that of DeOldify's decoder."""

    def __init__(self, in_channels: int, out_channels: int, *, spectral: bool) -> None:
        super().__init__()
        self.conv = convolution(in_channels, out_channels, 3, bias=False, spectral=spectral)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.norm(F.relu(self.conv(x))))


class SelfAttention(nn.Module):
    """Self-attention over all positions (SAGAN, Zhang et al. 2018), added to its input through a learned gain.

    As in DeOldify the softmax runs over the axis of what the layer calls queries, so in the terms of
    ``scaled_dot_product_attention`` query and key swap places; there is no 1/√d.
    """

    def __init__(self, channels: int, *, spectral: bool) -> None:
        super().__init__()
        self.query = convolution(channels, channels // 8, 1, bias=False, spectral=spectral)
        self.key = convolution(channels, channels // 8, 1, bias=False, spectral=spectral)
        self.value = convolution(channels, channels, 1, bias=False, spectral=spectral)
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = (
            layer(x).flatten(2).transpose(1, 2).unsqueeze(1)  # (N, 1, HW, C)
            for layer in (self.query, self.key, self.value)
        )
        attended = F.scaled_dot_product_attention(key, query, value, scale=1.0)
        return self.gamma * attended.squeeze(1).transpose(1, 2).reshape(x.shape) + x


class Blur(nn.Module):
    """2×2 average at stride 1, padded left and top: takes the checkerboard out of a pixel shuffle (Sugawara 2019)."""

    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(F.pad(x, (1, 0, 1, 0), mode="replicate"), 2, stride=1)


class PixelShuffleUp(nn.Module):
    """Up-sampling by two: 1×1 convolution → ReLU → pixel shuffle → blur, initialised as ICNR (Aitken et al. 2017).

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output, which has twice the height and width.
        normalised: batch norm after the convolution (and spectral norm, if ``spectral``). Without it, the
            convolution has a bias and, if ``spectral``, weight norm: DeOldify's last up-sampling.
        spectral: as above.
    """

    def __init__(self, in_channels: int, out_channels: int, *, normalised: bool, spectral: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels * 4, 1, bias=not normalised)
        if self.conv.bias is not None:
            nn.init.zeros_(self.conv.bias)
        with torch.no_grad():  # the four sub-pixels of a channel start equal, so up-sampling starts as nearest
            sub_kernel = nn.init.kaiming_normal_(torch.empty(out_channels, in_channels, 1, 1))
            self.conv.weight.copy_(sub_kernel.repeat_interleave(4, dim=0))
        if spectral:
            normalise = parametrizations.spectral_norm if normalised else parametrizations.weight_norm
            normalise(self.conv)
        self.norm = nn.BatchNorm2d(out_channels * 4) if normalised else nn.Identity()
        self.blur = Blur()

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.blur(F.pixel_shuffle(F.relu(self.norm(self.conv(x))), 2)))


class UpBlock(nn.Module):
    """One step of the decoder: up-sample, join the encoder's map of that size, convolve."""

    def __init__(
        self, in_channels: int, skip_channels: int, up_channels: int, out_channels: int,
        *, convs: int, attention: bool, spectral: bool,
    ) -> None:  # fmt: skip
        super().__init__()
        self.up = PixelShuffleUp(in_channels, up_channels, normalised=True, spectral=spectral)
        self.skip_norm = nn.BatchNorm2d(skip_channels)
        widths = [up_channels + skip_channels, *[out_channels] * convs]
        self.convs = nn.Sequential(*(ConvBlock(a, b, spectral=spectral) for a, b in zip(widths, widths[1:])))
        self.attention = SelfAttention(out_channels, spectral=spectral) if attention else nn.Identity()

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x = resize_nearest(self.up(x), skip)
        x = F.relu(torch.cat([x, self.skip_norm(skip)], dim=1))
        return cast(Tensor, self.attention(self.convs(x)))


class ResidualBlock(nn.Module):
    """x + relu(conv(relu(conv(x)))): both activations before the sum, as DeOldify's last block has it."""

    def __init__(self, channels: int, *, spectral: bool) -> None:
        super().__init__()
        self.conv1 = convolution(channels, channels, 3, bias=True, spectral=spectral)
        self.conv2 = convolution(channels, channels, 3, bias=True, spectral=spectral)

    def forward(self, x: Tensor) -> Tensor:
        return x + F.relu(self.conv2(F.relu(self.conv1(x))))


def resize_nearest(x: Tensor, like: Tensor) -> Tensor:
    """``x`` at the height and width of ``like``; itself where they agree already."""
    return x if x.shape[-2:] == like.shape[-2:] else F.interpolate(x, like.shape[-2:], mode="nearest")
