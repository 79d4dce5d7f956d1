"""DDColor's largest maps in strips, as ``strips`` has them for the U-Net.

Two sums are taken in another order, beside. The planes of all colours and the 1×1 convolution that mixes them are
linear, and so are the shuffle and the blur before them: so the colours and the mix are multiplied first, and what is
shuffled and blurred to full size is a and b, not hundreds of channels.
"""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deoldify.network.convnext import Block, ConvNeXt
from deoldify.network.ddcolor import LAST_SCALE, DDColor
from deoldify.network.layers import UpBlock, resize_nearest
from deoldify.network.strips import convolve, strips_of, transform, up_in_strips


def ab_in_strips(network: DDColor, grey: Tensor) -> Tensor:
    """``DDColor.ab`` of (N, 3, H, W) float32, with folded norms.

    Returns:
        (N, 2, H, W) float32.
    """
    x = (grey - network.mean) / network.std
    encoder, decoder, refine = network.encoder, network.pixel_decoder, network.refine
    seen = x.to(decoder.last.weight).contiguous(memory_format=torch.channels_last)
    *skips, features = _encode(encoder, seen)
    norms = list(encoder.norms)
    features = norms.pop()(features)
    maps = []
    for block in cast("list[UpBlock]", list(decoder.blocks)):
        features = up_in_strips(block, features, norms.pop()(skips.pop()))
        maps.append(features)
    colours = network.colour_decoder(maps)  # (N, Q, C)
    mix = refine.weight[:, :-3].flatten(1) @ colours  # (N, 2, C)
    found = _last_in_strips(decoder.last, features, mix.to(features)).float()
    found = decoder.blur(F.pixel_shuffle(found, LAST_SCALE))
    return resize_nearest(found, x) + F.conv2d(x, refine.weight[:, -3:], refine.bias)


def _encode(encoder: ConvNeXt, x: Tensor) -> list[Tensor]:
    """``ConvNeXt.forward``, but for the norms of its maps; what its blocks widen is never whole."""
    maps = []
    for down, stage in zip(encoder.downsample_layers, encoder.stages):
        x = cast(Tensor, down(x))
        for block in cast("list[Block]", list(cast(nn.Sequential, stage))):
            _add_block(block, x)
        maps.append(x)
    return maps


def _add_block(block: Block, x: Tensor) -> None:
    """``x = block(x)``, in place, of which ``x`` (N, C, H, W) must be channels-last."""
    y = convolve(block.dwconv, x)
    sums, places = (each.permute(0, 2, 3, 1).view(-1, each.shape[1]) for each in (x, y))  # (NHW, C)
    for start, stop in strips_of(len(places), block.pwconv1.out_features * y.element_size(), y.device):
        hidden = F.gelu(transform(block.norm(places[start:stop]), block.pwconv1.weight, block.pwconv1.bias))
        sums[start:stop] += transform(hidden, block.pwconv2.weight, block.pwconv2.bias)


def _last_in_strips(conv: nn.Conv2d, x: Tensor, mix: Tensor) -> Tensor:
    """The pixel decoder's last convolution and ReLU, and a mix of the channels that they would be shuffled to.

    Args:
        conv: from ``x`` to 16 C channels.
        x: (N, C', H, W), channels-last.
        mix: (N, 2, C).

    Returns:
        (N, 2 · 16, H, W), to be shuffled.
    """
    n, seen, height, width = x.shape
    pieces, channels = LAST_SCALE**2, mix.shape[2]
    # The channels of each piece side by side, which the shuffle takes 16 apart.
    weight = conv.weight.view(channels, pieces, seen).transpose(0, 1).reshape(-1, seen)
    bias = cast(Tensor, conv.bias).view(channels, pieces).T.reshape(-1)
    mixed = torch.empty(n, height * width, pieces, 2, dtype=x.dtype, device=x.device)
    for places, mix_of_one, result in zip(x.permute(0, 2, 3, 1).flatten(1, 2), mix, mixed):
        for start, stop in strips_of(len(places), len(weight) * x.element_size(), x.device):
            wide = transform(places[start:stop], weight, bias).relu_()
            result[start:stop] = wide.view(-1, pieces, channels) @ mix_of_one.T
    return mixed.permute(0, 3, 2, 1).reshape(n, 2 * pieces, height, width)
