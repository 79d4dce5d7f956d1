"""Work on photographs of full size: in bands of rows side by side on all cores, each in strips that fit the cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

_BAND_PIXELS = 1 << 21
"""Full-size work goes in bands of rows of about this many pixels, which are enough to keep a core busy."""

_STRIP_PIXELS = 1 << 16
"""A band is worked on in strips of rows of about this many pixels, which are few enough for the cache."""

Plane = npt.NDArray[np.float32]


def side_by_side(work: Callable[[slice], None], height: int, width: int) -> None:
    """Do the work on every band of rows of a photograph, on as many cores as PyTorch would use."""
    count = max(1, round(height * width / _BAND_PIXELS))
    step = -(-height // count)
    bands = [slice(start, min(start + step, height)) for start in range(0, height, step)]
    workers = min(torch.get_num_threads(), len(bands))
    if workers == 1:
        for rows in bands:
            work(rows)
        return
    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(work, bands):
            pass


def strips(rows: slice, width: int) -> Iterator[slice]:
    """The strips of a band of rows in a photograph of this width, from the top."""
    step = max(1, _STRIP_PIXELS // width)
    for start in range(rows.start, rows.stop, step):
        yield slice(start, min(start + step, rows.stop))


class Stretched:
    """Small planes stretched to full size, bilinear, without the whole ever being in memory.

    Args:
        planes: (C, h, w) float32.
        height: full size.
        width: full size.
    """

    def __init__(self, planes: Tensor, height: int, width: int) -> None:
        h, w = planes.shape[-2:]
        self.width = width
        if height < h or width < w:
            size = min(h, height), min(w, width)
            planes = F.interpolate(planes.unsqueeze(0), size, mode="bilinear", antialias=True)[0]
        self._planes = planes.numpy()
        self._height = height
        self._left, self._across = _neighbours(width, planes.shape[2], slice(0, width))
        self._right = np.minimum(self._left + 1, planes.shape[2] - 1)

    def strips(self, rows: slice) -> Iterator[tuple[slice, npt.NDArray[np.float32]]]:
        """The strips of a band of rows, each with its part of the planes, (C, rows, width).

        They may be written to. They are gone with the next strip: memory that is new costs more than the arithmetic.
        """
        most = max(1, _STRIP_PIXELS // self.width)
        memory = np.empty((len(self._planes), most, self.width), np.float32)
        before, above, below = -1, memory[:, 0], memory[:, 0]
        for strip in strips(rows, self.width):
            values = memory[:, : strip.stop - strip.start]
            row = strip.start
            uppers, down = _neighbours(self._height, self._planes.shape[1], strip)
            while row < strip.stop:
                upper = int(uppers[row - strip.start])
                stop = strip.start + int(np.searchsorted(uppers, upper, side="right"))
                if upper != before:
                    above = below if upper == before + 1 and before >= 0 else self._wide(upper)
                    before, below = upper, self._wide(upper + 1)
                    step = (below - above)[:, None]
                part = values[:, row - strip.start : stop - strip.start]
                np.multiply(step, down[row - strip.start : stop - strip.start, None], out=part)
                part += above[:, None]
                row = stop
            yield strip, values

    def _wide(self, row: int) -> npt.NDArray[np.float32]:
        """(C, width): a row of the planes, or the last where there are no more."""
        values = self._planes[:, min(row, self._planes.shape[1] - 1)]
        wide = np.take(values, self._left, axis=1)
        right = np.take(values, self._right, axis=1)
        right -= wide
        right *= self._across
        wide += right
        return wide


def _neighbours(large: int, small: int, part: slice) -> tuple[npt.NDArray[np.int64], Plane]:
    """For each pixel of part of a large side the one of a small side before it, and the share of the one behind."""
    at = ((np.arange(part.start, part.stop) + 0.5) * (small / large) - 0.5).clip(0, small - 1)
    before = at.astype(np.int64)
    return before, (at - before).astype(np.float32)
