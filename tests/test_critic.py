"""Critics, what they are trained by, and the networks that features are compared with."""

from __future__ import annotations

import dataclasses
import math
from types import SimpleNamespace

import pytest
import torch
from torchvision.models import vgg

from deoldify.imaging import chroma, denormalise, luma, normalise
from train.critic import Critic, coloured_like
from train.features import VggFeatures, feature_network
from train.losses import (
    FeatureLoss,
    bce_critic_loss,
    bce_generator_loss,
    gradient_loss,
    hinge_critic_loss,
    hinge_generator_loss,
    l1_loss,
    psnr_loss,
    worse_than_stretched,
)
from train.recipes import CRITIC_2018, CRITIC_2019, CRITIC_COMPACT

NARROW_2018 = dataclasses.replace(CRITIC_2018, width=16)
NARROW_2019 = dataclasses.replace(CRITIC_2019, width=16)


@pytest.mark.parametrize(("config", "side"), [(NARROW_2018, 64 // 8 - 3), (NARROW_2019, 1), (CRITIC_COMPACT, 1)])
def test_critics_give_a_map_of_scores(config: object, side: int) -> None:
    critic = Critic(config)  # type: ignore[arg-type]
    assert critic(torch.zeros(2, 3, 64, 64)).shape == (2, 1, side, side)
    assert critic(torch.zeros(1, 3, 128, 128)).shape[-1] > side


def test_every_weight_of_a_critic_has_spectral_norm_one() -> None:
    critic = Critic(NARROW_2019)
    for _ in range(30):  # the power iteration settles
        critic(torch.randn(1, 3, 64, 64))
    critic.eval()
    norms = [
        torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item()
        for layer in critic.modules()
        if isinstance(layer, torch.nn.Conv2d)
    ]
    assert len(norms) == 1 + 3 * 2 + 3 + 1 + 1
    assert norms == pytest.approx([1.0] * len(norms), abs=0.05)


def test_dropout_makes_two_looks_differ_and_rests_in_evaluation() -> None:
    critic, x = Critic(NARROW_2018), torch.randn(1, 3, 64, 64)
    assert not torch.equal(critic(x), critic(x))
    critic.eval()
    assert torch.equal(critic(x), critic(x))


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


@pytest.mark.parametrize("batch_norm", [False, True])
def test_vgg_features_lie_before_the_max_pools(batch_norm: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    # Without the classifier, most of whose weights would be drawn for nothing.
    layers = vgg.make_layers(vgg.cfgs["D"], batch_norm=batch_norm)
    name = "vgg16_bn" if batch_norm else "vgg16"
    monkeypatch.setattr(f"torchvision.models.{name}", lambda weights: SimpleNamespace(features=layers))
    features = VggFeatures((1, 3), batch_norm=batch_norm, pretrained=False)
    y = x = torch.randn(1, 3, 32, 32)
    wanted = []
    for layer in layers.eval():
        if isinstance(layer, torch.nn.MaxPool2d):
            wanted.append(y)
        y = layer(y)
    first, third = features.train()(x)
    assert first.shape == (1, 64, 32, 32) and third.shape == (1, 256, 8, 8)
    assert torch.equal(first, wanted[0]) and torch.equal(third, wanted[2])
    assert not any(weight.requires_grad for weight in features.parameters())


def test_a_feature_loss_by_name_is_nought_between_equal_pictures_and_has_a_gradient() -> None:
    loss = FeatureLoss(feature_network("lite0", (1, 2)), (1.0, 1.0))
    a = torch.randn(1, 3, 64, 64, requires_grad=True)
    assert loss(a, a).item() == 0
    loss(a, torch.zeros_like(a)).backward()
    assert a.grad is not None and a.grad.abs().sum() > 0


def test_a_critic_of_colour_sees_the_originals_on_the_luma_of_the_renders() -> None:
    render, original = torch.rand(2, 1, 3, 8, 8)
    shown = denormalise(coloured_like(render, original))
    assert torch.allclose(luma(shown), luma(denormalise(render)), atol=1e-5)
    assert torch.allclose(chroma(shown), chroma(denormalise(original)), atol=1e-5)
    assert torch.allclose(coloured_like(original, original), original, atol=1e-5)
