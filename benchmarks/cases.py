"""What each of many difficult photographs costs on the command line: processor seconds, and memory above the program's.

    python -m benchmarks.cases FOLDER --job colorize --job defade

Each file goes through ``deoldify JOB FILE -o SOMEWHERE`` in a fork of a process that has the program loaded, so that
what is measured is the photo's own share; an ordinary photo that is done first is subtracted. Ends with status 1 where
one takes more than it may, a file is left behind, or anything but lines about the photo is said.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image

_SECONDS, _MEGABYTES, _BYTES_A_PIXEL = 5.0, 1000, 10
_PATIENCE_SECONDS = 600
_MOST_SAID = 1024  # bytes of stderr
_CHEAP = {"colorize": ["--render-factor", "4", "--renders", "1"], "defade": ["--render-factor", "4"]}
_UNITS = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss

app = typer.Typer(add_completion=False)


@dataclass(frozen=True)
class Cost:
    """What the command took for one photo.

    Attributes:
        status: its exit status; negative for a signal.
        seconds: of the processor.
        wall: seconds on the clock.
        bytes: of memory, at most.
        said: what it wrote to stderr.
        results: files that it left in its output folder.
    """

    status: int
    seconds: float
    wall: float
    bytes: int
    said: str
    results: tuple[str, ...]


def cost_of(job: str, photo: Path, *options: str) -> Cost:
    """Run the command on a photo in a fork of this process."""
    with tempfile.TemporaryDirectory() as name:
        out, said = Path(name, "out"), Path(name, "stderr")
        command = ["deoldify", job, str(photo), "-o", str(out), *_CHEAP.get(job, []), *options]
        start = time.monotonic()
        child = os.fork()
        if not child:
            _run(command, said)
        _, status, usage = os.wait4(child, 0)
        wall = time.monotonic() - start
        results = tuple(sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()))
        return Cost(
            os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss * _UNITS,
            said.read_text(errors="replace"), results,
        )  # fmt: skip


def _load() -> None:
    """Import all that the commands need, and let it do what it does the first time only."""
    import torch

    import deoldify.folder.running  # noqa: F401
    from deoldify.loading import load

    torch.set_num_threads(1)  # a fork has no threads but its own
    for model in (load("compact"), load("defade")):
        model(Image.new("L", (64, 64)), render_factor=4)


def _run(command: list[str], said: Path) -> None:
    """Be the command, and end with it."""
    status = 70
    try:
        null, descriptor = os.open(os.devnull, os.O_RDWR), os.open(said, os.O_WRONLY | os.O_CREAT)
        os.dup2(null, 0), os.dup2(null, 1), os.dup2(descriptor, 2)
        resource.setrlimit(resource.RLIMIT_CPU, (_PATIENCE_SECONDS, _PATIENCE_SECONDS))
        from deoldify.__main__ import run

        sys.argv = command
        run()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def complaints(cost: Cost, plain: Cost, pixels: int) -> list[str]:
    """What is wrong with what a photo took, where an ordinary one took ``plain``."""
    wrong = []
    if cost.seconds - plain.seconds > _SECONDS:
        wrong.append(f"more than {_SECONDS:g} s")
    if (cost.bytes - plain.bytes) / 1e6 > _MEGABYTES + _BYTES_A_PIXEL * pixels / 1e6:
        wrong.append(f"more than {_MEGABYTES} MB")
    if cost.status not in (0, 1):
        wrong.append(f"exit status {cost.status}")
    if len(cost.said) > _MOST_SAID:
        wrong.append(f"{len(cost.said)} bytes said")
    if any(word in cost.said for word in ("Traceback", "Warning", "\x1b", "could not be done:")):
        wrong.append("something raw said")
    if (cost.status == 0) != bool(cost.results) or any(".part" in name for name in cost.results):
        wrong.append(f"left {', '.join(cost.results) or 'nothing'}")
    return wrong


@app.command()
def measure(
    folder: Annotated[Path, typer.Argument(help="Of the photographs.")],
    job: Annotated[list[str] | None, typer.Option(help="Commands to try; colorize if none is named.")] = None,
    only: Annotated[str, typer.Option(help="Only files whose path has this in it.")] = "",
    pages: Annotated[str, typer.Option(help="For --pages of the commands.")] = "first",
) -> None:
    """Run commands on each file of a folder and tell what it took."""
    from deoldify.photo import pixels_in, shown

    _load()
    bad = 0
    with tempfile.TemporaryDirectory() as name:
        ordinary = Path(name, "ordinary.jpg")
        Image.fromarray(np.add.outer(np.arange(200), np.arange(56)).astype(np.uint8)).save(ordinary)
        for each in job or ["colorize"]:
            plain = cost_of(each, ordinary)
            typer.echo(f"{each}: an ordinary photo takes {plain.seconds:.2f} s, {plain.bytes / 1e6:.0f} MB in all")
            for path in sorted(path for path in folder.rglob("*") if path.is_file() and only in str(path)):
                found = cost_of(each, path, "--pages", pages)
                wrong = complaints(found, plain, pixels_in(path))
                bad += bool(wrong)
                typer.echo(
                    f"{shown(path.relative_to(folder))}: {'done' if found.status == 0 else 'refused'}, "
                    f"{max(0.0, found.seconds - plain.seconds):.2f} s, "
                    f"{max(0, found.bytes - plain.bytes) / 1e6:.0f} MB{''.join(f'; WRONG: {w}' for w in wrong)}"
                )
                for line in found.said.splitlines()[:3]:
                    typer.echo(f"    {line[:200]}")
    typer.echo(f"{bad} take more than they may, or leave or say what they should not")
    raise typer.Exit(1 if bad else 0)


if __name__ == "__main__":
    app()
