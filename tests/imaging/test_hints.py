"""Colours named for places, on pictures whose surfaces are known, and the shortest ways against Dijkstra's."""

from __future__ import annotations

import heapq

import numpy as np
import numpy.typing as npt
import pytest
import torch
import torch.nn.functional as F
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.morphology import dilation, disk, erosion

from deoldify import imaging
from deoldify.imaging import Adjustments, ColourPlane, Hint, hints
from tests.imaging.pictures import rounded_luma

HEIGHT, WIDTH, SIDE = 480, 640, 240
LEVELS = (0.45, 0.7, 0.25, 0.6, 0.3)
HINTS = (
    Hint(0.5, 0.5, "#604080"),  # the ground, on which the other surfaces lie
    Hint(0.3, 0.35, "#334d80"),
    Hint(0.75, 0.8, "#803322"),
    Hint(0.8, 0.2, "#2a7030"),
    Hint(0.25, 0.8, None),
)


def surface_of_each_pixel() -> npt.NDArray[np.int_]:
    """(HEIGHT, WIDTH): which of five surfaces a pixel lies on; the one of each hint has its number."""
    down, across = np.mgrid[:HEIGHT, :WIDTH] / np.array([HEIGHT, WIDTH]).reshape(2, 1, 1)
    surface = np.zeros((HEIGHT, WIDTH), int)
    surface[(across - 0.3) ** 2 + (down - 0.35) ** 2 < 0.04] = 1
    surface[(down > 0.6) & (across > 0.5)] = 2
    surface[(abs(down - 0.2) < 0.1) & (across > 0.6)] = 3
    surface[(abs(down - 0.8) < 0.12) & (abs(across - 0.25) < 0.12)] = 4
    return surface


def photo(grain: float, shading: float) -> imaging.Pixels:
    """The surfaces in grey, with grain, and lit from one side; both of luma, 0 to 1."""
    y = np.array(LEVELS)[surface_of_each_pixel()] + shading * np.linspace(-1, 1, WIDTH)
    y = y + np.random.default_rng(0).normal(0, grain, y.shape)
    return np.repeat(np.rint(y.clip(0, 1) * 255).astype(np.uint8)[..., None], 3, axis=-1)


def plane_of(pixels: imaging.Pixels) -> ColourPlane:
    """Some colours, which know nothing of surfaces."""
    noise = torch.rand(1, 2, 5, 5, generator=torch.Generator().manual_seed(0)) - 0.5
    return ColourPlane(imaging.grey_square(pixels, SIDE), F.interpolate(noise * 0.2, (SIDE, SIDE), mode="bilinear"))


def painted(pixels: imaging.Pixels, plane: ColourPlane, *given: Hint) -> imaging.Pixels:
    return paint(pixels, plane, Adjustments(hints=given))


def paint(pixels: imaging.Pixels, plane: ColourPlane, adjustments: Adjustments) -> imaging.Pixels:
    uv, change = imaging.adjusted(plane, adjustments)
    return imaging.transfer_guided(pixels, plane.grey, uv, change=change)


def everywhere(pixels: imaging.Pixels, hint: Hint) -> imaging.Pixels:
    """The photo with the hint's colour all over it, paled where RGB cannot hold it."""
    rgb = torch.tensor(hint.rgb or (0, 0, 0)).view(1, 3, 1, 1) / 255
    return imaging.transfer_guided(pixels, np.zeros((8, 8), np.uint8), imaging.chroma(rgb).expand(1, 2, 8, 8))


def difference(one: imaging.Pixels, other: imaging.Pixels) -> npt.NDArray[np.float64]:
    return np.asarray(deltaE_ciede2000(rgb2lab(one), rgb2lab(other)))  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(("grain", "shading"), [(0.0, 0.0), (0.02, 0.0), (0.02, 0.06)])
@pytest.mark.parametrize("number", range(len(HINTS)))
def test_a_surface_takes_the_hints_colour_and_nothing_else_does(number: int, grain: float, shading: float) -> None:
    pixels, surface = photo(grain, shading), surface_of_each_pixel()
    plane, hint = plane_of(pixels), HINTS[number]
    before, after = painted(pixels, plane), painted(pixels, plane, hint)
    inside, outside = difference(after, everywhere(pixels, hint)), difference(after, before)
    assert np.array_equal(rounded_luma(after), pixels[..., 0])
    # Colour is as sharp as a render is: two or three of its pixels beside an edge belong to both sides.
    margin = disk((3 if grain else 2) * WIDTH // SIDE)  # type: ignore[no-untyped-call]
    within = erosion(surface == number, margin)
    beyond = ~dilation(surface == number, margin)
    share = 0.95 if grain else 0.99  # near faint edges, grain is taken for what is beyond them
    assert np.quantile(inside[within], share) <= 3 and np.quantile(outside[beyond], share) <= 1
    assert inside[surface == number].mean() <= 1 and outside[surface != number].mean() <= 1
    assert outside[within].mean() > 3  # it had another colour


def test_hints_stand_side_by_side_and_come_in_full_after_all_else() -> None:
    pixels, surface = photo(0.02, 0.0), surface_of_each_pixel()
    plane = plane_of(pixels)
    asked = Adjustments(saturation=0, warmth=1, hints=HINTS[1:3])
    after = paint(pixels, plane, asked)
    for number, hint in enumerate(HINTS[1:3], start=1):
        assert difference(after, everywhere(pixels, hint))[surface == number].mean() <= 1
    rest = surface > 2
    assert np.ptp(after[rest].astype(int), axis=-1).mean() < 1


def test_of_two_hints_on_one_surface_each_has_the_nearer_part() -> None:
    even = np.full((64, 64), 128, np.uint8)
    left, right = hints.surfaces(even, [Hint(0.1, 0.5, "#ff0000"), Hint(0.9, 0.5, "#0000ff")])
    assert left[:, :8].min() > 0.7 and right[:, -8:].min() > 0.7
    torch.testing.assert_close(left, right.flip(1), atol=0.05, rtol=0)
    torch.testing.assert_close(left + right, torch.ones(64, 64), atol=1e-2, rtol=0)


def test_ways_are_the_shortest_there_are() -> None:
    rng = np.random.default_rng(3)
    luma = torch.from_numpy(rng.random((11, 14))).float() * 0.05
    hint = Hint(0.3, 0.6, None)
    ways = hints.ways_from(luma, hint)
    start = 6, 4
    assert ways[start] == 0
    # Each step alone, as a way between two neighbours in a picture of nothing else.
    expected = dijkstra(luma.double().numpy(), start)
    beyond = (luma - luma[start]).abs() > 0.15
    assert not beyond.any()  # no likeness to the place comes in
    np.testing.assert_allclose(ways.numpy(), expected.clip(max=2), atol=1e-2)


def dijkstra(luma: npt.NDArray[np.float64], start: tuple[int, int]) -> npt.NDArray[np.float64]:
    """Shortest ways by the textbook, with the cost of a step as ``hints`` documents it."""
    height, width = luma.shape
    around = luma[start[0] - 2 : start[0] + 3, start[1] - 2 : start[1] + 3]
    steps = np.abs(np.concatenate([np.diff(around, axis=0).ravel(), np.diff(around, axis=1).ravel()]))
    small = 2 * float(np.sort(steps)[(len(steps) - 1) // 2])  # the lower median, as PyTorch's
    ways = np.full(luma.shape, np.inf)
    ways[start] = 0
    heap = [(0.0, start)]
    while heap:
        way, (i, j) = heapq.heappop(heap)
        for k, m, side in ((i - 1, j, height), (i + 1, j, height), (i, j - 1, width), (i, j + 1, width)):
            if 0 <= k < height and 0 <= m < width:
                step = abs(luma[k, m] - luma[i, j])
                longer = way + step**2 / (step + small) / min(10 * small, 0.13) + 0.25 / side
                if longer < ways[k, m]:
                    ways[k, m] = longer
                    heapq.heappush(heap, (longer, (k, m)))
    return ways


def test_hints_at_the_very_edges_and_in_tiny_pictures() -> None:
    for side in (1, 2, 5):
        grey = np.full((side, side), 99, np.uint8)
        uv = torch.full((1, 2, side, side), 0.1)
        for x, y in ((0, 0), (1, 1), (0, 1)):
            _, change = imaging.adjusted(ColourPlane(grey, uv), Adjustments(hints=[Hint(x, y, None)]))
            assert change is not None and (uv + change).abs().max() < 0.01
    assert torch.equal(uv, torch.full((1, 2, 5, 5), 0.1))  # what is given is left alone
