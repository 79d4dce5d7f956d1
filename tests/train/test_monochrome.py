"""Training what tells black and white from colour, at toy scale, and what its pictures are made of."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from deoldify.imaging import to_tensor
from deoldify.monochrome import Head, unexplained
from train.data.prints import as_colour_photograph, as_print, faded_colour
from train.data.prints.toning import toned
from train.monochrome import Recipe, shift_odds, train_monochrome


def small(coffee: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return np.asarray(Image.fromarray(coffee).resize((72, 48)))


def test_a_toned_print_has_one_colour_for_each_tone_at_each_place() -> None:
    for seed in range(20):
        grey = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (48, 1))
        picture = toned(grey, np.random.default_rng(seed))
        assert picture.shape == (48, 64, 3) and picture.min() >= 0 and picture.max() <= 1
        lightness = picture @ np.array([0.299, 0.587, 0.114])
        assert lightness[:, -1].mean() > lightness[:, 0].mean() + 0.1


def test_pictures_are_made_alike_of_alike_chance(coffee: npt.NDArray[np.uint8]) -> None:
    scene = small(coffee)
    for make in (as_print, as_colour_photograph):
        made = [make(scene, np.random.default_rng(seed)) for seed in (1, 1, 2)]
        assert np.array_equal(made[0], made[1]) and not np.array_equal(made[0], made[2])
        assert all(each.shape == scene.shape and each.dtype == np.uint8 for each in made)
    assert np.array_equal(scene, small(coffee))


def test_no_colour_photograph_fades_until_it_is_a_print(coffee: npt.NDArray[np.uint8]) -> None:
    left = []
    for seed in range(20):
        faded = faded_colour(small(coffee), np.random.default_rng(seed))
        _, residual = unexplained(to_tensor(np.rint(faded * 255).astype(np.uint8)))
        left.append(float(residual.square().sum(dim=1).sqrt().flatten().quantile(0.8)))
    assert min(left) > 0.7


def test_odds_are_shifted_until_few_colour_photographs_are_mistaken() -> None:
    torch.manual_seed(0)
    head = Head().eval()
    measured = torch.randn(50, len(head.mean))
    with torch.no_grad():
        shift_odds(head, measured, 0.1)
        assert 0 < float((head(measured) >= 0).float().mean()) <= 0.12


def test_a_toy_head_is_trained_and_written(coffee: npt.NDArray[np.uint8], tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for number in range(200, 240):  # one of which is held out
        left, top = (number - 200) * 8, (number - 200) * 4
        Image.fromarray(coffee).crop((left, top, left + 200, top + 160)).save(data / f"{number:03}.jpg")
    out = tmp_path / "new" / "head.safetensors"
    numbers = train_monochrome([data], out, Recipe(pictures=32, passes=2, batch=16))
    assert set(json.loads(out.with_suffix(".json").read_text())) == {"recipe", "held out"}
    assert 0 <= numbers["prints taken for black and white"] <= 1 and out.stat().st_size < 200_000
