"""What a run shows."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.toys import toy_stages
from tests.train.run.runs import train
from train.run import board, shown
from train.run.feeding import FIXED

GRAPH = board.Board.graph


def test_the_board_shows_what_it_should(
    data: Path, scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board.Board, "graph", GRAPH)
    monkeypatch.setattr(shown, "STEPS_BETWEEN_PICTURES", 4)
    monkeypatch.setattr(shown, "STEPS_BETWEEN_HISTOGRAMS", 8)
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
    (picture, *_) = events.Images("input, render, averaged render, original")
    assert picture.step == 4 and picture.width == FIXED * (32 + 2) + 2 and picture.height == 4 * (32 + 2) + 2
    assert events.Images("inflection")
    assert {name.split("/")[0] for name in tags["histograms"]} == {"generator", "critic"}
    assert tags["graph"]
    assert "_hparams_/experiment" in events.summary_metadata
    rates = [event.value for event in events.Scalars("rate/critic")]
    assert rates == pytest.approx([1e-4, 1e-4])


@pytest.mark.parametrize(("seconds", "told"), [(0, [1, 2, 3, 4, 5, 6]), (1e9, [1, 4])])
def test_where_there_is_no_bar_the_log_tells_now_and_then_how_far_it_is(
    seconds: float,
    told: list[int],
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The first of every stage, at least."""
    monkeypatch.setattr(board, "STEPS_BETWEEN_SCALARS", 1)
    monkeypatch.setattr(shown, "SECONDS_BETWEEN_LINES", seconds)
    caplog.set_level(logging.INFO, "train")
    recipe = toy_stages("compact", 3, "96px 128px")
    train(recipe, data, tmp_path / "run", measured=0)
    lines = [record.getMessage() for record in caplog.records if record.name == "train.run.shown"]
    found = [re.match(r"\S+, step (\d+): (\d+)%, [\d:]+ left  chroma .* rate .* images/s$", line) for line in lines]
    assert [match and int(match[1]) for match in found] == told, lines
    done = [match and int(match[2]) for match in found]
    assert done == [round(100 * step / 6) for step in told], lines  # every step is as much work here
