"""A run's scalars as a small table, against the event files they come from."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
from pathlib import Path

import pytest
from PIL import Image
from torch.utils.tensorboard import SummaryWriter
from typer.testing import CliRunner

from tests.test_inflection import GOOD
from train.__main__ import app
from train.board import Board
from train.history import scalars, thin, write_history
from train.runs import TrainingError, write_text


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of a run of two stages that logged every tenth step, and looked at two snapshots."""
    folder = tmp_path / "run"
    with SummaryWriter(str(folder / "board")) as board:
        for step in range(10, 101, 10):
            board.add_scalar("loss/chroma", step / 100, step)
            if step > 60:
                board.add_scalar("loss/critic", 1.0, step)
        board.add_scalar("validation/psnr", 23.4567, 80)
    stages = [{"name": "alone", "steps": 60}, {"name": "both", "steps": 40}]
    write_text(folder / "recipe.json", json.dumps({"stages": stages}))
    return folder


def test_means_over_stretches_against_a_naive_count() -> None:
    series = [(step, math.sin(step)) for step in range(10, 101, 10)]
    ends = [25, 60, 99, 140, 200]
    starts = [0, *ends]
    expected = [[v for s, v in series if low < s <= high] for low, high in zip(starts, ends)]
    assert thin(series, ends) == [pytest.approx(sum(v) / len(v)) if v else None for v in expected]


def test_the_table_has_a_row_per_stretch_and_a_column_per_scalar(run: Path, tmp_path: Path) -> None:
    points = [dataclasses.replace(GOOD, step=step, snapshot=f"both-{step}.pt") for step in (80, 100)]
    report = {"chosen": "x", "reason": "y", "points": [dataclasses.asdict(point) for point in points]}
    write_text(run / "inflection.json", json.dumps(report))
    out = tmp_path / "curves.csv"
    called = CliRunner().invoke(app, ["curves", "--run", str(run), "--out", str(out), "--rows", "3"])
    assert called.exit_code == 0, called.output
    with out.open() as file:
        rows = list(csv.DictReader(file))
    # Ten logged steps in three stretches (to 40, 70 and 100), cut where a stage ends.
    assert rows == [
        {"stage": "alone", "step": "40", "loss/chroma": "0.25", "loss/critic": "", "validation/psnr": ""},
        {"stage": "alone", "step": "60", "loss/chroma": "0.55", "loss/critic": "", "validation/psnr": ""},
        {"stage": "both", "step": "70", "loss/chroma": "0.7", "loss/critic": "1", "validation/psnr": ""},
        {"stage": "both", "step": "100", "loss/chroma": "0.9", "loss/critic": "1", "validation/psnr": "23.46"},
    ]
    with Image.open(tmp_path / "curves.png") as drawn:
        assert drawn.width == 640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["curves.csv", "curves.png", "run"]


def test_what_is_no_run_or_cannot_be_written_is_told(run: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="nowhere is not the folder of a run: it has no board/"):
        write_history(tmp_path / "nowhere", tmp_path / "curves.csv")
    with pytest.raises(TrainingError, match=r"missing/curves\.csv cannot be written"):
        write_history(run, tmp_path / "missing" / "curves.csv")
    (run / "recipe.json").unlink()
    with pytest.raises(TrainingError, match=r"no recipe\.json that can be read"):
        write_history(run, tmp_path / "curves.csv")
    assert not (tmp_path / "curves.csv").exists()


def test_the_bar_tells_the_time_left_by_work_rather_than_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixty seconds for the first stage, of a tenth of the work, leave nine times as many."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    clock = 0.0
    monkeypatch.setattr("sys.stderr", shown := Terminal())
    monkeypatch.setattr("tqdm.std.time", lambda: clock)
    board = Board(tmp_path, step=0, stages=[(2, 1.0), (6, 3.0)], active=True)
    for _ in range(2):
        clock += 30
        board.advance("64px", "loss 0.5")
    monkeypatch.undo()
    board.close()
    last = shown.getvalue().split("\r")[-2]
    assert "64px, step 2:  10%|" in last and "| 01:00, 09:00 left, loss 0.5" in last


def test_what_a_run_took_back_is_hidden_and_nothing_else(tmp_path: Path) -> None:
    """Gone back to step 20 within a process, then killed after 30 and gone on from there in another."""
    board = Board(tmp_path / "board", step=0, stages=[(50, 1.0)], active=True)
    for step in (10, 20, 30):
        board.scalars({"loss": -1.0 if step > 20 else 1.0}, step)
    board.back_to(20)
    for step in (30, 40):
        board.scalars({"loss": 2.0 if step == 30 else -2.0}, step)
    board.close()
    board = Board(tmp_path / "board", step=30, stages=[(50, 1.0)], active=True)
    board.scalars({"loss": 3.0}, 40)
    board.close()
    assert scalars(tmp_path)["loss"] == [(10, 1.0), (20, 1.0), (30, 2.0), (40, 3.0)]
