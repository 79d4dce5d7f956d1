"""How much of a picture's colour follows from its tone and the place: a robust fit, and what it leaves over."""

from __future__ import annotations

import torch
from torch import Tensor

from deoldify.imaging import to_cielab

_ROUNDS = 4
_FITTED = 48
"""Pixels of a side that the fit needs to see; it is applied to all."""
_LEAST_SCALE = 1.0
"""Of a and b: what is below is noise, however flat the picture."""
_RIDGE = 1e-4
"""Share of a term's mean square; a flat picture leaves terms undecided."""


def unexplained(rgb: Tensor) -> tuple[Tensor, Tensor]:
    """What of the colour does not follow from tone and place.

    a and b are fitted by a quartic in L, a quadratic in x and y, and products of the two, the further a pixel lies off
    the less it counts (Cauchy's weights, by iterated least squares), so that a mount of another tint or a stain does
    not bend the fit.

    Args:
        rgb: (N, 3, h, w) sRGB in 0 to 1.

    Returns:
        CIELAB of the pictures, (N, 3, h, w), and what the fit leaves over of a and b, (N, 2, h, w), in their units.
    """
    lab = to_cielab(rgb)
    n, _, h, w = lab.shape
    terms, ab = _terms(lab[:, 0]), lab[:, 1:]
    step = max(1, min(h, w) // _FITTED)
    design, wanted = (each[..., ::step, ::step].flatten(2).transpose(1, 2) for each in (terms, ab))
    weights = design.new_ones(n, design.shape[1], 1)
    for _ in range(_ROUNDS):
        weighted = (design * weights).transpose(1, 2)
        gram = (weighted @ design).double()
        ridge = _RIDGE * gram.diagonal(dim1=1, dim2=2).mean(dim=1).view(n, 1, 1) + 1e-9
        gram = gram + ridge * torch.eye(design.shape[2], dtype=gram.dtype)
        solution = torch.linalg.solve(gram, (weighted @ wanted).double()).to(design.dtype)
        off = (wanted - design @ solution).square().sum(dim=2, keepdim=True)
        scale = off.sqrt().median(dim=1, keepdim=True).values.mul(1.5).clamp(min=_LEAST_SCALE)
        weights = 1 / (1 + off / scale.square())
    return lab, ab - torch.einsum("nthw,ntc->nchw", terms, solution)


def _terms(lightness: Tensor) -> Tensor:
    """What a and b may follow from: (N, terms, h, w) of L, (N, h, w)."""
    n, h, w = lightness.shape
    tone = lightness / 50 - 1
    square = tone * tone
    y = torch.linspace(-1, 1, h, dtype=tone.dtype).view(1, h, 1).expand(n, h, w)
    x = torch.linspace(-1, 1, w, dtype=tone.dtype).view(1, 1, w).expand(n, h, w)
    place = (y, x, y * y, x * x, x * y)
    tones = (torch.ones_like(tone), tone, square, square * tone, square * square)
    return torch.stack((*tones, *place, *(tone * each for each in place), square * y, square * x), dim=1)
