"""Losses in closed form."""

from __future__ import annotations

import math

import pytest
import torch

from deoldify.imaging import chroma, normalise
from deoldify.network import bins
from train.judges import (
    FeatureLoss,
    bce_critic_loss,
    bce_generator_loss,
    chroma_loss,
    chroma_shares,
    distribution_loss,
    gradient_loss,
    hinge_critic_loss,
    hinge_generator_loss,
    l1_loss,
    psnr_loss,
    worse_than_stretched,
)


def test_chroma_loss_in_closed_form() -> None:
    grey, red = torch.full((1, 3, 2, 2), 0.5), torch.tensor([0.7, 0.4, 0.4]).view(1, 3, 1, 1).expand(1, 3, 2, 2)
    y = 0.299 * 0.7 + 0.701 * 0.4
    u, v = 0.492 * (0.4 - y), 0.877 * (0.7 - y)

    def huber(x: float) -> float:
        return 0.5 * x * x / 0.1 if abs(x) < 0.1 else abs(x) - 0.05

    expected = (1 + 8 * (u * u + v * v) ** 0.5) * (huber(u) + huber(v)) / 2 / 0.1
    assert chroma_loss(normalise(grey), normalise(red), emphasis=8).item() == pytest.approx(expected, rel=1e-4)
    assert chroma_loss(normalise(red), normalise(red), emphasis=8).item() == pytest.approx(0, abs=1e-6)


def test_feature_loss_in_closed_form() -> None:
    class Halves(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
            return [x, x[:, :1] / 2]

    a, b = torch.zeros(1, 3, 2, 2), torch.ones(1, 3, 2, 2)
    assert FeatureLoss(Halves(), (10.0, 3.0))(a, b).item() == pytest.approx(10 * 1 + 3 * 0.5)


def test_hinge_losses_in_closed_form() -> None:
    real, fake = torch.tensor([2.0, 0.5, -1.0]), torch.tensor([-3.0, 0.0])
    assert hinge_critic_loss(real, fake).item() == pytest.approx((0 + 0.5 + 2) / 3 + (0 + 1) / 2)
    assert hinge_generator_loss(fake).item() == pytest.approx(1.5)


def test_the_loss_in_decibels_is_the_mean_of_each_pictures_own() -> None:
    original = torch.full((2, 3, 4, 5), 0.5)
    render = original + torch.tensor([0.1, 0.02]).view(2, 1, 1, 1)
    loss = psnr_loss(normalise(render), normalise(original), floor=0.0).item()
    assert loss == pytest.approx(10 * (math.log10(0.01) + math.log10(0.0004)) / 2, abs=1e-3)
    floored = psnr_loss(normalise(original), normalise(original), floor=1e-3).item()
    assert floored == pytest.approx(-30, abs=1e-3)


def test_what_is_worse_than_stretched_counts() -> None:
    original = 0.1 + 0.8 * torch.linspace(0, 1, 100).view(1, 1, 10, 10).expand(3, 3, 10, 10)
    before = 0.3 + 0.4 * original  # whose ends, stretched, come out at 0 and 1: too far apart
    stretched = (original - 0.1) / 0.8
    error = (stretched - original).square().mean().item()

    def loss(render: torch.Tensor, softness: float = 1.0) -> float:
        return worse_than_stretched(
            normalise(render), normalise(before), normalise(original), softness=softness
        ).item()  # fmt: skip

    assert loss(stretched) == pytest.approx(0.5, abs=1e-4)
    assert loss(original) < 1e-5
    # Three pictures: as good, 3 dB worse, and 10 dB better.
    factors = torch.tensor([1.0, 10**0.15, 10**-0.5]).view(3, 1, 1, 1)
    wanted = [1 / (1 + math.exp(-decibels / 2)) for decibels in (0, 3, -10)]
    assert error > 1e-3
    assert loss(original + factors * (stretched - original), softness=2.0) == pytest.approx(sum(wanted) / 3, abs=0.02)


def test_gradient_loss_in_closed_form() -> None:
    original = torch.rand(2, 3, 16, 16)
    off = original + torch.tensor([0.1, 0.0, -0.1]).view(1, 3, 1, 1)  # another colour, everywhere the same one
    assert gradient_loss(normalise(off), normalise(original)).item() == pytest.approx(0, abs=1e-5)
    # Blue that grows along each row by 0.01 a pixel, at the cost of nothing else: U by 0.492 × (1 − 0.114) of that, V
    # by 0.877 × −0.114. Of half the size, the slope is twice as steep.
    slope = 0.01 * (0.492 * (1 - 0.114) + 0.877 * 0.114) / 2  # the mean of U and V
    for side, expected in ((15, slope), (16, slope * (1 + 2 + 4 + 8)), (24, slope * (1 + 2 + 4 + 8))):
        ramp = torch.zeros(1, 3, side, side)
        ramp[:, 2] = 0.01 * torch.arange(side)
        loss = gradient_loss(normalise(ramp), normalise(torch.zeros_like(ramp))).item()
        assert loss == pytest.approx(expected, rel=1e-3)


def test_bce_losses_in_closed_form() -> None:
    real, fake = torch.tensor([0.0, 2.0]), torch.tensor([-1.0])
    right = (math.log(2) + math.log(1 + math.exp(-2))) / 2
    wrong = math.log(1 + math.exp(-1))
    assert bce_critic_loss(real, fake).item() == pytest.approx((right + wrong) / 2)
    assert bce_critic_loss(torch.zeros(3), torch.zeros(5)).item() == pytest.approx(math.log(2))
    assert bce_generator_loss(fake).item() == pytest.approx(math.log(1 + math.e))


def test_l1_loss_in_closed_form() -> None:
    assert l1_loss(torch.zeros(1, 3, 2, 2), torch.full((1, 3, 2, 2), -1.5)).item() == pytest.approx(1.5)


def test_the_distribution_loss_against_its_definition() -> None:
    torch.manual_seed(0)
    colours = bins()
    original, logits = 0.3 + 0.4 * torch.rand(2, 3, 8, 12), torch.randn(2, len(colours), 2, 3)
    seen = torch.rand(len(colours)).softmax(dim=0)
    means = torch.nn.functional.avg_pool2d(chroma(original), 4)
    raw = ((seen + 1 / len(colours)) / 2) ** -0.5
    weights, total = raw / (seen * raw).sum(), 0.0
    for n in range(2):
        for i in range(2):
            for j in range(3):
                likely = logits[n, :, i, j].softmax(dim=0).log()
                # How near a bin is along U and along V: hat functions as wide as the grid's step.
                shares = (1 - (colours - means[n, :, i, j]).abs() / 0.04).clamp(min=0).prod(dim=1)
                total += float((weights * shares).sum() * -(shares * likely).sum()) / 12
    found = distribution_loss(logits, normalise(original), seen)
    assert found.item() == pytest.approx(total, rel=1e-4)
    even = distribution_loss(logits, normalise(original), seen, rebalance=0.0)
    assert even.item() != pytest.approx(total, rel=1e-2)
    # A distribution that is right costs no more than its own entropy: nothing, where all is of one bin.
    grey = torch.full((1, 3, 8, 8), 0.5)
    sure = 100 * torch.nn.functional.one_hot(colours.norm(dim=1).argmin(), len(colours)).view(1, -1, 1, 1)
    loss = distribution_loss(sure.float().expand(-1, -1, 2, 2), normalise(grey), seen, rebalance=0.0)
    assert loss.item() == pytest.approx(0, abs=1e-2)


def test_shares_of_chroma_are_counted_over_the_quarters_places() -> None:
    picture = torch.full((1, 3, 8, 8), 0.5)
    picture[..., :4, :4] = torch.tensor([0.7, 0.4, 0.4]).view(3, 1, 1)
    shares = chroma_shares(normalise(picture), len(bins()))
    assert float(shares.sum()) == pytest.approx(1)
    grey = bins().norm(dim=1).argmin()
    assert float(shares[grey]) == pytest.approx(0.75, abs=1e-3)
    torch.testing.assert_close(
        (shares.unsqueeze(1) * bins()).sum(dim=0), chroma(picture).mean((0, 2, 3)), rtol=0, atol=1e-4
    )


def test_a_feature_loss_makes_pictures_small_first_where_it_is_told_to() -> None:
    class Itself(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
            return [x]

    a, b = torch.rand(1, 3, 8, 8), torch.rand(1, 3, 8, 8)
    small = [torch.nn.functional.avg_pool2d(x, 2) for x in (a, b)]
    assert FeatureLoss(Itself(), (1.0,), side=4)(a, b).item() == pytest.approx(
        float((small[0] - small[1]).abs().mean())
    )
    assert FeatureLoss(Itself(), (1.0,), side=16)(a, b).item() == pytest.approx(float((a - b).abs().mean()))
