"""A teacher's colours are rendered once, blended into what the pixels' loss wants, and named on the card."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from deoldify.colorizer import Colorizer
from tests.ddcolor import ODD, as_published, random_network
from tests.toys import toy, toy_stages
from tests.train.run.runs import train
from train.data import Lessons, Preparation, Samples, give_lessons, index
from train.errors import RecipeError, TrainingError
from train.folder import read_trained
from train.parallel import Peers, join
from train.publish import Story, card
from train.recipes import Recipe, changed
from train.run import Training, feeding
from train.run.steps import content_losses


@pytest.fixture
def peers() -> Peers:
    return join("cpu")


@pytest.fixture(scope="module")
def teacher_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stand-in of a teacher that finds everything orange."""
    network = random_network(ODD)
    with torch.no_grad():
        network.refine.get_parameter("bias").copy_(torch.tensor([20.0, 40.0]))
    path = tmp_path_factory.mktemp("teacher") / "orange.pth"
    torch.save({"params": as_published(network)}, path)
    return path


def first_stage(recipe: str, changes: Sequence[str]) -> Recipe:
    """Two toy steps of a recipe's first stage."""
    small = toy(recipe)
    return changed(dataclasses.replace(small, stages=small.stages[:1]), changes)


def plane_of(colours: Lessons, number: int) -> np.ndarray:
    return np.asarray(np.load(colours.path)[number], float) / 255 - 0.5


def test_lessons_are_given_once_and_gone_on_with(
    data: Path, tmp_path: Path, teacher_file: Path, peers: Peers, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = index(data)
    teacher = feeding.teacher_of(str(teacher_file), torch.device("cpu"))
    rendered: list[int] = []
    plane, most = Colorizer.plane, [5]

    def watched(self: Colorizer, pixels: np.ndarray, **options: int) -> object:
        if len(rendered) == most[0]:
            raise KeyboardInterrupt
        rendered.append(len(rendered))
        return plane(self, pixels, **options)

    monkeypatch.setattr(Colorizer, "plane", watched)
    with pytest.raises(KeyboardInterrupt):
        give_lessons(tmp_path, entries, teacher, 0.5, peers)
    most[0] = 1000
    lessons = give_lessons(tmp_path, entries, teacher, 0.5, peers)
    assert len(rendered) == len(entries)  # none twice
    give_lessons(tmp_path, entries, teacher, 0.5, peers)
    assert len(rendered) == len(entries)
    other = give_lessons(tmp_path, entries[1:], teacher, 0.5, peers)
    assert other.path != lessons.path and len(rendered) == 2 * len(entries) - 1
    u, v = plane_of(lessons, 3)
    assert u.mean() < -0.02 and v.mean() > 0.02  # orange


def test_a_blend_is_between_both_and_has_the_picture_s_luma(
    data: Path, tmp_path: Path, teacher_file: Path, peers: Peers
) -> None:
    entries = index(data)
    teacher = feeding.teacher_of(str(teacher_file), torch.device("cpu"))
    grey = Image.new("RGB", (60, 40), (128, 128, 128))
    whole = give_lessons(tmp_path, entries, teacher, 1.0, peers)
    weights = np.array([0.299, 0.587, 0.114])
    orange = np.asarray(whole.blended(grey, 0), float)
    assert orange[..., 0].mean() > 140 > 110 > orange[..., 2].mean()
    assert np.abs(orange @ weights - 128).max() < 1.5
    half = np.asarray(Lessons(whole.path, 0.5).blended(grey, 0), float)
    assert np.abs(half - (orange + 128) / 2).max() <= 1


def test_samples_bring_the_same_piece_twice(data: Path, tmp_path: Path, teacher_file: Path, peers: Peers) -> None:
    entries = index(data)
    teacher = feeding.teacher_of(str(teacher_file), torch.device("cpu"))
    lessons = give_lessons(tmp_path, entries, teacher, 1.0, peers)
    plain = Samples(entries, Preparation(), 32, seed=3)
    taught = Samples(entries, Preparation(), 32, seed=3, lessons=lessons)
    before, after = plain[(4, 7, 1)]
    seen, both = taught[(4, 7, 1)]
    assert torch.equal(before, seen) and torch.equal(after, both[:3]) and both.shape == (6, 32, 32)
    blend = both[3:].float()
    weights = torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)
    assert ((blend - after).mul(weights).sum(dim=0).abs() < 4).float().mean() > 0.95  # the same place, in other colours
    assert (blend - after).abs().mean() > 5


def test_only_the_loss_of_the_pixels_wants_the_blend() -> None:
    recipe = toy_stages("stable", 1, "64-free")
    stage = dataclasses.replace(recipe.stages[0], feature_weight=0.0, gradient_weight=1.0)
    torch.manual_seed(0)
    render, original, wanted = (torch.randn(2, 3, 32, 32) for _ in range(3))
    plain = content_losses(recipe, stage, None, render, render, original)
    taught = content_losses(recipe, stage, None, render, render, original, wanted)
    towards = content_losses(recipe, stage, None, render, render, wanted)
    (pixels,) = set(plain) - {"gradients"}
    assert torch.equal(taught[pixels], towards[pixels]) and not torch.equal(taught[pixels], plain[pixels])
    assert torch.equal(taught["gradients"], plain["gradients"])


def test_a_taught_run_learns_the_teacher_s_colours_and_its_card_names_it(
    data: Path, tmp_path: Path, teacher_file: Path
) -> None:
    changes = [f'teacher="{teacher_file}"', "teacher_weight=1.0"]
    recipe = first_stage("compact", changes)
    train(recipe, data, tmp_path / "run")
    assert list((tmp_path / "run").glob("lessons-*.npy"))
    trained = read_trained(tmp_path / "run" / "last.pt")
    text = card(trained, "owner/name", 12, Story("mit", "toys", "abc", "python -m train"))
    assert "A teacher's colours were blended into the targets of the pixels, at 100%" in text
    assert "`orange.pth` (licence unknown" in text
    named = dataclasses.replace(trained, recipe={**trained.recipe, "teacher": "ddcolor-artistic+artistic"})
    text = card(named, "owner/name", 12, Story("mit", "toys", "abc", "python -m train"))
    assert "`ddcolor-artistic` (licence Apache-2.0), `artistic` (licence MIT)" in text
    plain = Training(
        dataclasses.replace(recipe, teacher=""), data, tmp_path / "run", seed=3, device="cpu", workers=0
    )  # fmt: skip
    with pytest.raises(TrainingError, match="started otherwise: teacher is ''"):
        plain.resume()


def test_a_teacher_is_refused_where_it_cannot_be(streamed: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="which only a colorizer can have"):
        first_stage("compact-defade", ['teacher="artistic"'])
    with pytest.raises(RecipeError, match="teacher_weight above 0"):
        first_stage("compact", ['teacher="artistic"', "teacher_weight=0"])
    recipe = first_stage("compact", ['teacher="compact"'])
    with pytest.raises(TrainingError, match="photographs that lie on this machine"):
        train(recipe, streamed, tmp_path / "run", images=18)
