"""A run's scalars as a small table, against the event files they come from."""

from __future__ import annotations

import csv
import dataclasses
import json
import math
from pathlib import Path

import pytest
from PIL import Image
from torch.utils.tensorboard import SummaryWriter
from typer.testing import CliRunner

from tests.train.measure.test_inflection import GOOD
from train.__main__ import app
from train.errors import TrainingError
from train.folder import write_text
from train.measure.history import thin, write_history


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
