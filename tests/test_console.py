"""What the command line says, and its exit status."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
import typer
from PIL import Image

from deoldify import console
from deoldify.errors import LeftOutError
from deoldify.folder import Job, Work, job_of
from deoldify.model import Model
from deoldify.photo import Photo
from deoldify.record import read_report
from deoldify.session import Wishes

Said = pytest.CaptureFixture[str]


def invert(photo: Photo) -> tuple[Photo, str]:
    """Small photos are left, black ones make trouble."""
    if photo.width < 5:
        raise LeftOutError("has colours")
    if not photo.pixels.any():
        raise RuntimeError("it is too dark in here\nand cold")
    return photo.with_pixels(255 - photo.pixels), "inverted"


def do(
    photos: Sequence[Path],
    output: Path,
    work: Work = invert,
    *,
    force: bool = False,
    pages: bool = False,
    wishes: Wishes = Wishes(),  # noqa: B008, it cannot be changed
) -> int:
    """The exit status."""

    def prepare() -> tuple[Work, Sequence[Model]]:
        return work, ()

    def job() -> Job:
        return job_of("invert", "inverted", weights={}, settings={"pages": pages})

    try:
        console.do_photos(
            photos, output, prepare, job, render_factor=None, force=force, keep_dates=True, all_pages=pages,
            after="More comes next.", wishes=wishes,
        )  # fmt: skip
    except typer.Exit as end:
        return end.exit_code
    return 0


@pytest.fixture
def album(tmp_path: Path) -> Path:
    folder = tmp_path / "album"
    folder.mkdir()
    for name, width, grey in (("a.png", 9, 60), ("b.png", 8, 70), ("small1.png", 3, 60), ("small2.png", 4, 60)):
        Image.new("L", (width, 6), grey).save(folder / name)
    return folder


def test_what_is_left_is_said_and_is_no_failure(album: Path, tmp_path: Path, capsys: Said) -> None:
    assert do([album], tmp_path / "new") == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert f"left: {album / 'small1.png'}: has colours" in err.splitlines()
    assert "2 of 4 photos were left as they are: has colours" in err.splitlines()
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["a.png", "b.png"]
    assert do([album], tmp_path / "new") == 0
    assert "2 of 4 photos are done already" in capsys.readouterr().err


def test_failures_are_a_line_each_and_a_status(album: Path, tmp_path: Path, capsys: Said) -> None:
    Image.new("L", (9, 6)).save(album / "black.png")
    (album / "esc-\x1b[31mred\n.jpg").write_bytes(b"\xff\xd8\xff no photo")
    (album / "gone.jpg").symlink_to("nowhere")
    assert do([album, tmp_path / "missing.jpg"], tmp_path / "new") == 1
    out, err = capsys.readouterr()
    assert out == "" and "\x1b" not in err and "Traceback" not in err
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 4
    for name in ("black.png", r"esc-\x1b[31mred\n.jpg", "gone.jpg", "missing.jpg"):
        assert sum(name in line for line in errors) == 1
    assert "4 of 8 photos could not be inverted: a line above for each tells why" in err.splitlines()
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["a.png", "b.png"]


def without_time(line: str) -> str:
    return re.sub(r"; it took [0-9:.]+( s)?", "; it took TIME", line)


def test_the_last_line_counts_all_and_the_exit_status_agrees(album: Path, tmp_path: Path, capsys: Said) -> None:
    new, report = tmp_path / "new", Wishes(tmp_path / "done.csv")
    assert do([album / "a.png"], tmp_path / "one.png") == 0
    assert capsys.readouterr().err == f"{tmp_path / 'one.png'} is inverted. More comes next.\n"
    Image.new("L", (9, 6)).save(album / "black.png")
    assert do([album], new, wishes=report) == 1
    *_, last = capsys.readouterr().err.splitlines()
    counts = f"2 photos in {new} are inverted, 2 are left as before (has colours), 1 failed"
    where = f"the report is {report.report}."
    assert without_time(last) == f"{counts}; it took TIME; {where} More comes next."
    (album / "black.png").unlink()
    Image.new("L", (9, 6), 50).save(album / "c.png")
    assert do([album], new, wishes=report) == 0
    *_, last = capsys.readouterr().err.splitlines()
    counts = f"1 photo in {new} is inverted, 2 were there already, 2 are left as before (has colours)"
    assert without_time(last) == f"{counts}; it took TIME; {where} More comes next."
    assert report.report is not None
    statuses = Counter(row.status for row in read_report(report.report))
    assert statuses == {"done": 3, "left": 4, "failed": 1}


def test_pages_that_were_left_are_counted(tmp_path: Path, capsys: Said) -> None:
    pages = [Image.new("L", (9, 6), 60 + i) for i in range(3)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    pages[0].save(tmp_path / "b.gif", save_all=True, append_images=pages[1:])
    small = Image.new("L", (3, 6), 60)
    pages[0].save(tmp_path / "c.tif", save_all=True, append_images=[pages[1], small])
    photos = sorted(tmp_path.iterdir())
    assert do(photos, tmp_path / "first") == 0
    err = capsys.readouterr().err
    assert "a.tif has 3 pages; the first one is inverted, 2 are left (--pages all takes all)" in err
    assert "b.gif has 3 frames; the first one is inverted, 2 are left" in err
    assert do(photos, tmp_path / "all", pages=True) == 0
    err = capsys.readouterr().err
    assert "a.tif has" not in err
    assert "b.gif has 3 frames; the first one is inverted, 2 are left" in err
    assert "c.tif has 3 pages; 1 is left as before" in err
    with Image.open(tmp_path / "all" / "a.tif") as image:
        assert getattr(image, "n_frames") == 3  # noqa: B009


def test_results_among_the_photos_are_said(album: Path, capsys: Said) -> None:
    assert do([album], album / "new") == 0
    assert do([album], album / "other") == 0
    assert "note: 2 results of deoldify invert among the photos are left as they are." in capsys.readouterr().err


def test_warnings_of_the_package_are_lines_without_what_steers_a_terminal(
    capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    console.say_warnings()
    logging.getLogger("deoldify.photo").warning("%s: it is odd", "a\x1b[31m\u202e.jpg")
    assert capsys.readouterr().err == "a\\x1b[31m\\u202e.jpg: it is odd\n"
