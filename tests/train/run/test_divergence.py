"""Stages that go wrong."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.toys import toy, toy_stages
from tests.train.run.runs import scalars, train
from train.errors import TrainingError
from train.folder import LAST, read_run
from train.run import Training, board, divergence, steps
from train.run.training import LOWERED


def test_a_stage_that_diverges_goes_back_once_at_a_lower_rate(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(board, "STEPS_BETWEEN_SCALARS", 1)
    content, run, broken_at = steps.content_losses, Training.run, [2]
    running: list[Training] = []

    def runs(self: Training) -> None:
        running.append(self)
        run(self)

    def breaks(*arguments: Any) -> dict[str, torch.Tensor]:
        losses = content(*arguments)
        if running[-1].step in broken_at and torch.is_grad_enabled():
            if len(broken_at) == 1 and running[-1].relief < 1:
                return losses
            return {name: loss * math.nan for name, loss in losses.items()}
        return losses

    monkeypatch.setattr(Training, "run", runs)
    monkeypatch.setattr(steps, "content_losses", breaks)
    recipe = toy("compact", steps=4)
    recipe = dataclasses.replace(recipe, stages=recipe.stages[:2])
    training = train(recipe, data, tmp_path / "once")
    assert "went wrong at step" in caplog.text and "not finite: chroma" in caplog.text
    assert training.step == 8 and training.relief == 1
    rates = scalars(tmp_path / "once")["rate/generator"]
    assert min(rates) < 0.3 * max(rates)

    broken_at.append(3)
    with pytest.raises(
        TrainingError, match=r"stage '96px' went wrong again at step \d+: not finite: chroma.*lower rate"
    ):
        train(recipe, data, tmp_path / "twice")
    assert read_run(tmp_path / "twice" / LAST)["step"] == 0


def test_a_critic_that_cannot_be_fooled_stops_the_stage(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = Training(toy("progressive-2018"), data, tmp_path, seed=0, device="cpu", workers=0)
    stage = training.recipe.stages[0]
    for _ in range(60):
        training.watch.look(stage, {"critic": torch.tensor(0.3)})
    training.watch.critic_mean = 0.011
    training.watch.look(stage, {"critic": torch.tensor(0.0)})
    training.watch.critic_mean = divergence.COLLAPSED
    with pytest.raises(divergence.DivergedError, match="so sure"):
        training.watch.look(stage, {"critic": torch.tensor(0.0)})
    # In a run: back to the last good checkpoint at a lower rate once, then an end.
    monkeypatch.setattr(divergence, "COLLAPSED", 100.0)
    monkeypatch.setattr(board, "STEPS_BETWEEN_SCALARS", 1)
    with pytest.raises(TrainingError, match=r"stage '1-gan-192' went wrong again at step 3: the critic is so sure"):
        train(toy_stages("stable", 2, "64-free 1-gan-192", ["1-gan-192.switch=null"]), data, tmp_path / "run")
    kept = read_run(tmp_path / "run" / LAST)
    assert (kept["step"], kept["relief"]) == (2, LOWERED)
