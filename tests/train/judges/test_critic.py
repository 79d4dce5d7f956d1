"""Critics: what they give, their norms, and what they are shown."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from deoldify.imaging import chroma, denormalise, luma
from tests.toys import GAN
from train.judges import (
    Critic,
    coloured_like,
)
from train.recipes import CRITIC_2018, CRITIC_2019

NARROW_2018 = dataclasses.replace(CRITIC_2018, width=16)


NARROW_2019 = dataclasses.replace(CRITIC_2019, width=16)


@pytest.mark.parametrize(("config", "side"), [(NARROW_2018, 64 // 8 - 3), (NARROW_2019, 1), (GAN.critic, 1)])
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


def test_a_critic_of_colour_sees_the_originals_on_the_luma_of_the_renders() -> None:
    render, original = torch.rand(2, 1, 3, 8, 8)
    shown = denormalise(coloured_like(render, original))
    assert torch.allclose(luma(shown), luma(denormalise(render)), atol=1e-5)
    assert torch.allclose(chroma(shown), chroma(denormalise(original)), atol=1e-5)
    assert torch.allclose(coloured_like(original, original), original, atol=1e-5)
