"""What is measured: models that tell what they are, folders of photographs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from typer.testing import CliRunner

from deoldify.errors import CheckpointError
from tests.train.test_publish import saved
from train.__main__ import app
from train.data import DataError
from train.measure import load_any, originals
from train.publish import export
from train.recipes import RECIPES

Rgb = npt.NDArray[np.uint8]


def test_any_checkpoint_tells_what_it_is(tmp_path: Path) -> None:
    saved(tmp_path / "toy.pt", "defade")
    assert load_any(None, tmp_path / "toy.pt").checkpoint.task == "defade"
    exported = export(tmp_path / "toy.pt", tmp_path / "toy.safetensors", {}).path
    model = load_any(None, exported)
    largest = max(stage.size for stage in RECIPES["compact-defade"].stages)
    assert (model.checkpoint.name, model.checkpoint.task, model.checkpoint.render_factor) == (
        "toy",
        "defade",
        largest // 16,
    )
    assert load_any("compact", None).checkpoint.name == "compact"
    with pytest.raises(CheckpointError, match="fits another generator"):
        load_any("compact", exported)
    without = CliRunner().invoke(app, ["evaluate", "--data", str(tmp_path)])
    assert without.exit_code == 2 and "name a --model" in without.output


def test_a_folder_without_two_photographs_is_told(tmp_path: Path, coffee: Rgb) -> None:
    Image.fromarray(coffee).save(tmp_path / "one.png")
    with pytest.raises(DataError, match="no set of two pictures"):
        originals(tmp_path)
