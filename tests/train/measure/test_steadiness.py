"""Steadiness of colorizers whose faults are known."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from train.measure import in_mount, steadiness, steadiness_table
from train.measure.lab import ab_of, mean_chroma
from train.measure.steadiness import FACTORS, MOUNT, TONES

Rgb = npt.NDArray[np.uint8]
BEST = 15
RED, BLUE = (170, 110, 110), (110, 110, 170)


@pytest.fixture
def photographs() -> list[Rgb]:
    rng = np.random.default_rng(0)
    return [rng.integers(90, 160, (24, 36, 3)).astype(np.uint8) for _ in range(3)]


def painted(colour: tuple[int, int, int], image: Image.Image) -> Image.Image:
    return Image.new("RGB", image.size, colour)


def strength(colour: tuple[int, int, int]) -> float:
    return mean_chroma(ab_of(np.array(colour, np.uint8).reshape(1, 1, 3)))


def test_who_paints_everything_alike_keeps_still_but_for_the_mount(photographs: list[Rgb]) -> None:
    seen: list[tuple[tuple[int, int], int | None]] = []

    def render(image: Image.Image, factor: int | None) -> Image.Image:
        assert image.mode == "RGB" and image.convert("L").convert("RGB").tobytes() == image.tobytes()
        seen.append((image.size, factor))
        return painted(RED, image)

    found = steadiness(photographs, render, BEST)
    assert found.images == 3 and found.hues == pytest.approx(1)
    assert (found.chroma, found.mount) == pytest.approx((strength(RED),) * 2)
    assert (found.moved_by_size, found.moved_by_mirror, found.inside) == (0, 0, 0)
    # The inside of a mount is as large as it would be alone.
    larger = round(BEST * (1 + 2 * MOUNT))
    assert seen.count(((36, 24), BEST)) == 3 and seen.count(((48, 32), larger)) == 3 * len(TONES)
    assert [seen.count(((36, 24), factor)) for factor in (None, *FACTORS)] == [6, 3, 3]


def test_colours_that_hang_on_the_size_the_side_or_the_mount_are_told(photographs: list[Rgb]) -> None:
    def by_size(image: Image.Image, factor: int | None) -> Image.Image:
        return painted(BLUE if factor == FACTORS[1] else RED, image)

    red, blue = (ab_of(np.array(colour, np.uint8).reshape(1, 1, 3)) for colour in (RED, BLUE))
    apart = float(np.linalg.norm(red - blue)) / ((strength(RED) + strength(BLUE)) / 2)
    assert steadiness(photographs, by_size, BEST).moved_by_size == pytest.approx(apart)

    def by_side(image: Image.Image, factor: int | None) -> Image.Image:
        halves = painted(RED, image)
        halves.paste(BLUE, (image.width // 2, 0, image.width, image.height))
        return halves

    moved = steadiness(photographs, by_side, BEST)
    assert moved.moved_by_mirror == pytest.approx(apart, rel=1e-6) and moved.moved_by_size == 0

    def by_mount(image: Image.Image, factor: int | None) -> Image.Image:
        """Leaves mounts alone, and has half of the colour where they are white."""
        tone = image.getpixel((0, 0))
        if image.size == (36, 24):
            return painted(RED, image)
        out = painted(tone, image)  # type: ignore[arg-type]
        width, height = round(36 * MOUNT), round(24 * MOUNT)
        inner = Image.new("RGB", (36, 24), (110, 110, 110))
        inner.paste(RED, (0, 0, 18 if tone == (255, 255, 255) else 36, 24))
        out.paste(inner, (width, height))
        return out

    found = steadiness(photographs, by_mount, BEST)
    assert found.mount == pytest.approx(0, abs=0.1)
    assert found.inside == pytest.approx(0.5, abs=0.01)
    assert "| toys | 3 |" in steadiness_table({"toys": found}) and "| 50% |" in steadiness_table({"toys": found})


def test_only_some_are_laid_into_mounts(photographs: list[Rgb]) -> None:
    count = 0

    def render(image: Image.Image, factor: int | None) -> Image.Image:
        nonlocal count
        count += image.size != (36, 24)
        return image

    found = steadiness(photographs, render, BEST, mounted=2)
    assert count == 2 * len(TONES) and found.hues == 0 and found.moved_by_size == 0


def test_a_mount_surrounds_the_photograph() -> None:
    photograph = Image.new("RGB", (60, 30), (9, 9, 9))
    whole, box = in_mount(photograph, 200)
    assert whole.crop(box).tobytes() == photograph.tobytes() and box == (10, 5, 70, 35)
    assert math.isclose(np.mean(np.asarray(whole) == 200), 1 - 60 * 30 / (80 * 40))
