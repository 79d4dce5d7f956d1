"""How likely each chroma is, place by place: colour as a choice among many, not as one mean (Zhang et al. 2016)."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deoldify.imaging import denormalise, from_luma_chroma, luma, normalise
from deoldify.network.layers import convolution

STEP = 0.04
"""Distance between neighbouring bins, in units of U and V."""
SPAN = 0.68
"""``span`` of the most saturated colours that are told apart. Of photographs, hardly a pixel is more saturated."""

_BINNED = 0.7
"""``span`` up to which bins are laid: a little more, so that every colour up to ``SPAN`` has all four around it."""
_SIDE = 15
"""Bins from grey to either side of the grid."""


def span(uv: Tensor) -> Tensor:
    """Largest minus smallest of R, G and B of colours, at any luma: how saturated they are.

    Args:
        uv: (N, 2, H, W), U and V.

    Returns:
        (N, 1, H, W); a colour fits into RGB of 0 to 1 at some luma where it is at most 1.
    """
    offsets = from_luma_chroma(torch.zeros_like(uv[:, :1]), uv)
    return offsets.amax(dim=1, keepdim=True) - offsets.amin(dim=1, keepdim=True)


@cache
def _grid() -> tuple[Tensor, Tensor]:
    """The bins, (K, 2) U and V, and the table from places of the grid to their numbers, -1 where there is none."""
    fine = 8
    reach = torch.arange(-_SIDE * fine, _SIDE * fine + 1) * (STEP / fine)
    uv = torch.stack(torch.meshgrid(reach, reach, indexing="ij"))[None]
    cells = _cells(uv)[0, :, span(uv)[0, 0] <= _BINNED] + _SIDE
    table = torch.full((2 * _SIDE + 2, 2 * _SIDE + 2), -1)
    for right in (0, 1):
        for down in (0, 1):
            table[cells[0] + right, cells[1] + down] = 0
    places = (table == 0).nonzero()
    table[places[:, 0], places[:, 1]] = torch.arange(len(places))
    return (places - _SIDE) * STEP, table


def _cells(uv: Tensor) -> Tensor:
    """The cell of the grid that each colour lies in; what lies on a line but for rounding belongs behind it."""
    return torch.floor(uv / STEP + 1e-4).long()


def bins() -> Tensor:
    """The chroma of each bin, (K, 2) float32, U and V."""
    return _grid()[0].clone()


def soft_encoded(uv: Tensor) -> tuple[Tensor, Tensor]:
    """Colours as mixtures of the four bins around each, whose mean they are.

    Args:
        uv: (N, 2, H, W), U and V; what is more saturated than ``SPAN`` is encoded as if it were just that.

    Returns:
        the bins' numbers, (N, 4, H, W) int64, and their shares, (N, 4, H, W) float32, that sum to 1.
    """
    uv = uv.float()
    uv = uv * (SPAN / span(uv).clamp(min=SPAN))
    table = _grid()[1].to(uv.device)
    low = _cells(uv)
    along = (uv / STEP - low).clamp(0, 1)
    numbers, shares = [], []
    for right in (0, 1):
        for down in (0, 1):
            numbers.append(table[low[:, 0] + right + _SIDE, low[:, 1] + down + _SIDE])
            of_u = along[:, 0] if right else 1 - along[:, 0]
            of_v = along[:, 1] if down else 1 - along[:, 1]
            shares.append(of_u * of_v)
    return torch.stack(numbers, dim=1), torch.stack(shares, dim=1)


def annealed_mean(logits: Tensor, colours: Tensor, temperature: float) -> Tensor:
    """The mean colour of a distribution made more decided (Zhang et al. 2016).

    Args:
        logits: (N, K, H, W), of the bins.
        colours: (K, 2), theirs.
        temperature: above 0; 1 gives the mean, towards 0 the likeliest.

    Returns:
        (N, 2, H, W) float32.
    """
    shares = (logits.float() / temperature).softmax(dim=1)
    return torch.einsum("nkhw,kc->nchw", shares, colours.to(shares))


class Opinions(NamedTuple):
    """What a generator with a distribution thinks of the colours of a batch; sides as for inputs divisible by 32.

    Attributes:
        chroma: (N, 2, H/2, W/2) float32, the one U and V of each place that is wrong the least.
        logits: (N, K, H/4, W/4), how likely each of ``bins`` is.
    """

    chroma: Tensor
    logits: Tensor


class DistributionHead(nn.Module):
    """Two opinions on the colour of the input's own luma: one colour for each place of 1/2 of the side, and how likely
    each bin of chroma is at 1/4.

    The one colour is cautious: of a blue and a red coat it is the mean, brown. The distribution knows both.

    Args:
        in_channels: of the features at 1/2.
        quarter_channels: of those at 1/4.
        spectral: spectral norm on its convolutions.

    Attributes:
        seen: (K,) float32 that sum to 1, how common each bin is among the photographs that it was trained on.
        colours: (K, 2) float32, the bins.
    """

    WIDTH = 128

    def __init__(self, in_channels: int, quarter_channels: int, *, spectral: bool) -> None:
        super().__init__()
        self.out = convolution(in_channels, 2, 3, bias=True, spectral=spectral)
        self.hidden = convolution(quarter_channels, self.WIDTH, 3, bias=True, spectral=spectral)
        colours = bins()
        self.likely = convolution(self.WIDTH, len(colours), 1, bias=True, spectral=spectral)
        common = torch.exp(-colours.norm(dim=1) / 0.06)  # about how chroma falls off in photographs
        self.seen: Tensor
        self.colours: Tensor
        self.register_buffer("seen", common / common.sum())
        self.register_buffer("colours", colours, persistent=False)
        with torch.no_grad():  # start from grey, and from what is common
            self.out.weight.mul_(0.01)
            self.likely.weight.mul_(0.01)
            assert self.likely.bias is not None
            self.likely.bias.copy_(self.seen.log())

    def opinions(self, features: Tensor, quarter: Tensor) -> Opinions:
        """Features at 1/2, (N, C, H/2, W/2), and at 1/4, (N, Q, H/4, W/4), to both opinions."""
        return Opinions(self.out(features).float(), self.likely(F.relu(self.hidden(quarter))))

    @staticmethod
    def rendered(chroma: Tensor, x: Tensor) -> Tensor:
        """U and V of any size, enlarged to that of ``x`` and on its luma: normalised RGB, (N, 3, H, W)."""
        y = luma(denormalise(x.float()))
        uv = F.interpolate(chroma, y.shape[-2:], mode="bilinear", align_corners=False)
        return normalise(from_luma_chroma(y, uv))

    def forward(self, features: Tensor, x: Tensor) -> Tensor:
        """The render of the one colour alone, as every head gives it."""
        return self.rendered(self.out(features).float(), x)
