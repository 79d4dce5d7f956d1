"""One photograph, several renders: what a colorizer makes of them, with networks of random weights."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

import deoldify
from deoldify import imaging
from deoldify.checkpoints import find
from deoldify.imaging import LUMA_WEIGHTS, chroma, denormalise, normalise, to_tensor
from deoldify.imaging.consensus import SURE
from deoldify.network import COMPACT, Generator, annealed_mean, bins, cost
from deoldify.opinions import DOUBT, EVENNESS, TEMPERATURE
from deoldify.photo import Photo
from tests.network.test_prepared import slimmer


def with_head(head: str, *, renders: int = 1, liveliness: float = 0.0) -> deoldify.Colorizer:
    """A narrow colorizer whose opinions are anything but grey."""
    torch.manual_seed(3)
    generator = Generator(dataclasses.replace(slimmer(COMPACT), head=head)).eval()  # type: ignore[arg-type]
    with torch.no_grad():
        for name, weight in generator.head.named_parameters():
            if name.endswith("weight"):
                weight.mul_(40)
    record = dataclasses.replace(
        find("compact"), config=generator.config, renders=renders, liveliness=liveliness
    )  # fmt: skip
    return deoldify.Colorizer(record, generator, device="cpu", precision="float32")


@pytest.fixture(scope="module")
def grey(coffee: npt.NDArray[np.uint8]) -> Photo:
    """A grey photograph of 120 × 80 pixels."""
    return Photo.from_image(Image.fromarray(coffee).convert("L").resize((120, 80)))


def test_one_plain_render_of_a_network_with_one_opinion_is_what_it_ever_was(grey: Photo) -> None:
    colorizer = with_head("rgb")
    square = imaging.grey_square(grey.pixels, 64)
    with torch.no_grad():
        render = denormalise(colorizer.generator(normalise(to_tensor(square)))).clamp(0, 1)
    plane = colorizer.plane(grey.pixels, render_factor=4)
    assert torch.allclose(plane.cautious, chroma(render), atol=1e-6)
    assert plane.lively is None and plane.certainty is None
    assert plane.render is not None and (plane.render.count, plane.render.certainty) == (1, None)
    assert colorizer.certainty(grey.to_image(), render_factor=4) is None


@pytest.mark.parametrize("head", ["rgb", "distribution"])
def test_several_renders_are_a_mean_over_sizes_and_mirrors_paled_by_doubt(head: str, grey: Photo) -> None:
    colorizer = with_head(head)
    plane = colorizer.plane(grey.pixels, render_factor=6, renders=6)
    found = []
    for factor in (4, 6, 9):
        square = imaging.grey_square(grey.pixels, 16 * factor)
        for mirrored in (False, True):
            seen = np.ascontiguousarray(square[:, ::-1]) if mirrored else square
            with torch.no_grad():
                x = normalise(to_tensor(seen))
                if head == "distribution":
                    assert isinstance(colorizer.generator, Generator)
                    uv = colorizer.generator.opinions(x).chroma
                else:
                    uv = chroma(denormalise(colorizer.generator(x)).clamp(0, 1))
            uv = uv.flip(-1) if mirrored else uv
            size = plane.cautious.shape[-2:]
            same = uv.shape[-2:] == size
            found.append(uv if same else torch.nn.functional.interpolate(uv, size, mode="bilinear", antialias=True))
    opinions = torch.cat(found).double()
    mean = opinions.mean(dim=0)
    variance = (opinions - mean).square().sum(dim=1).mean(dim=0)
    power = mean.square().sum(dim=0)
    assert torch.allclose(plane.cautious[0].double(), mean * power / (power + variance), atol=1e-5)
    assert plane.render is not None and (plane.render.factor, plane.render.count) == (6, 6)
    assert plane.certainty is not None
    assert plane.render.certainty == pytest.approx(float(plane.certainty.mean()))
    if head == "rgb":
        sure = power + SURE**2
        assert np.allclose(plane.certainty, sure / (sure + variance), atol=1e-4)


@pytest.mark.parametrize("head", ["rgb", "distribution"])
def test_the_mirrored_photo_gets_the_mirrored_colours(head: str, grey: Photo) -> None:
    colorizer = with_head(head, liveliness=0.5 if head == "distribution" else 0.0)
    mirrored = Photo(np.ascontiguousarray(grey.pixels[:, ::-1]))
    one, other = (colorizer.colorize_photo(p, render_factor=5, renders=4).pixels for p in (grey, mirrored))
    # The square is stretched from pixels that a mirror does not put on the same places to the last bit.
    assert np.abs(one.astype(int) - other[:, ::-1].astype(int)).mean() < 1
    single, single_other = (colorizer.colorize_photo(p, render_factor=5, renders=1).pixels for p in (grey, mirrored))
    assert np.abs(single.astype(int) - single_other[:, ::-1].astype(int)).mean() > 1


def test_a_distribution_is_lively_and_knows_how_sure_it_is(grey: Photo) -> None:
    colorizer = with_head("distribution", liveliness=0.25)
    plane = colorizer.plane(grey.pixels, render_factor=4, renders=1)
    assert isinstance(colorizer.generator, Generator)
    with torch.no_grad():
        square = imaging.grey_square(grey.pixels, 64)
        logits = colorizer.generator.opinions(normalise(to_tensor(square))).logits
    assert plane.lively is not None and plane.certainty is not None
    seen = colorizer.generator.get_buffer("head.seen")
    even = logits - EVENNESS * seen.clamp(min=1e-5).log().view(1, -1, 1, 1)
    mean = annealed_mean(even, bins(), TEMPERATURE)
    power = annealed_mean(even, bins().square().sum(dim=1, keepdim=True), TEMPERATURE)
    variance = power - mean.square().sum(dim=1, keepdim=True)
    assert torch.allclose(plane.lively, imaging.doubted(mean, DOUBT * variance), atol=1e-4)
    usual = colorizer.paint(grey, plane)
    asked = colorizer.paint(grey, plane, liveliness=0.25)
    assert np.array_equal(usual.pixels, asked.pixels)
    lively = colorizer.paint(grey, plane, liveliness=1.0)
    assert not np.array_equal(usual.pixels, lively.pixels)
    for made in (usual, lively):
        assert np.array_equal(np.rint(made.pixels.astype(np.float64) @ np.array(LUMA_WEIGHTS)), grey.pixels[..., 0])


def test_renders_are_counted_in_memory_and_seconds_and_wrong_numbers_refused(
    grey: Photo, monkeypatch: pytest.MonkeyPatch
) -> None:
    colorizer = with_head("rgb")
    for wrong in (0, 3, -2, 34):
        with pytest.raises(ValueError, match="neither 1 nor an even number of at most 32"):
            colorizer.colorize_photo(grey, renders=wrong)
    assert colorizer.seconds(12, 6) > 2 * (colorizer.seconds(8) + colorizer.seconds(12) + colorizer.seconds(18)) * 0.99
    kind = colorizer.generator.config, colorizer.device, colorizer.precision
    one, two = (cost.render_cost(*kind, 256, pictures).bytes for pictures in (1, 2))
    assert 1.3 * one < two < 2.2 * one
    # What one render of factor 12 takes is not enough for six around it: the largest is of factor 18, and mirrored.
    free = int(cost.render_cost(*kind, 12 * 16).bytes * cost.MARGIN) + 1
    monkeypatch.setattr("deoldify.model.memory.free_bytes", lambda device: free)
    assert colorizer.colorize_photo(grey, render_factor=12).renders[-1].factor == 12
    assert colorizer.colorize_photo(grey, render_factor=12, renders=6).renders[-1].factor < 9
