"""sRGB's transfer curve, against scikit-image's."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.color import rgb2xyz, xyz2rgb

from train.data import from_linear, to_linear


def test_the_curve_is_srgbs_and_comes_back() -> None:
    levels = np.arange(256) / 255
    greys = np.repeat(levels[:, None], 3, axis=1)
    xyz = rgb2xyz(greys)
    assert to_linear(levels) == pytest.approx(xyz[:, 1], abs=1e-6)
    assert from_linear(xyz[:, 1]) == pytest.approx(xyz2rgb(xyz)[:, 1], abs=1e-5)
    assert from_linear(to_linear(levels)) == pytest.approx(levels, abs=1e-6)
