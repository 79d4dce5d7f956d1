"""Black and white told from colour."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from deoldify.errors import LeftOutError
from deoldify.monochrome import judge, judged, without_colours
from deoldify.photo import Photo, Verdict
from tests.imaging.pictures import rounded_luma


def eight_bits(picture: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    return np.asarray(np.rint(picture).clip(0, 255), np.uint8)


def toned(grey: npt.NDArray[np.floating]) -> dict[str, npt.NDArray[np.uint8]]:
    """Prints of (H, W) luma of 0 to 255, by how they have aged."""
    neutral = np.repeat(grey[..., None], 3, axis=-1)
    sepia = 255 * (0.1 + 0.85 * (neutral / 255) ** np.array([0.8, 1.0, 1.3]))
    across = np.linspace(0, 1, grey.shape[1])
    pictures = {
        "neutral": neutral,
        "sepia": sepia,
        "grainy": sepia + np.random.default_rng(0).normal(0, 4, sepia.shape),
        "yellowed from left to right": sepia * (1 - across[:, None] * np.array([0.03, 0.06, 0.3])),
        "black": np.zeros_like(neutral),
        "white": np.full_like(neutral, 255),
    }
    return {name: eight_bits(picture) for name, picture in pictures.items()}


def test_prints_are_black_and_white_however_toned(coffee: npt.NDArray[np.uint8]) -> None:
    for name, picture in toned(rounded_luma(coffee)).items():
        verdict = judge(picture)
        assert verdict.monochrome and verdict.confidence > 0.5, name
        assert judge(picture.astype(np.uint16) * 257) == verdict


def test_colour_photographs_are_not_even_where_they_are_pale(coffee: npt.NDArray[np.uint8]) -> None:
    neutral = np.repeat(rounded_luma(coffee)[..., None], 3, axis=-1)
    shifted = 255 * (coffee / 255) ** np.array([0.5, 1.0, 1.4])
    pale = neutral * 0.4 + 100 + (coffee - 1.0 * neutral) * 0.3
    for picture in (coffee, coffee * 0.4 + 120, shifted, pale):
        assert not judge(eight_bits(picture)).monochrome


def test_a_photo_is_judged_once_and_keeps_its_verdict(coffee: npt.NDArray[np.uint8]) -> None:
    photo = judged(Photo(coffee))
    assert photo.verdict == judge(coffee)
    grey = photo.with_pixels(np.repeat(coffee[..., :1], 3, axis=-1))
    assert judged(grey).verdict == photo.verdict
    with pytest.raises(LeftOutError, match=r"^has colours$"):
        without_colours(photo)
    verdict = without_colours(Photo(grey.pixels)).verdict
    assert verdict is not None and verdict.monochrome


@pytest.mark.parametrize(
    ("probability", "said"),
    [(0.5, "black and white (50 % sure)"), (0.973, "black and white (97 % sure)"), (1.0, "black and white (99 % sure)"),
     (0.02, "a colour photograph (98 % sure)")],
)  # fmt: skip
def test_a_verdict_says_how_sure_it_is(probability: float, said: str) -> None:
    assert str(Verdict.of(probability)) == said
