"""The progress bar, and what TensorBoard is told of a run."""

from __future__ import annotations

import io
import logging
from pathlib import Path

import pytest

from train.measure.history import scalars
from train.run.board import Board


def test_the_bar_tells_the_time_left_by_work_rather_than_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Sixty seconds for the first stage, of a tenth of the work, leave nine times as many."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    clock = 0.0
    caplog.set_level(logging.INFO, "train")  # as on the command line
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
