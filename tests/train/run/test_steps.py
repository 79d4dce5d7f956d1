"""One step of each network: whose turn it is, a batch in pieces."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.toys import toy
from tests.train.run.runs import train
from train.recipes import RecipeError, changed
from train.run import Training
from train.run.steps import Steps


def test_the_generator_waits_for_a_critic_that_sees(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = toy("stable", steps=6)
    recipe = dataclasses.replace(recipe, stages=(recipe.stages[-1],))
    turns: list[str] = []
    for name in ("generator_step", "critic_step"):
        step = getattr(Steps, name)

        def recorded(self: Steps, *arguments: Any, name: str = name, step: Any = step) -> Any:
            turns.append(name[:-5])
            return step(self, *arguments)

        monkeypatch.setattr(Steps, name, recorded)
    last = recipe.stages[-1].name
    train(changed(recipe, [f"{last}.switch=0"]), data, tmp_path / "never")
    assert turns == ["critic"] * 6
    turns.clear()
    train(changed(recipe, [f"{last}.switch=100"]), data, tmp_path / "always")
    assert turns == ["critic", "generator"] * 3
    turns.clear()
    train(changed(recipe, [f"{last}.switch=null"]), data, tmp_path / "both")
    assert turns == ["generator", "critic"] * 6


def test_a_batch_in_pieces_has_the_gradient_of_the_whole(data: Path, tmp_path: Path) -> None:
    # Batch norm sees the pieces, so a piece is compared that is the whole batch four times over.
    recipe = changed(toy("compact", steps=1), ["generator.widths=[8, 8, 8, 8]"])
    training = Training(recipe, data, tmp_path, seed=0, device="cpu", workers=0, precision="float32")
    stage = recipe.stages[0]
    networks, steps = training.networks, Steps(training.networks, stage)
    piece = torch.randn(2, 3, 32, 32), torch.randn(2, 3, 32, 32)
    norms = []
    for size in (None, 2):
        networks.micro_batch = size
        state = {key: value.clone() for key, value in networks.generator.state_dict().items()}
        batch = [tensor.repeat(4, 1, 1, 1) for tensor in piece]
        losses, renders = steps.generator_step(*batch)
        assert renders.shape == (8, 3, 32, 32)
        norms.append((losses["chroma"].item(), losses["gradient norm/generator"].item()))
        networks.generator.load_state_dict(state)
    assert norms[0] == pytest.approx(norms[1], rel=1e-4)


def test_an_agreeing_stage_asks_half_of_the_batch_again_and_keeps_the_norms(data: Path, tmp_path: Path) -> None:
    recipe = changed(toy("compact", steps=1), ["generator.widths=[8, 8, 8, 8]"])
    (stage,) = [stage for stage in recipe.stages if stage.agreement_weight]
    recipe = dataclasses.replace(recipe, stages=(stage,))
    training = Training(recipe, data, tmp_path, seed=0, device="cpu", workers=0, precision="float32")
    asked: list[tuple[int, int]] = []
    body = training.networks.generator.get_submodule("encoder.body")
    body.register_forward_pre_hook(lambda module, x: asked.append((len(x[0]), x[0].shape[-1])))
    steps = Steps(training.networks, stage)
    norms = {key: value.clone() for key, value in training.networks.generator.named_buffers() if "running" in key}
    told = steps.take(torch.randn(4, 3, 64, 64), torch.randn(4, 3, 64, 64))
    assert asked == [(4, 64), (2, 32)]
    assert told["agreement"] > 0 and {"chroma", "distribution", "features"} <= told.keys()
    buffers = dict(training.networks.generator.named_buffers())
    assert norms and all(torch.equal(buffers[key], value) for key, value in norms.items())
    with pytest.raises(RecipeError, match="needs a multiple of 32 as its size"):
        changed(recipe, [f"{stage.name}.size=100"])
