"""A flat mount, border or scanner's bed around a photograph: where it ends, and a plane of colours laid into it.

What lies around a photograph is no part of the scene: a network that is shown it paints it, or pales the photograph for
its sake. So it is found, left out of the render, and stays neutral. Only what is plain to see is taken for a mount: one
tone on opposite sides, with a straight edge. The rest is the network's to judge.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from deoldify.imaging.colour import Pixels
from deoldify.imaging.plane import ColourPlane
from deoldify.imaging.square import grey_square, sampled

_LOOKED_AT = 1024
"""Most pixels of a side that are looked at, evenly picked."""
_TOLERANCE = 10
"""Of 255, by which a mount's pixels may differ from its tone: paper's grain and a JPEG's ringing do."""
_SPECKS = 0.03
"""Share of a line's pixels that may differ by more."""
_NARROWEST = 0.01
"""Of a photograph's side; what is narrower is no matter."""
_SHARP, _SHARPEST = 0.1, 0.5
"""Share of the pixels just inside an edge that must differ from the mount: at each edge, and in the mean. What stands
before a plain backdrop touches the lines around it here and there."""
_LEAST = 0.3
"""Of a photograph's side, that must be left inside."""
_NESTED = 3
"""Most mounts inside one another: a mat in a frame on a scanner's bed."""

Small = npt.NDArray[np.int16]


class Inside(NamedTuple):
    """What a mount surrounds, of (H, W, 3) pixels."""

    top: int
    bottom: int
    left: int
    right: int

    def of(self, pixels: Pixels) -> Pixels:
        """These pixels alone, as a view."""
        return pixels[self.top : self.bottom, self.left : self.right]


def inside_mount(pixels: Pixels) -> Inside | None:
    """What a flat mount surrounds; None where there is no such mount.

    Args:
        pixels: (H, W, 3) RGB, uint8 or uint16.
    """
    height, width = pixels.shape[:2]
    small = sampled(pixels, min(height, _LOOKED_AT), min(width, _LOOKED_AT))
    red, green, blue = np.moveaxis((small >> 8 if small.dtype == np.uint16 else small).astype(np.int16), -1, 0)
    tones: Small = (red + green + blue) // 3
    rows, columns = slice(0, tones.shape[0]), slice(0, tones.shape[1])
    for _ in range(_NESTED):
        found = _edges(tones[rows, columns])
        if found is None:
            break
        (top, bottom), (left, right) = found
        rows, columns = slice(rows.start + top, rows.start + bottom), slice(columns.start + left, columns.start + right)
    high, wide = rows.stop - rows.start, columns.stop - columns.start
    if (high, wide) == tones.shape or high < _LEAST * tones.shape[0] or wide < _LEAST * tones.shape[1]:
        return None
    # Outwards where pixels were passed over: a hair of mount does no harm, a hair of photograph without colour would.
    down, along = height / tones.shape[0], width / tones.shape[1]
    return Inside(
        int(np.floor(rows.start * down)), int(np.ceil(rows.stop * down)),
        int(np.floor(columns.start * along)), int(np.ceil(columns.stop * along)),
    )  # fmt: skip


def _edges(tones: Small) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """From and to where there is no mount, along both axes; None where there is none that is plain to see."""
    if min(tones.shape) < 16:
        return None
    # Of a mount on two sides alone, the other two are photograph.
    ends = tones[[0, -1]], tones[:, [0, -1]]
    return next(filter(None, (_edges_from(tones, float(np.median(pair))) for pair in ends)), None)


def _edges_from(tones: Small, tone: float) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """As ``_edges``, from a mount of this tone."""
    differs = np.abs(tones - tone) > _TOLERANCE
    rows = _flat_ends(differs)
    columns = _flat_ends(differs[slice(*rows)].T) if rows else None
    rows = _flat_ends(differs[:, slice(*columns)]) if columns else None
    if rows is None or columns is None or not (_both(rows, tones.shape[0]) or _both(columns, tones.shape[1])):
        return None
    inside = differs[slice(*rows), slice(*columns)]
    lines = [
        (rows[0] > 0, inside[:2]), (rows[1] < tones.shape[0], inside[-2:]),
        (columns[0] > 0, inside[:, :2].T), (columns[1] < tones.shape[1], inside[:, -2:].T),
    ]  # fmt: skip
    sharp = [float(line.any(axis=0).mean()) for mounted, line in lines if mounted]
    return (rows, columns) if min(sharp) >= _SHARP and np.mean(sharp) >= _SHARPEST else None


def _flat_ends(differs: npt.NDArray[np.bool_]) -> tuple[int, int] | None:
    """From which line to which there is more than mount; None where there is nothing else."""
    within = np.flatnonzero(differs.mean(axis=1) > _SPECKS)
    if not len(within):
        return None
    start, stop, count = int(within[0]), int(within[-1]) + 1, len(differs)
    return (start if start >= _NARROWEST * count else 0), (stop if count - stop >= _NARROWEST * count else count)


def _both(ends: tuple[int, int], count: int) -> bool:
    return ends[0] > 0 and ends[1] < count


def in_mount(plane: ColourPlane, pixels: Pixels, inside: Inside) -> ColourPlane:
    """A plane of what a mount surrounds as one of the whole photograph: neutral, and certain to be, in the mount.

    Args:
        plane: of ``inside.of(pixels)``.
        pixels: (H, W, 3) RGB, uint8 or uint16, of the whole.
        inside: where it lies.

    Returns:
        a square plane, at least as fine as the one given.
    """
    height, width = pixels.shape[:2]
    high, wide = (inside.bottom - inside.top) / height, (inside.right - inside.left) / width
    grown = 1 / min(high, wide)
    middle = ((inside.top + inside.bottom) / height - 1, (inside.left + inside.right) / width - 1)

    def laid(planes: torch.Tensor) -> torch.Tensor:
        side = round(grown * max(planes.shape[-2:]))
        down, along = (((2 * torch.arange(side) + 1) / side - 1 - at) / size for at, size in zip(middle, (high, wide)))
        places = torch.stack(torch.meshgrid(along, down, indexing="xy"), dim=-1)
        found: torch.Tensor = F.grid_sample(planes, places[None], padding_mode="border", align_corners=False)
        return found.mul((down.abs() <= 1)[:, None] & (along.abs() <= 1)[None])

    certainty = plane.certainty
    if certainty is not None:
        certainty = 1 - laid(1 - torch.from_numpy(certainty)[None, None])[0, 0].numpy()
    return replace(
        plane,
        grey=grey_square(pixels, round(grown * plane.grey.shape[0])),
        cautious=laid(plane.cautious),
        lively=None if plane.lively is None else laid(plane.lively),
        certainty=certainty,
    )
