"""Measures in CIELAB in closed form."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest

from train.measure import ab_of, delta_e, grey_of, hues, mean_chroma, movement

Rgb = npt.NDArray[np.uint8]


def rgb_of(lightness: float, a: float, b: float, shape: tuple[int, int] = (8, 8)) -> Rgb:
    """One colour of CIELAB all over."""
    from skimage.color import lab2rgb

    colour = lab2rgb(np.array([[[lightness, a, b]]], float))[0, 0]
    assert colour.min() > 0 and colour.max() < 1
    return np.tile(np.rint(255 * colour).astype(np.uint8), (*shape, 1))


def around(count: int, strengths: tuple[float, ...]) -> Rgb:
    """Stripes of so many hues, evenly apart, with a chroma each."""
    turns = [2 * math.pi * (number + 0.5) / count for number in range(count)]
    stripes = [rgb_of(60, s * math.cos(t), s * math.sin(t), (8, 4)) for t, s in zip(turns, strengths, strict=True)]
    return np.concatenate(stripes, axis=1)


def test_hues_in_closed_form() -> None:
    assert hues(around(1, (30.0,))) == pytest.approx(1)
    assert hues(around(4, (30.0,) * 4)) == pytest.approx(4, rel=0.01)
    assert hues(around(12, (25.0,) * 12)) == pytest.approx(12, rel=0.01)
    # A pixel weighs as much as its chroma: two hues of which one has three quarters of all.
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert hues(around(2, (30.0, 10.0))) == pytest.approx(math.exp(entropy), rel=0.02)
    # What is nearly grey has no hue.
    assert hues(around(2, (30.0, 4.0))) == pytest.approx(1)
    assert hues(np.full((4, 4, 3), 90, np.uint8)) == 0


def test_the_difference_of_greys_is_that_of_their_lightness() -> None:
    # CIEDE2000 of two greys about L = 50: the weight of lightness, S_L, is 1 there.
    a, b = rgb_of(49, 0, 0), rgb_of(51, 0, 0)
    middle = 50.0
    weight = 1 + 0.015 * (middle - 50) ** 2 / math.sqrt(20 + (middle - 50) ** 2)
    assert delta_e(a, b) == pytest.approx(2 / weight, abs=0.3)  # 8 bits round
    assert delta_e(a, a) == 0


def test_movement_is_the_difference_over_the_length() -> None:
    a, b, grey = rgb_of(60, 30, 0), rgb_of(60, 0, 30), rgb_of(60, 0, 0)
    assert movement([a], [a]) == 0
    assert movement([a], [b]) == pytest.approx(math.sqrt(2), rel=0.02)
    assert movement([a], [grey]) == pytest.approx(2, rel=0.05)  # a length of 30 moved, of a mean of 15
    assert movement([a, a], [a, b]) == pytest.approx(math.sqrt(2) / 2, rel=0.02)
    # A neutral grey of 8 bits may be a hair off neutral, on which no ratio should hang.
    assert movement([grey_of(a)], [grey_of(a)]) == 0
    assert mean_chroma(ab_of(a)) == pytest.approx(30, rel=0.02)
    assert mean_chroma(np.empty((0, 2))) == 0
