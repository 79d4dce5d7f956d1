"""Other views of a picture: smaller, or in a mount. A colorizer should see one photograph in all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from deoldify.imaging import normalise
from deoldify.network import bins
from train.judges.losses import chroma_loss
from train.recipes import VIEWED

SMALLER = 2 / 3
"""Side of a smaller view: what render factors 12 and 18, or a consensus's outer sizes and its middle, differ by."""
MOUNT = 1 / 8
"""Width of a mount on each side of a view of the picture's own size."""


@dataclass(frozen=True)
class View:
    """How pictures are seen otherwise; all maps of them, at whatever size, are by the same method.

    Attributes:
        side: of the view, in units of the pictures'.
        margin: width of a mount inside of the view, in units of the pictures' side; 0 where there is none.
        tone: of the mount, (N, 1, 1, 1) of 0 to 1.
    """

    side: float
    margin: float
    tone: Tensor

    def of(self, maps: Tensor, around: Tensor) -> Tensor:
        """Maps of the pictures, (N, C, S, S), as they are in the view, (N, C, side × S, side × S).

        Args:
            maps: one value for each place.
            around: what stands in the mount, of any shape that can be laid beside (N, C, 1, 1).
        """
        side, margin = round(self.side * maps.shape[-1]), round(self.margin * maps.shape[-1])
        inside = F.interpolate(maps, (side - 2 * margin,) * 2, mode="area")
        if not margin:
            return inside
        whole = around.to(inside).expand(*inside.shape[:2], 1, 1).expand(-1, -1, side, side).clone()
        whole[..., margin : side - margin, margin : side - margin] = inside
        return whole

    def of_pictures(self, pictures: Tensor) -> Tensor:
        """ImageNet-normalised pictures, (N, 3, S, S), in the view, and in a grey mount if it has one."""
        return self.of(pictures, normalise(self.tone.to(pictures).expand(-1, 3, 1, 1)))


def another_view(count: int, size: int) -> View:
    """A view drawn by chance: as often smaller as in a mount of any grey.

    Args:
        count: N, of pictures.
        size: S, of their side; a multiple of ``VIEWED``.
    """
    tone = torch.rand(count, 1, 1, 1)
    if torch.rand(()) < 0.5:
        return View(max(1, round(SMALLER * size / VIEWED)) * VIEWED / size, 0.0, tone)
    return View(1.0, MOUNT, tone)


def agreement_loss(
    opinions: Callable[[Tensor], tuple[Tensor, Tensor | None]],
    before: Tensor,
    render: Tensor,
    logits: Tensor | None,
    *,
    emphasis: float,
    distribution_weight: float,
) -> Tensor:
    """How far a colorizer's opinion on another view of pictures is from its opinion on them, and a mount from grey.

    What it says of the pictures as they are is taken as it is, so that nothing is gained by paling it.

    Args:
        opinions: the generator: (N, 3, H, W) to renders and, or None, the logits of bins.
        before: what it was given, ImageNet-normalised (N, 3, S, S).
        render: what it made of that, of the same shape.
        logits: (N, K, S/4, S/4), or None where it has no distribution.
        emphasis: of colourful pixels; see ``chroma_loss``.
        distribution_weight: of the divergence of distributions, in nats, beside that loss.
    """
    view = another_view(len(before), before.shape[-1])
    again, others = opinions(view.of_pictures(before))
    loss = chroma_loss(again, view.of_pictures(render.detach()), emphasis=emphasis)
    if logits is not None and others is not None:
        grey = (bins().norm(dim=1) == 0).to(logits).view(1, -1, 1, 1)
        wanted = view.of(logits.detach().float().softmax(dim=1), grey)
        # Along the last axis, where a CPU is five times as quick.
        likely = others.permute(0, 2, 3, 1).float().log_softmax(dim=-1)
        wanted = wanted.permute(0, 2, 3, 1)
        loss = loss + distribution_weight * (torch.xlogy(wanted, wanted) - wanted * likely).sum(dim=-1).mean()
    return loss
