"""From a photograph's pixels to what a colorizer's generator thinks of their colours, in one render or in several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from deoldify import imaging
from deoldify.alternatives import alternatives
from deoldify.imaging import ColourPlane, Pixels
from deoldify.network import Prepared, annealed_mean, bins

TEMPERATURE = 0.35
"""How decided the lively opinion is: 1 is the mean of what is likely, towards 0 the likeliest."""
EVENNESS = 0.35
"""How far rare colours are raised over common ones before that: 0 not at all, 1 until all would be alike. Brown and
grey are so common that without it they win wherever several colours are possible."""
DOUBT = 0.5
"""How much the lively opinion is paled where what is likely lies far apart; see ``imaging.doubted``.

All three were chosen on photographs held out of training: the most hues at the colourfulness of the cautious opinion
and a half more, among what kept the error of colour below that of grey pictures."""


def colour_planes(
    prepared: Prepared, pixels: Pixels, sides: Sequence[int], *, mirrored: bool, others: int = 0
) -> list[ColourPlane]:
    """What renders of a photograph agree on.

    Args:
        prepared: the generator.
        pixels: (H, W, 3) RGB, uint8 or uint16.
        sides: of the squares that it sees, in pixels, ascending; the middle one's size is the plane's.
        mirrored: render each mirrored, too.
        others: how many planes more are wanted, in each of which one surface has another likely colour.

    Returns:
        the plane, and the others, if the generator knows how likely each colour is and finds as many. They have a
        certainty if there are several renders or the generator knows that, and a lively opinion in the latter case.
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
    cautious = imaging.doubted(mean, variance)
    if not likely:
        several = len(chroma) > 1 or mirrored
        return [ColourPlane(seen, cautious, certainty=imaging.certainty(mean, variance) if several else None)]
    own = likely[len(sides) // 2].shape
    logits = imaging.together(likely, (own[2], own[3])).mean(dim=0, keepdim=True)
    colours = bins()
    certainty = imaging.certainty(*_spread(logits, colours))
    usual = ColourPlane(seen, cautious, lively_opinion(logits, colours, prepared.seen), certainty)
    if not others:
        return [usual]
    return [usual, *_with_other_colours(usual, _raised(logits, prepared.seen), colours, others)]


def _with_other_colours(usual: ColourPlane, raised: Tensor, colours: Tensor, most: int) -> Iterator[ColourPlane]:
    """A picture's planes with another likely colour for one of its surfaces each."""
    assert usual.lively is not None
    size = (usual.cautious.shape[2], usual.cautious.shape[3])
    lively = F.interpolate(usual.lively, size, mode="bilinear")
    for other in alternatives(raised, colours, usual.grey, (usual.cautious + lively) / 2, most):
        there = F.interpolate(other.surface, size, mode="bilinear")
        cautious = imaging.doubted(*_spread(other.logits, colours))
        yield replace(
            usual,
            cautious=torch.lerp(usual.cautious, F.interpolate(cautious, size, mode="bilinear"), there),
            lively=torch.lerp(usual.lively, _decided(other.logits, colours), other.surface),
        )


def lively_opinion(logits: Tensor, colours: Tensor, seen: Tensor) -> Tensor:
    """The colour that is likely and not merely common, paled where much else is likely, too.

    Args:
        logits: (1, K, h, w), of the bins.
        colours: (K, 2), theirs.
        seen: (K,), how common each is among photographs.

    Returns:
        (1, 2, h, w).
    """
    return _decided(_raised(logits, seen), colours)


def _raised(logits: Tensor, seen: Tensor) -> Tensor:
    """Logits with rare colours raised over common ones."""
    return logits - EVENNESS * seen.clamp(min=1e-5).log().view(1, -1, 1, 1)


def _decided(raised: Tensor, colours: Tensor) -> Tensor:
    mean, variance = _spread(raised / TEMPERATURE, colours)
    return imaging.doubted(mean, DOUBT * variance)


def _upright(planes: Tensor, mirrored: bool) -> Tensor:
    """A batch of a picture and its mirror, with the latter mirrored back."""
    return torch.cat([planes[:1], planes[1:].flip(-1)]) if mirrored else planes


def _spread(logits: Tensor, colours: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and mean squared distance from it of distributions: (1, K, h, w) to (1, 2, h, w) and (1, 1, h, w)."""
    mean = annealed_mean(logits, colours, 1.0)
    power = torch.einsum("nkhw,k->nhw", logits.softmax(dim=1), colours.square().sum(dim=1)).unsqueeze(1)
    return mean, (power - mean.square().sum(dim=1, keepdim=True)).clamp(min=0)
