"""Colour spaces against their definitions, and black and white told from colour."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import torch

from deoldify import imaging
from tests.imaging.pictures import rounded_luma


def test_luma_and_chroma_are_those_of_bt601_and_come_back() -> None:
    primaries = torch.eye(3).view(3, 3, 1, 1)
    assert imaging.luma(primaries).flatten().tolist() == pytest.approx([0.299, 0.587, 0.114])
    u, v = imaging.chroma(primaries).flatten(1).T
    assert u.tolist() == pytest.approx([0.492 * (b - y) for b, y in ((0, 0.299), (0, 0.587), (1, 0.114))])
    assert v.tolist() == pytest.approx([0.877 * (r - y) for r, y in ((1, 0.299), (0, 0.587), (0, 0.114))])
    rgb = torch.rand(2, 3, 4, 5)
    torch.testing.assert_close(imaging.from_luma_chroma(imaging.luma(rgb), imaging.chroma(rgb)), rgb)


def test_black_and_white_is_told_from_colour(coffee: npt.NDArray[np.uint8]) -> None:
    grey = rounded_luma(coffee)
    neutral = np.repeat(grey[..., None], 3, axis=-1).astype(np.uint8)
    tone = grey[..., None] / 255
    sepia = 255 * (0.1 + 0.85 * tone ** np.array([0.8, 1.0, 1.3]))
    grainy = sepia + np.random.default_rng(0).normal(0, 4, sepia.shape)
    yellowed = sepia * (1 - np.linspace(0, 0.3, 600)[:, None] * np.array([0.1, 0.2, 1.0]))  # from left to right
    for picture in (neutral, sepia, grainy, yellowed, np.zeros_like(neutral), np.full_like(neutral, 255)):
        small = imaging.colour_square(np.rint(picture).clip(0, 255).astype(np.uint8), 64)
        assert imaging.is_monochrome(small)
    pale = coffee * 0.4 + 120
    nearly_gone = neutral * 0.4 + 100 + (coffee - 1.0 * neutral) * 0.16
    for picture in (coffee, pale, nearly_gone):
        small = imaging.colour_square(np.rint(picture).astype(np.uint8), 64)
        assert not imaging.is_monochrome(small)
