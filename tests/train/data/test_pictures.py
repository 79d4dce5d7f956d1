"""Cutting: shares, sizes and pixels that are kept."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from train.data import (
    cut,
    cut_out,
)


def test_cut_keeps_the_share_it_promises_and_the_size(coffee: npt.NDArray[np.uint8]) -> None:
    # A horizontal ramp tells which columns were kept.
    ramp = Image.fromarray(np.tile(np.linspace(0, 255, 400).astype(np.uint8), (300, 1))).convert("RGB")
    rng = np.random.default_rng(0)
    for _ in range(50):
        part = np.asarray(cut(ramp, 40, rng, smallest=0.5)).astype(int)
        assert part.shape == (40, 40, 3)
        assert np.ptp(part[..., 0]) / 255 > 0.45


def test_a_part_that_is_cut_out_keeps_its_pixels_and_is_no_longer_than_asked() -> None:
    columns = np.arange(0, 250, 5, dtype=np.uint8)
    ramp = Image.fromarray(np.tile(columns, (30, 1))).convert("RGB")
    rng = np.random.default_rng(0)
    widths = set()
    for _ in range(50):
        part = cut_out(ramp, 1000, rng, smallest=0.5).astype(int)
        assert set(np.diff(part[0, :, 0])) in ({5}, {-5})
        assert part.shape[0] * part.shape[1] > 0.45 * 30 * 50
        widths.add(part.shape[1])
        shrunk = cut_out(ramp, 20, rng, smallest=0.5)
        assert max(shrunk.shape) == 20 and (shrunk % 5 == 0).all()
    assert len(widths) > 5
