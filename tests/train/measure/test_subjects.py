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
from train.data import DataError, index, is_held_out
from train.measure import load_any, originals, whole_photographs
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


def test_old_photographs_are_looked_at_as_they_are_and_have_no_originals(tmp_path: Path, coffee: Rgb) -> None:
    for name in ("old", "prints", "photos"):
        (tmp_path / name).mkdir()
        for number in range(3):
            Image.fromarray(coffee).resize((60 + number, 40)).save(tmp_path / name / f"{number}.png")
    assert originals(tmp_path).keys() == {"photos"}
    found = whole_photographs(tmp_path, limit=2)
    assert found.keys() == {"old", "photos"} and len(found["old"]) == 2
    assert found["old"][0].shape == (213, 320, 3)


def test_what_training_does_not_see_can_be_measured_alone(tmp_path: Path, coffee: Rgb) -> None:
    small = Image.fromarray(coffee).resize((9, 6))
    for name, count in (("streets", 500), ("rooms", 400), ("faces", 900)):
        (tmp_path / name).mkdir()
        for number in range(count):
            small.save(tmp_path / name / f"{number}.png")
    expected = {"photos": 0, "faces": 0}
    for entry in index(tmp_path):
        expected[entry.source if entry.source == "faces" else "photos"] += is_held_out(entry.name)
    assert min(expected.values()) > 1
    found = originals(tmp_path, held_out=True)
    assert {name: len(pictures) for name, pictures in found.items()} == expected
    assert found["faces"][0].shape == (128, 128, 3) and found["photos"][0].shape == (256, 256, 3)
    whole = originals(tmp_path, hold_out=["rooms"], limit=7)  # a source that a run did not see at all is a set
    assert {name: len(pictures) for name, pictures in whole.items()} == {"rooms": 7}
    with pytest.raises(DataError, match="--hold-out names attics, and the data have faces, rooms, streets"):
        originals(tmp_path, hold_out=["attics"])
