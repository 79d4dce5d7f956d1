"""The projected critic: what is random, what is frozen, what it scores, and how pictures are augmented for it."""

from __future__ import annotations

from typing import cast

import pytest
import torch
import torch.nn.functional as F

from deoldify.imaging import denormalise
from train.judges import Critic, LiteFeatures, ProjectedCritic, new_critic
from train.judges.projected import HOLE, LAYERS, REACH, augmented
from train.recipes import CRITIC_2018, ProjectedCriticConfig

CONFIG = ProjectedCriticConfig("lite1", width=8)


@pytest.fixture(scope="module")
def critic() -> ProjectedCritic:
    torch.manual_seed(0)
    return ProjectedCritic(CONFIG, pretrained=False)


@pytest.mark.parametrize(("side", "places"), [(32, 1), (64, 4), (96, 9)])
def test_four_heads_have_as_many_scores_each(critic: ProjectedCritic, side: int, places: int) -> None:
    assert critic.eval()(torch.randn(2, 3, side, side)).shape == (2, 4 * places)


def test_scores_are_those_of_heads_on_maps_mixed_at_random(critic: ProjectedCritic) -> None:
    critic.eval()
    x = torch.randn(2, 3, 64, 64)
    maps = cast(LiteFeatures, critic.features).body(2 * denormalise(x) - 1)
    expected = []
    for number, (found, mixing) in enumerate(zip(maps, critic.mixings, strict=True)):
        assert found.shape[-1] == 64 // 2 ** (LAYERS[number] + 1)
        y = torch.einsum("nchw,dc->ndhw", found, mixing[:, :, 0, 0])
        for layer in critic.heads[number][:-1]:  # type: ignore[index]
            size, stride = (4, 2) if layer.conv.stride == (2, 2) else (3, 1)
            assert layer.conv.weight.shape[-1] == size
            y = F.leaky_relu(F.conv2d(y, layer.conv.weight, layer.conv.bias, stride, padding=1), 0.2)
        last = critic.heads[number][-1]  # type: ignore[index]
        expected.append(F.conv2d(y, last.weight, last.bias).flatten(1))
    torch.testing.assert_close(critic(x), torch.cat(expected, dim=1), rtol=1e-4, atol=1e-5)


def test_only_the_heads_learn_and_only_they_and_the_mixings_are_saved(critic: ProjectedCritic) -> None:
    critic.requires_grad_(False).requires_grad_(True)
    learning = {name.split(".")[0] for name, weight in critic.named_parameters() if weight.requires_grad}
    assert learning == {"heads"}
    assert {name.split(".")[0] for name in critic.state_dict()} == {"heads", "mixings"}
    torch.manual_seed(1)
    other = ProjectedCritic(CONFIG, pretrained=False)
    other.features = critic.features
    assert not torch.equal(other.mixings[0], critic.mixings[0])
    other.load_state_dict(critic.state_dict())
    x = torch.randn(1, 3, 32, 32)
    assert torch.equal(other.eval()(x), critic.eval()(x))


def test_a_render_gets_a_gradient_through_what_is_frozen(critic: ProjectedCritic) -> None:
    critic.train().requires_grad_(False)
    x = torch.randn(2, 3, 64, 64, requires_grad=True)
    critic(x).mean().backward()
    assert x.grad is not None and (x.grad.abs().sum(dim=(1, 2, 3)) > 0).all()
    assert not critic.features.training


def test_every_weight_of_the_heads_has_spectral_norm_one(critic: ProjectedCritic) -> None:
    critic.train()
    for _ in range(30):  # the power iteration settles
        critic(torch.randn(1, 3, 32, 32))
    critic.eval()
    convs = [layer for layer in critic.heads.modules() if isinstance(layer, torch.nn.Conv2d)]
    norms = [torch.linalg.matrix_norm(conv.weight.flatten(1), 2).item() for conv in convs]
    assert len(norms) == 3 + 2 + 1 + 0 + 4 + 4
    assert norms == pytest.approx([1.0] * len(norms), abs=0.05)


def test_augmenting_moves_pictures_and_cuts_a_hole_but_leaves_their_colours() -> None:
    torch.manual_seed(0)
    side = 32
    # Each pixel tells where it comes from, in colours that no other has.
    places = torch.arange(1.0, side * side + 1).view(1, 1, side, side)
    x = torch.cat([places, 2 * places, -places], dim=1).repeat(40, 1, 1, 1)
    moves, holes = set(), set()
    for picture in augmented(x):
        kept = picture[0] != 0
        assert torch.equal(picture[1], 2 * picture[0]) and torch.equal(picture[2], -picture[0])
        rows, columns = kept.nonzero(as_tuple=True)
        origin = picture[0][kept].long() - 1
        dy, dx = rows - origin // side, columns - origin % side
        assert len(dy.unique()) == len(dx.unique()) == 1
        move = int(dy[0]), int(dx[0])
        moves.add(move)
        shifted = F.pad(places[0, 0], (move[1], -move[1], move[0], -move[0]))
        missing = (shifted != 0) & ~kept
        down, across = missing.nonzero(as_tuple=True)
        if len(down):  # the hole: all of a rectangle, as far as something was there
            height, width = int(down.max() - down.min()) + 1, int(across.max() - across.min()) + 1
            assert height * width == len(down) and max(height, width) <= side * HOLE
            holes.add((int(down.min()), int(across.min())))
    most = int(side * REACH)
    assert len(moves) > 20 and max(abs(step) for move in moves for step in move) == most
    assert len(holes) > 20


def test_a_recipe_names_either_kind_of_critic() -> None:
    assert isinstance(new_critic(CONFIG, pretrained=False), ProjectedCritic)
    assert isinstance(new_critic(CRITIC_2018), Critic)
