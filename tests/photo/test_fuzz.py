"""Some hundred damaged photographs, the same each time; ``python -m tests.fuzz`` goes on for longer."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests import fuzz

if sys.platform == "win32":
    pytest.skip("the process's memory is measured as POSIX tells it", allow_module_level=True)


def test_damage_is_done_or_refused_in_time_and_memory() -> None:
    """In a process of its own: a native crash or a hang must not take the suite along."""
    command = [sys.executable, "-m", "tests.fuzz", "--count", "200", "--seed", "18"]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=1200, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " done, " in done.stdout


def test_the_same_seed_damages_the_same_way() -> None:
    data = bytes(range(256))
    runs = [[fuzz.damaged(data, rng) for _ in range(50)] for rng in (random.Random(1), random.Random(1))]
    assert runs[0] == runs[1] and sum(each != data for each in runs[0]) > 25


def test_what_goes_wrong_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def mistaken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("past the door")

    monkeypatch.setattr(fuzz, "open_photo", mistaken)
    found = fuzz.fuzz(count=3, seconds=100, seed=0, keep=tmp_path)
    assert len(found.wrong) == 3 and "past the door" in found.wrong[0] and len(list(tmp_path.iterdir())) == 3
