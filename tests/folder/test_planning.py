"""Which file becomes which, and what is done already: decided without opening a photograph."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from deoldify.errors import UsageError
from deoldify.folder import Job, Place, Plan, Stamp, digest_of, job_of, plan, stamp_of
from deoldify.photo import Photo, save_photo

COLORIZE = job_of("colorize", "coloured", weights={"compact": "0" * 64}, settings={"render_factor": None})
DEFADE = job_of("defade", "restored", weights={"defade": "1" * 64}, settings={})


def photograph(path: Path, seed: int = 0) -> Path:
    """A small photo in the format that the path names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_photo(Photo(np.random.default_rng(seed).integers(0, 256, (5, 7, 3), dtype=np.uint8)), path)
    return path


def finish(made: Plan, job: Job = COLORIZE, *, keep_dates: bool = True) -> None:
    """Do what is planned, or rather what leaves such files."""
    for task in made.tasks:
        assert isinstance(task.source, Path) and isinstance(task.target, Path)
        found = task.source.stat()
        with task.source.open("rb") as stream:
            digest = digest_of(stream)
        stamp = Stamp(job.name, job.identity, digest, found.st_size, None if keep_dates else found.st_mtime_ns)
        task.target.parent.mkdir(parents=True, exist_ok=True)
        modified = found.st_mtime_ns if keep_dates else None
        save_photo(Photo(np.zeros((5, 7, 3), np.uint8)), task.target, stamp=str(stamp), modified=modified)
        assert stamp_of(task.target) == stamp


def targets(made: Plan) -> list[Place]:
    return [task.target for task in made.tasks]


def test_a_job_is_told_apart_by_weights_and_any_setting() -> None:
    jobs = {
        job_of("colorize", "coloured", weights=weights, settings=settings).identity
        for weights in ({"compact": "0"}, {"compact": "1"}, {"defade": "0"})
        for settings in ({}, {"a": 1}, {"a": 2}, {"a": 1, "hints": [[1, 2], [3, 4]]}, {"a": None})
    }
    assert len(jobs) == 15
    one, other = ({"a": 1, "b": 2}, {"b": 2, "a": 1})
    assert job_of("x", "y", weights={}, settings=one) == job_of("x", "y", weights={}, settings=other)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp", ".bmp"])
@pytest.mark.parametrize("keep_dates", [True, False])
def test_what_was_made_of_this_file_by_this_job_is_done_already(
    suffix: str, keep_dates: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    sources = [photograph(old / f"{name}{suffix}") for name in "ab"]
    finish(plan([old], new, COLORIZE), keep_dates=keep_dates)
    with monkeypatch.context() as patched:  # dates are enough
        patched.setattr("deoldify.folder.stamps.digest_of", None)
        again = plan([old], new, COLORIZE)
    assert (again.tasks, len(again.there)) == ([], 2)

    os.utime(sources[0])
    copied = sorted(new.iterdir())[-1]
    copied.write_bytes(copied.read_bytes())
    again = plan([old], new, COLORIZE)
    assert (again.tasks, len(again.there)) == ([], 2)

    photograph(sources[0], seed=1)
    again = plan([old], new, COLORIZE)
    assert ([task.source for task in again.tasks], len(again.there)) == ([sources[0]], 1)
    assert len(plan([old], new, COLORIZE, force=True).tasks) == 2


def test_another_job_or_other_settings_in_one_folder_are_refused(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    photograph(old / "a.jpg")
    finish(plan([old], new, DEFADE), DEFADE)
    with pytest.raises(UsageError, match=rf"a.jpg is there already, as a result of deoldify defade.*{new}-coloured"):
        plan([old], new, COLORIZE)
    other = job_of("defade", "restored", weights={"defade": "1" * 64}, settings={"strength": 0.5})
    with pytest.raises(UsageError, match=rf"made with other settings or weights.*{new}-restored"):
        plan([old], new, other)
    assert targets(plan([old], new, COLORIZE, force=True)) == [new / "a.jpg"]


def test_files_of_others_and_results_of_other_photos_are_not_replaced(tmp_path: Path) -> None:
    old, other, new = tmp_path / "old", tmp_path / "other", tmp_path / "new"
    photograph(old / "a.jpg")
    photograph(other / "a.jpg", seed=1)
    photograph(other / "b.jpg", seed=2)
    finish(plan([old], new, COLORIZE))
    with pytest.raises(UsageError, match="made of another photo"):
        plan([other], new, COLORIZE)
    photograph(new / "a.jpg")
    with pytest.raises(UsageError, match="no result of this program"):
        plan([old], new, COLORIZE)


@pytest.mark.parametrize("force", [False, True])
def test_an_output_that_is_an_input_is_refused(force: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photo = photograph(tmp_path / "old" / "a.jpg")
    monkeypatch.chdir(photo.parent)
    (tmp_path / "link").symlink_to(tmp_path / "old")
    (tmp_path / "link.jpg").symlink_to(photo)
    os.link(photo, tmp_path / "hard.jpg")
    for source, output in (
        ("a.jpg", "."), ("a.jpg", "a.jpg"), (photo, tmp_path / "old"), (".", "."), (".", tmp_path / "link"),
        ("a.jpg", "../old/../old/a.jpg"), ("a.jpg", tmp_path / "link"), ("a.jpg", tmp_path / "link.jpg"),
        (tmp_path / "link.jpg", photo), ("a.jpg", tmp_path / "hard.jpg"), (tmp_path / "link", tmp_path / "old"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=r"holds the originals, and .*(a|link)\.jpg .* such as .*coloured"):
            plan([Path(source)], Path(output), COLORIZE, force=force)


def test_a_result_does_not_take_the_place_of_another_photo(tmp_path: Path) -> None:
    photograph(tmp_path / "other" / "1911" / "a.png")
    original = photograph(tmp_path / "old" / "1911" / "a.png", seed=1)
    with pytest.raises(UsageError, match=f"{original} would be replaced by what becomes of .*other"):
        plan([tmp_path / "other", original], tmp_path / "old", COLORIZE)


@pytest.mark.parametrize("output", ["album/new", "album/1911/new", "."])
def test_a_second_run_finds_nothing_to_do_wherever_the_results_are(output: str, tmp_path: Path) -> None:
    photograph(tmp_path / "album" / "a.jpg")
    photograph(tmp_path / "album" / "1911" / "b.bmp")
    first = plan([tmp_path / "album"], tmp_path / output, COLORIZE)
    assert targets(first) == [tmp_path / output / "1911" / "b.bmp", tmp_path / output / "a.jpg"]
    finish(first)
    second = plan([tmp_path / "album"], tmp_path / output, COLORIZE)
    assert (second.tasks, len(second.there), second.troubles) == ([], 2, [])


def test_results_of_the_same_job_are_no_photographs_and_those_of_another_are(tmp_path: Path) -> None:
    photograph(tmp_path / "old" / "a.jpg")
    fresh = tmp_path / "old" / "fresh"
    finish(plan([tmp_path / "old"], fresh, DEFADE), DEFADE)
    coloured = plan([fresh], tmp_path / "colour", COLORIZE)
    assert targets(coloured) == [tmp_path / "colour" / "a.jpg"]
    finish(coloured)
    again = plan([tmp_path / "old"], tmp_path / "elsewhere", DEFADE)
    assert (targets(again), again.results) == ([tmp_path / "elsewhere" / "a.jpg"], 1)
    nothing = plan([tmp_path / "colour"], tmp_path / "elsewhere", COLORIZE)
    assert (nothing.tasks, nothing.results) == ([], 1)
    named = plan([tmp_path / "colour" / "a.jpg"], tmp_path / "elsewhere", COLORIZE)
    assert targets(named) == [tmp_path / "elsewhere" / "a.jpg"]


@pytest.mark.parametrize(
    ("photos", "output", "says"),
    [
        (["a.jpg"], "x.docx", "must end in one of .jpg"),
        (["a.jpg", "b.jpg"], "x.jpg", "several photos need a folder"),
        (["a.jpg", "b.jpg"], "b.jpg", "several photos need a folder"),
        (["."], "x.jpg", "several photos need a folder"),
        (["empty"], "new", "there are no photographs in empty"),
        (["a.jpg", "b.jpg"], "-", "one photo at a time"),
        (["-", "b.jpg"], "new", "one photo at a time"),
        (["."], "-", "one photo at a time"),
        (["-"], "new", "has no name"),
        (["-"], "empty", "has no name"),
    ],
)
def test_what_does_not_go_together_is_said(
    photos: list[str], output: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    photograph(tmp_path / "a.jpg")
    photograph(tmp_path / "b.jpg")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=says):
        plan([Path(photo) for photo in photos], Path(output), COLORIZE)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jpg", "b.jpg", "empty"]


def test_partial_files_of_a_killed_run_go(tmp_path: Path) -> None:
    photograph(tmp_path / "old" / "1911" / "a.jpg")
    litter = tmp_path / "new" / "1911" / f".deoldify-{'0' * 16}.part"
    others = litter.with_name("film.part")
    litter.parent.mkdir(parents=True)
    litter.write_bytes(b"half a photo")
    others.write_bytes(b"somebody's download")
    plan([tmp_path / "old"], tmp_path / "new", COLORIZE)
    assert list(litter.parent.iterdir()) == [others]


@pytest.mark.parametrize("output", ["file.jpg/new", "file.jpg/new.jpg", "link/new", "link"])
def test_a_file_in_the_way_of_the_results_folder_is_named_before_the_work(output: str, tmp_path: Path) -> None:
    photo = photograph(tmp_path / "file.jpg")
    (tmp_path / "link").symlink_to("nowhere")
    in_the_way = tmp_path / output.partition("/")[0]
    with pytest.raises(UsageError, match=f"since {in_the_way} is a (file|link that leads nowhere): name another"):
        plan([photo], tmp_path / output, COLORIZE)
    assert {path.name for path in tmp_path.iterdir()} == {"file.jpg", "link"}
