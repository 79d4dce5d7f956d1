"""The measures of colorizers in closed form and on record, and the command that takes them."""

from __future__ import annotations

import importlib
import json
import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from typer.testing import CliRunner

from deoldify.errors import CheckpointError
from tests.train.test_publish import saved
from train.__main__ import app
from train.measure import (
    PooledFeatures,
    colourfulness,
    frechet_distance,
    grey_of,
    measure,
    originals,
    psnr,
    strongest_patch,
    table,
)

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


def test_what_is_seen_is_counted_in_measures_and_table(coffee: Rgb) -> None:
    view = np.asarray(Image.fromarray(coffee).resize((64, 64)))
    features = PooledFeatures()
    same = measure([view, view[::-1]], [view, view[::-1]], features)
    assert (same.delta_e, same.agreement, same.hues) == (0, 1, same.hues_original)
    without = measure([view, view[::-1]], [view, view[::-1]], None)
    assert math.isnan(without.kid_lite2) and math.isnan(without.agreement) and without.delta_e == 0
    grey = measure([view, view[::-1]], [grey_of(view), grey_of(view[::-1])], features)
    assert grey.delta_e == grey.delta_e_grey > 5 and grey.hues == 0 and grey.agreement == grey.agreement_grey
    heads, _, *rows = (line.strip("| ").split(" | ") for line in table({9: {"a": same, "b": grey}}).splitlines())
    found = [dict(zip(heads, row, strict=True)) for row in rows]
    assert [row["ΔE ÷ grey's"] for row in found] == ["0.000", "1.000"]
    assert [row["hues ÷ originals'"] for row in found] == ["1.000", "0.000"]
    assert found[0]["known"] == "100.0%"


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
    monkeypatch.setattr("train.measure.evaluation.frechet_distance", lambda renders, pictures: 12.345)
    monkeypatch.setattr(
        importlib.import_module("train.measure.steadiness"), "TONES", (128,)
    )  # each costs a render of every photograph
    folder = views(tmp_path / "views", coffee)
    views(folder / "more", coffee)
    result = run(folder, tmp_path, "--fid", "--render-factor", "8", "--render-factor", "4", "--limit", "2")
    truth = result.partition("By default")[0]
    rows = [line.split(" | ")[:3] for line in truth.splitlines() if line.startswith("| ")][2:]
    assert rows == [["| views", "4", "2"], ["| more", "4", "2"], ["| views", "8", "2"], ["| more", "8", "2"]]
    assert result.count("| 12.35 |") == 4
    sheets = {path.name: Image.open(path).size for path in (tmp_path / "sheets").iterdir()}
    assert sheets.keys() == {"more-4.png", "views-4.png", "more-8.png", "views-8.png"}
    assert set(sheets.values()) == {(12 * 194 + 2, 3 * 194 + 2)}
    assert "| views | 2 |" in result.rpartition("By default")[2]
    report = json.loads((tmp_path / "numbers.json").read_text())
    assert report["steadiness"]["more"].keys() == {
        "images", "chroma", "hues", "moved_by_size", "moved_by_mirror", "mount", "inside"
    }  # fmt: skip
    assert (report["model"], report["task"]) == ("toy", "colorize")
    assert report["render_factors"].keys() == {"4", "8"}
    assert {"psnr", "kid_lite2", "blotches", "fid"} <= report["render_factors"]["8"]["more"].keys()


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


def test_colourfulness_psnr_and_grey_in_closed_form() -> None:
    assert colourfulness(np.full((4, 4, 3), 77, np.uint8)) == 0
    half = np.zeros((2, 2, 3), np.uint8)
    half[0] = [200, 100, 0]  # rg = 100, yb = 150 in one half, 0 in the other
    assert colourfulness(half) == pytest.approx(np.hypot(50, 75) + 0.3 * np.hypot(50, 75))
    assert psnr(np.zeros((2, 2, 3), np.uint8), np.full((2, 2, 3), 51, np.uint8)) == pytest.approx(20 * np.log10(5))
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[:, None, None], 3, axis=-1)
    assert np.array_equal(grey_of(ramp), ramp)


def test_grey_has_the_lightness_of_the_picture(coffee: npt.NDArray[np.uint8]) -> None:
    from skimage.color import rgb2lab

    lightness, grey_lightness = (rgb2lab(p)[..., 0] for p in (coffee, grey_of(coffee)))
    assert np.abs(lightness - grey_lightness).max() < 0.5


def test_the_measures_of_grey_are_those_on_record(data_folder: Path) -> None:
    on_record = {"photos": (21.63, 41.2), "scenes": (24.31, 34.0), "faces": (19.70, 43.5)}
    sets = originals(data_folder / "val")
    assert sets.keys() == on_record.keys()  # what is old or faded has no true colours
    for name, found in sets.items():
        wanted_psnr, wanted_colourfulness = on_record[name]
        assert np.mean([psnr(p, grey_of(p)) for p in found]) == pytest.approx(wanted_psnr, abs=0.006)
        assert np.mean([colourfulness(p) for p in found]) == pytest.approx(wanted_colourfulness, abs=0.06)
