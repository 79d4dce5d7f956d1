"""The square that a network sees."""

from __future__ import annotations

import numpy as np

from deoldify import imaging


def test_samples_are_pixels_evenly_picked() -> None:
    pixels = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    assert np.array_equal(imaging.sampled(pixels, 2, 3), pixels[[1, 3]][:, [1, 3, 5]])
    assert np.array_equal(imaging.sampled(pixels, 4, 6), pixels)
    assert np.array_equal(imaging.sampled(pixels, 8, 12), pixels.repeat(2, axis=0).repeat(2, axis=1))
    assert np.array_equal(imaging.sampled_square(pixels.astype(np.uint16) * 257, 4), imaging.sampled_square(pixels, 4))
