"""The distribution of chroma against closed forms, and the generator that has one."""

from __future__ import annotations

import dataclasses

import pytest
import torch
import torch.nn.functional as F

from deoldify.imaging import chroma, denormalise, luma, normalise
from deoldify.network import (
    COMPACT,
    DistributionHead,
    Generator,
    annealed_mean,
    bins,
    fold_norms,
    soft_encoded,
)
from deoldify.network.distribution import SPAN, STEP, span
from tests.network.test_prepared import random_generator, slimmer

CONFIG = dataclasses.replace(slimmer(COMPACT), head="distribution")


def every_chroma(steps: int = 52) -> torch.Tensor:
    """The chroma of a grid of all colours of RGB, and of the most saturated hues, (1, 2, H, 1)."""
    values = torch.linspace(0, 1, steps)
    rgb = torch.cartesian_prod(values, values, values)
    edge = torch.zeros(600_000, 3)
    hue = torch.linspace(0, 6, len(edge))
    for channel, offset in enumerate((0.0, 4.0, 2.0)):
        edge[:, channel] = ((hue + offset).remainder(6) - 3).abs().sub(1).clamp(0, 1)
    return chroma(torch.cat([rgb, edge]).T[None, :, :, None])


def test_a_bin_lies_on_the_grid_and_no_two_are_alike() -> None:
    colours = bins()
    torch.testing.assert_close(colours, (colours / STEP).round() * STEP)
    assert len(torch.unique(colours, dim=0)) == len(colours) == 306  # weights have as many outputs


def test_how_saturated_a_colour_is_does_not_hang_on_its_luma() -> None:
    rgb = torch.tensor([[0.9, 0.2, 0.4], [0.0, 0.0, 0.5], [0.3, 0.3, 0.3]]).T[None, :, :, None]
    torch.testing.assert_close(span(chroma(rgb))[0, 0, :, 0], torch.tensor([0.7, 0.5, 0.0]), rtol=0, atol=1e-5)


def test_every_colour_has_its_four_bins_and_is_their_mean() -> None:
    uv = every_chroma()
    numbers, shares = soft_encoded(uv)
    assert int(numbers.min()) >= 0 and float(shares.min()) >= 0
    torch.testing.assert_close(shares.sum(dim=1), torch.ones_like(shares[:, 0]))
    colours = bins()[numbers]  # (1, 4, H, 1, 2)
    mean = (colours * shares.unsqueeze(-1)).sum(dim=1).permute(0, 3, 1, 2)
    wanted = uv * (SPAN / span(uv)).clamp(max=1)
    torch.testing.assert_close(mean, wanted, rtol=0, atol=1e-5)
    used = shares > 1e-3
    assert float(((colours - wanted.permute(0, 2, 3, 1).unsqueeze(1)).abs().amax(dim=-1) - STEP)[used].max()) < 1e-5


def test_a_colour_on_a_bin_is_that_bin() -> None:
    inside = bins()[span(bins().T[None, :, :, None])[0, 0, :, 0] < SPAN]
    numbers, shares = soft_encoded(inside.T[None, :, :, None])
    strongest = numbers.gather(1, shares.argmax(dim=1, keepdim=True))[0, 0, :, 0]
    torch.testing.assert_close(bins()[strongest], inside)
    assert float(shares.amax(dim=1).min()) > 1 - 1e-4


def test_the_mean_is_the_mean_and_the_coldest_is_the_likeliest() -> None:
    torch.manual_seed(0)
    colours, shares = bins(), torch.rand(2, 306, 3, 4)
    shares /= shares.sum(dim=1, keepdim=True)
    expected = torch.zeros(2, 2, 3, 4)
    for number, colour in enumerate(colours):
        expected += shares[:, number, None] * colour.view(1, 2, 1, 1)
    torch.testing.assert_close(annealed_mean(shares.log(), colours, 1.0), expected, rtol=0, atol=1e-6)
    likeliest = colours[shares.argmax(dim=1)].permute(0, 3, 1, 2)
    torch.testing.assert_close(annealed_mean(1e6 * shares, colours, 1e-3), likeliest, rtol=0, atol=1e-4)


def test_a_new_distribution_is_what_is_common_and_the_one_colour_grey() -> None:
    torch.manual_seed(0)
    head = DistributionHead(8, 12, spectral=False)
    assert float(head.seen.sum()) == pytest.approx(1)
    opinions = head.opinions(torch.zeros(1, 8, 16, 16), torch.zeros(1, 12, 8, 8))
    torch.testing.assert_close(opinions.logits.softmax(dim=1)[0, :, 0, 0], head.seen)
    assert opinions.chroma.shape == (1, 2, 16, 16)
    assert sorted(head.state_dict()) == [
        "hidden.bias", "hidden.weight", "likely.bias", "likely.weight", "out.bias", "out.weight", "seen",
    ]  # fmt: skip


def test_both_opinions_come_from_one_pass_and_the_render_is_of_the_one_colour() -> None:
    generator = random_generator(CONFIG)
    torch.nn.init.normal_(generator.get_parameter("head.out.weight"), std=0.1)
    grey = torch.rand(2, 1, 64, 96).expand(-1, 3, -1, -1)
    with torch.inference_mode():
        opinions, render = generator.opinions(normalise(grey)), denormalise(generator(normalise(grey)))
    assert opinions.chroma.shape == (2, 2, 32, 48) and opinions.logits.shape == (2, 306, 16, 24)
    assert opinions.logits.std(dim=(0, 2, 3)).min() > 0
    torch.testing.assert_close(luma(render), grey[:, :1], rtol=0, atol=1e-5)
    large = F.interpolate(opinions.chroma, (64, 96), mode="bilinear")
    torch.testing.assert_close(chroma(render), large, rtol=0, atol=1e-5)
    torch.testing.assert_close(
        denormalise(DistributionHead.rendered(opinions.chroma, normalise(grey))), render, rtol=0, atol=1e-6
    )


def test_folding_norms_changes_no_opinion() -> None:
    plain, folded = random_generator(CONFIG), fold_norms(random_generator(CONFIG))
    x = torch.randn(1, 3, 64, 96).clamp(-2, 2)
    with torch.inference_mode():
        for before, after in zip(plain.opinions(x), folded.opinions(x), strict=True):
            torch.testing.assert_close(after, before, rtol=0, atol=1e-4)


def test_only_a_distribution_has_opinions() -> None:
    with pytest.raises(TypeError, match="'rgb' has no distribution"):
        Generator(dataclasses.replace(slimmer(COMPACT), head="rgb")).opinions(torch.zeros(1, 3, 64, 64))
