"""Old photographs: mostly near the luma, and neutral wherever there is no scene."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from train.data import as_old_photograph, old_photograph
from train.data.old_photograph import damage, mount, printing
from train.data.pictures import luma_only

Rgb = npt.NDArray[np.uint8]
EFFECTS = [
    printing.vignetted, printing.soft, printing.grainy, printing.halftone, mount.written_on, damage.unevenly_faded,
    damage.stained, damage.scratched, damage.creased, damage.dusty,
]  # fmt: skip


@pytest.fixture
def scene(coffee: Rgb) -> Rgb:
    return np.asarray(Image.fromarray(coffee).resize((96, 72)))


def test_old_photographs_are_sometimes_the_plain_luma_and_mostly_near_it(scene: Rgb) -> None:
    rng = np.random.default_rng(0)
    drawn = [as_old_photograph(scene, rng) for _ in range(300)]
    luma = luma_only(scene)
    assert {(part.shape, part.dtype) for pair in drawn for part in pair} == {((72, 96, 3), np.dtype(np.uint8))}
    assert all((grey == grey[..., :1]).all() for grey, _ in drawn)
    plain = sum(np.array_equal(grey, luma) for grey, _ in drawn) / 300
    assert plain == pytest.approx(old_photograph.PLAIN * (1 - old_photograph.MOUNTED), abs=0.06)
    alike = [np.corrcoef(grey.ravel().astype(float), luma_only(wanted).ravel())[0, 1] for grey, wanted in drawn]
    assert np.median(alike) > 0.93


def test_a_mount_is_neutral_and_the_scene_in_it_lies_where_it_is_seen(
    scene: Rgb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(old_photograph, "MOUNTED", 1.0)
    monkeypatch.setattr(old_photograph, "PLAIN", 1.0)
    monkeypatch.setattr(old_photograph, "PAGES", 0.0)
    rng, around = np.random.default_rng(1), []
    scene = scene // 2 + 60  # so that no channel alone is clipped where a resize rings
    red = np.full_like(scene, (200, 30, 30))
    for _ in range(60):
        grey, wanted = as_old_photograph(scene, rng)
        # Nothing but a mount befell it: what is seen is the luma of what is wanted, to the rounding of a resize.
        assert np.abs(grey.astype(int) - luma_only(wanted)).max() <= 3
        _, wanted = as_old_photograph(red, rng)
        neutral = np.ptp(wanted.astype(int), axis=-1) == 0
        inside = (wanted == red).all(axis=-1)
        assert inside.any() and (wanted[72 // 2, 96 // 2] == red[0, 0]).all()
        around.append(neutral.mean())
    assert sum(share > 0 for share in around) > 50 and max(around) > 0.4


def test_a_page_of_text_is_wanted_as_it_is(scene: Rgb, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(old_photograph, "PAGES", 1.0)
    rng = np.random.default_rng(2)
    for _ in range(20):
        page, wanted = as_old_photograph(scene, rng)
        assert np.array_equal(page, wanted) and (page == page[..., :1]).all()
        assert np.median(page) > 150 and np.quantile(page, 0.01) < np.median(page) - 40


@pytest.mark.parametrize("effect", EFFECTS)
def test_an_effect_keeps_the_shape_and_what_it_was_given(effect: old_photograph.Effect, scene: Rgb) -> None:
    grey = luma_only(scene)[..., 0].astype(np.float32) / np.float32(255)
    before, rng = grey.copy(), np.random.default_rng(3)
    drawn = [effect(grey, rng) for _ in range(10)]
    assert {(found.shape, found.dtype) for found in drawn} == {(grey.shape, np.dtype(np.float32))}
    assert np.array_equal(grey, before)
    assert sum(not np.array_equal(found, grey) for found in drawn) >= 8


def test_emulsions_are_often_nearly_blind_to_red_and_never_to_green() -> None:
    rng = np.random.default_rng(4)
    red, green = (np.tile(np.array(colour, np.uint8), (8, 8, 1)) for colour in ((255, 0, 0), (0, 255, 0)))
    both = np.concatenate([red, green])
    shares = []
    for _ in range(200):
        seen = printing.exposed(both, rng)
        shares.append((float(seen[:8].mean()), float(seen[8:].mean())))
    dark = sum(r < 0.12 for r, _ in shares) / 200
    assert 0.1 < dark < 0.4
    assert sum(g < 0.12 for _, g in shares) / 200 < 0.05
