"""Many photographs side by side: the same files as one at a time, within bounds, and nothing half done."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

import deoldify
from deoldify.errors import LeftOutError
from deoldify.folder import Job, Run, Stamp, Task, digest_of, job_of, process, running, stamp_of
from deoldify.photo import Photo, open_photo, save_photo

Tasks = list[Task]
JOB: Job = job_of("colorize", "coloured", weights={}, settings={})


def unchanged(photo: Photo) -> tuple[Photo, str]:
    return photo, "unchanged"


@pytest.fixture
def tasks(tmp_path: Path) -> Tasks:
    """Eight PNGs of 6 to 48 pixels."""
    for i in range(1, 9):
        Image.new("L", (2 * i, 3), 20 * i).save(tmp_path / f"{i}.png")
    return [Task(path, tmp_path / "new" / path.name) for path in sorted(tmp_path.glob("*.png"))]


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
    todo = [Task(tmp_path / name, tmp_path / "new" / "deep" / name) for name in sorted([*names, "c2.jpg"])]
    outcomes = {outcome.source: outcome for outcome in process(todo, Run(work), workers=3)}
    assert outcomes.keys() == {task.source for task in todo}
    assert [source.name for source, outcome in outcomes.items() if outcome.status != "done"] == ["c2.jpg"]
    assert "c2.jpg" in outcomes[tmp_path / "c2.jpg"].message
    made = {path.name: path.read_bytes() for path in (tmp_path / "new" / "deep").iterdir()}
    assert made == expected


def test_an_outcome_tells_what_a_report_needs(tmp_path: Path) -> None:
    pages = [Image.new("L", (7 + i, 5), 90) for i in range(3)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    with (tmp_path / "a.tif").open("rb") as stream:
        digest = digest_of(stream)
    task = Task(tmp_path / "a.tif", tmp_path / "new.tif")
    (outcome,) = process([task], Run(unchanged, JOB), workers=1)
    assert (outcome.source, outcome.target, outcome.status, outcome.message) == (task.source, task.target, "done", "")
    assert (outcome.kind, outcome.pages, outcome.pages_done, outcome.size, outcome.bits) == ("TIFF", 3, 1, (7, 5), 8)
    assert (outcome.digest, outcome.renders, outcome.animated) == (digest, (), False)
    assert outcome.seconds > 0
    bytes_ = (tmp_path / "a.tif").stat().st_size
    assert stamp_of(task.target) == Stamp("colorize", JOB.identity, digest, bytes_)


@pytest.mark.parametrize("keep_dates", [True, False])
def test_dates_follow_the_photo_unless_asked_not_to(tasks: Tasks, keep_dates: bool) -> None:
    for number, task in enumerate(tasks):
        os.utime(str(task.source), (number, 1_000_000_000 + number))
    assert {outcome.status for outcome in process(tasks, Run(unchanged, JOB, keep_dates), workers=2)} == {"done"}
    for task in tasks:
        then, now = (os.stat(str(place)).st_mtime_ns for place in (task.source, task.target))
        assert (now == then) is keep_dates
        stamp = stamp_of(task.target)
        assert stamp is not None and stamp.modified == (None if keep_dates else then)


def test_all_pages_become_one_tiff_and_those_that_are_left_are_in_it(tmp_path: Path) -> None:
    greys = [60, 120, 180]
    pages = [Image.new("L", (7, 5), grey) for grey in greys]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])

    def work(photo: Photo) -> tuple[Photo, str]:
        if photo.pixels[0, 0, 0] == 120:
            raise LeftOutError("has colours")
        return photo.with_pixels(255 - photo.pixels), "inverted"

    run = Run(work, JOB, all_pages=True)
    (outcome,) = process([Task(tmp_path / "a.tif", tmp_path / "new.tif")], run, workers=1)
    assert (outcome.status, outcome.pages, outcome.pages_done) == ("done", 3, 2)
    assert [open_photo(tmp_path / "new.tif", page=i).pixels[0, 0, 0] for i in range(3)] == [195, 120, 75]
    (outcome,) = process([Task(tmp_path / "a.tif", tmp_path / "new.png")], run, workers=1)
    assert outcome.status == "failed" and "new.png" in outcome.message and ".tif" in outcome.message
    pages[1].save(tmp_path / "b.tif", save_all=True, append_images=[pages[1]])
    (outcome,) = process([Task(tmp_path / "b.tif", tmp_path / "left.tif")], run, workers=1)
    assert (outcome.status, outcome.message) == ("left", "has colours")
    assert not list(tmp_path.glob("left*")) and not list(tmp_path.glob(".*"))


def test_an_animation_has_one_page_to_do(tmp_path: Path) -> None:
    frames = [Image.new("L", (7, 5), grey) for grey in (60, 120)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    (outcome,) = process(
        [Task(tmp_path / "a.gif", tmp_path / "a.png")], Run(unchanged, JOB, all_pages=True), workers=1
    )  # fmt: skip
    assert (outcome.status, outcome.pages, outcome.pages_done, outcome.animated) == ("done", 2, 1, True)


def test_photos_are_in_hand_together(tasks: Tasks) -> None:
    together = threading.Barrier(2, timeout=60)  # which breaks, and the photo fails, where one waits for the other

    def work(photo: Photo) -> tuple[Photo, str]:
        together.wait()
        return unchanged(photo)

    assert [outcome.status for outcome in process(tasks, Run(work), workers=2)] == ["done"] * 8


def test_no_more_pixels_are_in_hand_than_there_is_room_for(tasks: Tasks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "PIXELS_AT_ONCE", 30)
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

    assert [outcome.status for outcome in process(tasks, Run(work), workers=8)] == ["done"] * 8
    assert all(sum(pixels) <= 30 or len(pixels) == 1 for pixels in seen)
    assert max(len(pixels) for pixels in seen) > 1


@pytest.mark.parametrize("error", [ZeroDivisionError("a bug"), MemoryError(), LeftOutError("has colours")])
def test_trouble_with_a_photo_is_its_own(error: Exception, tasks: Tasks) -> None:
    def work(photo: Photo) -> tuple[Photo, str]:
        if photo.width == 6:
            raise error
        return unchanged(photo)

    outcomes = {outcome.source.name: outcome for outcome in process(tasks, Run(work), workers=2)}
    left = isinstance(error, LeftOutError)
    assert outcomes.pop("3.png").status == ("left" if left else "failed")
    assert [outcome.status for outcome in outcomes.values()] == ["done"] * 7
    assert not os.path.exists(str(tasks[0].target.parent / "3.png"))


def test_what_is_to_end_everything_does(tasks: Tasks) -> None:
    def work(photo: Photo) -> tuple[Photo, str]:
        raise SystemExit(3)

    threads = threading.active_count()
    with pytest.raises(SystemExit):
        list(process(tasks, Run(work), workers=2))
    assert threading.active_count() == threads


def test_who_stops_listening_stops_the_work(tasks: Tasks) -> None:
    begun = []

    def work(photo: Photo) -> tuple[Photo, str]:
        begun.append(photo)
        time.sleep(0.05)
        return unchanged(photo)

    outcomes = process(tasks, Run(work), workers=2)
    assert next(outcomes).status == "done"
    outcomes.close()
    assert len(begun) < len(tasks)
    made = sorted(Path(str(tasks[0].target)).parent.iterdir())
    assert 1 <= len(made) <= len(begun)
    assert {path.suffix for path in made} == {".png"}


def heed(number: int) -> Callable[[], None]:
    """To be called in a new process: a signal that this one ignores, as jobs in the background do, is heeded there."""

    def restore() -> None:
        signal.signal(number, signal.SIG_DFL)

    return restore


@pytest.mark.skipif(os.name == "nt", reason="signals cannot be sent to one process of a console there")
@pytest.mark.parametrize(("number", "status"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_run_that_is_ended_leaves_whole_files_only_and_the_next_one_does_the_rest(
    number: str, status: int, coffee: npt.NDArray[np.uint8], tmp_path: Path
) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    count = 16
    Image.fromarray(coffee).convert("L").resize((300, 200)).save(old / "0.jpg")
    for i in range(1, count):
        (old / f"{i}.jpg").write_bytes((old / "0.jpg").read_bytes())
    command = [sys.executable, "-m", "deoldify", "colorize", str(old), "-o", str(new)]
    heeding = heed(getattr(signal, number))
    with subprocess.Popen(command, stderr=subprocess.PIPE, preexec_fn=heeding) as ended:
        while ended.poll() is None and not list(new.glob("*.jpg")):
            time.sleep(0.01)
        ended.send_signal(getattr(signal, number))
        errors = ended.communicate(timeout=300)[1].decode()
    made = sorted(new.iterdir())
    assert ended.returncode == status
    assert "Traceback" not in errors and errors.rstrip().endswith("and the same command goes on from there")
    assert 1 <= len(made) < count
    for path in made:
        assert path.suffix == ".jpg"
        with Image.open(path) as image:
            image.load()
    again = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert again.returncode == 0, again.stderr
    assert f"{len(made)} of {count} photos are done already" in again.stderr
    assert len(list(new.iterdir())) == count


def catches(process_id: int, number: int) -> bool:
    """Whether a process has a handler of its own for a signal."""
    status = Path(f"/proc/{process_id}/status").read_text()
    (caught,) = (line.split()[1] for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught, 16) >> (number - 1) & 1)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells what a process catches")
@pytest.mark.parametrize(("name", "status"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 143)])
def test_who_loads_or_waits_for_stdin_is_ended_by_a_signal(name: str, status: int, tmp_path: Path) -> None:
    number = getattr(signal, name)
    command = [sys.executable, "-m", "deoldify", "colorize", "-", "-o", str(tmp_path / "a.jpg")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, preexec_fn=heed(number)) as waiting:
        while not catches(waiting.pid, signal.SIGTERM) or not catches(waiting.pid, number):
            time.sleep(0.05)
        time.sleep(0.5)
        waiting.send_signal(number)
        assert waiting.wait(timeout=300) == status
        assert waiting.stdout is not None and waiting.stdout.read() == b""
        assert waiting.stderr is not None and b"Traceback" not in waiting.stderr.read()
    assert not list(tmp_path.iterdir())


def test_a_file_in_place_of_a_results_folder_fails_that_photo_alone(tasks: Tasks, tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    tasks[0] = Task(tasks[0].source, tmp_path / "taken" / "1.png")
    outcomes = {outcome.source.name: outcome for outcome in process(tasks, Run(unchanged, JOB), workers=2)}
    failed = outcomes.pop("1.png")
    assert failed.status == "failed" and str(failed.target) in failed.message and "Errno" not in failed.message
    assert {outcome.status for outcome in outcomes.values()} == {"done"}
