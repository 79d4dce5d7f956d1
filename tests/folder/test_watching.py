"""What comes into a watched folder is done when it is complete, and not before."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from deoldify import watching
from deoldify.errors import UsageError
from deoldify.record import read_report
from deoldify.watching import Watch

ROOT = Path(__file__).parents[2]
PATIENCE = 300.0  # seconds, for what takes one


def patient() -> Callable[[], None]:
    end = time.monotonic() + PATIENCE

    def check() -> None:
        assert time.monotonic() < end

    return check


def test_a_photo_arrives_when_nobody_writes_it_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "SETTLE_SECONDS", 0.3)
    monkeypatch.chdir(tmp_path)
    folder = Path("scans")
    folder.mkdir()
    (folder / "before.jpg").write_bytes(b"x")
    os.utime(folder / "before.jpg", (0, 0))
    watch = Watch([folder])
    assert watch.settled([folder / "before.jpg"]) == {folder / "before.jpg"}
    arrivals = watch.arrivals(patient())
    with (folder / "slow.jpg").open("wb") as slow:
        slow.write(b"half")
        slow.flush()
        (folder / "quick.tif").write_bytes(b"whole")
        (folder / "notes.txt").write_bytes(b"no photo")
        assert next(arrivals) == {folder / "quick.tif"}
        slow.write(b", and the other half")
    assert next(arrivals) == {folder / "slow.jpg"}
    (tmp_path / "box").mkdir()
    (tmp_path / "box" / "a.png").write_bytes(b"came with its folder")
    (tmp_path / "box").rename(folder / "box")
    assert next(arrivals) == {folder / "box" / "a.png"}
    (folder / "part").write_bytes(b"renamed when it is whole")
    (folder / "part").rename(folder / "b.png")
    assert next(arrivals) == {folder / "b.png"}


def test_only_folders_are_watched(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    for path in (tmp_path / "a.jpg", tmp_path / "none"):
        with pytest.raises(UsageError, match=path.name):
            Watch([path])


def wait_for(*paths: Path) -> None:
    end = time.monotonic() + PATIENCE
    while not all(path.exists() for path in paths):
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.skipif(os.name == "nt", reason="signals cannot be sent to one process of a console there")
def test_a_run_goes_on_with_what_comes_until_it_is_ended(tmp_path: Path) -> None:
    old, new, report = tmp_path / "old", tmp_path / "new", tmp_path / "done.csv"
    old.mkdir()
    command = [sys.executable, "-m", "tests.folder.toy_run", str(old), str(new), str(report), "watch"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as running:
        try:
            wait_for(report)
            Image.new("L", (40, 30), 60).save(old / "a.png")
            wait_for(new / "a.png")
            (old / "bad.jpg").write_bytes(b"\xff\xd8\xff no photo")
            Image.new("L", (40, 30), 70).save(old / "b.png")
            wait_for(new / "b.png")
            Image.new("L", (40, 30), 90).save(old / "a.png")  # scanned again
            end = time.monotonic() + PATIENCE
            while Image.open(new / "a.png").getpixel((0, 0)) != (165, 165, 165):
                assert time.monotonic() < end
                time.sleep(0.05)
        finally:
            running.send_signal(signal.SIGTERM)
        errors = running.communicate(timeout=PATIENCE)[1]
    assert running.returncode == 143 and "Traceback" not in errors and "KeyboardInterrupt" not in errors
    assert f"watching {old}" in errors and "bad.jpg" in errors and "1 failed" in errors.splitlines()[-1]
    rows = list(read_report(report))
    assert Counter((Path(row.source).name, row.status) for row in rows) == {
        ("a.png", "done"): 2, ("b.png", "done"): 1, ("bad.jpg", "failed"): 1,
    }  # fmt: skip
