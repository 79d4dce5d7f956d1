"""Models that agree: the mean of what they say, paled where they differ; in any order, one in memory if need be."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import cast

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

import deoldify
from deoldify import agreement, imaging
from deoldify.agreement import Agreement, Member, agreed
from deoldify.checkpoints import Checkpoint, find
from deoldify.colorizer import Colorizer
from deoldify.errors import UnknownModelError
from deoldify.imaging import ColourPlane
from deoldify.model import best_render_factor, sizes, stepped
from deoldify.network import COMPACT, Generator, GeneratorConfig, memory
from deoldify.photo import Photo, Render
from tests.ddcolor import ODD, random_network
from tests.network.costs import PLENTY
from tests.toys import narrow

RECORDS = {
    "odd": replace(find("ddcolor"), name="odd", config=ODD, render_factor=7, bytes=1000),
    "slim": replace(find("compact"), name="slim", config=narrow(COMPACT), render_factor=5, renders=4, bytes=1000),
    "other": replace(find("ddcolor"), name="other", config=ODD, render_factor=6, bytes=1000),
}


def woken(record: Checkpoint) -> Colorizer:
    torch.manual_seed(1)
    if isinstance(record.config, GeneratorConfig):
        return Colorizer(record, Generator(record.config).eval(), device="cpu", precision="float32")
    network = random_network(ODD, seed=len(record.name))
    torch.nn.init.constant_(cast(torch.Tensor, network.refine.bias), 12)  # so that there is some colour
    return Colorizer(record, network, device="cpu", precision="float32")


def member(name: str, wake: Callable[[Checkpoint], Colorizer] = woken) -> Member:
    return Member(RECORDS[name], lambda: wake(RECORDS[name]))


def agreement_of(*names: str, wake: Callable[[Checkpoint], Colorizer] = woken) -> Agreement:
    return Agreement([member(name, wake) for name in names], device="cpu", precision="float32")


@pytest.fixture(scope="module")
def grey(coffee: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    small = Image.fromarray(coffee).convert("L").resize((120, 90))
    return np.repeat(np.asarray(small)[..., None], 3, axis=-1)


def flat(chroma: Sequence[float], side: int = 8, certainty: float | None = None) -> ColourPlane:
    """A plane of one colour."""
    sure = None if certainty is None else np.full((side, side), certainty, np.float32)
    uv = torch.tensor(chroma).view(1, 2, 1, 1).expand(1, 2, side, side)
    return ColourPlane(np.zeros((side, side), np.uint8), uv, certainty=sure, render=Render("a", side // 4, side // 4))


def test_what_models_say_alike_stays_and_what_they_differ_on_is_paled() -> None:
    same = agreed([flat((0.2, -0.1)), flat((0.2, -0.1))], "a+b")
    torch.testing.assert_close(same.cautious, flat((0.2, -0.1)).cautious)
    assert same.certainty is not None and same.certainty.min() == pytest.approx(1)
    # Two colours at (m ± d): their mean's power is m², their variance d², and that counts so much more.
    m, d, more = 0.2, 0.1, imaging.MODELS_DOUBT
    unlike = agreed([flat((m + d, 0.0)), flat((m - d, 0.0))], "a+b")
    expected = m * m**2 / (m**2 + more * d**2)
    assert unlike.cautious[0, 0].numpy() == pytest.approx(expected, abs=1e-6)
    assert unlike.cautious[0, 1].abs().max() == 0
    of_one_model = imaging.doubted(torch.tensor([m, 0.0]).view(1, 2, 1, 1), torch.tensor(d**2).view(1, 1, 1, 1))
    assert unlike.cautious.max() < of_one_model.max() < m


def test_certainty_is_of_all() -> None:
    def sure(*planes: ColourPlane) -> float:
        certainty = agreed(planes, "a+b").certainty
        assert certainty is not None
        return float(certainty.mean())

    colour, other = (0.2, 0.0), (0.1, 0.1)
    assert sure(flat(colour), flat(colour, certainty=0.5)) == pytest.approx(0.5)
    assert sure(flat(colour, certainty=0.9), flat(colour, certainty=0.5)) == pytest.approx(0.7)
    assert sure(flat(colour, certainty=0.5), flat(other, certainty=0.5)) < 0.5
    assert 0 < sure(flat(colour), flat(other)) < 1


def test_planes_of_several_sizes_meet_at_the_largest() -> None:
    for planes in ([flat((0.1, 0.1), 8), flat((0.2, 0.0), 16)], [flat((0.2, 0.0), 16), flat((0.1, 0.1), 8)]):
        both = agreed(planes, "a+b")
        assert both.grey.shape == (16, 16) and both.cautious.shape == (1, 2, 16, 16)
        assert both.render is not None
        assert (both.render.model, both.render.factor, both.render.count) == ("a+b", 4, 2)


def test_a_model_that_ran_short_of_memory_is_told_of() -> None:
    short = replace(flat((0.1, 0.1), 8), render=Render("a", 2, 6))
    both = agreed([short, flat((0.1, 0.1), 16)], "a+b")
    assert both.render is not None and (both.render.factor, both.render.wanted) == (2, 6)


def test_each_model_is_asked_at_its_own_best_and_order_does_not_matter(
    grey: npt.NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    sides: list[int] = []
    square = imaging.grey_square

    def counted(pixels: imaging.Pixels, side: int) -> npt.NDArray[np.uint8]:
        sides.append(side)
        return square(pixels, side)

    monkeypatch.setattr(imaging, "grey_square", counted)
    photo = Photo(grey)
    first = agreement_of("odd", "slim", "other")
    made = first.colorize_photo(photo)
    # Multiples of 32 for DDColor; for the other, around its own factor.
    assert sorted(sides) == sorted([96, 96, *(16 * factor for factor in imaging.spread(5, 4))])
    assert made.renders == (Render("odd+other+slim", 6, 6, 6),)
    again = agreement_of("slim", "other", "odd").colorize_photo(photo)
    assert np.array_equal(made.pixels, again.pixels)
    assert "(odd+other+slim)" in first.label
    by_hand = [woken(RECORDS[name]).plane(grey) for name in ("odd", "other", "slim")]
    expected = agreed(by_hand, "x")
    torch.testing.assert_close(first.plane(grey).cautious, expected.cautious, rtol=0, atol=1e-5)
    sides.clear()
    first.plane(grey, render_factor=5, renders=1)
    assert sorted(sides) == [64, 64, 80]


@pytest.mark.parametrize("transfer", ["guided", "bilinear", "none"])
def test_colours_are_laid_on_as_one_model_s_are(transfer: imaging.Transfer, grey: npt.NDArray[np.uint8]) -> None:
    both = agreement_of("odd", "other")
    made = both.colorize_pixels(grey, transfer=transfer, saturation=0.5)
    assert made.shape == grey.shape and made.dtype == np.uint8
    assert np.ptp(made, axis=-1).max() > 0
    if transfer == "guided":
        painted = both.paint(Photo(grey), both.plane(grey), saturation=0.5)
        assert np.array_equal(painted.pixels, made)
        weights = np.array([0.299, 0.587, 0.114])
        assert np.abs(made @ weights - grey[..., 0]).max() < 0.5 + 1e-6  # luminance is that of the photo


def test_one_is_held_in_memory_at_a_time_where_the_budget_asks_for_it(
    grey: npt.NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    alive: weakref.WeakSet[Colorizer] = weakref.WeakSet()
    woke: list[str] = []
    most: list[int] = []

    def wake(record: Checkpoint) -> Colorizer:
        gc.collect()
        colorizer = woken(record)
        alive.add(colorizer)
        woke.append(record.name)
        most.append(len(alive))
        return colorizer

    names = ("odd", "slim", "other")
    together = agreement_of(*names, wake=wake)
    assert together.holds_all and not woke
    expected = together.colorize_pixels(grey)
    together.colorize_pixels(grey)
    assert (woke, max(most)) == (["odd", "other", "slim"], 3)
    del together
    gc.collect()
    woke.clear()
    most.clear()

    needed = agreement.together_bytes([RECORDS[name] for name in names], torch.device("cpu"), torch.float32)
    monkeypatch.setattr(memory, "free_bytes", lambda device: needed - 1)
    apart = agreement_of(*names, wake=wake)
    assert not apart.holds_all
    monkeypatch.setattr(memory, "free_bytes", lambda device: PLENTY)
    assert np.array_equal(apart.colorize_pixels(grey), expected)
    assert max(most) == 1 and sorted(woke) == ["odd", "other", "slim"]
    assert np.array_equal(apart.colorize_pixels(grey), expected)
    assert len(woke) == 5  # the one that was awake is asked first
    assert max(most) == 1


def test_a_list_of_one_is_that_model_and_of_several_an_agreement(colorizer: Colorizer) -> None:
    alone = deoldify.load(["compact"], device="cpu", precision="float32")
    assert type(alone) is Colorizer and repr(alone) == repr(colorizer)
    assert type(deoldify.load(["compact", "compact"])) is Colorizer
    for names in (["compact", "defade"], "compact+defade"):
        with pytest.raises(UnknownModelError, match="'defade' does not colour"):
            deoldify.load(names)
    with pytest.raises(ValueError, match="the list of models is empty"):
        deoldify.load([])
    with pytest.raises(ValueError, match="belongs to one model"):
        deoldify.load("compact+artistic", checkpoint="x.pth")
    with pytest.raises(UnknownModelError, match="'vivid'"):
        deoldify.load("compact+vivid")


def test_their_seconds_add_up(grey: npt.NDArray[np.uint8]) -> None:
    both = agreement_of("odd", "slim")
    apart = [woken(RECORDS[name]).seconds() for name in ("odd", "slim")]
    assert both.seconds() == pytest.approx(sum(apart))  # each is measured once in a process
    assert both.auto_render_factor(*grey.shape[1::-1]) == 6
    assert both.checkpoint.bytes == 2000 and both.checkpoint.licence == "Apache-2.0 and MIT"


def test_versions_are_what_they_agree_on_and_what_each_would_have(grey: npt.NDArray[np.uint8]) -> None:
    both = agreement_of("odd", "other")
    made = both.variants(grey, count=4)
    by = {variant.plane.render.model: variant for variant in made if variant.plane.render is not None}
    assert set(by) == {"odd+other", "odd", "other"}
    alone = woken(RECORDS["odd"]).plane(grey)
    torch.testing.assert_close(by["odd"].plane.cautious, alone.cautious, rtol=0, atol=1e-5)


def test_each_takes_squares_in_its_own_steps() -> None:
    assert [stepped(ODD, factor) for factor in (4, 5, 32, 33, 64)] == [4, 4, 32, 32, 64]
    assert [stepped(COMPACT, factor) for factor in (4, 5, 33)] == [4, 5, 33]
    assert sizes(ODD, 7, 6) == tuple(size - size % 2 for size in imaging.spread(7, 6))
    assert all(size % 2 == 0 and size > 0 for factor in range(4, 65) for size in sizes(ODD, factor, 6))
    assert best_render_factor(RECORDS["odd"], 4000, 3000) == 6 and best_render_factor(find("ddcolor"), 519, 300) == 32
    made = woken(RECORDS["odd"]).colorize_photo(Photo(np.zeros((30, 40, 3), np.uint8)), render_factor=5)
    assert made.renders == (Render("odd", 4, 4),)
