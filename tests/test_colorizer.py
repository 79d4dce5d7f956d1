"""Photographs coloured, with the embedded weights."""

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
from deoldify import loading
from deoldify.colorizer import Asked
from deoldify.imaging import LUMA_WEIGHTS, Transfer, denormalise, normalise, to_tensor
from deoldify.photo import Photo


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
    ("asked", "says"),
    [
        ({"render_factor": 10.0}, "render_factor must be a whole number"),
        ({"render_factor": "10"}, "render_factor must be a whole number"),
        ({"render_factor": True}, "render_factor must be a whole number"),
        ({"render_factor": float("nan")}, "render_factor must be a whole number"),
        ({"render_factor": 10**30}, "is outside 4 to 64"),
        ({"renders": "6"}, "renders must be a whole number"),
        ({"renders": float("inf")}, "renders must be a whole number"),
        ({"renders": 10**30}, "neither 1 nor an even number"),
        ({"saturation": "much"}, "saturation must be a number"),
        ({"saturation": float("inf")}, "saturation inf is outside"),
        ({"warmth": float("nan")}, "warmth nan is outside"),
        ({"caution": True}, "caution must be a number"),
    ],
)
def test_what_is_no_number_is_said(asked: dict[str, Any], says: str, colorizer: deoldify.Colorizer) -> None:
    with pytest.raises(ValueError, match=says):
        colorizer(Image.new("L", (32, 32)), **asked)


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
    painted = np.asarray(
        colorizer(Image.fromarray(grey), render_factor=8, renders=1, liveliness=0.0, transfer="none")
    ).astype(int)
    assert np.abs(painted - expected).max() <= 1


def test_the_one_liner_loads_once(monkeypatch: pytest.MonkeyPatch, coffee: npt.NDArray[np.uint8]) -> None:
    loads: list[str] = []
    original = loading.load_colorizer

    def counted(name: str, **wishes: Any) -> deoldify.Colorizer:
        loads.append(name)
        return original(name, **wishes)

    monkeypatch.setattr(loading, "load_colorizer", counted)
    deoldify._best_colorizer.cache_clear()
    small = Image.fromarray(coffee).convert("L").resize((60, 40))
    first, second = deoldify.colorize(small), deoldify.colorize(small)
    assert len(loads) == 1
    assert first.tobytes() == second.tobytes()


HINTS = (deoldify.Hint(0.5, 0.5, "#334d80"),)


@pytest.mark.parametrize("asked", [{}, {"saturation": 0.4, "warmth": -0.5, "hints": HINTS}])
def test_a_kept_plane_paints_what_a_new_render_would(
    asked: Asked, colorizer: deoldify.Colorizer, coffee: npt.NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = Photo(np.asarray(Image.fromarray(coffee).convert("L").convert("RGB")))
    expected = colorizer.colorize_photo(photo, render_factor=8, **asked)
    plane = colorizer.plane(photo.pixels, render_factor=8)
    monkeypatch.setattr(colorizer, "_render", None)
    painted = colorizer.paint(photo, plane, **asked)
    assert np.array_equal(painted.pixels, expected.pixels)
    assert painted.renders == expected.renders == (plane.render,)
    by_image = np.asarray(colorizer.paint(Photo(photo.pixels[::2, ::2]), plane, **asked).pixels)
    assert by_image.shape == (200, 300, 3)  # a smaller copy takes it, too
    assert np.abs(by_image.astype(int) - expected.pixels[::2, ::2]).mean() < 2


@pytest.mark.parametrize("transfer", ["guided", "bilinear", "none"])
def test_saturation_and_hints_reach_every_transfer(
    transfer: Transfer, colorizer: deoldify.Colorizer, coffee: npt.NDArray[np.uint8]
) -> None:
    grey = np.asarray(Image.fromarray(coffee).convert("L").convert("RGB"))
    bare = colorizer.colorize_pixels(grey, render_factor=8, transfer=transfer, saturation=0)
    assert np.ptp(bare.astype(int), axis=-1).max() <= 2  # of rounding
    usual = colorizer.colorize_pixels(grey, render_factor=8, transfer=transfer)
    hinted = colorizer.colorize_pixels(grey, render_factor=8, transfer=transfer, hints=HINTS)
    assert np.abs(hinted.astype(int) - usual).max() > 20
    red, _, blue = hinted[200, 300].astype(int)
    assert blue > red  # at the hint's place


def test_the_label_says_what_was_asked_for(colorizer: deoldify.Colorizer) -> None:
    assert colorizer.label == "Coloured by DeOldify (compact); the colours are a guess by AI"
    said = "Coloured by DeOldify (compact, caution 0.3, hint 0.5,0.5,#334d80); the colours are a guess by AI"
    assert colorizer.label_with(caution=0.3, hints=HINTS) == said
