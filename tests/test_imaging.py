"""Pixels: colour spaces against their definitions, transfer against naive implementations."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import torch
import torch.nn.functional as F

from deoldify import imaging


def random_render(side: int, seed: int = 0) -> torch.Tensor:
    """(1, 3, side, side): smooth, fully saturated colours."""
    noise = torch.rand(1, 3, 5, 5, generator=torch.Generator().manual_seed(seed))
    return F.interpolate(noise * 1.6 - 0.3, (side, side), mode="bilinear").clamp(0, 1)


def grey_photo(height: int, width: int, dtype: type = np.uint8, seed: int = 0) -> imaging.Pixels:
    """Every grey there is, noisy."""
    top = np.iinfo(dtype).max
    values = np.random.default_rng(seed).integers(0, top, (height, width), endpoint=True)
    return np.repeat(values.astype(dtype)[..., None], 3, axis=-1)


def rounded_luma(pixels: imaging.Pixels) -> npt.NDArray[np.float64]:
    return np.asarray(np.rint(pixels.astype(np.float64) @ np.array(imaging.LUMA_WEIGHTS)))


def test_luma_and_chroma_are_those_of_bt601_and_come_back() -> None:
    primaries = torch.eye(3).view(3, 3, 1, 1)
    assert imaging.luma(primaries).flatten().tolist() == pytest.approx([0.299, 0.587, 0.114])
    u, v = imaging.chroma(primaries).flatten(1).T
    assert u.tolist() == pytest.approx([0.492 * (b - y) for b, y in ((0, 0.299), (0, 0.587), (1, 0.114))])
    assert v.tolist() == pytest.approx([0.877 * (r - y) for r, y in ((1, 0.299), (0, 0.587), (0, 0.114))])
    rgb = torch.rand(2, 3, 4, 5)
    torch.testing.assert_close(imaging.from_luma_chroma(imaging.luma(rgb), imaging.chroma(rgb)), rgb)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("size", [(97, 143), (40, 31)])  # larger and smaller than the render
def test_guided_transfer_keeps_every_bit_of_luma(dtype: type, size: tuple[int, int]) -> None:
    photo = grey_photo(*size, dtype)
    result = imaging.transfer_guided(photo, imaging.grey_square(photo, 64), random_render(64))
    assert result.dtype == photo.dtype
    assert (result.max(axis=-1) - result.min(axis=-1)).mean() > 0.05 * np.iinfo(dtype).max
    assert np.array_equal(rounded_luma(result), photo[..., 0])


def test_strips_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    photo, render = grey_photo(97, 53), random_render(64)
    grey = imaging.grey_square(photo, 64)
    guided, bilinear = imaging.transfer_guided(photo, grey, render), imaging.transfer_bilinear(photo, render)
    monkeypatch.setattr(imaging, "_STRIP_PIXELS", 53 * 7)
    assert np.array_equal(imaging.transfer_guided(photo, grey, render), guided)
    assert np.array_equal(imaging.transfer_bilinear(photo, render), bilinear)


def test_guided_coefficients_are_the_least_squares_fit_of_each_window() -> None:
    rng = np.random.default_rng(1)
    grey = rng.integers(0, 256, (9, 9), dtype=np.uint8)
    render = torch.from_numpy(rng.random((1, 3, 9, 9))).float()
    radius, epsilon = 1, 1e-2
    y, uv = grey / 255, imaging.chroma(render)[0].double().numpy()
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
    got = imaging.guided_coefficients(grey, render, radius, epsilon)[0].numpy()
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
    assert redness(imaging.transfer_guided(photo, grey, small)) < 10


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
