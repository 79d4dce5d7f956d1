"""A run's folder: checkpoints that appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from train import folder
from train.errors import TrainingError
from train.folder import LAST, read_run


def test_old_checkpoints_step_back_and_nothing_half_written_stays(tmp_path: Path) -> None:
    for number in range(5):
        folder.save_rotating({"recipe": {}, "averaged": {}, "step": number}, tmp_path / LAST, keep=2)
    assert {path.name: read_run(path)["step"] for path in tmp_path.iterdir()} == {
        "last.pt": 4, "last.1.pt": 3, "last.2.pt": 2
    }  # fmt: skip


def test_a_disk_that_fills_up_is_told_and_the_last_checkpoint_stays(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("there is no /dev/full")
    folder.save_atomically({"recipe": {}, "averaged": {}, "step": 1}, tmp_path / LAST)
    (tmp_path / "last.pt.part").symlink_to(full)
    with pytest.raises(TrainingError, match=r"last.pt cannot be written.*intact.*--resume"):
        folder.save_atomically({"recipe": {}, "averaged": {}, "step": 2, "x": torch.zeros(10000)}, tmp_path / LAST)
    assert read_run(tmp_path / LAST)["step"] == 1
    assert [path.name for path in tmp_path.iterdir()] == [LAST]
