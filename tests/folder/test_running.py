"""Many photographs side by side: the same files as one at a time, within bounds, and nothing half done."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

import deoldify
from deoldify import folder
from deoldify.folder import Outcome, process
from deoldify.photo import Photo, open_photo, save_photo

Jobs = list[tuple[Path, Path]]


def unchanged(photo: Photo) -> tuple[Photo, str]:
    return photo, "unchanged"


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    """Eight PNGs of 6 to 48 pixels."""
    for i in range(1, 9):
        Image.new("L", (2 * i, 3), 20 * i).save(tmp_path / f"{i}.png")
    return [(path, tmp_path / "new" / path.name) for path in sorted(tmp_path.glob("*.png"))]


def test_files_are_those_of_one_at_a_time_and_a_bad_photo_stops_no_other(
    coffee: npt.NDArray[np.uint8], tmp_path: Path
) -> None:
    colorizer = deoldify.load("compact", device="cpu")
    names = ["a.jpg", "b.png", "c.tif", "d.webp", "e.jpg", "f.jpg"]
    for i, name in enumerate(names):
        Image.fromarray(coffee[40 * i :]).resize((90 + 16 * i, 120)).convert("L").save(tmp_path / name)
    (tmp_path / "c2.jpg").write_bytes(b"\xff\xd8\xff\xe0 not much of a photo")

    def work(photo: Photo) -> tuple[Photo, str]:
        return colorizer.colorize_photo(photo), colorizer.label

    expected = {}
    for name in names:
        result, label = work(open_photo(tmp_path / name))
        save_photo(result, tmp_path / f"alone-{name}", label=label)
        expected[name] = (tmp_path / f"alone-{name}").read_bytes()
    todo = [(tmp_path / name, tmp_path / "new" / "deep" / name) for name in sorted([*names, "c2.jpg"])]
    outcomes = list(process(todo, work, workers=3))
    assert {outcome.source for outcome in outcomes} == {source for source, _ in todo}
    assert {outcome.source.name: str(outcome.error) for outcome in outcomes if outcome.error}.keys() == {"c2.jpg"}
    made = {path.name: path.read_bytes() for path in (tmp_path / "new" / "deep").iterdir()}
    assert made == expected


def test_photos_are_in_hand_together(jobs: Jobs) -> None:
    together = threading.Barrier(2, timeout=60)  # which breaks, and the photo fails, where one waits for the other

    def work(photo: Photo) -> tuple[Photo, str]:
        together.wait()
        return unchanged(photo)

    assert [outcome.error for outcome in process(jobs, work, workers=2)] == [None] * 8


def test_no_more_pixels_are_in_hand_than_there_is_room_for(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "PIXELS_AT_ONCE", 30)
    guard = threading.Lock()
    in_hand: list[int] = []
    seen: list[list[int]] = []

    def work(photo: Photo) -> tuple[Photo, str]:
        with guard:
            in_hand.append(photo.width * photo.height)
            seen.append(list(in_hand))
        time.sleep(0.01)
        with guard:
            in_hand.remove(photo.width * photo.height)
        return unchanged(photo)

    assert [outcome.error for outcome in process(jobs, work, workers=8)] == [None] * 8
    assert all(sum(pixels) <= 30 or len(pixels) == 1 for pixels in seen)
    assert max(len(pixels) for pixels in seen) > 1


def test_what_is_no_fault_of_a_photo_ends_it_all(jobs: Jobs) -> None:
    def work(photo: Photo) -> tuple[Photo, str]:
        raise ZeroDivisionError("a bug")

    threads = threading.active_count()
    with pytest.raises(ZeroDivisionError, match="a bug"):
        list(process(jobs, work, workers=2))
    assert threading.active_count() == threads


def test_who_stops_listening_stops_the_work(jobs: Jobs) -> None:
    begun = []

    def work(photo: Photo) -> tuple[Photo, str]:
        begun.append(photo)
        time.sleep(0.05)
        return unchanged(photo)

    outcomes = process(jobs, work, workers=2)
    first = next(outcomes)
    assert first == Outcome(first.source, 1, None)
    outcomes.close()
    assert len(begun) < len(jobs)
    made = sorted((jobs[0][1]).parent.iterdir())
    assert 1 <= len(made) <= len(begun)
    assert {path.suffix for path in made} == {".png"}


@pytest.mark.skipif(os.name == "nt", reason="a console's Ctrl-C cannot be sent to one process there")
def test_ctrl_c_leaves_whole_files_only_and_the_next_run_does_the_rest(
    coffee: npt.NDArray[np.uint8], tmp_path: Path
) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    Image.fromarray(coffee).convert("L").save(old / "0.jpg")
    for i in range(1, 60):
        (old / f"{i}.jpg").write_bytes((old / "0.jpg").read_bytes())
    command = [sys.executable, "-m", "deoldify", "colorize", str(old), "-o", str(new)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as running:
        while running.poll() is None and not list(new.glob("*.jpg")):
            time.sleep(0.01)
        running.send_signal(signal.SIGINT)
        errors = running.communicate(timeout=120)[1].decode()
    made = sorted(new.iterdir())
    assert running.returncode != 0
    assert "Traceback" not in errors
    assert 1 <= len(made) < 60
    for path in made:
        assert path.suffix == ".jpg"
        with Image.open(path) as image:
            image.load()
    again = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert again.returncode == 0, again.stderr
    assert f"{len(made)} of 60 photos are done already" in again.stderr
    assert len(list(new.iterdir())) == 60
