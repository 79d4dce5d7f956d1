"""Listing what there is: folders, tar files, and the part that is held out."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.toys import pictures
from train.data import (
    DataError,
    Entry,
    Images,
    Reader,
    index,
    is_held_out,
)


def test_index_finds_folders_and_tars_and_reads_both(tmp_path: Path) -> None:
    pictures(tmp_path / "data" / "loose", 3)
    pictures(tmp_path / "packed", 2, seed=1)
    with tarfile.open(tmp_path / "data" / "packed.tar", "w") as tar:
        tar.add(tmp_path / "packed", "packed")
    entries = index(tmp_path / "data")
    assert [(e.source, e.name) for e in entries] == [
        ("loose", "loose/000.jpg"), ("loose", "loose/001.jpg"), ("loose", "loose/002.jpg"),
        ("packed", "packed/000.jpg"), ("packed", "packed/001.jpg"),
    ]  # fmt: skip
    packed = Reader().read(entries[-1])
    with Image.open(tmp_path / "packed" / "001.jpg") as direct:
        assert np.array_equal(np.asarray(packed), np.asarray(direct))
    with pytest.raises(DataError, match="nowhere does not exist"):
        index(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no images"):
        index(tmp_path / "empty")


def test_the_held_out_part_is_decided_by_name_and_has_its_share() -> None:
    entries = [Entry("s", f"s/{number:05}.jpg", Path("x")) for number in range(20000)]
    held_out = {e.name for e in entries if is_held_out(e.name)}
    assert 150 < len(held_out) < 250
    assert held_out == {e.name for e in reversed(entries) if is_held_out(e.name)}


def test_whole_sources_are_held_out_and_the_hundredth_is_left_alone() -> None:
    sources = ("streets", "rooms", "sea")
    entries = [Entry(source, f"{source}/{n:05}.jpg", Path("x")) for source in sources for n in range(400)]
    usual, whole = Images(entries), Images(entries, ["rooms", "sea"])
    assert {e.source for e in whole.held_out} == {"rooms", "sea"} and len(whole.held_out) == 800
    # What the hundredth of the others is stays unseen, so that runs with and without can be compared on it.
    assert whole.entries == [e for e in usual.entries if e.source == "streets"]
    assert whole.few(Path("x"), 12) == whole.held_out
    with pytest.raises(DataError, match="--hold-out names room, and the data have rooms, sea, streets"):
        Images(entries, ["room"])
    with pytest.raises(DataError, match="leaves nothing to train on"):
        Images(entries, ["streets", "rooms", "sea"])
