"""From a photograph's pixels to what a colorizer's generator thinks of their colours, in one render or in several."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from deoldify import imaging
from deoldify.imaging import ColourPlane, Pixels
from deoldify.network import Prepared, annealed_mean, bins

TEMPERATURE = 0.5
"""How decided the lively opinion is: 1 is the mean of what is likely, towards 0 the likeliest."""


def colour_plane(prepared: Prepared, pixels: Pixels, sides: Sequence[int], *, mirrored: bool) -> ColourPlane:
    """What renders of a photograph agree on.

    Args:
        prepared: the generator.
        pixels: (H, W, 3) RGB, uint8 or uint16.
        sides: of the squares that it sees, in pixels, ascending; the middle one's size is the plane's.
        mirrored: render each mirrored, too.

    Returns:
        the plane. It has a certainty if there are several renders or the generator knows how likely each colour is,
        and a lively opinion in the latter case.
    """
    middle = sides[len(sides) // 2]
    chroma: list[Tensor] = []
    likely: list[Tensor] = []
    for side in sides:
        grey = imaging.grey_square(pixels, side)
        if side == middle:
            seen = grey
        x = imaging.normalise(imaging.to_tensor(grey))
        if mirrored:
            x = torch.cat([x, x.flip(-1)])
        if prepared.has_opinions:
            found = prepared.opinions(x)
            chroma.append(_upright(found.chroma, mirrored))
            likely.append(_upright(found.logits.log_softmax(dim=1), mirrored))
        else:
            render = imaging.denormalise(prepared(x)).clamp(0, 1)
            chroma.append(_upright(imaging.chroma(render), mirrored))
    own = chroma[len(sides) // 2].shape
    mean, variance = imaging.agreed(imaging.together(chroma, (own[2], own[3])))
    certainty = imaging.certainty(mean, variance) if len(chroma) > 1 or mirrored else None
    lively = None
    if likely:
        own = likely[len(sides) // 2].shape
        logits = imaging.together(likely, (own[2], own[3])).mean(dim=0, keepdim=True)
        colours = bins()
        lively = annealed_mean(logits, colours, TEMPERATURE)
        certainty = imaging.certainty(*_spread(logits, colours))
    return ColourPlane(seen, imaging.doubted(mean, variance), lively, certainty)


def _upright(planes: Tensor, mirrored: bool) -> Tensor:
    """A batch of a picture and its mirror, with the latter mirrored back."""
    return torch.cat([planes[:1], planes[1:].flip(-1)]) if mirrored else planes


def _spread(logits: Tensor, colours: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and mean squared distance from it of distributions: (1, K, h, w) to (1, 2, h, w) and (1, 1, h, w)."""
    mean = annealed_mean(logits, colours, 1.0)
    power = torch.einsum("nkhw,k->nhw", logits.softmax(dim=1), colours.square().sum(dim=1)).unsqueeze(1)
    return mean, (power - mean.square().sum(dim=1, keepdim=True)).clamp(min=0)
