"""The networks that judge: strided critics with spectral norm, of 2018 and 2019."""

from __future__ import annotations

from typing import cast

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from deoldify.imaging import chroma, denormalise, from_luma_chroma, luma, normalise
from deoldify.network import SelfAttention
from train.recipes import CriticConfig


class CriticConv(nn.Module):
    """Convolution with spectral norm (Miyato et al. 2018) → leaky ReLU, halving height and width if ``halve``."""

    def __init__(self, in_channels: int, out_channels: int, *, halve: bool) -> None:
        super().__init__()
        size, stride = (4, 2) if halve else (3, 1)
        conv = nn.Conv2d(in_channels, out_channels, size, stride, padding=1)
        nn.init.kaiming_normal_(conv.weight, a=0.2)
        nn.init.zeros_(cast(Tensor, conv.bias))
        self.conv = parametrizations.spectral_norm(conv)

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(self.conv(x), 0.2)


class CriticBlock(nn.Module):
    """Dropout, halve and double the channels; perhaps one more convolution before, and self-attention after."""

    def __init__(self, channels: int, *, dropout: float, refine: bool, attention: bool) -> None:
        super().__init__()
        self.refine = CriticConv(channels, channels, halve=False) if refine else nn.Identity()
        self.dropout = nn.Dropout2d(dropout)
        self.reduce = CriticConv(channels, channels * 2, halve=True)
        self.attention = SelfAttention(channels * 2, spectral=True) if attention else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.attention(self.reduce(self.dropout(self.refine(x)))))


class Critic(nn.Module):
    """Scores how much each part of a picture looks like a photograph; the higher, the more.

    Args:
        config: its shape.
    """

    def __init__(self, config: CriticConfig) -> None:
        super().__init__()
        self.config = config
        self.first = CriticConv(3, config.width, halve=True)
        self.dropout = nn.Dropout2d(config.dropout[0])
        widths = [config.width * 2**number for number in range(config.blocks + 1)]
        self.blocks = nn.Sequential(
            *(
                CriticBlock(
                    width, dropout=config.dropout[1], refine=config.refine, attention=number in config.attention
                )
                for number, width in enumerate(widths[:-1])
            )
        )
        self.refine = CriticConv(widths[-1], widths[-1], halve=False) if config.refine else nn.Identity()
        self.score = parametrizations.spectral_norm(nn.Conv2d(widths[-1], 1, 4, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W), ImageNet-normalised RGB, to scores (N, 1, H / 2ᵇ⁺¹ − 3, W / 2ᵇ⁺¹ − 3) after b blocks.

        The sides must be at least 4 × 2ᵇ⁺¹.
        """
        return cast(Tensor, self.score(self.refine(self.blocks(self.dropout(self.first(x))))))


def coloured_like(render: Tensor, original: Tensor) -> Tensor:
    """The original's colours on the render's luma, for a critic that is to judge colour alone.

    Args:
        render: (N, 3, H, W), ImageNet-normalised.
        original: likewise.

    Returns:
        the same shape, ImageNet-normalised, not clamped, as a generator's chroma on its input's luma is not either.
    """
    y, uv = luma(denormalise(render.float())), chroma(denormalise(original.float()))
    return normalise(from_luma_chroma(y, uv))
