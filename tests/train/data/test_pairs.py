"""Pairs of what is given and what is wanted."""

from __future__ import annotations

import numpy as np
from PIL import Image

from train.data import (
    Preparation,
)


def test_for_a_generator_that_sees_samples_input_and_original_are_picked_from_the_same_places() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (90, 120, 3)).astype(np.uint8)
    known = {tuple(pixel) for pixel in noise.reshape(-1, 3)}
    preparation = Preparation("jitter-2018", sampled=True)
    for seed in range(10):
        before, after = preparation.pair(Image.fromarray(noise), 48, np.random.default_rng(seed))
        assert before.shape == after.shape == (48, 48, 3)
        assert {tuple(pixel) for pixel in after.reshape(-1, 3)} <= known
        # Brightness and contrast are shaken alike everywhere: what was brighter is not darker.
        order = np.argsort(after.ravel(), kind="stable")
        assert (np.diff(before.ravel().astype(int)[order]) >= 0).all()
