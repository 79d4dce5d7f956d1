"""Mounts around photographs: found where they are plain to see, and never where there is none."""

from __future__ import annotations

import copy
import dataclasses

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image, ImageDraw

import deoldify
from deoldify.checkpoints import CHECKPOINTS
from deoldify.imaging import ColourPlane, Inside, in_mount, inside_mount

Grey = npt.NDArray[np.uint8]


def coffee_grey(coffee: Grey, width: int) -> Grey:
    """The photograph in grey, so wide."""
    return np.array(Image.fromarray(coffee).convert("L").resize((width, width * 2 // 3)))


def rgb(grey: Grey) -> Grey:
    return np.repeat(grey[..., None], 3, axis=-1)


def in_a_mount(grey: Grey, widths: tuple[int, int, int, int], tone: int, grain: float = 0.0) -> Grey:
    top, bottom, left, right = widths
    height, width = grey.shape
    whole = np.full((height + top + bottom, width + left + right), float(tone))
    whole += np.random.default_rng(0).normal(0, grain, whole.shape)
    whole[top : top + height, left : left + width] = grey
    return np.clip(whole, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("tone", [0, 60, 128, 200, 255])
@pytest.mark.parametrize("widths", [(30, 30, 30, 30), (10, 50, 20, 15), (40, 40, 0, 0), (0, 0, 9, 30)])
def test_a_flat_mount_is_found_to_the_pixel(coffee: Grey, tone: int, widths: tuple[int, int, int, int]) -> None:
    grey = coffee_grey(coffee, 200)
    height, width = grey.shape
    top, _, left, _ = widths
    found = inside_mount(rgb(in_a_mount(grey, widths, tone)))
    assert found == Inside(top, top + height, left, left + width)


def test_paper_with_grain_sixteen_bits_and_large_scans_are_seen_too(coffee: Grey) -> None:
    grey = coffee_grey(coffee, 1800)
    height, width = grey.shape
    whole = rgb(in_a_mount(grey, (300, 200, 150, 150), 190, grain=2.5))
    for pixels in (whole, whole.astype(np.uint16) * 257):
        found = inside_mount(pixels)
        assert found is not None
        # Every third pixel or so is looked at: a hair of mount may stay, but nothing of the photograph is lost.
        for at, wanted in zip(found, (300, 300 + height, 150, 150 + width)):
            assert abs(at - wanted) <= 4
        assert found.top <= 300 and found.bottom >= 300 + height and found.left <= 150 and found.right >= 150 + width


def test_a_mat_in_a_frame_is_cut_with_the_frame(coffee: Grey) -> None:
    grey = coffee_grey(coffee, 200)
    height, width = grey.shape
    framed = in_a_mount(in_a_mount(grey, (12, 12, 12, 12), 250), (30, 30, 30, 30), 20)
    assert inside_mount(rgb(framed)) == Inside(42, 42 + height, 42, 42 + width)


def test_what_is_no_mount_is_left_to_the_network(coffee: Grey) -> None:
    plain = np.full((200, 300), 180, np.uint8)
    thing = Image.fromarray(plain)
    ImageDraw.Draw(thing).ellipse((90, 50, 210, 150), fill=40)
    sky = coffee_grey(coffee, 300)
    sky[: len(sky) // 3] = 250  # over a straight horizon
    text = Image.new("L", (300, 200), 250)
    for line in range(9):
        ImageDraw.Draw(text).text((30, 20 + 18 * line), "all that was said " * 2, fill=10)
    ramp = np.repeat(np.linspace(0, 255, 300).astype(np.uint8)[None], 200, axis=0)
    for picture in (plain, np.asarray(thing), sky, coffee_grey(coffee, 300), np.asarray(text), ramp, plain[:3, :3]):
        assert inside_mount(rgb(np.asarray(picture))) is None


def test_a_plane_is_laid_where_the_photograph_is_and_is_neutral_around_it() -> None:
    inside = Inside(20, 80, 100, 180)  # of 100 × 200
    pixels = rgb(np.full((100, 200), 128, np.uint8))
    blue = torch.tensor([0.3, -0.1]).view(1, 2, 1, 1).expand(1, 2, 32, 32)
    lively = blue.clone()
    lively[..., :16] = 0.0  # colour in the right half alone
    whole = in_mount(
        ColourPlane(np.zeros((64, 64), np.uint8), blue, lively, np.full((16, 16), 0.25, np.float32), 0.5),
        pixels, inside,
    )  # fmt: skip
    assert whole.grey.shape == (160, 160) and np.all(whole.grey == 128)  # 64 / 0.4: no less fine along either side
    assert whole.cautious.shape == (1, 2, 80, 80) and whole.liveliness == 0.5
    assert whole.certainty is not None and whole.certainty.shape == (40, 40)
    rows, columns = (np.arange(80) + 0.5) / 80 * 100, (np.arange(80) + 0.5) / 80 * 200
    within = ((rows > 20) & (rows < 80))[:, None] & ((columns > 100) & (columns < 180))[None]
    assert np.array_equal(whole.cautious[0, 0].numpy() > 0.29, within)
    assert np.array_equal(whole.cautious[0, 0].numpy() != 0, within)
    assert whole.lively is not None
    right = within & (columns > 142)[None]
    assert (
        np.allclose(whole.lively[0, 0].numpy()[right], 0.3) and not whole.lively[0, 0].numpy()[:, columns < 138].any()
    )
    assert whole.certainty[0, 0] == 1 and whole.certainty[20, 27] == pytest.approx(0.25)


def test_published_models_see_mounts_as_they_always_did() -> None:
    assert [record.name for record in CHECKPOINTS if record.cuts_mounts] == ["compact"]


@pytest.mark.parametrize("tone", [0, 128, 235])
def test_a_mount_stays_neutral_and_the_photograph_keeps_its_colours(
    tone: int, colorizer: deoldify.Colorizer, coffee: Grey
) -> None:
    grey = coffee_grey(coffee, 120)
    height, width = grey.shape
    alone = np.asarray(colorizer(rgb(grey), render_factor=6, renders=2)).astype(int)
    whole = np.asarray(
        colorizer(rgb(in_a_mount(grey, (20, 24, 28, 32), tone)), render_factor=6, renders=2)
    ).astype(int)  # fmt: skip
    photo = whole[20 : 20 + height, 28 : 28 + width]
    spread = np.ptp(whole, axis=-1)
    spread[18 : 22 + height, 26 : 30 + width] = 0
    assert spread.max() <= 8 and spread.mean() <= 0.2
    assert np.abs(photo - alone).mean() < 0.1 * np.ptp(alone, axis=-1).mean()


def test_a_mount_that_is_not_cut_is_the_networks(colorizer: deoldify.Colorizer, coffee: Grey) -> None:
    whole = rgb(in_a_mount(coffee_grey(coffee, 120), (20, 24, 28, 32), 128))
    plain = copy.copy(colorizer)
    plain.checkpoint = dataclasses.replace(colorizer.checkpoint, cuts_mounts=False)
    assert plain.plane(whole, render_factor=4, renders=1).grey.shape == (64, 64)
    assert min(colorizer.plane(whole, render_factor=4, renders=1).grey.shape) > 64
