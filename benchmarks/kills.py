"""A folder whose run is killed again and again: is it complete afterwards, bit by bit as if nothing had happened?

    python -m benchmarks.kills --photos 1000 --kills 10

The command line is called as a user calls it and killed when some random number of photos are done, at any moment of
the next ones. Ends with status 1 where anything is missing, different or left behind.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image

_SUFFIXES = (".jpg", ".png", ".tif", ".webp", ".bmp", ".gif")

app = typer.Typer(add_completion=False)


def make_photos(folder: Path, count: int, side: int) -> None:
    """Grey photographs of several formats and sizes, a hundred to a folder; some differ by their suffix alone."""
    chance = np.random.default_rng(0)
    for number in range(count):
        field = Image.fromarray(chance.integers(0, 256, (4, 6), dtype=np.uint8))
        inside = folder / f"{number // 100:02}"
        inside.mkdir(parents=True, exist_ok=True)
        picture = field.resize((side + number % 7, side * 2 // 3 + number % 5), Image.Resampling.BICUBIC)
        picture.save(inside / f"{number // 2 % 50:03}{_SUFFIXES[number % len(_SUFFIXES)]}")


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Bytes and date of every file below a folder; records of what was made have dates of their own."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), 0 if ".deoldify" in path.parts else path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def done(folder: Path) -> int:
    """How many results there are."""
    return sum(not name.endswith((".part", ".json")) for _, _, names in os.walk(folder) for name in names)


def killed(command: list[str], new: Path, after: int, delay: float) -> tuple[int, int]:
    """Start a run, kill it when so many photos are done; how many are, and how many partial files it left."""
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as running:
        while running.poll() is None and done(new) < after:
            time.sleep(0.1)
        time.sleep(delay)
        running.kill()
    return done(new), len(list(new.rglob("*.part")))


@app.command()
def measure(
    photos: Annotated[int, typer.Option(help="In the folder.")] = 1000,
    kills: Annotated[int, typer.Option(help="Of the run, at random moments.")] = 10,
    side: Annotated[int, typer.Option(help="Pixels of the photos' width.")] = 72,
    seed: Annotated[int, typer.Option(help="Of the moments.")] = 0,
) -> None:
    """Kill a run at random moments, let it go on, and compare the files with those of an undisturbed run."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        old, whole, broken = (Path(name) / each for each in ("old", "whole", "broken"))
        make_photos(old, photos, side)
        broken.mkdir()
        moments = sorted(chance.randrange(1, photos) for _ in range(kills))
        # What is tried is the folder and its files: the renders are as short as they can be.
        cheap = ["--render-factor", "4", "--renders", "1"]
        command = [sys.executable, "-m", "deoldify", "colorize", str(old), *cheap, "-o"]
        for moment in moments:
            there, partial = killed([*command, str(broken)], broken, moment, chance.uniform(0, 0.2))
            typer.echo(f"killed with {there} photos done and {partial} partial files left")
        again = subprocess.run([*command, str(broken)], stderr=subprocess.PIPE, text=True, check=False)
        subprocess.run([*command, str(whole)], stderr=subprocess.DEVNULL, check=True)
        expected, found = contents(whole), contents(broken)
        wrong = [path for path in expected.keys() | found.keys() if expected.get(path) != found.get(path)]
        results = done(whole)
    typer.echo(f"{results} photos; {len(wrong)} files are missing, different or left behind: {wrong[:10]}")
    if again.returncode or wrong or results != photos:
        typer.echo(again.stderr)
        raise typer.Exit(1)


if __name__ == "__main__":
    app()
