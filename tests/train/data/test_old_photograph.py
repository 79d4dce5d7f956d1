"""Old photographs: mostly the luma, and sometimes nothing but it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from train.data import (
    as_old_photograph,
)


def test_old_photographs_are_sometimes_the_plain_luma_and_mostly_near_it(coffee: npt.NDArray[np.uint8]) -> None:
    rgb = np.asarray(Image.fromarray(coffee).resize((64, 64)))
    luma = np.rint(rgb @ np.array([0.299, 0.587, 0.114]))
    rng = np.random.default_rng(0)
    drawn = [as_old_photograph(rgb, rng) for _ in range(300)]
    assert {d.shape for d in drawn} == {(64, 64)}
    assert {d.dtype for d in drawn} == {np.dtype(np.uint8)}
    plain = sum(np.array_equal(d, luma) for d in drawn)
    assert 70 < plain < 130
    alike = [np.corrcoef(d.ravel().astype(float), luma.ravel())[0, 1] for d in drawn]
    assert np.median(alike) > 0.95
