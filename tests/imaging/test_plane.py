"""A plane's colours and what is asked of them, against the arithmetic that is promised."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from deoldify import imaging
from deoldify.imaging import Adjustments, ColourPlane, Hint


@pytest.fixture
def plane() -> ColourPlane:
    """Two opinions and a certainty, each of another size; the first rows are neutral to both."""
    random = torch.Generator().manual_seed(0)
    cautious, lively = (
        torch.rand(1, 2, 24, 24, generator=random) - 0.5,
        torch.rand(1, 2, 12, 12, generator=random) - 0.5,
    )
    cautious[:, :, :4], lively[:, :, :4] = 0, 0
    certainty = np.random.default_rng(0).random((6, 8), np.float32)
    return ColourPlane(np.full((24, 24), 120, np.uint8), cautious, lively, certainty)


def colours(plane: ColourPlane, **asked: Any) -> torch.Tensor:
    return imaging.adjusted(plane, Adjustments(**asked))[0]


def test_as_it_stands_nothing_is_done(plane: ColourPlane) -> None:
    uv, change = imaging.adjusted(plane, Adjustments())
    assert uv is plane.cautious and change is None


def test_saturation_is_a_factor_of_chroma(plane: ColourPlane) -> None:
    for saturation in (0, 0.3, 1.5):
        torch.testing.assert_close(colours(plane, saturation=saturation), plane.cautious * saturation)


def test_warmth_moves_colours_to_orange_and_back_to_blue_and_leaves_neutrals(plane: ColourPlane) -> None:
    warm, cool = colours(plane, warmth=1), colours(plane, warmth=-1)
    for moved, sign in ((warm, 1), (cool, -1)):
        assert not moved[:, :, :4].any()
        way = (moved - plane.cautious)[0, :, 4:]
        assert torch.all(way[0] * sign <= 0) and torch.all(
            way[1] * sign >= 0
        )  # U falls and V rises, or both turn round
        length = plane.cautious[0, :, 4:].norm(dim=0)
        torch.testing.assert_close(way.norm(dim=0) / length, torch.full_like(length, 0.4))
    torch.testing.assert_close(colours(plane, warmth=0.5), (plane.cautious + warm) / 2)


def test_liveliness_goes_from_one_opinion_to_the_other(plane: ColourPlane) -> None:
    assert plane.lively is not None
    lively = torch.nn.functional.interpolate(plane.lively, (24, 24), mode="bilinear")
    torch.testing.assert_close(colours(plane, liveliness=0), plane.cautious)
    torch.testing.assert_close(colours(plane, liveliness=1), lively)
    torch.testing.assert_close(colours(plane, liveliness=0.25), 0.75 * plane.cautious + 0.25 * lively)


def test_caution_pales_what_is_not_certain() -> None:
    uv = torch.full((1, 2, 8, 8), 0.2)
    certainty = np.zeros((8, 8), np.float32)
    certainty[:, 4:], certainty[4:, 4:] = 1, 0.5
    plane = ColourPlane(np.zeros((8, 8), np.uint8), uv, certainty=certainty)
    for caution in (0.0, 0.6, 1.0):
        got = colours(plane, caution=caution)[0, 0]
        for place, certain in (((0, 0), 0.0), ((0, 7), 1.0), ((7, 7), 0.5)):
            assert float(got[place]) == pytest.approx(0.2 * (1 - caution * (1 - certain)))


def test_what_a_render_does_not_tell_cannot_be_asked_for() -> None:
    plane = ColourPlane(np.zeros((8, 8), np.uint8), torch.zeros(1, 2, 8, 8))
    with pytest.raises(ValueError, match=r"liveliness 0\.5 needs a cautious and a lively opinion.*has but one"):
        colours(plane, liveliness=0.5)
    with pytest.raises(ValueError, match=r"caution 0\.5 needs to know where the render is certain"):
        colours(plane, caution=0.5)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Adjustments(saturation=1.6), "saturation 1.6 is outside 0 to 1.5"),
        (lambda: Adjustments(saturation=math.nan), "saturation nan is outside 0 to 1.5"),
        (lambda: Adjustments(warmth=-1.1), "warmth -1.1 is outside -1 to 1"),
        (lambda: Adjustments(liveliness=2), "liveliness 2 is outside 0 to 1"),
        (lambda: Adjustments(caution=-0.1), "caution -0.1 is outside 0 to 1"),
        (lambda: Hint(1.5, 0, None), "x of a hint 1.5 is outside 0 to 1"),
        (lambda: Hint(0, math.inf, None), "y of a hint inf is outside 0 to 1"),
        (lambda: Hint(0, 0, "blue"), "'blue' of a hint is neither #rrggbb.*nor none"),
        (lambda: Hint(0, 0, "#12345"), "'#12345' of a hint is neither"),
        (lambda: Hint.parse("a,b,none"), "'a,b,none' is not x,y,colour, such as"),
        (lambda: Hint.parse("0.4,0.6"), "'0.4,0.6' is not x,y,colour, such as"),
        (lambda: ColourPlane(np.zeros((8, 8), np.uint8), torch.zeros(2, 8, 8)), r"cautious must be \(1, 2, h, w\)"),
        (lambda: ColourPlane(np.zeros((8, 8, 3), np.uint8), torch.zeros(1, 2, 8, 8)), r"grey must be \(h, w\)"),
    ],
)
def test_what_is_out_of_range_is_named_with_the_range(make: Callable[[], object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        make()


def test_hints_are_read_as_they_are_written() -> None:
    for hint in (Hint(0.4, 0.6, "#334D80"), Hint(1, 0, "none"), Hint(0.125, 0.5, None)):
        assert Hint.parse(str(hint)) == hint
    assert Hint(0.4, 0.6, " #334D80") == Hint(0.4, 0.6, "#334d80")
    assert Hint(0.4, 0.6, "#334d80").rgb == (0x33, 0x4D, 0x80)
    assert Hint(0, 0, "None").rgb is None


def test_adjustments_say_what_was_set() -> None:
    assert str(Adjustments()) == ""
    asked = Adjustments(0.5, -0.2, 0.0, 1.0, [Hint(0.4, 0.6, "#334d80"), Hint(0, 1, None)])
    said = "saturation 0.5, warmth -0.2, liveliness 0, caution 1, hint 0.4,0.6,#334d80, hint 0,1,none"
    assert str(asked) == said
    assert hash(asked) == hash(Adjustments(0.5, -0.2, 0.0, 1.0, (Hint(0.4, 0.6, "#334d80"), Hint(0, 1, None))))
