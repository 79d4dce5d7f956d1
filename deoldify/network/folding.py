"""Norms put into the weights of layers before or behind them: the same network with less to compute."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from deoldify.network.building import AnyGenerator
from deoldify.network.convnext import Block, ChannelNorm, ConvNeXt
from deoldify.network.ddcolor import DDColor
from deoldify.network.distribution import DistributionHead
from deoldify.network.generator import Generator
from deoldify.network.layers import ConvBlock, PixelShuffleUp, SelfAttention, UpBlock

Network = TypeVar("Network", bound=AnyGenerator)


def fold_norms(generator: Network) -> Network:
    """Put norms into the weights around them, in place; the generator must be in eval mode, in float32.

    Spectral and weight norm become part of the weight itself. Batch norm behind a convolution (encoder, up-sampling)
    becomes part of that one. The decoder's other blocks have a ReLU between convolution and batch norm, so there it
    becomes part of the layers that follow, where all of them are 1×1: zero padding would come before the norm then,
    not after it.

    What a layer norm of ConvNeXt multiplies and adds becomes part of the layer that follows, too; where that is batch
    norm, the layer norm takes that in. The scale of a ConvNeXt block becomes part of its last layer.

    Returns:
        The same generator, which computes the same up to rounding.
    """
    for module in generator.modules():
        if parametrize.is_parametrized(module):
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=True)
    with torch.no_grad():
        for module in generator.modules():
            if isinstance(module, PixelShuffleUp) and isinstance(module.norm, nn.BatchNorm2d):
                _scale_output(module.conv, *scale_and_shift(module.norm))
                module.norm = nn.Identity()
        if isinstance(generator, DDColor):
            _fold_ddcolor(generator)
        else:
            _fold_unet(generator)
    return generator


# DeOldify's U-Net


def _fold_unet(generator: Generator) -> None:
    for parent in generator.encoder.modules():
        children = list(parent.named_children())
        for (_, conv), (name, norm) in zip(children, children[1:]):
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                _scale_output(conv, *scale_and_shift(norm))
                setattr(parent, name, getattr(norm, "act", nn.Identity()))  # timm's norms may end in a ReLU
    for before, up in _ends_before_up(generator):
        _fold_end(before, up.conv)


def _ends_before_up(generator: Generator) -> Iterator[tuple[ConvBlock, PixelShuffleUp]]:
    """Pairs of a convolution's block and the up-sampling that alone sees its output."""
    end: nn.Module = generator.middle[-1]
    for block in (*generator.decoder, generator.head):
        up = getattr(block, "up", None)
        # A distribution sees what goes into the last block, so that the last up-sampling is not alone in seeing it.
        shared = isinstance(generator.head, DistributionHead) and block is generator.decoder[-1]
        if isinstance(end, ConvBlock) and isinstance(up, PixelShuffleUp) and not shared:
            yield end, up
        if isinstance(block, UpBlock):
            # Attention adds its own input to what it computes, so that it is not alone in seeing it.
            end = block.attention if isinstance(block.attention, SelfAttention) else block.convs[-1]


# DDColor


def _fold_ddcolor(network: DDColor) -> None:
    _fold_convnext(network.encoder)
    *skip_norms, bottom_norm = cast("list[ChannelNorm]", list(network.encoder.norms))
    blocks = cast("list[UpBlock]", list(network.pixel_decoder.blocks))
    _fold_layer_norm(bottom_norm, blocks[0].up.conv)
    for block, norm in zip(blocks, reversed(skip_norms)):
        if isinstance(block.skip_norm, nn.BatchNorm2d):
            scale, shift = scale_and_shift(block.skip_norm)
            norm.bias.copy_(norm.bias * scale + shift)
            norm.weight.mul_(scale)
            setattr(block, "skip_norm", nn.Identity())  # noqa: B010  (its class says batch norm)
    # What a block makes is seen by the next, and by the queries.
    seen_by = [[conv] for conv in (*(block.up.conv for block in blocks[1:]), network.pixel_decoder.last)]
    for convs, projection in zip(seen_by, cast("list[nn.Conv2d]", list(network.colour_decoder.projections))):
        convs.append(projection)
    for block, convs in zip(blocks, seen_by):
        _fold_end(cast(ConvBlock, block.convs[-1]), *convs)


def _fold_convnext(encoder: ConvNeXt) -> None:
    for down in cast("list[nn.Sequential]", list(encoder.downsample_layers)[1:]):
        _fold_layer_norm(cast(ChannelNorm, down[0]), cast(nn.Conv2d, down[1]))
    for block in encoder.modules():
        if isinstance(block, Block):
            _fold_layer_norm(block.norm, block.pwconv1)
            block.pwconv2.weight.mul_(block.gamma[:, None])
            block.pwconv2.bias.mul_(block.gamma)
            block.gamma = nn.Parameter(torch.ones_like(block.gamma[:1]), requires_grad=False)


def _fold_layer_norm(norm: nn.LayerNorm, layer: nn.Conv2d | nn.Linear) -> None:
    """Let a layer norm, which ``layer`` alone sees, do no more than normalise."""
    if norm.weight is not None:
        _scale_input(layer, norm.weight.double(), norm.bias.double())
        norm.register_parameter("weight", None)
        norm.register_parameter("bias", None)


# Both


def _fold_end(end: ConvBlock, *convs: nn.Conv2d) -> None:
    """Put the batch norm at the end of a block into the convolutions, 1×1, that see it."""
    if isinstance(end.norm, nn.BatchNorm2d):
        for conv in convs:
            _scale_input(conv, *scale_and_shift(end.norm))
        setattr(end, "norm", nn.Identity())  # noqa: B010  (its class says batch norm)


def scale_and_shift(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """What batch norm does in eval mode: x · scale + shift, (C,) each."""
    if norm.running_mean is None or norm.running_var is None:
        raise ValueError("a batch norm without running statistics cannot be folded")
    scale = (norm.running_var.double() + norm.eps).rsqrt() * norm.weight.double()
    return scale, norm.bias.double() - norm.running_mean.double() * scale


def _scale_output(conv: nn.Conv2d, scale: Tensor, shift: Tensor) -> None:
    bias = shift if conv.bias is None else conv.bias.double() * scale + shift
    conv.weight = nn.Parameter((conv.weight.double() * scale.view(-1, 1, 1, 1)).to(conv.weight), requires_grad=False)
    conv.bias = nn.Parameter(bias.to(conv.weight), requires_grad=False)


def _scale_input(layer: nn.Conv2d | nn.Linear, scale: Tensor, shift: Tensor) -> None:
    """Have ``layer``, which must not pad, see its input · scale + shift, (C,) each."""
    weight = layer.weight.double()
    places = (1,) * (weight.ndim - 2)
    bias = weight.flatten(2).sum(dim=2) @ shift if places else weight @ shift
    if layer.bias is not None:
        bias = bias + layer.bias.double()
    layer.weight = nn.Parameter((weight * scale.view(1, -1, *places)).to(layer.weight), requires_grad=False)
    layer.bias = nn.Parameter(bias.to(layer.weight), requires_grad=False)
