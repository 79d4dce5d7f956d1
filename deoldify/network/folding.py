"""Norms put into the weights of convolutions: the same network with less to compute."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from deoldify.network.distribution import DistributionHead
from deoldify.network.generator import Generator
from deoldify.network.layers import ConvBlock, PixelShuffleUp, SelfAttention, UpBlock


def fold_norms(generator: Generator) -> Generator:
    """Put norms into the weights of convolutions, in place; the generator must be in eval mode, in float32.

    Spectral and weight norm become part of the weight itself. Batch norm behind a convolution (encoder, up-sampling)
    becomes part of that one. The decoder's other blocks have a ReLU between convolution and batch norm, so there it
    becomes part of the convolution that follows, where that is 1×1 and the only one to see it: zero padding would
    come before the norm then, not after it.

    Returns:
        The same generator, which computes the same up to rounding.
    """
    for module in generator.modules():
        if parametrize.is_parametrized(module):
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=True)
    with torch.no_grad():
        for parent in generator.encoder.modules():
            children = list(parent.named_children())
            for (_, conv), (name, norm) in zip(children, children[1:]):
                if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                    _scale_output(conv, *scale_and_shift(norm))
                    setattr(parent, name, getattr(norm, "act", nn.Identity()))  # timm's norms may end in a ReLU
        for module in generator.modules():
            if isinstance(module, PixelShuffleUp) and isinstance(module.norm, nn.BatchNorm2d):
                _scale_output(module.conv, *scale_and_shift(module.norm))
                module.norm = nn.Identity()
        for before, up in _ends_before_up(generator):
            if isinstance(before.norm, nn.BatchNorm2d):
                _scale_input(up.conv, *scale_and_shift(before.norm))
                setattr(before, "norm", nn.Identity())  # noqa: B010  (its class says batch norm)
    return generator


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


def _scale_input(conv: nn.Conv2d, scale: Tensor, shift: Tensor) -> None:
    weight = conv.weight.double()
    bias = (weight[:, :, 0, 0] @ shift) + (0 if conv.bias is None else conv.bias.double())
    conv.weight = nn.Parameter((weight * scale.view(1, -1, 1, 1)).to(conv.weight), requires_grad=False)
    conv.bias = nn.Parameter(bias.to(conv.weight), requires_grad=False)
