"""What a run shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.toys import toy_stages
from tests.train.run.runs import train
from train.run import board
from train.run.feeding import FIXED

GRAPH = board.Board.graph


def test_the_board_shows_what_it_should(
    data: Path, scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board.Board, "graph", GRAPH)
    monkeypatch.setattr(board, "STEPS_BETWEEN_PICTURES", 4)
    monkeypatch.setattr(board, "STEPS_BETWEEN_HISTOGRAMS", 8)
    monkeypatch.setattr(board, "STEPS_BETWEEN_SCALARS", 2)
    recipe = toy_stages("stable", 4, "64-free 1-gan-192", ["1-gan-192.switch=null"])
    train(recipe, data, tmp_path / "run", validation=scenes)
    events = EventAccumulator(str(tmp_path / "run" / "board"), {"images": 0, "histograms": 0, "scalars": 0})
    events.Reload()
    tags = events.Tags()
    wanted = {
        "loss/pixels", "loss/features", "loss/critic", "loss/critic on real", "loss/critic on fake",
        "loss/adversarial", "rate/generator", "rate/critic", "gradient norm/generator", "gradient norm/critic",
        "images per second", "memory",
        "held out/pixels", "validation/psnr", "validation/colourfulness", "validation/kid_lite2", "validation/skin_hue",
    }  # fmt: skip
    assert wanted <= set(tags["scalars"])
    assert [event.step for event in events.Scalars("loss/pixels")] == [2, 4, 6, 8]
    (shown, *_) = events.Images("input, render, averaged render, original")
    assert shown.step == 4 and shown.width == FIXED * (32 + 2) + 2 and shown.height == 4 * (32 + 2) + 2
    assert events.Images("inflection")
    assert {name.split("/")[0] for name in tags["histograms"]} == {"generator", "critic"}
    assert tags["graph"]
    assert "_hparams_/experiment" in events.summary_metadata
    rates = [event.value for event in events.Scalars("rate/critic")]
    assert rates == pytest.approx([1e-4, 1e-4])
