"""Colours that are changed after the render, without a new one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from demo import adjusting, models, working
from demo.adjusting import adjust, adjustments_of, finish
from demo.album import Album
from demo.jobs import Colouring
from demo.planes import read_plane, write_plane
from demo.storage import Storage
from demo.working import take_in, work
from deoldify.imaging import Adjustments, ColourPlane, Hint
from deoldify.photo import Render, open_photo
from tests.page import commanded, grey_photo


def test_a_plane_comes_back_from_disk_as_it_was(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 256, (8, 8), dtype=np.uint8)
    certainty = rng.random((8, 8), dtype=np.float32)
    render = Render("compact", 8, 9, 6, 0.5)
    plane = ColourPlane(
        grey, torch.rand(1, 2, 8, 8), torch.rand(1, 2, 8, 8), certainty, liveliness=0.25, render=render
    )  # fmt: skip
    again = read_plane(write_plane(plane, tmp_path / "plane.npz"))
    assert again.render == plane.render and again.liveliness == 0.25
    assert again.lively is not None and plane.lively is not None
    assert torch.equal(again.cautious, plane.cautious) and torch.equal(again.lively, plane.lively)
    assert np.array_equal(again.grey, grey) and again.certainty is not None
    assert np.array_equal(again.certainty, certainty)
    bare = read_plane(write_plane(ColourPlane(grey, plane.cautious), tmp_path / "bare.npz"))
    assert bare.lively is None and bare.certainty is None and bare.render is None


def test_what_a_client_sends_is_checked() -> None:
    told = {"saturation": 1.2, "warmth": None, "hints": ["0.4,0.6,#334d80", {"x": 0, "y": 1, "colour": None}]}
    assert adjustments_of(told) == Adjustments(1.2, hints=[Hint(0.4, 0.6, "#334d80"), Hint(0, 1, None)])
    assert adjustments_of({}) == Adjustments()
    for wrong in (
        {"saturation": "much"}, {"saturation": 3}, {"warmth": True}, {"warmth": float("nan")}, {"hints": "blue"},
        {"hints": [7]}, {"hints": [{"x": "0", "y": 0, "colour": "#000000"}]}, {"hints": ["0,0,#000000"] * 51},
        {"hints": [{"x": 0, "y": 0, "colour": "blue"}]}, {"hints": [{"x": 2, "y": 0, "colour": "#000000"}]},
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"must|outside|neither|is not"):
            adjustments_of(wrong)


def test_changed_colours_are_shown_at_once_and_written_as_a_new_render_would_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = Storage(tmp_path / "storage")
    for module in (working, adjusting):
        monkeypatch.setattr(module, "storage", lambda: storage)
    source = grey_photo(tmp_path / "hills.png", 120, 90)
    album = Album()
    for _ in take_in(album, [("hills.png", source)]):
        pass
    for _ in work(album, Colouring("compact", 8, "guided")):
        pass
    entry = next(iter(album.entries.values()))
    assert entry.done is not None and entry.shown is not None
    first, file = open_photo(entry.done.shown.large).pixels, entry.done.file.read_bytes()
    monkeypatch.setattr(models.colorizer("compact"), "_render", None)  # no more renders
    red = adjustments_of({"saturation": 0.5, "hints": ["0.5,0.1,#c03050"]})  # which no network makes a sky
    adjust(album, entry, red)
    done = entry.done
    assert done.stale and done.file.read_bytes() == file
    changed = open_photo(done.shown.large).pixels.astype(int)
    assert (changed - first)[5:12, 50:70, 0].mean() > 8
    assert album.result()["done"]["hints"] == [[0.5, 0.1, "#c03050"]]
    finish(album, entry)
    assert entry.done is not None and not entry.done.stale
    monkeypatch.undo()
    asked = ["-r", "8", "--saturation", "0.5", "--hint", "0.5,0.1,#c03050"]
    assert done.file.read_bytes() == commanded(source, tmp_path / "out.png", "colorize", *asked).read_bytes()
