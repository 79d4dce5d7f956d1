"""Colours that somebody names, spread over the surfaces that they are named for.

A surface ends where luma steps. So the way from a hint to a place is counted by the steps of luma along it, and a hint
colours what is a short way off: geodesic distances on luma, as in the colorization of Yatziv and Sapiro (2006).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from deoldify.imaging.adjustments import Hint
from deoldify.imaging.colour import chroma, to_tensor
from deoldify.imaging.transfer import window_mean

_MOST_CELLS = 192
"""Cells along a side on which ways are counted; larger renders are made smaller for it."""
_AROUND = 0.05
"""Share of a side around a hint that tells how even its surface is."""
_SMALLEST = 0.006
"""Of luma, from a cell to the next: the step that counts half, on the evenest of surfaces; on others it is twice their
own median step, which is shading, folds or grain."""
_EDGE = 10.0
"""Small steps that a way leads over until it has left the surface."""
_MOST_EDGE = 0.13
"""Of luma: the most that such a way may lead over, on whatever surface."""
_ALIKE = 0.15
"""Of luma: what differs from the hint's place by no more is as likely of its surface as can be."""
_UNLIKE = 0.25
"""Of luma beyond that: what differs by so much more is no part of the surface, be the way there as even as it will."""
_ACROSS = 0.25
"""Way along the whole side of an even picture, in edges; it decides between two hints on one surface."""
_FAR = 2.0
"""In edges; what is farther off is not told apart."""
_SOFTNESS = 0.2
"""Of the end of a surface and of the border between two hints, in edges."""
_APART = 0.03
"""Of luma, between both sides of an edge that surfaces are made to end at exactly."""
_MOST_TURNS = 100
"""Times that ways go on along rows, then along columns; enough for all but mazes."""


def change_by_hints(uv: Tensor, grey: npt.NDArray[np.uint8], hints: Sequence[Hint]) -> Tensor:
    """What has to be added to colours so that each hint's is there, in full, on the surface around its place.

    Args:
        uv: (1, 2, h, w), U and V of the picture.
        grey: (h, w) uint8, its luma.
        hints: at least one. Where two lie on one surface, each has the nearer part.

    Returns:
        (1, 2, h, w), for ``transfer_guided`` to carry by itself.
    """
    shares = surfaces(grey, hints)
    colours = torch.stack([_chroma_of(hint) for hint in hints])  # (hints, 2)
    return torch.einsum("nhw,nc->chw", shares, colours).unsqueeze(0) - uv * shares.sum(dim=0)


def surfaces(grey: npt.NDArray[np.uint8], hints: Sequence[Hint]) -> Tensor:
    """How far each place belongs to the surface of each hint.

    Args:
        grey: (h, w) uint8, luma.
        hints: at least one.

    Returns:
        (hints, h, w) from 0 to 1, together at most 1 at a place.
    """
    y = to_tensor(grey)[:, :1]
    cells = F.interpolate(y, [min(side, _MOST_CELLS) for side in y.shape[-2:]], mode="area")
    # Grain has steps of its own, which the median of the neighbourhood takes away and leaves edges where they are.
    around = F.unfold(F.pad(cells, (1, 1, 1, 1), mode="replicate"), 3)  # (1, 9, cells)
    smooth = around.median(dim=1).values.view(cells.shape[-2:])
    ways = torch.stack([ways_from(smooth, hint) for hint in hints])
    nearest = ways.amin(dim=0)
    shares = ((nearest - ways) / _SOFTNESS).softmax(dim=0) * torch.sigmoid((1 - nearest) / (_SOFTNESS / 4))
    return _snapped(F.interpolate(shares.unsqueeze(0), y.shape[-2:], mode="bilinear")[0], y[0])


def _snapped(shares: Tensor, y: Tensor) -> Tensor:
    """Shares whose ends lie where the picture's edges do, and not a pixel or two beside them.

    In a window around each place, what is of a surface has a mean luma, and what is not has another. Where these are
    well apart, a place belongs to the surface as far as its luma is nearer to the first.

    Args:
        shares: (hints, h, w).
        y: (1, h, w), luma.
    """
    radius = max(2, max(y.shape[-2:]) // 80)
    planes = torch.cat([y, shares, shares * y]).unsqueeze(0)
    of_all, of_surface, products = torch.split(window_mean(planes, radius)[0], [1, len(shares), len(shares)])
    inside = products / of_surface.clamp(min=1e-3)
    outside = (of_all - products) / (1 - of_surface).clamp(min=1e-3)
    apart = inside - outside
    nearer = ((y - outside) / torch.where(apart.abs() < 1e-3, 1e-3, apart)).clamp(0, 1)
    told = apart.square() / (apart.square() + _APART**2) * ((of_surface * (1 - of_surface)) > 0.03)
    snapped = torch.lerp(shares, nearer, told)
    return snapped / snapped.sum(dim=0).clamp(min=1)


def ways_from(luma: Tensor, hint: Hint) -> Tensor:
    """The shortest way from a hint's place to each other one, in edges.

    Ways go along rows and columns. Those along a row are found for all its cells at once: cumulated steps are places
    on a line, and the shortest way to a cell is the least of what any cell before it has and the distance to that.

    Args:
        luma: (h, w), 0 to 1.
        hint: where ways begin.

    Returns:
        (h, w), 0 at the place, ``_FAR`` at most.
    """
    height, width = luma.shape
    row, column = min(int(hint.y * height), height - 1), min(int(hint.x * width), width - 1)
    reach = max(2, round(_AROUND * max(height, width)))
    around = luma[max(row - reach, 0) : row + reach + 1, max(column - reach, 0) : column + reach + 1]
    steps = torch.cat([around.diff(dim=0).flatten(), around.diff(dim=1).flatten()]).abs()
    small = max(_SMALLEST, 2 * float(steps.median()))
    along_rows, along_columns = _places(luma, small), _places(luma.mT, small)
    ways = torch.full_like(luma, _FAR)
    ways[row, column] = 0
    for _ in range(_MOST_TURNS):
        before = ways
        ways = _onward(_onward(ways, along_rows).mT.contiguous(), along_columns).mT.contiguous()
        if torch.allclose(ways, before, rtol=0, atol=1e-3):
            break
    return ways + (((luma - luma[row, column]).abs() - _ALIKE) / _UNLIKE).clamp(min=0)


def _places(luma: Tensor, small: float) -> Tensor:
    """Where on a line the cells of each row lie, if steps of luma make the ways between neighbours."""
    steps = luma.diff(dim=1).abs()
    ways = steps.square() / (steps + small) / min(_EDGE * small, _MOST_EDGE) + _ACROSS / luma.shape[1]
    return F.pad(ways.cumsum(dim=1), (1, 0))


def _onward(ways: Tensor, places: Tensor) -> Tensor:
    """The shortest ways to cells from those before and those behind them in their rows."""
    forth = (ways - places).cummin(dim=1).values + places
    back = (ways + places).flip(1).cummin(dim=1).values.flip(1) - places
    return torch.minimum(forth, back)


def _chroma_of(hint: Hint) -> Tensor:
    """(2,): U and V of a hint's colour."""
    if hint.rgb is None:
        return torch.zeros(2)
    return chroma(torch.tensor(hint.rgb).view(1, 3, 1, 1) / 255)[0, :, 0, 0]
