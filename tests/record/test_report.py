"""The report: what stands in it, whole at any moment, and gone on with."""

from __future__ import annotations

import csv
import json
import os
from dataclasses import fields, replace
from hashlib import sha256
from pathlib import Path

import pytest
from PIL import Image

from deoldify.errors import ReportError, UsageError
from deoldify.folder import Job, Outcome, Run, Task, Trouble, job_of, plan, process
from deoldify.photo import InColourError, Photo, Render, Verdict
from deoldify.record import COLUMNS, Report, Row, read_report, row_of, row_of_trouble, take_down

JOB: Job = job_of("defade", "restored", weights={"toy": "ab" * 32}, settings={"strength": 0.5, "pages": "first"})
SUFFIXES = ("csv", "jsonl")

FULL = Row(
    source="/old/ä, \"b\"\n\x1b[31m \\x0a \\udc80 C:\\udc80\udcff.jpg", output="/new/a.jpg", status="done",
    source_sha256="1" * 64, output_sha256="2" * 64, job="colorize", model="compact@5", weights="3" * 64,
    render_factor=12, renders=6, strength=0.5, settings='{"hints": []}', width=3, height=4, bits=16, pages=2,
    pages_done=1, monochrome=True, monochrome_confidence=0.93, certainty=0.5, left_out="1 of 2 pages", seconds=1.25,
    finished="2024-01-01T00:00:00+00:00", version="0.1.0",
)  # fmt: skip
BARE = Row(source="/old/b.jpg", output="", status="failed", message="b.jpg is empty", monochrome=False)


def invert(photo: Photo) -> tuple[Photo, str]:
    if photo.width == 3:
        raise InColourError(Verdict(False, 0.75))
    render = Render("toy", 14, 14, 6, certainty=0.25)
    return replace(photo.with_pixels(255 - photo.pixels), renders=(render,), verdict=Verdict(True, 0.625)), "inverted"


def digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_rows_are_read_as_they_were_written(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / "new" / f"done.{suffix}"
    with Report(path) as report:
        report.add(FULL)
        assert list(read_report(path)) == [FULL]  # meanwhile
        report.add(BARE)
    assert list(read_report(path)) == [FULL, BARE]
    lines = path.read_bytes().decode().splitlines()
    assert len(lines) == (3 if suffix == "csv" else 2) and "\x1b" not in "".join(lines)
    if suffix == "csv":
        with path.open(newline="", encoding="utf-8") as stream:
            plain = list(csv.DictReader(stream))
        assert tuple(plain[0]) == COLUMNS == tuple(field.name for field in fields(Row))
        assert (plain[0]["monochrome"], plain[1]["monochrome"], plain[1]["certainty"]) == ("yes", "no", "")
    else:
        assert [json.loads(line)["certainty"] for line in lines] == [0.5, None]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("torn", range(1, 40, 7))
def test_a_torn_last_row_goes_and_the_rest_is_gone_on_with(suffix: str, torn: int, tmp_path: Path) -> None:
    path = tmp_path / f"done.{suffix}"
    with Report(path) as report:
        report.add(FULL)
        whole = path.read_bytes()
        report.add(BARE)
    cut = path.read_bytes()[: len(whole) + torn]
    path.write_bytes(cut)
    assert list(read_report(path)) == [FULL]
    with Report(path) as report:
        assert report.has(Path(FULL.source), Path(FULL.output)) and not report.has(Path(FULL.source), Path("/c.jpg"))
        report.add(BARE)
    assert list(read_report(path)) == [FULL, BARE]


def test_a_report_of_fewer_columns_gets_the_others(tmp_path: Path) -> None:
    path = tmp_path / "done.csv"
    path.write_text("status,source,output,mood\ndone,/a.jpg,/b.jpg,good\nfailed,/c.jpg,,bad\n")
    with Report(path) as report:
        assert report.has(Path("/a.jpg"), Path("/b.jpg"))
        report.add(FULL)
    expected = [Row("/a.jpg", "/b.jpg", "done"), Row("/c.jpg", "", "failed"), FULL]
    assert list(read_report(path)) == expected
    assert path.read_text().splitlines()[0] == ",".join(COLUMNS)
    assert os.listdir(tmp_path) == ["done.csv"]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("done.txt", None, "must end in .csv or .jsonl"),
        ("done.csv", b"name,age\nAda,36\n", "line 1"),
        ("done.csv", b"\x00\xff\n", "line 1"),
        ("done.csv", b"source,output,status\n/a,/b\n", "line 2"),
        ("done.csv", b"source,output,status,width\n/a,/b,done,wide\n", "line 2"),
        ("done.jsonl", b'{"name": "Ada"}\n', "line 1"),
        ("done.jsonl", b'{"source": "/a", "output": "/b", "status": "done", "width": "3"}\n', "width is '3'"),
        ("done.jsonl", b"[" * 100_000 + b"\n", "line 1"),
    ],
)
def test_what_is_no_report_is_refused_and_left_as_it_is(
    name: str, content: bytes | None, says: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
        with pytest.raises(ReportError, match="is no report"):
            list(read_report(path))
    with pytest.raises(UsageError, match=says):
        Report(path)
    assert (path.read_bytes() if path.exists() else None) == content


def test_two_runs_do_not_write_to_one_report(tmp_path: Path) -> None:
    with Report(tmp_path / "done.csv"), pytest.raises(UsageError, match="another run is writing"):
        Report(tmp_path / "done.csv")
    Report(tmp_path / "done.csv").__exit__(None, None, None)


def test_a_row_tells_what_became_of_a_photo_and_is_there_before_its_result(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    pages = [Image.new("L", (7, 5), 90), Image.new("L", (8, 5), 90)]
    pages[0].save(old / "a.tif", save_all=True, append_images=pages[1:])
    Image.new("L", (3, 5), 90).save(old / "b.png")
    (old / "c.jpg").write_bytes(b"\xff\xd8\xff no photo")
    (old / "d.jpg").symlink_to("nowhere")
    path = tmp_path / "done.jsonl"
    planned = plan([old], new, JOB)
    with Report(path) as report:
        take_down(report, planned, JOB)

        def announce(outcome: object) -> None:
            assert not list(new.glob("*.tif"))
            report.add(row_of(outcome, JOB))  # type: ignore[arg-type]

        for outcome in process(planned.tasks, Run(invert, JOB, announce=announce), workers=1):
            if outcome.status != "done":
                report.add(row_of(outcome, JOB))
    d, a, b, c = read_report(path)
    assert (a.source, a.output, a.status) == (str(old / "a.tif"), str(new / "a.tif"), "done")
    assert (a.source_sha256, a.output_sha256) == (digest(old / "a.tif"), digest(new / "a.tif"))
    assert (a.job, a.model, a.weights, a.strength) == ("defade", "toy", "ab" * 32, 0.5)
    assert (a.render_factor, a.renders, a.certainty, a.left_out) == (14, 6, 0.25, "1 of 2 pages")
    assert (a.monochrome, a.monochrome_confidence) == (True, 0.625)
    assert (b.monochrome, b.monochrome_confidence) == (False, 0.75)
    assert (a.width, a.height, a.bits, a.pages, a.pages_done) == (7, 5, 8, 2, 1)
    assert json.loads(a.settings) == {"strength": 0.5, "pages": "first"}
    assert a.seconds and a.seconds > 0 and a.finished and a.version
    assert (b.status, b.message, b.output, b.source_sha256) == ("left", "has colours", "", digest(old / "b.png"))
    assert (c.status, c.source_sha256) == ("failed", digest(old / "c.jpg")) and "no photograph" not in c.source
    assert c.message.startswith(str(old / "c.jpg"))
    assert d == replace(row_of_trouble(Trouble(old / "d.jpg", d.message), JOB), finished=d.finished)


def test_what_is_there_without_a_row_gets_one_and_what_has_one_none(tmp_path: Path) -> None:
    old, new, path = tmp_path / "old", tmp_path / "new", tmp_path / "done.csv"
    old.mkdir()
    for name in ("a.png", "b.bmp"):
        Image.new("L", (7, 5), 90).save(old / name)
    (first, second) = plan([old], new, JOB).tasks
    with Report(path) as report:
        for task, announce in ((first, lambda outcome: report.add(row_of(outcome, JOB))), (second, None)):
            assert [each.status for each in process([task], Run(invert, JOB, announce=announce), workers=1)] == ["done"]
    for _ in range(2):
        planned = plan([old], new, JOB)
        assert [task.source.name for task in planned.there] == ["a.png", "b.bmp"]
        with Report(path) as report:
            take_down(report, planned, JOB)
    a, b = read_report(path)
    assert (a.status, b.status) == ("done", "there")
    assert (b.source_sha256, b.output_sha256) == (digest(old / "b.bmp"), digest(new / "b.bmp"))
    assert (b.width, b.height, b.model, b.certainty, b.seconds) == (7, 5, "toy", None, None)


def test_a_photo_whose_row_cannot_be_written_does_not_appear(tmp_path: Path) -> None:
    Image.new("L", (7, 5), 90).save(tmp_path / "a.png")

    def refuse(outcome: object) -> None:
        raise ReportError("the report cannot be written: the disk is full")

    task = Task(tmp_path / "a.png", tmp_path / "new.png")
    (outcome,) = process([task], Run(invert, JOB, announce=refuse), workers=1)
    assert outcome.status == "failed" and "the disk is full" in outcome.message
    assert os.listdir(tmp_path) == ["a.png"]


def test_the_book_tells_every_column() -> None:
    text = (Path(__file__).parents[2] / "docs" / "archives.md").read_text()
    assert [column for column in COLUMNS if f"`{column}`" not in text] == []


@pytest.mark.parametrize(
    ("used", "model", "weights"),
    [
        (("a", "b"), "a@1, b", "1, 2"),
        (("b+a",), "b+a@1", "2+1"),
        (("a",), "a@1", "1"),
        ((), "a@1, b", "1, 2"),  # of a photo that nothing was done to
    ],
)
def test_a_row_names_the_models_that_were_at_work(used: tuple[str, ...], model: str, weights: str) -> None:
    job = job_of("restore", "restored", weights={"a": "1", "b": "2"}, settings={}, full_names={"a": "a@1", "b": "b"})
    renders = tuple(Render(name, 12, 12) for name in used)
    row = row_of(Outcome(Path("/a.jpg"), Path("/b.jpg"), "done" if used else "left", renders=renders), job)
    assert (row.model, row.weights) == (model, weights)


def test_weights_from_a_file_stand_in_the_row_whatever_they_are_called() -> None:
    job = job_of("colorize", "coloured", weights={"last.pt": "3"}, settings={})
    row = row_of(Outcome(Path("/a.jpg"), Path("/b.jpg"), "done", renders=(Render("compact", 12, 12),)), job)
    assert (row.model, row.weights) == ("compact", "3")
