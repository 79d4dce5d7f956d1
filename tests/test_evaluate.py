"""The evaluation of colorizers: over-saturated patches, Fréchet distance, folders, checkpoints, factors."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image
from torch import nn
from typer.testing import CliRunner

from deoldify.errors import CheckpointError
from tests.test_publish import saved
from train import evaluate
from train.__main__ import app
from train.data import DataError
from train.evaluate import frechet_distance, grey_of, load_any, measure, originals, strongest_patch, table
from train.publish import export
from train.recipes import RECIPES

Rgb = npt.NDArray[np.uint8]
GREEN = np.array((10, 200, 40))


def chroma_of(rgb: npt.NDArray[np.int64]) -> float:
    """√(U² + V²) of one colour, by the definition of YUV (BT.601)."""
    red, green, blue = rgb / 255
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    return math.hypot(0.492 * (blue - luma), 0.877 * (red - luma))


def test_the_strongest_patch_in_closed_form() -> None:
    picture = np.full((64, 96, 3), 120, np.uint8)  # patches of 4 × 4, every 2 pixels
    picture[20:24, 40:44] = GREEN
    assert strongest_patch(picture) == pytest.approx(chroma_of(GREEN), rel=1e-5)
    # Half of a patch has half of its colour, and a colour and its opposite are none.
    picture[20:24, 42:44] = 120
    assert strongest_patch(picture) == pytest.approx(chroma_of(GREEN) / 2, rel=1e-5)
    red, cyan = np.array((150, 90, 90)), np.array((90, 116, 116))
    assert chroma_of(red) > 0.1
    mixed = np.full((64, 64, 3), 100, np.uint8)
    mixed[::2], mixed[1::2] = red, cyan
    means = (red + cyan) / 2
    assert strongest_patch(mixed) == pytest.approx(chroma_of(means), abs=2e-3)


def test_blotches_are_counted_in_measures_table_and_json(coffee: Rgb) -> None:
    view = np.asarray(Image.fromarray(coffee).resize((128, 128)))
    pictures = [view, np.ascontiguousarray(view[::-1]), np.ascontiguousarray(view[:, ::-1])]
    assert measure(pictures, pictures, None).blotches == 0
    renders = [grey_of(picture) for picture in pictures]
    renders[1][60:76, 30:46] = (0, 255, 0)
    measures = measure(pictures, renders, None)
    assert measures.blotches == pytest.approx(1 / 3)
    line = table({9: {"views": measures}}).splitlines()[-1]
    assert line.startswith("| views | 9 | 3 | ") and line.endswith("| 33.3% |")


class MeanColour(nn.Module):
    """Three features: the mean of each channel."""

    num_features = 3

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.float().mean((2, 3))


def test_the_frechet_distance_in_closed_form() -> None:
    rng = np.random.default_rng(0)
    means = rng.uniform(60, 190, (40, 3)).round()
    pictures = [np.full((8, 8, 3), mean, np.uint8) for mean in means]
    assert frechet_distance(pictures, pictures, MeanColour()) == pytest.approx(0, abs=1e-3)
    # The same covariance: what is left is the squared distance of the means.
    shifted = [np.asarray(picture + np.array((3, 0, 4), np.uint8)) for picture in pictures]
    assert frechet_distance(shifted, pictures, MeanColour()) == pytest.approx(25, rel=1e-4)
    # Diagonal covariances: Σ (σ₁ − σ₂)².
    a = [np.full((4, 4, 3), (100 + 10 * s, 100, 100), np.uint8) for s in (-1, 1)]
    b = [np.full((4, 4, 3), (100 + 30 * s, 100, 100), np.uint8) for s in (-1, 1)]
    assert frechet_distance(a, b, MeanColour()) == pytest.approx(2 * (30 - 10) ** 2, rel=1e-4)


def test_without_inceptions_weights_the_table_says_so(
    monkeypatch: pytest.MonkeyPatch, coffee: Rgb, tmp_path: Path
) -> None:
    from torchmetrics.image import fid

    def refuses(*arguments: object, **settings: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(fid.FrechetInceptionDistance, "__init__", refuses)
    with pytest.raises(CheckpointError, match=r"Inception's weights for FID cannot be had \(no route to host\)"):
        frechet_distance([coffee], [coffee])
    result = run(views(tmp_path / "views", coffee), tmp_path, "--fid", "--render-factor", "4")
    assert "FID is not measured: Inception's weights" in result
    assert "| FID |" in result and "not measured: no Inception weights |" in result
    report = json.loads((tmp_path / "numbers.json").read_text())
    assert report["render_factors"]["4"]["views"]["fid"] is None


def test_a_snapshot_is_measured_at_several_factors_and_shown(
    monkeypatch: pytest.MonkeyPatch, coffee: Rgb, tmp_path: Path
) -> None:
    monkeypatch.setattr(evaluate, "frechet_distance", lambda renders, pictures: 12.345)
    folder = views(tmp_path / "views", coffee)
    views(folder / "more", coffee)
    result = run(folder, tmp_path, "--fid", "--render-factor", "8", "--render-factor", "4", "--limit", "2")
    rows = [line.split(" | ")[:3] for line in result.splitlines() if line.startswith("| ")][2:]
    assert rows == [["| views", "4", "2"], ["| more", "4", "2"], ["| views", "8", "2"], ["| more", "8", "2"]]
    assert result.count("| 12.35 |") == 4
    sheets = {path.name: Image.open(path).size for path in (tmp_path / "sheets").iterdir()}
    assert sheets.keys() == {"more-4.png", "views-4.png", "more-8.png", "views-8.png"}
    assert set(sheets.values()) == {(12 * 194 + 2, 3 * 194 + 2)}
    report = json.loads((tmp_path / "numbers.json").read_text())
    assert (report["model"], report["task"]) == ("toy", "colorize")
    assert report["render_factors"].keys() == {"4", "8"}
    assert {"psnr", "kid_lite0", "blotches", "fid"} <= report["render_factors"]["8"]["more"].keys()


def views(folder: Path, coffee: Rgb) -> Path:
    """A folder of three photographs, and one that is none."""
    folder.mkdir()
    for number, turn in enumerate((0, 90, 180)):
        Image.fromarray(coffee).resize((90, 60)).rotate(turn).save(folder / f"{number}.png")
    (folder / "9.jpg").write_bytes(b"no photograph")
    return folder


def run(data: Path, folder: Path, *more: str) -> str:
    """What the command prints of a toy snapshot, whose features are few."""
    saved(folder / "toy.pt")
    arguments = ["evaluate", "--checkpoint", str(folder / "toy.pt"), "--data", str(data)]
    arguments += ["--json", str(folder / "numbers.json"), "--sheet", str(folder / "sheets")]
    result = CliRunner().invoke(app, [*arguments, *more])
    assert result.exit_code == 0, f"{result.output}\n{result.exception}"
    return result.output


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
