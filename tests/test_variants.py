"""Versions of a photograph's colours: which there are, and in what order."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

from deoldify.imaging import ColourPlane
from deoldify.model import RENDER_FACTORS
from deoldify.photo import Photo
from deoldify.variants import Variant, by_agreement, other_sizes
from tests.test_opinions import with_head


@pytest.fixture(scope="module")
def grey(coffee: npt.NDArray[np.uint8]) -> Photo:
    return Photo.from_image(Image.fromarray(coffee).convert("L").resize((60, 40)))


def flat(u: float, v: float) -> Variant:
    return Variant(ColourPlane(np.zeros((8, 8), np.uint8), torch.tensor([u, v]).view(1, 2, 1, 1).expand(1, 2, 8, 8)))


def test_the_one_that_the_others_agree_with_most_comes_first() -> None:
    far, left, middle, right = flat(0.5, 0.5), flat(-0.1, 0.0), flat(0.0, 0.0), flat(0.1, 0.0)
    assert by_agreement([far, left, middle, right])[0] is middle
    assert by_agreement([far, left, middle, right])[-1] is far
    alike = [flat(0.1, 0.1), flat(0.1, 0.1)]
    assert by_agreement(alike) == alike


def test_other_sizes_are_all_different_and_can_be_rendered() -> None:
    assert list(other_sizes(12)) == [8, 18, 6, 24]
    for factor in RENDER_FACTORS:
        sizes = list(other_sizes(factor))
        assert len(sizes) >= 2 and len({factor, *sizes}) == len(sizes) + 1
        assert all(size in RENDER_FACTORS for size in sizes)


def test_a_model_that_knows_how_likely_colours_are_tells_others_and_then_other_sizes(grey: Photo) -> None:
    colorizer = with_head("distribution", liveliness=1.0)
    found = colorizer.variants(grey.to_image(), render_factor=6)
    assert len(found) == 4
    usual = next(each for each in found if each.likely == 0 and each.plane.render.factor == 6)  # type: ignore[union-attr]
    expected = colorizer.plane(grey.pixels, render_factor=6)
    assert torch.equal(usual.plane.cautious, expected.cautious)
    others = [each.plane for each in found if each.likely]
    assert sorted(each.likely for each in found if each.likely) == list(range(1, len(others) + 1)) and others
    for plane in others:
        assert plane.render == usual.plane.render and plane.liveliness == 1.0
        assert plane.lively is not None and usual.plane.lively is not None
        assert float((plane.lively - usual.plane.lively).abs().max()) > 0.02
    sizes = {each.plane.render.factor for each in found if each.plane.render is not None and not each.likely}
    assert len(sizes) == 4 - len(others)
    assert found[0].likely == by_agreement(found)[0].likely


def test_a_model_of_one_opinion_tells_four_sizes(grey: Photo) -> None:
    found = with_head("rgb").variants(grey.to_image(), render_factor=12, count=4)
    factors = sorted(each.plane.render.factor for each in found if each.plane.render is not None)
    assert factors == [6, 8, 12, 18] and not any(each.likely for each in found)


@pytest.mark.parametrize("count", [0, 9])
def test_a_count_out_of_range_is_refused(count: int, grey: Photo) -> None:
    with pytest.raises(ValueError, match="1 to 8"):
        with_head("rgb").variants(grey.to_image(), count=count)
