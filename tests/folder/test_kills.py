"""A run that is killed at any moment, and goes on: complete, bit by bit what it would have been, and no litter."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import numpy as np
from PIL import Image

from deoldify.record import latest, read_report

ROOT = Path(__file__).parents[2]
SUFFIXES = (".jpg", ".png", ".tif", ".webp", ".bmp", ".gif")


def make_photos(folder: Path, count: int) -> None:
    """Of all formats, in two folders; some with the same stem."""
    chance = np.random.default_rng(0)
    for number in range(count):
        inside = folder / str(number % 2)
        inside.mkdir(parents=True, exist_ok=True)
        field = Image.fromarray(chance.integers(0, 256, (30, 40, 3), dtype=np.uint8))
        field.resize((400, 300)).save(inside / f"{number // 3}{SUFFIXES[number % len(SUFFIXES)]}")


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Bytes and date of each file; records have dates of their own."""
    return {
        path.relative_to(folder).as_posix(): (
            path.read_bytes(),
            0 if ".deoldify" in path.parts else path.stat().st_mtime_ns,
        )
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_run_that_is_killed_again_and_again_ends_as_if_undisturbed(tmp_path: Path) -> None:
    old, whole, broken = (tmp_path / name for name in ("old", "whole", "broken"))
    make_photos(old, 48)
    command = [sys.executable, "-m", "tests.folder.toy_run", str(old)]
    subprocess.run([*command, str(whole)], check=True, cwd=ROOT, timeout=600)
    chance, report = random.Random(0), tmp_path / "done.csv"
    command = [*command, str(broken), str(report)]
    for after in (3, 15, 30):
        with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as running:
            # Counted by names alone: what is being written is renamed under the eyes of whoever opens it.
            while running.poll() is None and sum(path.is_file() for path in broken.rglob("*")) < after:
                time.sleep(0.01)
            time.sleep(chance.uniform(0, 0.05))
            running.kill()
    again = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=600, check=False)
    assert again.returncode == 0, again.stderr
    assert "of 48 photos are done already" in again.stderr
    expected = contents(whole)
    assert sum(".deoldify" not in name for name in expected) == 48
    assert contents(broken) == expected
    rows = latest(read_report(report))
    digests = {row.output: row.output_sha256 for row in rows}
    assert {row.status for row in rows} == {"done"} and len(rows) == 48  # by whichever run, and none of them there only
    assert digests == {
        str(broken / name): sha256(content).hexdigest()
        for name, (content, _) in expected.items()
        if ".deoldify" not in name
    }
