"""What a fit leaves over of a picture's colours, in numbers: how much, of which size, in which hues, and where."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

_SIZES = (1, 3, 7)
"""Pixels of the windows over which what is left is averaged first: noise goes, things stay, then the largest alone."""
_SHARES = (0.5, 0.75, 0.9, 0.97)
_INNER = 1 / 10
"""Of a side, left out at each edge for what the whole is compared with: a mount lies there."""
_WINDOWS = (9, 17)
"""Sides of the windows,  in which colour is fitted by tone once more: where tones are uneven, little is left then."""
_HUES = 8
_LEAST = 0.1
"""Units of a and b that are nothing; numbers are taken by their logarithm."""


def measures(lab: Tensor, left: Tensor) -> Tensor:
    """All numbers of each picture.

    Args:
        lab: (N, 3, h, w) CIELAB.
        left: (N, 2, h, w) of a and b, see ``unexplained``.

    Returns:
        (N, count), on scales of about 1.
    """
    found = []
    h, w = left.shape[2:]
    inner = (..., slice(round(h * _INNER), h - round(h * _INNER)), slice(round(w * _INNER), w - round(w * _INNER)))
    for size in _SIZES:
        smooth = _mean(left, size)
        for part in (smooth, smooth[inner]):
            found += [_log(_quantiles(_length(part))), _log(_axes(part))]
    things = _mean(left, 3)[inner]
    found += [_hues(things), _contrasts(things, lab[:, :1][inner])]
    found += [_log(_quantiles(_length(_left_locally(lab, window))[inner])) for window in _WINDOWS]
    chroma = _length(lab[:, 1:])
    found += [_log(_quantiles(chroma)), _log(_axes(lab[:, 1:])), lab[:, 1:].mean(dim=(2, 3)) / 20]
    tone = lab[:, 0].flatten(1)
    found.append(
        torch.stack([tone.mean(dim=1), tone.std(dim=1), *tone.quantile(torch.tensor([0.05, 0.95]), dim=1)]).T / 50
    )
    return torch.cat(found, dim=1)


def _mean(x: Tensor, size: int) -> Tensor:
    """Of the window around each pixel, cut off at the edges."""
    if size == 1:
        return x
    down = F.avg_pool2d(x, (size, 1), 1, (size // 2, 0), count_include_pad=False)
    return F.avg_pool2d(down, (1, size), 1, (0, size // 2), count_include_pad=False)


def _length(ab: Tensor) -> Tensor:
    return ab.square().sum(dim=1).sqrt()


def _log(x: Tensor) -> Tensor:
    return torch.log(x.clamp(min=0) + _LEAST)


def _quantiles(x: Tensor) -> Tensor:
    return x.flatten(1).quantile(torch.tensor(_SHARES), dim=1).T


def _axes(ab: Tensor) -> Tensor:
    """Deviations along the two axes of the cloud of a and b: one of them is small where all is of one hue."""
    flat = ab.flatten(2)
    flat = flat - flat.mean(dim=2, keepdim=True)
    xx, yy, xy = flat[:, 0].square().mean(1), flat[:, 1].square().mean(1), (flat[:, 0] * flat[:, 1]).mean(1)
    middle, half = (xx + yy) / 2, (((xx - yy) / 2).square() + xy.square()).sqrt()
    return torch.stack([middle + half, (middle - half).clamp(min=0)], dim=1).sqrt()


def _hues(ab: Tensor) -> Tensor:
    """How much of the colour that is left has each hue, and in how many hues it is, in effect."""
    hue = ((torch.atan2(ab[:, 1], ab[:, 0]) / (2 * torch.pi)) % 1 * _HUES).floor().clamp(0, _HUES - 1).long().flatten(1)
    weight = (_length(ab) - 1).clamp(min=0).flatten(1)
    shares = torch.zeros(len(ab), _HUES).scatter_add_(1, hue, weight) + 1e-3
    shares = shares / shares.sum(dim=1, keepdim=True)
    entropy = -(shares * shares.log()).sum(dim=1, keepdim=True)
    return torch.cat([shares * 2, entropy], dim=1)


def _contrasts(ab: Tensor, tone: Tensor) -> Tensor:
    """How sharp the edges of what is left are, and whether they are those of the picture."""
    of_ab = _steps(ab).square().sum(dim=1).sqrt().flatten(1)
    of_tone = _steps(tone).square().sum(dim=1).sqrt().flatten(1)
    a, b = of_ab - of_ab.mean(1, keepdim=True), of_tone - of_tone.mean(1, keepdim=True)
    alike = (a * b).mean(1) / (a.square().mean(1).sqrt() * b.square().mean(1).sqrt() + 0.01)
    return torch.cat([_log(_quantiles(of_ab)), _log(_quantiles(of_tone)), alike[:, None]], dim=1)


def _steps(x: Tensor) -> Tensor:
    return torch.cat([x[..., 1:, 1:] - x[..., 1:, :-1], x[..., 1:, 1:] - x[..., :-1, 1:]], dim=1)


def _left_locally(lab: Tensor, window: int) -> Tensor:
    """What is left of a and b where each window may have a line of its own by tone, (N, 2, h, w)."""
    tone, ab = lab[:, :1], lab[:, 1:]
    mean_tone, mean_ab = _mean(tone, window), _mean(ab, window)
    slope = (_mean(tone * ab, window) - mean_tone * mean_ab) / (_mean(tone * tone, window) - mean_tone.square() + 4.0)
    return ab - _mean(slope, window) * tone - _mean(mean_ab - slope * mean_tone, window)
