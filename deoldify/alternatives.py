"""A picture's other likely colours, one to a surface: the coat that is brown could as well have been blue.

A network that knows how likely each colour is says of most surfaces that they may have one of several. What it is used
at takes the likeliest for each place; here a whole surface takes another.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

SURFACES = 8
"""Parts that a picture is taken to have: few enough for each to be one thing that people would name."""
_SIDE = 48
"""Surfaces are found on a square of this side, at most."""
_ROUNDS = 12
_HUE, _LUMA, _PLACE = 0.06, 0.12, 0.35
"""How far colour (U and V), luma and place may differ within a surface, in their own units of 0 to 1."""
_WIDTH = 0.05
"""Of the bump of bins that counts as one colour, in units of U and V."""
_APART = 0.5
"""Cosine between two hues, above which people would call them one: 60 degrees."""
_NEUTRAL = 0.02
"""Chroma of a surface, below which its hue does not matter."""
_LEAST_CHROMA = 0.08
"""Of another colour, so that it is seen to be one."""
_PULL = 0.07
"""How near a surface that takes another colour comes to it: a share of places keeps what speaks strongly against it."""
_LEAST_SHARE = 0.02
"""Of the picture, of a surface that is worth another colour."""
_LEAST_LIKELY = 0.08
"""Of another colour in comparison with the first; below, it is no opinion but a remainder."""


@dataclass(frozen=True, eq=False)
class Alternative:
    """Another likely colour for a surface.

    Attributes:
        logits: (1, K, h, w), of the bins, once the surface has that colour; elsewhere they are what they were.
        surface: (1, 1, h, w), 0 to 1, where it is.
        likely: of the colour in comparison with the surface's first, above 0.
    """

    logits: Tensor
    surface: Tensor
    likely: float


def alternatives(
    logits: Tensor, colours: Tensor, grey: npt.NDArray[np.uint8], usual: Tensor, most: int
) -> list[Alternative]:
    """What colours other than the usual ones a picture's surfaces are likely to have.

    Args:
        logits: (1, K, h, w), how likely each bin is, rare colours raised as for the lively opinion.
        colours: (K, 2), of the bins, U and V.
        grey: (H, W) uint8, the picture's luma.
        usual: (1, 2, h', w'), U and V that the picture would have.
        most: how many are wanted.

    Returns:
        one for a surface, those that change the most and are the likeliest first; fewer than wanted, or none, where the
        network is sure.
    """
    size = (logits.shape[2], logits.shape[3])
    inside = F.interpolate(_surfaces(grey, usual)[:, None], size, mode="bilinear")[:, 0]  # (S, h, w)
    uv = F.interpolate(usual, size, mode="bilinear")[0]
    weights = inside.flatten(1) / inside.sum(dim=(1, 2)).clamp(min=1e-6).unsqueeze(1)  # (S, h·w)
    likely = weights @ logits[0].softmax(dim=0).flatten(1).T  # (S, K)
    density = likely @ torch.exp(-torch.cdist(colours, colours).square() / (2 * _WIDTH**2))
    found: list[tuple[float, Alternative]] = []
    for surface, bumps, now in zip(inside, density, weights @ uv.flatten(1).T, strict=True):
        other = _other(bumps, colours, now)
        share, likelihood = float(surface.mean()), float(bumps[other] / bumps.max())
        if share < _LEAST_SHARE or likelihood < _LEAST_LIKELY:
            continue
        worth = likelihood * share**0.5 * float((colours[other] - now).norm())
        distance = (colours - colours[other]).square().sum(dim=1)
        pulled = logits - surface * (distance / (2 * _PULL**2)).view(1, -1, 1, 1)
        found.append((worth, Alternative(pulled, surface[None, None], likelihood)))
    found.sort(key=lambda each: -each[0])
    return [alternative for _, alternative in found[:most]]


def _other(density: Tensor, colours: Tensor, now: Tensor) -> int:
    """The likeliest bin of another hue than what is there now."""
    chroma, of_now = colours.norm(dim=1), now.norm()
    along = (colours @ now) / (chroma * of_now).clamp(min=1e-6)
    other_hue = (along < _APART) | (of_now < _NEUTRAL)
    return int(torch.where(other_hue & (chroma > _LEAST_CHROMA), density, 0.0).argmax())


def _surfaces(grey: npt.NDArray[np.uint8], usual: Tensor) -> Tensor:
    """Parts of a picture that are alike in colour, luma and place: (S, h, w), shares that sum to 1 at every place."""
    side = min(_SIDE, *grey.shape)
    luma = torch.from_numpy(grey).float()[None, None] / 255
    luma = F.interpolate(luma, (side, side), mode="bilinear", antialias=True)
    uv = F.interpolate(usual.float(), (side, side), mode="bilinear", antialias=True)
    along = torch.linspace(0, 1, side)
    place = torch.stack(torch.meshgrid(along, along, indexing="ij"))[None]
    points = torch.cat([uv / _HUE, luma / _LUMA, place / _PLACE], dim=1)[0].flatten(1).T  # (h·w, 5)
    centres = points[:1]
    for _ in range(SURFACES - 1):  # each next one where it is farthest from those before, so that no chance has a part
        centres = torch.cat([centres, points[torch.cdist(points, centres).amin(dim=1).argmax()][None]])
    for _ in range(_ROUNDS):
        nearest = F.one_hot(torch.cdist(points, centres).argmin(dim=1), SURFACES).float()  # (h·w, S)
        centres = nearest.T @ points / nearest.sum(dim=0).clamp(min=1).unsqueeze(1)
    parts = nearest.T.reshape(SURFACES, 1, side, side)
    return F.avg_pool2d(F.pad(parts, (1, 1, 1, 1), mode="replicate"), 3, stride=1)[:, 0]
