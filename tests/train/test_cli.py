"""The command line of training."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import deoldify
from tests.toys import pictures, toy_stages
from train.__main__ import app
from train.errors import TrainingError
from train.recipes import RECIPES
from train.run.board import Board


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


def test_help_has_a_short_name_and_the_version_is_told() -> None:
    for arguments in (["-h"], ["colorize", "-h"]):
        result = call(*arguments)
        assert result.exit_code == 0 and "Usage" in result.output
    assert call("--version").output == f"DeOldify {deoldify.__version__}, Python {sys.version.split()[0]}\n"


def test_a_run_ends_with_what_it_made_and_what_comes_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Board, "graph", lambda *arguments: None)  # tracing takes longer than the run
    monkeypatch.setitem(RECIPES, "compact", toy_stages("compact", 1, "96px"))
    pictures(tmp_path / "data" / "photos", 12)
    run = tmp_path / "run"
    options = ["--recipe", "compact", "--data", tmp_path / "data", "--out", run, "--workers", 0, "--measured", 0]
    with pytest.raises(TrainingError, match="no device 'cuda:99' here"):
        CliRunner().invoke(app, ["colorize", *map(str, options), "--device", "cuda:99"], catch_exceptions=False)
    result = call("colorize", *options, "--precision", "float32")
    assert result.exit_code == 0, result.output
    assert f"{run / 'last.pt'} holds what was trained." in result.stderr
    assert f"python -m train evaluate --checkpoint {run / 'last.pt'}" in result.stderr
    quiet = call("-q", "colorize", *options, "--precision", "float32", "--resume")
    assert (quiet.exit_code, quiet.output) == (0, "")
