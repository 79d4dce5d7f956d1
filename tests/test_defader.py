"""Faded photographs restored, with the embedded weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

import deoldify
from deoldify import loading
from deoldify.imaging import LUMA_WEIGHTS
from deoldify.photo import Photo
from deoldify.restoring import restore_photo


def faded(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Little contrast, lifted blacks, yellowed."""
    return np.asarray(np.rint(pixels * 0.5 + np.array([100, 88, 60])), np.uint8)


def energy_of_gradients(pixels: npt.NDArray[np.uint8]) -> float:
    """Mean square of the luma's differences between neighbours, in units of the photo's own variance."""
    y = pixels.astype(np.float32) @ np.array(LUMA_WEIGHTS, np.float32)
    return float(((np.diff(y, axis=0) ** 2).mean() + (np.diff(y, axis=1) ** 2).mean()) / y.var())


def test_a_faded_photo_comes_back_nearer_to_what_it_was(
    defader: deoldify.Defader, coffee: npt.NDArray[np.uint8]
) -> None:  # fmt: skip
    before = faded(coffee)
    restored = defader(Image.fromarray(before))
    assert (restored.size, restored.mode) == ((600, 400), "RGB")
    error_before, error_after = (np.abs(np.asarray(p).astype(int) - coffee).mean() for p in (before, restored))
    assert error_after < 0.75 * error_before
    assert np.asarray(restored).std() > 1.1 * before.std()


def test_strength_0_is_the_photo_and_in_between_lies_in_between(
    defader: deoldify.Defader, coffee: npt.NDArray[np.uint8]
) -> None:
    photo = Photo(faded(coffee))
    assert np.array_equal(defader.defade_photo(photo, strength=0).pixels, photo.pixels)
    half, full, over = (defader.defade_photo(photo, strength=s).pixels.astype(float) for s in (0.5, 1.0, 1.5))
    steps = [np.abs(pixels - photo.pixels).mean() for pixels in (half, full, over)]
    assert 0 < steps[0] < steps[1] < steps[2]
    unclipped = (full > 0) & (full < 255)
    assert np.abs(half - (full + photo.pixels) / 2)[unclipped].max() <= 1


@pytest.mark.parametrize("strength", [-0.1, 1.51, float("nan")])
def test_a_strength_out_of_range_is_named_with_the_range(strength: float, defader: deoldify.Defader) -> None:
    with pytest.raises(ValueError, match=rf"strength {strength} is outside 0 to 1\.5"):
        defader(Image.new("RGB", (32, 32)), strength=strength)


def test_a_render_factor_out_of_range_is_named_by_a_defader_too(defader: deoldify.Defader) -> None:
    with pytest.raises(ValueError, match="3 is outside 4 to 64"):
        defader(Image.new("RGB", (32, 32)), render_factor=3, strength=0)


def test_a_toned_print_comes_back_neutral_or_in_its_tone(
    defader: deoldify.Defader, coffee: npt.NDArray[np.uint8]
) -> None:
    tone = np.asarray(Image.fromarray(coffee).convert("L"))[..., None] / 255
    sepia = np.rint(255 * (0.2 + 0.6 * tone ** np.array([0.8, 1.0, 1.3]))).astype(np.uint8)
    neutral = np.asarray(defader(Image.fromarray(sepia)))
    assert np.ptp(neutral, axis=-1).max() == 0
    kept = np.asarray(defader(Image.fromarray(sepia), keep_tone=True)).astype(int)
    assert np.abs(kept - sepia).mean() > 2
    change = (kept - sepia)[(kept > 0).all(axis=-1) & (kept < 255).all(axis=-1)]
    assert np.ptp(change, axis=-1).max() <= 1


def test_sixteen_bits_stay_sixteen_bits_when_defaded(defader: deoldify.Defader, coffee: npt.NDArray[np.uint8]) -> None:
    deep = faded(coffee)[:200, :300].astype(np.uint16) * 257
    result = defader.defade_photo(Photo(deep)).pixels
    assert result.dtype == np.uint16
    assert result.shape == deep.shape
    shallow = defader.defade_photo(Photo((deep // 257).astype(np.uint8))).pixels.astype(int) * 257
    assert np.abs(result.astype(int) - shallow).max() <= 129
    assert len(np.unique(result % 257)) > 200


def test_nothing_is_blurred_at_twelve_megapixels(defader: deoldify.Defader, coffee: npt.NDArray[np.uint8]) -> None:
    """The render is 256 pixels wide, the photo 4000, with a texture of single pixels."""
    large = Image.fromarray(coffee).resize((4000, 3000), Image.Resampling.BICUBIC)
    texture = np.random.default_rng(0).normal(0, 5, (3000, 4000)).astype(np.float32)
    photo = faded(np.clip(np.asarray(large) + texture[..., None], 0, 255))
    result = defader.defade_photo(Photo(photo)).pixels
    assert result.shape == photo.shape
    assert np.abs(result.astype(int) - photo).mean() > 5
    assert energy_of_gradients(result) >= 0.95 * energy_of_gradients(photo)


def test_restoring_colours_what_is_black_and_white_only(
    defader: deoldify.Defader, colorizer: deoldify.Colorizer, coffee: npt.NDArray[np.uint8]
) -> None:
    colour = Photo(faded(coffee))
    restored, label = restore_photo(colour, defader, colorizer)
    assert np.array_equal(restored.pixels, defader.defade_photo(colour).pixels)
    assert label == defader.label
    grey = np.repeat(np.asarray(Image.fromarray(coffee).convert("L"))[..., None] // 2 + 60, 3, axis=-1)
    restored, label = restore_photo(Photo(grey), defader, colorizer, strength=0.5)
    expected = colorizer.colorize_photo(defader.defade_photo(Photo(grey), strength=0.5))
    assert np.array_equal(restored.pixels, expected.pixels)
    assert "Restored by DeOldify (defade)" in label and "Coloured by DeOldify (compact)" in label


def test_a_mount_stays_as_it_is_and_the_print_in_it_loses_its_tone(
    defader: deoldify.Defader, colorizer: deoldify.Colorizer, coffee: npt.NDArray[np.uint8]
) -> None:
    grey = np.asarray(Image.fromarray(coffee).convert("L").resize((150, 100))) / 255
    orange = np.rint(255 * (0.2 + 0.6 * grey[..., None] ** np.array([0.6, 1.0, 1.6]))).astype(np.uint8)
    mounted = np.full((130, 190, 3), (225, 233, 245), np.uint8)  # bluish white
    mounted[15:115, 20:170] = orange
    restored, _ = restore_photo(Photo(mounted), defader, colorizer)
    assert restored.coloured and restored.verdict is not None and restored.verdict.monochrome
    around = np.ones((130, 190), bool)
    around[15:115, 20:170] = False
    assert np.array_equal(restored.pixels[around], mounted[around])
    alone, _ = restore_photo(Photo(orange), defader, colorizer)
    assert np.array_equal(restored.pixels[15:115, 20:170], alone.pixels)
    assert [render.model for render in restored.renders] == ["defade", "compact"]


def test_the_one_liners_to_defade_and_restore_load_once(
    defader: deoldify.Defader, monkeypatch: pytest.MonkeyPatch, coffee: npt.NDArray[np.uint8]
) -> None:
    loads: list[str] = []
    original = loading.load

    def counted(name: str, **options: Any) -> Any:
        loads.append(name)
        return original(name, **options)

    monkeypatch.setattr(loading, "load", counted)
    deoldify._defader.cache_clear()
    small = Image.fromarray(faded(coffee)).resize((60, 40))
    first, second = deoldify.defade(small, strength=0.7), deoldify.restore(small, strength=0.7)
    assert loads.count("defade") == 1
    assert first.tobytes() == second.tobytes()
    assert np.ptp(np.asarray(deoldify.restore(small.convert("L"))), axis=-1).mean() > 1
