"""Measuring a restorer: closed forms, and restorers whose quality is known beforehand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from skimage.color import lab2rgb
from typer.testing import CliRunner

from train.__main__ import app
from train.measure.defade import (
    BASELINES,
    STRENGTHS,
    Compared,
    autocontrast,
    clahe,
    colour_only,
    compare,
    defade_sheet,
    defade_table,
    delta_e,
    fade_all,
    finite_psnr,
    grey_world,
    measure_defade,
    measure_fresh,
)

Rgb = npt.NDArray[np.uint8]


def field(red: int, green: int, blue: int, side: int = 8) -> Rgb:
    return np.full((side, side, 3), (red, green, blue), np.uint8)


@pytest.fixture(scope="module")
def pictures(coffee: Rgb) -> list[Rgb]:
    """Three parts of a photograph."""
    return [
        np.asarray(Image.fromarray(coffee).resize((48, 48), box=(left, 0, left + 300, 400))) for left in (0, 150, 300)
    ]


def test_autocontrast_stretches_every_channel() -> None:
    rgb = field(100, 50, 7)
    rgb[0, 0], rgb[0, 1] = (80, 60, 7), (120, 70, 7)
    stretched = autocontrast(rgb)
    assert stretched[0, 0].tolist() == [0, 127, 7]
    assert stretched[0, 1].tolist() == [255, 255, 7]
    assert stretched[1, 1].tolist() == [127, 0, 7]


def test_grey_world_takes_a_cast_away_entirely() -> None:
    ramp = np.linspace(40, 120, 64).reshape(8, 8, 1)
    cast = np.rint(ramp * np.array([1.5, 1.0, 0.5])).astype(np.uint8)
    balanced = grey_world(cast).astype(int)
    assert np.ptp(balanced, axis=-1).max() <= 5  # of rounding before the stretch
    assert (balanced.min(), balanced.max()) == (0, 255)


def test_clahe_raises_contrast_and_leaves_hue(pictures: list[Rgb]) -> None:
    pale = np.asarray(pictures[0] // 4 + 90, np.uint8)
    equalised = clahe(pale)
    assert equalised.astype(float).mean(axis=-1).std() > 1.5 * pale.astype(float).mean(axis=-1).std()
    grey = np.repeat(pale[..., :1], 3, axis=-1)
    assert np.ptp(clahe(grey).astype(int), axis=-1).max() <= 1


def test_colour_difference_in_closed_form() -> None:
    # Greys that differ by two in lightness around 50, where CIEDE2000 is the difference itself.
    a, b = (np.asarray(np.rint(lab2rgb([[[lightness, 0.0, 0.0]]]) * 255), np.uint8) for lightness in (49.0, 51.0))
    assert delta_e(a, b) == pytest.approx(2, abs=0.3)
    assert delta_e(a, a) == 0


def test_psnr_of_equal_pictures_is_finite_and_above_all_others() -> None:
    a = field(10, 20, 30)
    b = a.copy()
    b[0, 0, 0] += 1
    assert finite_psnr(a, a) == pytest.approx(finite_psnr(a, b)) == pytest.approx(10 * np.log10(255**2 * 192))


def test_measures_of_pictures_that_are_off_by_a_known_amount() -> None:
    originals = [field(100, 100, 100, 16), field(150, 150, 150, 16)]

    def off(first: int, second: int) -> list[Rgb]:
        return [np.asarray(originals[0] + first, np.uint8), np.asarray(originals[1] + second, np.uint8)]

    def db(*errors: int) -> float:
        return float(np.mean([20 * np.log10(255 / error) for error in errors]))

    # The first baseline is the best on average; the second is better on the first picture, and better than ours.
    compared = Compared(originals, off(40, 40), off(4, 4), {"good": off(5, 5), "moody": off(2, 60)})
    m = measure_defade(compared)
    assert m.images == 2
    assert m.faded.psnr == pytest.approx(db(40, 40))
    assert m.gain == pytest.approx(20)
    assert m.best_baseline == "good"
    assert m.gain_over_best == pytest.approx(db(4, 4) - db(5, 5))
    assert (m.wins_over_best, m.wins_over_any) == (1, 0.5)
    assert m.baselines["moody"].psnr == pytest.approx(db(2, 60))
    assert m.delta_e_ratio == pytest.approx(m.restored.delta_e / m.faded.delta_e)
    assert 0.05 < m.delta_e_ratio < 0.2


def test_black_and_white_originals_are_left_out(pictures: list[Rgb]) -> None:
    grey = np.repeat(pictures[0][..., :1], 3, axis=-1)
    left = colour_only([pictures[0], grey, pictures[1]])
    assert [picture is original for picture, original in zip(left, pictures[:2], strict=True)] == [True, True]


def test_fadings_depend_on_the_seed_and_place_and_grow_with_strength(pictures: list[Rgb]) -> None:
    again = fade_all(pictures, 0.66, seed=3)
    for a, b in zip(fade_all(pictures, 0.66, seed=3), again, strict=True):
        assert np.array_equal(a, b)
    assert not any(np.array_equal(a, b) for a, b in zip(fade_all(pictures, 0.66, seed=4), again, strict=True))
    assert np.array_equal(fade_all(pictures[:2], 0.66, seed=3)[1], again[1])
    unfaded = fade_all(pictures, 0.0, seed=3)
    assert all(np.array_equal(a, b) for a, b in zip(unfaded, pictures, strict=True))
    errors = [
        np.mean([finite_psnr(a, b) for a, b in zip(pictures, fade_all(pictures, s, seed=3), strict=True)])
        for s in STRENGTHS.values()
    ]
    assert errors[0] > errors[1] > errors[2]


def test_a_restorer_that_does_nothing_gains_nothing_and_one_that_cheats_wins(pictures: list[Rgb]) -> None:
    idle = measure_defade(compare(pictures, lambda rgb: rgb, 0.66, seed=0))
    assert idle.gain == 0
    assert idle.delta_e_ratio == 1
    assert idle.restored == idle.faded
    answers = iter(pictures)
    perfect = measure_defade(compare(pictures, lambda rgb: next(answers), 0.66, seed=0))
    assert perfect.wins_over_best == perfect.wins_over_any == 1
    assert perfect.restored.ssim == pytest.approx(1)
    assert perfect.delta_e_ratio == 0
    assert perfect.gain > 20
    fresh = measure_fresh(pictures, lambda rgb: np.asarray(rgb // 2 + 51, np.uint8))
    assert fresh.psnr < 25
    table = defade_table({"photos": {"medium": idle}}, {"photos": fresh})
    assert f"| photos | medium | 3 | faded | {idle.faded.psnr:.2f} dB" in table
    assert f"| photos | not | 3 | restored | {fresh.psnr:.2f} dB" in table
    assert "+0.00 dB" in table


def test_the_sheet_shows_faded_restored_baseline_and_original_in_this_order() -> None:
    colours = [(200, 0, 0), (0, 200, 0), (0, 0, 200), (90, 90, 90)]
    faded, restored, best, original = ([field(*colour)] * 3 for colour in colours)
    sheet = np.asarray(
        defade_sheet(Compared(original, faded, restored, {"best": best}), "best", columns=2, side=16)
    )  # fmt: skip
    rows = [sheet[2 + 18 * row + 8, 10].tolist() for row in range(8)]
    assert rows == [list(colour) for colour in colours * 2]
    assert sheet[2 + 18 * 4 + 8, 28].tolist() == [255, 255, 255]


def test_the_command_writes_numbers_and_sheets(pictures: list[Rgb], tmp_path: Path) -> None:
    folder = tmp_path / "data" / "views"
    folder.mkdir(parents=True)
    for number, rgb in enumerate(pictures):
        Image.fromarray(rgb).save(folder / f"{number}.png")
    arguments = ["evaluate", "--task", "defade", "--model", "defade", "--data", str(tmp_path / "data")]
    arguments += ["--render-factor", "4", "--limit", "2", "--json", str(tmp_path / "n.json")]
    done = CliRunner().invoke(app, [*arguments, "--sheet", str(tmp_path / "sheets")])
    assert done.exit_code == 0, done.output
    report = json.loads((tmp_path / "n.json").read_text())
    assert (report["model"], report["task"], report["seed"]) == ("defade", "defade", 0)
    assert report["render_factors"].keys() == {"4"}
    views = report["render_factors"]["4"]["views"]
    assert views.keys() == {*STRENGTHS, "fresh"}
    assert views["medium"]["images"] == 2
    assert views["medium"]["baselines"].keys() == BASELINES.keys()
    assert views["strong"]["faded"]["psnr"] < views["mild"]["faded"]["psnr"]
    assert sorted(path.name for path in (tmp_path / "sheets").iterdir()) == [
        f"views-{s}-4.png" for s in sorted(STRENGTHS)
    ]
    wrong = CliRunner().invoke(
        app, ["evaluate", "--model", "defade", "--task", "colorize", "--data", str(tmp_path / "data")]
    )
    assert wrong.exit_code == 2
