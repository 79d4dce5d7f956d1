"""Another view of a picture: the same, smaller. A colorizer should see one photograph in both."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from train.judges.losses import chroma_loss
from train.recipes import VIEWED

SMALLER = 2 / 3
"""Side of a smaller view: what render factors 12 and 18, or a consensus's outer sizes and its middle, differ by."""


def smaller(maps: Tensor, part: float) -> Tensor:
    """Maps of pictures, (N, C, S, S), at ``part`` of their side, by areas: colours and shares keep their means."""
    return F.interpolate(maps, (round(part * maps.shape[-1]),) * 2, mode="area")


def agreement_loss(
    opinions: Callable[[Tensor], tuple[Tensor, Tensor | None]],
    before: Tensor,
    render: Tensor,
    logits: Tensor | None,
    *,
    emphasis: float,
    distribution_weight: float,
) -> Tensor:
    """How far a colorizer's opinion on smaller views of pictures is from its opinion on the pictures themselves.

    What it says of the pictures as they are is taken as it is, so that nothing is gained by paling it.

    Args:
        opinions: the generator: (N, 3, H, W) to renders and, or None, the logits of bins.
        before: what it was given, ImageNet-normalised (N, 3, S, S), S a multiple of ``VIEWED``.
        render: what it made of that, of the same shape.
        logits: (N, K, S/4, S/4), or None where it has no distribution.
        emphasis: of colourful pixels; see ``chroma_loss``.
        distribution_weight: of the divergence of distributions, in nats, beside that loss.
    """
    side = before.shape[-1]
    part = max(1, round(SMALLER * side / VIEWED)) * VIEWED / side
    again, others = opinions(smaller(before, part))
    loss = chroma_loss(again, smaller(render.detach(), part), emphasis=emphasis)
    if logits is not None and others is not None:
        wanted = smaller(logits.detach().float().softmax(dim=1), part)
        # Along the last axis, where a CPU is five times as quick.
        likely = others.permute(0, 2, 3, 1).float().log_softmax(dim=-1)
        wanted = wanted.permute(0, 2, 3, 1)
        loss = loss + distribution_weight * (torch.xlogy(wanted, wanted) - wanted * likely).sum(dim=-1).mean()
    return loss
