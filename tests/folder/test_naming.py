"""What results are called."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest

from deoldify.folder import Found, name_results


def named(*paths: str) -> list[str]:
    """What becomes of photos in one folder, by their paths in it."""
    found = [Found(Path("old") / path, Path(path)) for path in paths]
    return [Path(str(path)).relative_to("new").as_posix() for path in name_results(found, Path("new"))]


@pytest.mark.parametrize(
    ("photos", "results"),
    [
        (["a.jpg", "1911/b.tif"], ["a.jpg", "1911/b.tif"]),
        (["a.HEIC", "b.avif", "c.gif", "D.JPG"], ["a.jpg", "b.jpg", "c.png", "D.JPG"]),
        (["a.gif", "a.png"], ["a.gif.png", "a.png.png"]),
        (["IMG_1.HEIC", "img_1.jpg"], ["IMG_1.HEIC.jpg", "img_1.jpg.jpg"]),
        (["a.gif", "a.png", "a.gif.png"], ["a.gif.png", "a.png.png", "a.gif.png.png"]),
        (["x/a.gif", "y/a.png"], ["x/a.png", "y/a.png"]),
    ],
)
def test_what_clashes_keeps_its_whole_name(photos: list[str], results: list[str]) -> None:
    assert named(*photos) == results


def test_names_depend_on_no_order() -> None:
    photos = ["a.gif", "a.png", "a.gif.png", "A.PNG", "b.jpg"]
    expected = dict(zip(photos, named(*photos), strict=True))
    for order in itertools.permutations(photos):
        assert dict(zip(order, named(*order), strict=True)) == expected


@pytest.mark.parametrize("photos", [["a.jpg", "A.JPG"], ["caf\u00e9.jpg", "cafe\u0301.jpg"], ["1/a.jpg", "1/A.jpg"]])
def test_names_that_some_file_systems_take_for_one_come_out_apart(photos: list[str]) -> None:
    results = named(*photos)
    assert len({result.casefold() for result in results}) == 2
    assert [Path(result).suffix.lower() for result in results] == [".jpg", ".jpg"]
    assert results == named(*photos)


def test_one_name_in_two_folders_comes_out_twice() -> None:
    found = [Found(Path(folder) / "a.jpg", Path("a.jpg")) for folder in ("one", "two")]
    results = name_results(found, Path("new"))
    assert len(set(results)) == 2
    assert all(result.name.startswith("a.jpg.") and result.suffix == ".jpg" for result in results)


@pytest.mark.parametrize("stem", ["x" * 251, "写" * 83, "😀" * 62])
def test_names_stay_within_what_a_name_can_be(stem: str) -> None:
    results = named(f"{stem}.gif", f"{stem}.png")
    assert len(set(results)) == 2
    assert all(len(os.fsencode(result)) <= 255 for result in results)
    assert all(result.startswith(stem[:50]) and result.endswith(".png") for result in results)
