"""Transfer to full size against naive implementations."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from skimage import data

from deoldify import imaging
from deoldify.imaging import rows
from tests.imaging.pictures import colour_photo, grey_photo, random_coefficients, random_render, rounded_luma

Restoration = Callable[[npt.NDArray[np.floating]], npt.NDArray[np.float64]]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("size", [(97, 143), (40, 31)])  # larger and smaller than the render
def test_guided_transfer_keeps_every_bit_of_luma(dtype: type, size: tuple[int, int]) -> None:
    photo = grey_photo(*size, dtype)
    result = imaging.transfer_guided(photo, imaging.grey_square(photo, 64), imaging.chroma(random_render(64)))
    assert result.dtype == photo.dtype
    assert (result.max(axis=-1) - result.min(axis=-1)).mean() > 0.05 * np.iinfo(dtype).max
    assert np.array_equal(rounded_luma(result), photo[..., 0])


def test_strips_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    photo, render = grey_photo(97, 53), random_render(64)
    grey = imaging.grey_square(photo, 64)
    uv = imaging.chroma(render)
    guided, bilinear = imaging.transfer_guided(photo, grey, uv), imaging.transfer_bilinear(photo, render)
    monkeypatch.setattr(rows, "_STRIP_PIXELS", 53 * 7)
    assert np.array_equal(imaging.transfer_guided(photo, grey, uv), guided)
    assert np.array_equal(imaging.transfer_bilinear(photo, render), bilinear)


@pytest.mark.parametrize("options", [{}, {"neutral": True}, {"keep_tone": True}])
def test_strips_do_not_show_in_a_change_of_tone(options: dict[str, bool], monkeypatch: pytest.MonkeyPatch) -> None:
    photo, coefficients = colour_photo(97, 53), random_coefficients(16)
    whole = imaging.transfer_tone(photo, coefficients, 1.0, **options)
    monkeypatch.setattr(rows, "_STRIP_PIXELS", 53 * 7)
    assert np.array_equal(imaging.transfer_tone(photo, coefficients, 1.0, **options), whole)


def test_guided_coefficients_are_the_least_squares_fit_of_each_window() -> None:
    rng = np.random.default_rng(1)
    grey = rng.integers(0, 256, (9, 9), dtype=np.uint8)
    chroma = torch.from_numpy(rng.random((1, 2, 9, 9)) - 0.5).float()
    radius, epsilon = 1, 1e-2
    y, uv = grey / 255, chroma[0].double().numpy()
    a, b = np.empty((2, 9, 9)), np.empty((2, 9, 9))
    for i in range(9):
        for j in range(9):
            window = np.s_[max(i - radius, 0) : i + radius + 1, max(j - radius, 0) : j + radius + 1]
            luma = y[window].ravel()
            # Ridge regression with a penalty of (number of pixels × epsilon) on the slope alone.
            design = np.stack([luma, np.ones_like(luma)], axis=1)
            penalty = np.diag([luma.size * epsilon, 0])
            for channel in range(2):
                wanted = uv[channel][window].ravel()
                a[channel, i, j], b[channel, i, j] = np.linalg.solve(design.T @ design + penalty, design.T @ wanted)
    means = np.empty((4, 9, 9))
    for i in range(9):
        for j in range(9):
            window = np.s_[max(i - radius, 0) : i + radius + 1, max(j - radius, 0) : j + radius + 1]
            means[:, i, j] = [plane[window].mean() for plane in (*a, *b)]
    got = imaging.guided_coefficients(grey, chroma, radius, epsilon)[0].numpy()
    np.testing.assert_allclose(got, means, atol=1e-4)


def test_guided_colour_stops_at_an_edge_where_bilinear_bleeds_over_it() -> None:
    # A bright red field beside a dark grey one, the photo 16 times as large as the render.
    edge = 256
    photo = np.full((512, 512, 3), 40, np.uint8)
    photo[:, :edge] = 180
    small = torch.full((1, 3, 32, 32), 40 / 255)
    small[:, :, :, :16] = torch.tensor([230 / 255, 165 / 255, 130 / 255]).view(1, 3, 1, 1)
    grey = imaging.grey_square(photo, 32)
    just_beyond = np.s_[100:400, edge + 1 : edge + 6]

    def redness(pixels: imaging.Pixels) -> float:
        strip = pixels[just_beyond].astype(float)
        return float((strip[..., 0] - strip[..., 2]).mean())

    assert redness(imaging.transfer_bilinear(photo, small)) > 15
    assert redness(imaging.transfer_guided(photo, grey, imaging.chroma(small))) < 10


def test_bilinear_transfer_is_the_yuv_merge_of_the_reference() -> None:
    photo, render = grey_photo(30, 20), random_render(48)
    stretched = imaging.stretch(render, 30, 20).astype(float)
    y, y_render = photo[..., 0].astype(float), np.rint(stretched @ np.array(imaging.LUMA_WEIGHTS))
    # OpenCV keeps U and V in a byte around 128 and inverts with rounded constants.
    u = np.clip(np.rint((stretched[..., 2] - y_render) * 0.492 + 128), 0, 255) - 128
    v = np.clip(np.rint((stretched[..., 0] - y_render) * 0.877 + 128), 0, 255) - 128
    expected = np.stack([y + 1.140 * v, y - 0.395 * u - 0.581 * v, y + 2.032 * u], axis=-1)
    got = imaging.transfer_bilinear(photo, render).astype(float)
    difference = np.abs(got - np.clip(np.rint(expected), 0, 255))
    assert (difference <= 1).mean() > 0.99
    assert difference.max() <= 2  # where U or V rounds the other way, a step of it is two of RGB


def test_bilinear_transfer_of_sixteen_bits_is_that_of_eight_bits_times_257() -> None:
    photo, render = grey_photo(30, 20), random_render(48)
    deep = imaging.transfer_bilinear(photo.astype(np.uint16) * 257, render)
    # A step of 8 bits is 257 of 16; colour is the same to within its rounding.
    shallow = imaging.transfer_bilinear(photo, render).astype(int) * 257
    assert np.abs(deep.astype(int) - shallow).max() <= 129


def ridge(design: npt.NDArray[np.float64], wanted: npt.NDArray[np.float64], penalty: float) -> npt.NDArray[np.float64]:
    """Slopes (3, 3: before, change) and offsets, (4, 3), with a penalty per pixel on the slopes alone."""
    columns = np.concatenate([design, np.ones((len(design), 1))], axis=1)
    return np.linalg.solve(columns.T @ columns + len(design) * np.diag([penalty] * 3 + [0]), columns.T @ wanted)


@pytest.mark.parametrize("grey", [False, True])
def test_affine_coefficients_are_the_ridge_regression_of_each_window_on_what_the_whole_leaves_over(grey: bool) -> None:
    rng = np.random.default_rng(1)
    height, width, radius, epsilon = 7, 9, 1, 1e-2
    before, after = rng.random((2, height, width, 3))
    if grey:  # three equal channels: without the ridge nothing would tell their slopes apart
        before[:] = before[..., :1]
    change = after - before
    whole = ridge(before.reshape(-1, 3), change.reshape(-1, 3), 1e-5)
    remainder = change - before @ whole[:3] - whole[3]
    fitted = np.empty((height, width, 4, 3))
    for i in range(height):
        for j in range(width):
            window = np.s_[max(i - radius, 0) : i + radius + 1, max(j - radius, 0) : j + radius + 1]
            fitted[i, j] = ridge(before[window].reshape(-1, 3), remainder[window].reshape(-1, 3), epsilon)
    expected = np.empty_like(fitted)
    for i in range(height):
        for j in range(width):
            window = np.s_[max(i - radius, 0) : i + radius + 1, max(j - radius, 0) : j + radius + 1]
            expected[i, j] = fitted[window].mean(axis=(0, 1)) + whole
    a, b = (torch.from_numpy(x).permute(2, 0, 1).unsqueeze(0).float() for x in (before, after))
    got = imaging.affine_coefficients(a, b, radius, epsilon)[0].double().numpy()
    slopes = got[:9].reshape(3, 3, height, width).transpose(2, 3, 1, 0)  # (height, width, before, change)
    np.testing.assert_allclose(slopes, expected[:, :, :3], atol=2e-4)
    np.testing.assert_allclose(got[9:].transpose(1, 2, 0), expected[:, :, 3], atol=2e-4)


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_a_flat_picture_changes_by_a_shift(level: float) -> None:
    before = torch.full((1, 3, 12, 12), level)
    shift = torch.tensor([0.1, -0.2, 0.3])
    coefficients = imaging.affine_coefficients(before, before + shift.view(1, 3, 1, 1), radius=2, epsilon=1e-3)
    assert coefficients[0, :9].abs().max() < 1e-3
    torch.testing.assert_close(coefficients[0, 9:].mean(dim=(1, 2)), shift, atol=1e-3, rtol=0)


def test_a_colour_matrix_is_found_exactly_however_pale_the_picture() -> None:
    """Where all of a change is one affine function, flat windows must have its slopes as well."""
    matrix = torch.tensor([[1.5, -0.3, 0.1], [0.2, 0.9, -0.4], [0.0, -0.5, 2.0]])
    noise = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    before = 0.5 + 0.1 * (noise - 0.5)
    before[..., :16] = 0.5 + 0.01 * (noise[..., :16] - 0.5)
    change = torch.einsum("cd,ndhw->nchw", matrix, before) + 0.1
    slopes = imaging.affine_coefficients(before, before + change, radius=2, epsilon=1e-3)[0, :9]
    expected = matrix.flatten().view(9, 1, 1).expand_as(slopes)
    torch.testing.assert_close(slopes, expected, atol=0.06, rtol=0.06)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("size", [(97, 143), (20, 31)])  # larger and smaller than the coefficients
def test_tone_of_strength_0_is_the_photo_and_in_between_is_in_proportion(dtype: type, size: tuple[int, int]) -> None:
    photo = colour_photo(*size, dtype) // 2 + np.iinfo(dtype).max // 4  # so that nothing clips
    coefficients = random_coefficients(32)
    assert np.array_equal(imaging.transfer_tone(photo, coefficients, 0.0), photo)
    half, full = (imaging.transfer_tone(photo, coefficients, strength) for strength in (0.5, 1.0))
    assert full.dtype == photo.dtype
    expected = (photo.astype(float) + full) / 2
    assert np.abs(half - expected).max() <= 1  # rounding, twice


def test_tone_at_the_size_of_the_coefficients_is_the_affine_function_of_each_pixel() -> None:
    photo, coefficients = colour_photo(20, 30), random_coefficients(1).expand(1, 12, 20, 30).clone()
    coefficients += torch.linspace(0, 0.1, 30)
    planes = coefficients[0].double().numpy()
    slopes, offsets = planes[:9].reshape(3, 3, 20, 30), planes[9:]
    rgb = photo / 255
    expected = rgb + np.einsum("cdhw,hwd->hwc", slopes, rgb) + offsets.transpose(1, 2, 0)
    got = imaging.transfer_tone(photo, coefficients, 1.0)
    assert np.abs(got - expected.clip(0, 1) * 255).max() <= 0.51


def test_tone_of_sixteen_bits_is_that_of_eight_bits_times_257() -> None:
    photo, coefficients = colour_photo(30, 20), random_coefficients(16)
    deep = imaging.transfer_tone(photo.astype(np.uint16) * 257, coefficients, 1.0).astype(int)
    assert np.abs(deep - imaging.transfer_tone(photo, coefficients, 1.0).astype(int) * 257).max() <= 129
    assert len(np.unique(deep % 257)) > 200  # and it is not eight bits in disguise


def test_a_neutral_photo_comes_back_in_grey_and_a_kept_tone_stays() -> None:
    photo, coefficients = colour_photo(40, 30) // 2 + 64, random_coefficients(16)
    neutral = imaging.transfer_tone(photo, coefficients, 1.0, neutral=True)
    assert np.ptp(neutral, axis=-1).max() == 0
    full = imaging.transfer_tone(photo, coefficients, 1.0)
    assert np.abs(rounded_luma(neutral) - rounded_luma(full)).max() <= 1
    kept = imaging.transfer_tone(photo, coefficients, 1.0, keep_tone=True)
    assert np.ptp(kept.astype(int) - photo, axis=-1).max() <= 1
    assert np.abs(rounded_luma(kept) - rounded_luma(full)).max() <= 1


# A change of tone that is known at any size: what is fitted small must be it when applied large.


def detailed(picture: npt.NDArray[np.uint8], width: int, height: int) -> npt.NDArray[np.float64]:
    """The picture enlarged to a photo with a texture finer than any render, (height, width, 3) in 0 to 1."""
    large = np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BICUBIC)) / 255
    texture = np.random.default_rng(0).normal(0, 0.015, (height, width, 1))
    return np.asarray((large + texture).clip(0, 1))


FADED_TO = np.array([[0.45, 0.4, 0.8], [0.3, 0.35, 1.0], [0.3, 0.3, 1.1]]).T  # what black becomes, span, exponent


def fade_dyes(rgb: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(FADED_TO[0] + FADED_TO[1] * rgb ** FADED_TO[2])


def unfade_dyes(rgb: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    return np.asarray(((rgb - FADED_TO[0]) / FADED_TO[1]).clip(0, 1) ** (1 / FADED_TO[2]))


MATRIX = np.array([[1.2, -0.15, -0.05], [-0.1, 1.15, -0.05], [0.05, -0.2, 1.15]])


def curve_and_matrix(rgb: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    curved = ((rgb - 0.15) / 0.75).clip(0, 1) ** np.array([1.3, 1.0, 0.8])
    return np.asarray((curved @ MATRIX.T).clip(0, 1))


@pytest.mark.parametrize("name", ["coffee", "astronaut"])
@pytest.mark.parametrize(
    ("fade", "restoration"), [(fade_dyes, unfade_dyes), (lambda rgb: 0.15 + 0.75 * rgb, curve_and_matrix)]
)
def test_a_restoration_fitted_small_is_itself_at_full_size_without_halos(
    name: str, fade: Restoration, restoration: Restoration
) -> None:
    photo = np.rint(fade(detailed(getattr(data, name)(), 1500, 1000)) * 255).astype(np.uint8)
    expected = restoration(photo / 255)
    square = imaging.colour_square(photo, 256)
    after = torch.from_numpy(restoration(square / 255)).float().permute(2, 0, 1).unsqueeze(0)
    coefficients = imaging.affine_coefficients(imaging.to_tensor(square), after, radius=4, epsilon=1e-3)
    got = imaging.transfer_tone(photo, coefficients, 1.0) / 255
    error = (got - expected) ** 2
    assert -10 * np.log10(error.mean()) > 40
    # A halo is an error that is wide: it would outlive the mean over a neighbourhood.
    halos = torch.from_numpy(got - expected).permute(2, 0, 1).unsqueeze(0)
    assert F.avg_pool2d(halos, 9, stride=9).abs().flatten().quantile(0.999) < 0.06


def test_a_row_of_many_pixels_takes_no_more_memory_than_a_column() -> None:
    column = np.arange(300_000, dtype=np.int64).reshape(-1, 1, 1)
    tall = (column * np.array([3, 5, 7]) % 256).astype(np.uint8)
    coefficients = torch.linspace(-0.1, 0.1, 12 * 16).reshape(1, 12, 4, 4)
    peaks, results = [], []
    for pixels, small in ((tall, coefficients), (tall.swapaxes(0, 1).copy(), coefficients.transpose(2, 3))):
        tracemalloc.start()
        results.append(imaging.transfer_tone(pixels, small, 1.0))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert np.array_equal(results[0], results[1].swapaxes(0, 1))
    assert peaks[1] < peaks[0] + 4 * tall.nbytes
