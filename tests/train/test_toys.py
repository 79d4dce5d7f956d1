"""Every recipe at toy scale, from an empty folder to a checkpoint that colours or restores a photograph."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from deoldify import checkpoints
from deoldify.colorizer import Colorizer
from deoldify.defader import Defader
from tests.toys import pictures, toy
from train.folder import LAST
from train.publish import export
from train.recipes import RECIPES
from train.run import Training
from train.run.board import Board


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("toys")
    pictures(folder / "data" / "photos", 12)
    return folder


# Those that others start from come before them.
IN_ORDER = [recipe.name for recipe in sorted(RECIPES.values(), key=lambda recipe: bool(recipe.follows))]


@pytest.mark.parametrize("name", IN_ORDER)
def test_a_recipe_trains_from_nothing_to_a_photo(
    folder: Path, name: str, coffee: npt.NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Board, "graph", lambda *arguments: None)  # tracing takes longer than the run
    recipe = toy(name, steps=1)
    init = folder / recipe.follows / LAST if recipe.follows else None
    training = Training(
        recipe, folder / "data", folder / name, seed=0, device="cpu", workers=0, precision="float32",
        init=init,
    )  # fmt: skip
    training.run()
    assert training.step == len(RECIPES[name].stages)
    assert {f"{stage.name}.pt" for stage in recipe.stages} <= {path.name for path in (folder / name).iterdir()}
    exported = export(folder / name / LAST, folder / f"{name}.safetensors", {"commit": "none"})

    record = dataclasses.replace(
        checkpoints.find("compact"), name="toy", task=recipe.task, config=recipe.generator, render_factor=4
    )
    generator = checkpoints.load_generator(record, exported.path)
    photo = Image.fromarray(coffee).resize((60, 40))
    if recipe.task == "colorize":
        result = Colorizer(record, generator, device="cpu")(photo)
    else:
        result = Defader(record, generator, device="cpu")(photo)
    assert result.size == (60, 40) and result.mode == "RGB"
