"""The choice of a snapshot, the colour of skin, and patches that are too saturated."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

from deoldify.imaging import normalise
from train.errors import TrainingError
from train.measure import blotched, psnr, strongest_patch
from train.measure.defade import STRENGTHS, fade_all
from train.measure.inflection import Point, Survey, choose, curves, photographs, restoration, skin_colour

GOOD = Point("a", 100, 23.0, 0.8, 40.0, 0.0, 1.0, 0.9)


def test_the_snapshot_nearest_to_photographs_is_chosen_before_skin_turns() -> None:
    better = dataclasses.replace(GOOD, snapshot="b", step=200, kid_lite2=30.0)
    orange = dataclasses.replace(GOOD, snapshot="c", step=300, kid_lite2=20.0, skin_hue=-12.0, skin_chroma=1.3)
    best, reason = choose([GOOD, better, orange])
    assert best == better
    assert "kid_lite2 30.0" in reason and "2 of 3" in reason
    assert "from step 300 on: skin is -12.0° off; skin is 1.30 times as colourful" in reason


def test_blotches_and_garishness_are_faults_and_the_fewest_win_where_all_have_some() -> None:
    garish = dataclasses.replace(GOOD, snapshot="b", colourfulness=1.3)
    blotchy = dataclasses.replace(garish, snapshot="c", blotches=0.1, kid_lite2=1.0)
    best, reason = choose([garish, blotchy])
    assert best == garish
    assert reason.startswith("all 2 snapshots have faults") and "1.30 times" in reason


def test_without_kid_the_most_colourful_is_chosen() -> None:
    dull = dataclasses.replace(GOOD, kid_lite2=math.nan)
    lively = dataclasses.replace(dull, snapshot="b", step=200, colourfulness=0.9)
    assert choose([dull, lively])[0] == lively


def test_skin_is_looked_at_in_the_middle_and_in_closed_form() -> None:
    face = np.zeros((8, 8, 3), np.uint8)
    face[..., 2] = 255  # a blue surround
    face[2:6, 2:6] = (204, 102, 102)
    red, rest = 0.8, 0.4
    y = 0.299 * red + 0.701 * rest
    u, v = 0.492 * (rest - y), 0.877 * (red - y)
    hue, strength = skin_colour([face])
    assert hue == pytest.approx(math.degrees(math.atan2(v, u)), abs=1e-3)
    assert strength == pytest.approx(math.hypot(u, v), rel=1e-4)


def test_a_saturated_patch_is_found_wherever_it_is_and_grey_has_none() -> None:
    rng = np.random.default_rng(0)
    originals = [rng.integers(100, 140, (64, 64, 3)).astype(np.uint8) for _ in range(10)]
    assert strongest_patch(np.full((64, 64, 3), 90, np.uint8)) == pytest.approx(0, abs=1e-6)
    renders = [picture.copy() for picture in originals]
    renders[3][40:52, 8:20] = (0, 255, 0)
    renders[4][0, 0] = (0, 255, 0)  # a pixel is no patch
    assert blotched(renders, originals) == [number == 3 for number in range(10)]
    # As saturated as an original of the set is, is not far more than anything in them.
    originals[5][:32] = originals[6][:32] = (0, 255, 0)
    assert not any(blotched(renders, originals))


def test_restoration_is_measured_against_what_was_faded(coffee: npt.NDArray[np.uint8]) -> None:
    square = np.asarray(Image.fromarray(coffee).crop((100, 0, 500, 400)).resize((64, 64)))
    sets = {"views": [square, np.ascontiguousarray(square[::-1])], "grey": [np.full((64, 64, 3), 90, np.uint8)]}
    idle = restoration(lambda x: x, sets, torch.device("cpu"))
    assert idle["psnr"] == pytest.approx(idle["psnr_faded"])
    faded = fade_all(sets["views"], STRENGTHS["medium"], seed=0)
    assert idle["psnr"] == pytest.approx(np.mean([psnr(a, b) for a, b in zip(sets["views"], faded)]))
    answer = normalise(torch.from_numpy(np.stack(sets["views"])).permute(0, 3, 1, 2).float() / 255)
    assert restoration(lambda x: answer, sets, torch.device("cpu"))["psnr"] > 60
    assert restoration(lambda x: x, {}, torch.device("cpu")) == {}


def test_a_survey_measures_draws_and_remembers(tmp_path: Path, coffee: npt.NDArray[np.uint8]) -> None:
    square = Image.fromarray(coffee).crop((100, 0, 500, 400))
    (tmp_path / "val" / "faces").mkdir(parents=True)
    for number, turn in enumerate((0, 90, 180)):
        square.rotate(turn).save(tmp_path / "val" / "faces" / f"{number}.png")
    sets = photographs(tmp_path / "val", [], most=2)
    assert [picture.shape for picture in sets["faces"]] == [(128, 128, 3)] * 2
    survey = Survey(tmp_path, sets, torch.device("cpu"))
    with pytest.raises(TrainingError, match="no snapshots"):
        survey.verdict()
    survey.features = None
    grey = survey.look(lambda x: x, "grey.pt", 5)
    assert grey.colourfulness == pytest.approx(0, abs=1e-3) and grey.skin_chroma == pytest.approx(0, abs=1e-3)
    tint = torch.tensor([0.3, 0.0, -0.3]).view(1, 3, 1, 1)
    survey.look(lambda x: x + tint, "warm.pt", 9)
    again = Survey(tmp_path, sets, torch.device("cpu"))
    assert [point.snapshot for point in again.points] == ["grey.pt", "warm.pt"]
    assert again.verdict()[0].snapshot == "warm.pt"
    with Image.open(tmp_path / "inflection.png") as drawn:
        assert drawn.size == curves(again.points, again.points[0]).size
        assert (np.asarray(drawn) == (40, 80, 160)).all(axis=-1).any()
