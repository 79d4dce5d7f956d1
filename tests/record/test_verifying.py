"""A report read back: which files have changed since."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deoldify.__main__ import app
from deoldify.errors import ReportError, UsageError
from deoldify.record import Report, Row, changes, latest, read_report


def digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Four photos with results, one that failed, and a report of them."""
    with Report(tmp_path / "done.jsonl") as report:
        for number in range(4):
            old, new = tmp_path / f"old{number}.jpg", tmp_path / f"new\x1b{number}.jpg"
            old.write_bytes(bytes(1000) + bytes([number]))
            new.write_bytes(bytes(2000) + bytes([number]))
            report.add(Row(str(old), "", "failed", "too dark", source_sha256=digest(old)))
            report.add(Row(str(old), str(new), "done", source_sha256=digest(old), output_sha256=digest(new)))
        bad = tmp_path / "bad.jpg"
        bad.write_bytes(b"no photo")
        report.add(Row(str(bad), "", "failed", "bad.jpg is no photo", source_sha256=digest(bad)))
        report.add(Row(str(tmp_path / "gone"), "", "failed", "gone does not exist"))
        report.add(Row("-", "-", "done", source_sha256="1" * 64, output_sha256="2" * 64))
    return tmp_path


def verify(path: Path, *more: str) -> tuple[int, list[str], str]:
    done = CliRunner().invoke(app, [*more, "verify", str(path)])
    return done.exit_code, done.stdout.splitlines(), done.stderr


def test_files_that_are_as_they_were(archive: Path) -> None:
    rows = latest(read_report(archive / "done.jsonl"))
    assert [row.status for row in rows] == ["done"] * 4 + ["failed", "failed", "done"]
    assert [change.state for change in changes(rows)] == ["unchanged"] * 9
    status, out, err = verify(archive / "done.jsonl")
    assert (status, out) == (0, [])
    assert err == f"{archive / 'done.jsonl'} tells of 7 photos: photos: 5 unchanged; results: 4 unchanged\n"


def test_files_that_changed_are_told(archive: Path) -> None:
    (archive / "old0.jpg").write_bytes(bytes(1000) + b"x")  # as long as before
    (archive / "new\x1b1.jpg").unlink()
    (archive / "new\x1b2.jpg").unlink()
    (archive / "new\x1b2.jpg").mkdir()
    os.utime(archive / "old3.jpg", (0, 0))
    status, out, err = verify(archive / "done.jsonl")
    assert status == 1
    assert out[:2] == [f"changed: photo {archive / 'old0.jpg'}", rf"missing: result {archive / 'new'}\x1b1.jpg"]
    assert len(out) == 3 and out[2].startswith(rf"unreadable: result {archive / 'new'}\x1b2.jpg: ")
    assert "photos: 1 changed, 4 unchanged; results: 1 missing, 2 unchanged, 1 unreadable" in err
    assert verify(archive / "done.jsonl", "-q")[::2] == (1, "")


def test_what_is_no_report_is_told(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("name,age\n")
    for name, error in (("other.csv", ReportError), ("none.csv", ReportError), ("photo.jpg", UsageError)):
        done = CliRunner().invoke(app, ["verify", str(tmp_path / name)])
        assert isinstance(done.exception, error) and name in str(done.exception)
