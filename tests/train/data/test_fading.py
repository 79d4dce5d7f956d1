"""Fading: nothing at strength 0, the same for the same seed, more for more strength, and what the densities say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import skimage.data
from PIL import Image

from train.data.fading import (
    D_MAX,
    DYE_FAMILIES,
    GREY_KINDS,
    KINDS,
    Blur,
    DyeFading,
    Effect,
    Exposure,
    Fading,
    Grain,
    Jitter2018,
    Jpeg,
    Levels,
    Overlay,
    SilverPrint,
    Uneven,
    Vignetting,
    density,
    draw_fading,
    fade,
    fade_randomly,
    from_density,
    is_grey,
    jitter_2018,
    luma,
)

Rgb = npt.NDArray[np.float32]


def photograph(name: str, side: int = 96) -> Rgb:
    pixels = Image.fromarray(getattr(skimage.data, name)()).convert("RGB")
    rgb: Rgb = np.asarray(pixels.resize((side, side), Image.Resampling.BICUBIC)).astype(np.float32) / np.float32(255)
    return rgb


@pytest.fixture(scope="module")
def photographs() -> list[Rgb]:
    return [photograph(name) for name in ("astronaut", "coffee", "chelsea", "rocket")]


def noise(height: int = 24, width: int = 40) -> Rgb:
    return np.random.default_rng(1).random((height, width, 3), np.float32)


def grey_ramp(height: int = 24, width: int = 40) -> Rgb:
    ramp = np.linspace(0, 1, height * width, dtype=np.float32).reshape(height, width, 1)
    return np.ascontiguousarray(np.broadcast_to(ramp, (height, width, 3)))


def patch(*values: float) -> Rgb:
    return np.full((5, 7, 3), values, np.float32)


def psnr(a: Rgb, b: Rgb) -> float:
    return float(-10 * np.log10(np.mean((a - b) ** 2)))


DRAWS: dict[str, Callable[[np.random.Generator], Effect]] = {
    **{name: lambda rng, f=family: DyeFading.draw(rng, f) for name, family in DYE_FAMILIES.items()},  # type: ignore[misc]
    "silver": SilverPrint.draw,
    "levels": lambda rng: Levels.draw(rng, (-0.1, 0.3), (0.7, 1.1), (0.6, 1.6), cast=0.4),
    "overlay": Overlay.draw,
    "exposure": Exposure.draw,
    "jitter-2018": Jitter2018.draw,
    "vignetting": Vignetting.draw,
    "uneven dyes": lambda rng: Uneven.draw(rng, DyeFading.draw(rng)),
    "uneven silver": lambda rng: Uneven.draw(rng, SilverPrint.draw(rng)),
    "uneven levels": lambda rng: Uneven.draw(rng, Levels.draw(rng, (0.0, 0.3), (0.7, 1.0), (0.6, 1.6), cast=0.4)),
    "uneven overlay": lambda rng: Uneven.draw(rng, Overlay.draw(rng)),
    "grain": Grain.draw,
    "blur": Blur.draw,
    "jpeg": Jpeg.draw,
}
every_effect = pytest.mark.parametrize("name", list(DRAWS))


@every_effect
def test_at_strength_0_nothing_happens(name: str) -> None:
    rgb = noise()
    for zero in (0, 0.0, np.float32(0)):
        effect = DRAWS[name](np.random.default_rng(3))
        np.testing.assert_array_equal(effect(rgb, zero), rgb)


@every_effect
def test_keeps_range_type_and_shape_and_leaves_its_input_alone(name: str) -> None:
    corners = np.array([[[r, g, b] for r in (0, 1) for g in (0, 1) for b in (0, 1)]] * 3, np.float32)
    for seed in range(6):
        effect = DRAWS[name](np.random.default_rng(seed))
        for rgb in (noise(), noise(17, 9), corners):
            before = rgb.copy()
            for strength in (0.01, 0.5, 1.0):
                faded = effect(rgb, strength)
                assert faded.shape == rgb.shape and faded.dtype == np.float32
                assert faded.min() >= 0 and faded.max() <= 1  # NaN fails, too
            np.testing.assert_array_equal(rgb, before)


@every_effect
def test_the_same_seed_draws_the_same_and_applying_draws_nothing(name: str) -> None:
    one, two, other = (DRAWS[name](np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert one == two and one != other
    np.testing.assert_array_equal(one(noise(), 0.7), two(noise(), 0.7))
    np.testing.assert_array_equal(one(noise(), 0.7), one(noise(), 0.7))


@every_effect
def test_more_strength_is_further_away(name: str, photographs: list[Rgb]) -> None:
    distances = np.zeros(3)
    for seed in range(8):
        effect = DRAWS[name](np.random.default_rng(seed))
        for rgb in photographs:
            # Of a silver print the colour is gone at once; what grows is how far it is from the grey picture.
            start = rgb if "silver" not in name else np.repeat(luma(rgb), 3, axis=2)
            distances += [float(np.abs(effect(start, strength) - start).mean()) for strength in (0.2, 0.6, 1.0)]
    assert 0 < distances[0] < distances[1] < distances[2]


@pytest.mark.parametrize("name", ["exposure", "jitter-2018", "vignetting", "blur", "jpeg"])
def test_grey_stays_grey_through_a_camera(name: str) -> None:
    for seed in range(5):
        faded = DRAWS[name](np.random.default_rng(seed))(grey_ramp(), 1.0)
        assert np.ptp(faded, axis=2).max() < 1e-6


def test_grey_stays_grey_in_grey_grain_and_even_levels() -> None:
    for effect in (Grain(0.05, seed=3), Levels((0.2,) * 3, (0.8,) * 3, (1.3,) * 3)):
        faded = effect(grey_ramp(), 1.0)
        assert np.ptp(faded, axis=2).max() < 1e-6 and np.abs(faded - grey_ramp()).max() > 0.01
    assert np.ptp(Grain(0.05, colour=1.0, seed=3)(grey_ramp(), 1.0), axis=2).max() > 0.01


def test_equal_dyes_that_fade_equally_keep_a_neutral_neutral() -> None:
    faded = DyeFading((0.5, 0.5, 0.5), crosstalk=1.2)(grey_ramp(), 1.0)
    assert np.ptp(faded, axis=2).max() < 2e-3


def test_density_follows_its_definition_and_comes_back() -> None:
    black = 10**-D_MAX
    levels = np.arange(256) / 255
    light = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    expected = -np.log10(black + (1 - black) * light)
    np.testing.assert_allclose(density(levels.astype(np.float32)), expected, atol=1e-6)
    fine = np.linspace(0, 1, 10_001, dtype=np.float32)
    assert np.abs(from_density(density(fine)) - fine).max() < 0.25 / 255


@pytest.mark.parametrize("strength", [0.3, 1.0])
def test_dyes_lose_the_share_of_density_that_the_closed_form_says(strength: float) -> None:
    # Ideal dyes: each channel has a density of its own, D' = D (1 - s loss (1 - h D / D_MAX)) + s stain.
    rgb, loss, stain, h = patch(0.3, 0.5, 0.7), np.array([0.6, 0.2, 0.4]), np.array([0.02, 0.05, 0.2]), 0.3
    before = density(rgb).astype(np.float64)
    after = before * (1 - strength * loss * (1 - h * before / D_MAX)) + strength * stain
    black = 10**-D_MAX
    light = (10**-after - black) / (1 - black)
    expected = 1.055 * light ** (1 / 2.4) - 0.055
    effect = DyeFading((0.6, 0.2, 0.4), h, (0.02, 0.05, 0.2), crosstalk=0.0)
    np.testing.assert_allclose(effect(rgb, strength), expected, atol=1e-3)


def test_a_fading_dye_takes_its_side_absorptions_with_it() -> None:
    # Half the cyan dye gone: red density halves, and what the cyan absorbed of green and blue halves, too.
    rgb = patch(0.2, 0.6, 0.7)
    before = density(rgb)[0, 0].astype(np.float64)
    lost = before - density(DyeFading((0.5, 0.0, 0.0))(rgb, 1.0))[0, 0]
    np.testing.assert_allclose(lost / lost[0], [1, 0.22, 0.10], atol=0.01)


@pytest.mark.parametrize(
    ("family", "most"), [("dark", 0), ("light-green", 1), ("light-cyan", 2), ("dark-magenta", (0, 2))]
)
def test_families_cast_grey_as_named(family: str, most: int | tuple[int, int]) -> None:
    grey, casts = patch(0.45, 0.45, 0.45), np.zeros(3)
    for seed in range(40):
        effect = replace(DyeFading.draw(np.random.default_rng(seed), DYE_FAMILIES[family]), stain=(0.0, 0.0, 0.0))
        casts += effect(grey, 1.0)[0, 0]
    if isinstance(most, int):
        assert int(casts.argmax()) == most
    else:
        assert int(casts.argmin()) == 1


def test_stain_yellows_the_white_and_fading_lifts_the_black() -> None:
    for seed in range(20):
        effect = DyeFading.draw(np.random.default_rng(seed), DYE_FAMILIES["stain"])
        red, green, blue = effect(patch(1, 1, 1), 1.0)[0, 0]
        assert red >= green > blue and blue < 0.8
        assert effect(patch(0, 0, 0), 1.0).mean() > 0.02


def test_more_loss_of_density_means_less_contrast(photographs: list[Rgb]) -> None:
    for rgb in photographs:
        spans = []
        for strength in (0.0, 0.33, 0.66, 1.0):
            faded = density(DyeFading((0.7, 0.6, 0.65))(rgb, strength))
            spans.append(float(np.ptp(faded)))
        assert spans == sorted(spans, reverse=True) and spans[-1] < 0.6 * spans[0]


def test_a_silver_print_is_its_toned_luma_warm_and_pale(photographs: list[Rgb]) -> None:
    effect = SilverPrint(0.5, 0.2, brown=0.2, stain=(0.01, 0.05, 0.15))
    for rgb in photographs:
        grey = np.repeat(luma(rgb), 3, axis=2)
        np.testing.assert_allclose(effect(rgb, 0.8), effect(grey, 0.8), atol=2e-3)
        red, green, blue = effect(rgb, 0.8).mean(axis=(0, 1))
        assert red > green > blue
        assert effect(rgb, 0.8)[..., 1].std() < grey[..., 1].std()
    neutral = SilverPrint(0.5)(grey_ramp(), 1.0)
    assert np.ptp(neutral, axis=2).max() < 1e-6


def test_silvering_shines_bluish_on_the_dark_edges_only() -> None:
    plain, silvered = SilverPrint(0.3), SilverPrint(0.3, mirror=0.3, reach=0.08)
    dark, light = np.full((60, 80, 3), 0.1, np.float32), np.full((60, 80, 3), 1.0, np.float32)
    shine = silvered(dark, 1.0) - plain(dark, 1.0)
    assert shine[0, 40, 2] > shine[0, 40, 1] > shine[0, 40, 0] > 0.05
    assert shine[30, 40].max() < 0.01
    np.testing.assert_allclose(shine, shine[::-1, ::-1], atol=1e-6)
    np.testing.assert_allclose(silvered(light, 1.0), plain(light, 1.0), atol=1e-6)


def test_levels_are_a_line_behind_a_power() -> None:
    effect = Levels((0.1, 0.2, 0.0), (0.9, 1.0, 0.7), (1.5, 1.0, 0.5))
    expected = [0.1 + 0.8 * 0.4**1.5, 0.2 + 0.8 * 0.4, 0.7 * 0.4**0.5]
    np.testing.assert_allclose(effect(patch(0.4, 0.4, 0.4), 1.0)[0, 0], expected, atol=1e-6)


def test_overlay_covers_or_filters() -> None:
    rgb = patch(0.2, 0.5, 0.6)
    y = 0.299 * 0.2 + 0.587 * 0.5 + 0.114 * 0.6
    weak = y + 0.4 * (np.array([0.2, 0.5, 0.6]) - y)
    colour = np.array([0.9, 0.7, 0.4])
    covered = Overlay((0.9, 0.7, 0.4), 0.4, 0.3)(rgb, 1.0)[0, 0]
    filtered = Overlay((0.9, 0.7, 0.4), 0.4, 0.3, multiply=True)(rgb, 1.0)[0, 0]
    np.testing.assert_allclose(covered, 0.7 * weak + 0.3 * colour, atol=1e-6)
    np.testing.assert_allclose(filtered, weak * (0.7 + 0.3 * colour), atol=1e-6)


def test_exposure_lightens_and_its_opposite_undoes_it() -> None:
    rgb = noise()
    over = Exposure(1.5)(rgb, 1.0)
    assert (over >= rgb).all() and over.mean() > rgb.mean() + 0.1
    np.testing.assert_allclose(Exposure(-1.5)(over, 1.0), rgb, atol=1e-5)
    np.testing.assert_allclose(Exposure(1.5)(patch(0.001, 0, 1), 1.0)[0, 0], [0.001 * 2**1.5, 0, 1], rtol=2e-3)


def test_jitter_2018_is_brightness_and_contrast_around_the_mean() -> None:
    rgb = 0.4 + 0.2 * noise()
    expected = (rgb - rgb.mean()) * 1.4 + rgb.mean() + 0.1
    np.testing.assert_allclose(Jitter2018(0.1, 1.4)(rgb, 1.0), expected, atol=1e-6)
    drawn = [jitter_2018(np.random.default_rng(seed)) for seed in range(200)]
    effects = [fading.effects[0] for fading in drawn if len(fading.effects) == 1]
    assert len(effects) == 200 and all(isinstance(effect, Jitter2018) for effect in effects)
    brightness = [effect.brightness for effect in effects if isinstance(effect, Jitter2018)]
    contrast = [effect.contrast for effect in effects if isinstance(effect, Jitter2018)]
    assert -0.5 <= min(brightness) < -0.4 and 0.4 < max(brightness) <= 0.5
    assert 1 / 1.5 <= min(contrast) < 0.72 and 1.4 < max(contrast) <= 1.5


def test_vignetting_follows_the_fourth_power_of_the_cosine() -> None:
    white = np.ones((101, 141, 3), np.float32)
    darkened = Vignetting(0.8)(white, 1.0)
    assert darkened[50, 70, 0] == pytest.approx(1, abs=1e-3)
    corner = float(np.cos(np.arctan(0.8)) ** 4) ** (1 / 2.2)
    assert darkened[0, 0, 0] == pytest.approx(corner, abs=0.01)
    assert (np.diff(darkened[50, 70:, 0]) <= 0).all()


def test_uneven_is_the_effect_at_a_strength_between_its_limits() -> None:
    effect, rgb = Levels((0.4, 0.4, 0.4)), np.zeros((60, 80, 3), np.float32)
    across = Uneven(effect, 0.8, "gradient", angle=0.0, size=0.1)(rgb, 1.0)[..., 0]
    assert across[30, 0] == pytest.approx(0.2 * 0.4, abs=1e-3) and across[30, -1] == pytest.approx(0.4, abs=1e-3)
    np.testing.assert_allclose(across, np.broadcast_to(across[:1], across.shape), atol=1e-6)
    blob = Uneven(effect, 0.8, "blob", size=0.15)(rgb, 1.0)[..., 0]
    assert blob[30, 40] == pytest.approx(0.4, abs=2e-3) and blob[0, 0] == pytest.approx(0.2 * 0.4, abs=2e-3)
    around = Uneven(effect, 0.8, "blob", size=0.15, around=True)(rgb, 1.0)[..., 0]
    np.testing.assert_allclose(blob + around, 0.4 * 1.2, atol=1e-6)


@pytest.mark.parametrize("coarse", [False, True])
@pytest.mark.parametrize("colour", [0.0, 0.6])
def test_grain_is_strongest_in_the_middle_and_changes_no_mean(coarse: bool, colour: float) -> None:
    effect = Grain(0.04, colour, coarse, seed=11)
    deviations = []
    for tone in (0.5, 0.1, 0.0, 1.0):
        faded = effect(np.full((200, 200, 3), tone, np.float32), 1.0)
        assert float(faded.mean()) == pytest.approx(tone, abs=2e-3)
        deviations.append(float(faded.std()))
    assert deviations[0] == pytest.approx(0.04, rel=0.05)
    assert deviations[1] == pytest.approx(0.04 * 2 * (0.1 * 0.9) ** 0.5, rel=0.05)
    assert deviations[2:] == [0, 0]


def test_a_fading_looks_alike_at_any_size() -> None:
    large = photograph("astronaut", 256)
    small = photograph("astronaut", 64)
    for effect in (
        Vignetting(0.9),
        Uneven(DyeFading((0.7, 0.2, 0.4)), 0.7, "blob", (0.3, 0.6), size=0.4),
        SilverPrint(0.4, mirror=0.2, reach=0.15),
    ):
        faded = Image.fromarray(np.rint(effect(large, 1.0) * 255).astype(np.uint8))
        shrunk = np.asarray(faded.resize((64, 64), Image.Resampling.BICUBIC)).astype(np.float32) / np.float32(255)
        assert psnr(shrunk, effect(small, 1.0)) > 30


def test_drawing_repeats_with_its_seed_and_does_not_depend_on_the_strength() -> None:
    for seed in range(50):
        mild, again, strong = (draw_fading(np.random.default_rng(seed), s) for s in (0.3, 0.3, 0.9))
        assert mild == again and hash(mild) == hash(again)
        assert (mild.kind, mild.effects) == (strong.kind, strong.effects)
        assert strong.strength == pytest.approx(3 * mild.strength)


def test_every_kind_is_drawn_as_often_as_stated() -> None:
    rng = np.random.default_rng(2)
    for grey, kinds in ((False, KINDS), (True, GREY_KINDS)):
        assert sum(kinds.values()) == pytest.approx(1)
        drawn = [draw_fading(rng, 1.0, grey=grey) for _ in range(2000)]
        for kind, share in kinds.items():
            assert np.mean([fading.kind == kind for fading in drawn]) == pytest.approx(share, abs=0.04)
        assert all(fading.effects for fading in drawn)
        assert 0.04 < np.mean([fading.strength < 1 for fading in drawn]) < 0.12


def test_fading_at_strength_0_is_the_identity_and_a_copy(photographs: list[Rgb]) -> None:
    rgb = photographs[0]
    for seed in range(30):
        faded = fade_randomly(rgb, 0.0, np.random.default_rng(seed))
        np.testing.assert_array_equal(faded, rgb)
        assert not np.shares_memory(faded, rgb)


def test_fade_applies_the_effects_in_order(photographs: list[Rgb]) -> None:
    first, second = Exposure(1.0), Levels((0.2, 0.1, 0.0), (0.9, 0.8, 0.7), (1.2, 1.0, 0.9))
    faded = fade(photographs[0], Fading("camera", 0.5, (first, second)))
    np.testing.assert_array_equal(faded, second(first(photographs[0], 0.5), 0.5))


def test_strengths_leave_the_photographs_as_far_away_as_stated(photographs: list[Rgb]) -> None:
    means, contrasts = [], []
    for strength in (0.33, 0.66, 1.0):
        ratios, spans = [], []
        for number, rgb in enumerate(photographs):
            for seed in range(60):
                faded = fade_randomly(rgb, strength, np.random.default_rng([number, seed]))
                ratios.append(psnr(faded, rgb))
                spans.append(float(faded.std(axis=(0, 1)).mean() / rgb.std(axis=(0, 1)).mean()))
        means.append(float(np.mean(ratios)))
        contrasts.append(float(np.mean(spans)))
    assert 18 < means[0] < 24 and 13 < means[1] < 18 and 10 < means[2] < 14.5
    assert 1 > contrasts[0] > contrasts[1] > contrasts[2] > 0.3


def test_most_of_a_picture_survives(photographs: list[Rgb]) -> None:
    lost = []
    for number, rgb in enumerate(photographs):
        inside = (rgb > 0.02) & (rgb < 0.98)
        for seed in range(60):
            faded = fade_randomly(rgb, 1.0, np.random.default_rng([number, seed]))
            lost.append(float(((faded < 1 / 512) | (faded > 1 - 1 / 512))[inside].mean()))
    assert np.mean(lost) < 0.05 and np.quantile(lost, 0.9) < 0.15


def test_black_and_white_photographs_fade_as_silver_prints(photographs: list[Rgb]) -> None:
    grey = np.repeat(luma(photographs[2]), 3, axis=2)
    assert is_grey(grey) and not is_grey(photographs[2])
    kinds = {draw_fading(np.random.default_rng(seed), 0.7, grey=True).kind for seed in range(60)}
    assert kinds == set(GREY_KINDS)
    for seed in range(10):
        expected = fade(grey, draw_fading(np.random.default_rng(seed), 0.7, grey=True))
        np.testing.assert_array_equal(fade_randomly(grey, 0.7, np.random.default_rng(seed)), expected)


@pytest.mark.parametrize("strength", [-0.1, 1.01, float("nan")])
def test_a_strength_outside_its_range_is_refused(strength: float) -> None:
    for draw in (draw_fading, jitter_2018):
        with pytest.raises(ValueError, match="between 0 and 1"):
            draw(np.random.default_rng(0), strength)


@pytest.mark.parametrize(("shape", "dtype"), [((8, 8, 3), np.uint8), ((8, 8, 3), np.float64), ((8, 8), np.float32)])
def test_a_picture_of_another_kind_is_refused(shape: tuple[int, ...], dtype: type) -> None:
    with pytest.raises(ValueError, match="float32"):
        fade(np.zeros(shape, dtype), draw_fading(np.random.default_rng(0), 0.5))
