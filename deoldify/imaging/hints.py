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

_MOST_CELLS = 256
"""Cells along a side on which ways are counted; larger renders are made smaller for it."""
_SHADING = 0.012
"""Of luma, from a cell to the next: a smaller step is shading or grain, and adds nothing to a way."""
_EDGE = 0.08
"""Of luma beyond shading: ways that have gone through as much have left the surface."""
_ACROSS = 0.25
"""Way along the whole side of an even picture, in edges; it decides between two hints on one surface."""
_SOFTNESS = 0.2
"""Of the end of a surface and of the border between two hints, in edges."""
_MOST_TURNS = 96
"""Times that ways go on along rows, then along columns; enough for all but mazes."""

Distances = npt.NDArray[np.float64]


def hinted(uv: Tensor, grey: npt.NDArray[np.uint8], hints: Sequence[Hint]) -> Tensor:
    """Colours with hints in them, each in full on the surface around its place.

    Args:
        uv: (1, 2, h, w), U and V of the picture.
        grey: (h, w) uint8, its luma.
        hints: where two lie on one surface, each has the nearer part; of two at one place the later one counts.

    Returns:
        (1, 2, h, w).
    """
    shares = torch.from_numpy(surfaces(grey, hints)).to(uv)  # (hints, h, w)
    colours = torch.stack([_chroma_of(hint) for hint in hints]).to(uv)  # (hints, 2)
    return uv * (1 - shares.sum(dim=0)) + torch.einsum("nhw,nc->chw", shares, colours).unsqueeze(0)


def surfaces(grey: npt.NDArray[np.uint8], hints: Sequence[Hint]) -> npt.NDArray[np.float32]:
    """How far each place belongs to the surface of each hint.

    Args:
        grey: (h, w) uint8, luma.
        hints: at least one.

    Returns:
        (hints, h, w) from 0 to 1, together at most 1 at a place.
    """
    height, width = grey.shape
    y = to_tensor(grey)[:, :1]
    cells = F.interpolate(y, [min(side, _MOST_CELLS) for side in y.shape[-2:]], mode="area")
    # Grain has steps of its own, which a mean over neighbours takes away.
    smooth = F.avg_pool2d(F.pad(cells, (1, 1, 1, 1), mode="replicate"), 3, stride=1)[0, 0].double().numpy()
    ways = np.stack([ways_from(smooth, hint.x, hint.y) for hint in hints])
    on_surface = 1 / (1 + np.exp(((ways.min(axis=0) - 1) / (_SOFTNESS / 4)).clip(-40, 40)))
    nearness = np.exp(-(ways - ways.min(axis=0)) / _SOFTNESS)
    shares = torch.from_numpy(nearness / nearness.sum(axis=0) * on_surface).unsqueeze(0).float()
    return F.interpolate(shares, (height, width), mode="bilinear")[0].numpy()


def ways_from(luma: Distances, x: float, y: float) -> Distances:
    """The shortest way from a place to each other one, in edges.

    Ways go along rows and columns. Those along a row are found for all its cells at once: cumulated steps are places
    on a line, and the shortest way to a place is the least of what any place before it has and the distance to that.

    Args:
        luma: (h, w), 0 to 1.
        x: the place, as a share of the width.
        y: the place, as a share of the height.

    Returns:
        (h, w), 0 at the place.
    """
    height, width = luma.shape
    along_rows, along_columns = (_places(luma, axis) for axis in (1, 0))
    ways = np.full(luma.shape, np.inf)
    ways[min(int(y * height), height - 1), min(int(x * width), width - 1)] = 0
    for _ in range(_MOST_TURNS):
        before = ways
        for places, axis in ((along_rows, 1), (along_columns, 0)):
            ways = np.minimum(
                _after(ways, places, axis), np.flip(_after(np.flip(ways, axis), np.flip(-places, axis), axis), axis)
            )
        if np.allclose(ways, before, rtol=0, atol=1e-3):
            break
    return ways


def _places(luma: Distances, axis: int) -> Distances:
    """Where on a line the cells of each row (or column) lie, if steps of luma make the way between neighbours."""
    steps = (np.abs(np.diff(luma, axis=axis)) - _SHADING).clip(min=0) / _EDGE + _ACROSS / luma.shape[axis]
    return np.insert(np.cumsum(steps, axis=axis), 0, 0, axis=axis)


def _after(ways: Distances, places: Distances, axis: int) -> Distances:
    """The shortest ways to cells from those before them."""
    return np.minimum.accumulate(ways - places, axis=axis) + places


def _chroma_of(hint: Hint) -> Tensor:
    """(2,): U and V of a hint's colour."""
    if hint.rgb is None:
        return torch.zeros(2)
    return chroma(torch.tensor(hint.rgb).view(1, 3, 1, 1) / 255)[0, :, 0, 0]
