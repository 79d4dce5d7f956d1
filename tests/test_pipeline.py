"""The public verbs on real photographs, with the embedded weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

import deoldify
from deoldify import pipeline
from deoldify.imaging import LUMA_WEIGHTS, Transfer, denormalise, normalise, to_tensor
from deoldify.photo import Photo


@pytest.fixture(scope="module")
def colorizer() -> deoldify.Colorizer:
    return deoldify.load("compact", device="cpu", precision="float32")


def test_a_coloured_photo_has_colour_and_the_photos_own_luminance(
    colorizer: deoldify.Colorizer, coffee: npt.NDArray[np.uint8]
) -> None:
    grey = Image.fromarray(coffee).convert("L")
    coloured = colorizer(grey)
    assert (coloured.size, coloured.mode) == (grey.size, "RGB")
    rgb = np.asarray(coloured).astype(np.float64)
    assert np.array_equal(np.rint(rgb @ np.array(LUMA_WEIGHTS)), np.asarray(grey))
    # The cup and saucer stand on brown wood; a colorizer that has learned anything makes wood warm.
    assert rgb[..., 0].mean() > rgb[..., 2].mean() + 8


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F"])
def test_any_mode_comes_back_as_rgb_of_the_same_size(
    mode: str, colorizer: deoldify.Colorizer, coffee: npt.NDArray[np.uint8]
) -> None:
    small = Image.fromarray(coffee).resize((90, 70))
    if mode == "I;16":
        image = Image.fromarray(np.asarray(small.convert("L")).astype(np.uint16) * 257)
    elif mode == "F":
        image = Image.fromarray(np.asarray(small.convert("L")).astype(np.float32) / 255)
    else:
        image = small.convert(mode)
    before = image.tobytes()
    result = colorizer(image, render_factor=4)
    assert result.size == (90, 70)
    assert result.mode == ("RGBA" if mode in ("LA", "RGBA") else "RGB")
    assert image.tobytes() == before


def test_sixteen_bits_stay_sixteen_bits(colorizer: deoldify.Colorizer) -> None:
    ramp = np.repeat(np.linspace(0, 65535, 256 * 64).reshape(64, 256).astype(np.uint16)[..., None], 3, axis=-1)
    transfers: tuple[Transfer, ...] = ("guided", "bilinear", "none")
    for transfer in transfers:
        result = colorizer.colorize_photo(Photo(ramp), render_factor=4, transfer=transfer).pixels
        assert result.dtype == np.uint16
        assert result.shape == ramp.shape
        if transfer == "guided":
            assert np.array_equal(np.rint(result.astype(np.float64) @ np.array(LUMA_WEIGHTS)), ramp[..., 0])


@pytest.mark.parametrize("factor", [3, 65, -1])
def test_a_render_factor_out_of_range_is_named_with_the_range(factor: int, colorizer: deoldify.Colorizer) -> None:
    with pytest.raises(ValueError, match=rf"{factor} is outside 4 to 64"):
        colorizer(Image.new("L", (32, 32)), render_factor=factor)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: deoldify.load("compact", device="tpu"), "auto, cpu, cuda, mps"),
        (lambda: deoldify.load("compact", precision="int4"), "float32, bfloat16, float16"),
        (lambda: deoldify.colorize(Image.new("L", (32, 32)), transfer="magic"), "guided, bilinear, none"),  # type: ignore[arg-type]
        (lambda: deoldify.load("vivid"), "compact, artistic"),
    ],
)
def test_wrong_settings_name_the_right_ones(call: Callable[[], object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        call()


def test_the_automatic_render_factor_is_the_models_best_but_no_larger_than_the_photo(
    colorizer: deoldify.Colorizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert colorizer.auto_render_factor(4000, 3000) == colorizer.checkpoint.render_factor
    monkeypatch.setattr(colorizer, "checkpoint", dataclasses.replace(colorizer.checkpoint, render_factor=35))
    assert colorizer.auto_render_factor(4000, 3000) == 35
    assert colorizer.auto_render_factor(20 * 16 - 15, 40) == 20
    assert colorizer.auto_render_factor(1, 1) == 14


def test_bfloat16_paints_nearly_what_float32_paints(
    colorizer: deoldify.Colorizer, coffee: npt.NDArray[np.uint8]
) -> None:
    low = deoldify.load("compact", device="cpu", precision="bfloat16")
    grey = Image.fromarray(coffee).convert("L")
    a, b = (np.asarray(c(grey)).astype(int) for c in (colorizer, low))
    assert np.abs(a - b).mean() <= 1.0
    assert (np.abs(a - b) <= 6).mean() >= 0.999


def test_the_generator_is_the_network_that_paints(colorizer: deoldify.Colorizer, coffee: npt.NDArray[np.uint8]) -> None:
    grey = np.array(Image.fromarray(coffee).convert("L").resize((128, 128)))
    with torch.inference_mode():
        render = denormalise(colorizer.generator(normalise(to_tensor(grey)))).clamp(0, 1)
    expected = (render[0] * 255).to(torch.uint8).permute(1, 2, 0).numpy().astype(int)
    painted = np.asarray(colorizer(Image.fromarray(grey), render_factor=8, transfer="none")).astype(int)
    assert np.abs(painted - expected).max() <= 1


def test_the_one_liner_loads_once(monkeypatch: pytest.MonkeyPatch, coffee: npt.NDArray[np.uint8]) -> None:
    loads: list[str] = []
    original = pipeline.load_colorizer

    def counted(name: str) -> deoldify.Colorizer:
        loads.append(name)
        return original(name)

    monkeypatch.setattr(pipeline, "load_colorizer", counted)
    deoldify._best_colorizer.cache_clear()
    small = Image.fromarray(coffee).convert("L").resize((60, 40))
    first, second = deoldify.colorize(small), deoldify.colorize(small)
    assert len(loads) == 1
    assert first.tobytes() == second.tobytes()


# Defading


@pytest.fixture(scope="module")
def defader() -> deoldify.Defader:
    return deoldify.load("defade", device="cpu", precision="float32")


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
    restored, label = pipeline.restore_photo(colour, defader, colorizer)
    assert np.array_equal(restored.pixels, defader.defade_photo(colour).pixels)
    assert label == defader.label
    grey = np.repeat(np.asarray(Image.fromarray(coffee).convert("L"))[..., None] // 2 + 60, 3, axis=-1)
    restored, label = pipeline.restore_photo(Photo(grey), defader, colorizer, strength=0.5)
    expected = colorizer.colorize_photo(defader.defade_photo(Photo(grey), strength=0.5))
    assert np.array_equal(restored.pixels, expected.pixels)
    assert "Restored by DeOldify (defade)" in label and "Coloured by DeOldify (compact)" in label


def test_the_one_liners_to_defade_and_restore_load_once(
    defader: deoldify.Defader, monkeypatch: pytest.MonkeyPatch, coffee: npt.NDArray[np.uint8]
) -> None:
    loads: list[str] = []
    original = pipeline.load

    def counted(name: str, **options: Any) -> Any:
        loads.append(name)
        return original(name, **options)

    monkeypatch.setattr(pipeline, "load", counted)
    deoldify._defader.cache_clear()
    small = Image.fromarray(faded(coffee)).resize((60, 40))
    first, second = deoldify.defade(small, strength=0.7), deoldify.restore(small, strength=0.7)
    assert loads.count("defade") == 1
    assert first.tobytes() == second.tobytes()
    assert np.ptp(np.asarray(deoldify.restore(small.convert("L"))), axis=-1).mean() > 1
