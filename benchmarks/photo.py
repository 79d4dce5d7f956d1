"""What surrounds the render: time against Pillow's, other colours, memory a pixel, start-up, folders.

Run it on a quiet machine. ``python benchmarks/photo.py`` prints Markdown tables, and JSON with ``--json FILE``.
Photographs are made by the script from scikit-image's CC0 pictures: enlarged, with grain, so that a JPEG of them is as
long as a camera's.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

Rows = list[dict[str, Any]]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def make_photo(path: Path, megapixels: float, *, mode: str) -> None:
    """Write a photograph of 3:2; ``mode`` is ``L``, ``RGB``, or ``grey RGB`` for grey in three channels."""
    from skimage import data

    width = round((megapixels * 1.5e6) ** 0.5)
    coffee = np.asarray(data.coffee())  # type: ignore[no-untyped-call]
    picture = Image.fromarray(coffee).resize((width, round(width / 1.5)), Image.Resampling.BICUBIC)
    if mode != "RGB":
        picture = picture.convert("L")
    rng = np.random.default_rng(0)
    tile = rng.normal(0, 4, (512, 512)).astype(np.float32)
    grain = np.tile(tile, (picture.height // 512 + 1, picture.width // 512 + 1))[: picture.height, : picture.width]
    values = np.asarray(picture, np.float32)
    values = values + (grain if values.ndim == 2 else grain[..., None])
    grainy = Image.fromarray(np.rint(values).clip(0, 255).astype(np.uint8))
    (grainy.convert("RGB") if mode == "grey RGB" else grainy).save(path, quality=90)


def _load(name: str, renders: int | None) -> tuple[Callable[[Any], Any], str]:
    import deoldify

    if name == "defade":
        defader = deoldify.load("defade")
        return defader.defade_photo, defader.label
    colorizer = deoldify.load_colorizer(name)
    return partial(colorizer.colorize_photo, renders=renders), colorizer.label


def time_against_pillow(folder: Path, megapixels: float, repeats: int) -> Rows:
    """From path to saved file at one render, against Pillow's decoding and encoding of the same, measured in turn.

    Where the file has one channel, Pillow decodes that and encodes the three that we, too, must write.
    """
    from deoldify.photo import open_photo, save_photo

    rows: Rows = []
    for name in ("compact", "defade"):
        work, label = _load(name, 1)
        for mode in ("grey RGB", "L", "RGB"):
            path, target = folder / "photo.jpg", folder / "new.jpg"
            make_photo(path, megapixels, mode=mode)
            pillow, ours = [], []
            for _ in range(repeats + 1):
                start = time.perf_counter()
                with Image.open(path) as image:
                    if mode == "L" and isinstance(image, JpegImageFile):
                        image.convert("RGB").save(target, qtables=image.quantization)
                    else:
                        image.save(target, quality="keep")
                middle = time.perf_counter()
                save_photo(work(open_photo(path)), target, label=label)
                pillow.append(middle - start)
                ours.append(time.perf_counter() - middle)
            del pillow[0], ours[0]  # to get warm
            rows.append(
                {
                    "model": name,
                    "JPEG": mode,
                    "Pillow, s": round(statistics.median(pillow), 3),
                    "ours, s": round(statistics.median(ours), 3),
                    "ratio": round(statistics.median(b / a for a, b in zip(pillow, ours)), 2),
                }
            )
    return rows


def memory_a_pixel(folder: Path, megapixels: float) -> Rows:
    """Peak of resident memory above the loaded program, in a process for each."""
    rows: Rows = []
    for name, suffix in (("compact", ".jpg"), ("defade", ".jpg"), ("compact", ".png")):
        source = folder / f"large{suffix}"
        if not source.exists():
            make_photo(source, megapixels, mode="RGB")
        command = [sys.executable, __file__, "one-memory", name, str(source), str(folder / f"new{suffix}")]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        rows.append({"model": name, "file": suffix, "megapixels": megapixels, "bytes a pixel": float(done.stdout)})
    return rows


@app.command(hidden=True)
def one_memory(name: str, source: Path, target: Path) -> None:
    """Print the bytes a pixel that one photo takes above the loaded program."""
    from benchmarks.resident import resident, start_peak_anew
    from deoldify.photo import Photo, open_photo, save_photo

    work, label = _load(name, None)
    ramp = np.arange(300 * 200 * 3).reshape(200, 300, 3).astype(np.uint8)
    save_photo(work(Photo(ramp)), target, label=label)
    program = resident("VmRSS")
    start_peak_anew()
    photo = open_photo(source)
    save_photo(work(photo), target, label=label)
    typer.echo(f"{(resident('VmHWM') - program) / (photo.width * photo.height):.2f}")


def adjusting(megapixels: float, repeats: int) -> Rows:
    """Seconds until a photo that is shown has other colours, without a new render; and with one, beside."""
    import torch

    import deoldify
    from deoldify.imaging import Hint
    from deoldify.photo import Photo

    colorizer = deoldify.load("compact")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "photo.png"
        make_photo(path, megapixels, mode="grey RGB")
        with Image.open(path) as image:
            photo = Photo(np.asarray(image))
    plane = colorizer.plane(photo.pixels)
    hints = [Hint(0.2 + 0.2 * i, 0.5, "#334d80") for i in range(4)]
    ways: dict[str, Callable[[], Photo]] = {
        "a new render": lambda: colorizer.colorize_photo(photo),
        "colours as they are": lambda: colorizer.paint(photo, plane),
        "saturation and warmth": lambda: colorizer.paint(photo, plane, saturation=0.7, warmth=0.3),
        "a hint": lambda: colorizer.paint(photo, plane, hints=hints[:1]),
        "four hints": lambda: colorizer.paint(photo, plane, hints=hints),
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats + 1):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            taken[name].append(time.perf_counter() - start)
    threads = torch.get_num_threads()
    return [  # the first of each was to get warm
        {
            "what": name,
            "megapixels": megapixels,
            "threads": threads,
            "seconds": round(statistics.median(seconds[1:]), 3),
        }
        for name, seconds in taken.items()
    ]


def start_up(repeats: int) -> Rows:
    """Seconds from the start of a process to its answer, the best of some."""

    def best(*arguments: str) -> float:
        seconds = []
        for _ in range(repeats):
            start = time.perf_counter()
            subprocess.run([sys.executable, *arguments], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
            seconds.append(time.perf_counter() - start)
        return min(seconds)

    interpreter, page = best("-c", "pass"), min(_page() for _ in range(repeats))
    libraries = best("-c", "import torch, gradio")
    rows: Rows = [{"what": "the interpreter", "seconds": interpreter, "beyond": "", "seconds beyond": ""}]
    for what, seconds, beyond, base in (
        ("deoldify --help", best("-m", "deoldify", "--help"), "the interpreter", interpreter),
        ("deoldify models", best("-m", "deoldify", "models"), "the interpreter", interpreter),
        ("app.py --help", best("app.py", "--help"), "the interpreter", interpreter),
        ("app.py --version", best("app.py", "--version"), "the interpreter", interpreter),
        ("the page answers", page, "import torch, gradio", libraries),
    ):
        rows.append({"what": what, "seconds": seconds, "beyond": beyond, "seconds beyond": seconds - base})
    return [{k: round(v, 2) if isinstance(v, float) else v for k, v in row.items()} for row in rows]


def _page() -> float:
    start = time.perf_counter()
    with served():
        return time.perf_counter() - start


@contextmanager
def served() -> Iterator[str]:
    """``app.py`` on loopback, once it answers: its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}/"
    command = [sys.executable, "app.py", "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as page:
        try:
            while True:
                if page.poll() is not None:
                    raise RuntimeError("the page ended before it answered")
                try:
                    with urllib.request.urlopen(address, timeout=10):
                        break
                except (urllib.error.URLError, ConnectionError):
                    time.sleep(0.02)
            yield address
        finally:
            page.terminate()


def folders(folder: Path, photos: int, megapixels: float) -> Rows:
    """Photos a second, one at a time and as the command line does a folder, each in a process of its own.

    At one render a photo, and at as many as the model is used with; with the peak of memory above the loaded program.
    """
    old = folder / "old"
    old.mkdir()
    make_photo(old / "0.jpg", megapixels, mode="grey RGB")
    for i in range(1, photos):
        shutil.copy(old / "0.jpg", old / f"{i}.jpg")
    files = [path.name for path in old.iterdir()]
    rows: Rows = []
    for renders in ("1", "usual"):
        made, seconds = {}, {}
        for way in ("one at a time", "folder"):
            made[way] = folder / f"{way} {renders}"
            environment = {**os.environ} | ({"OMP_WAIT_POLICY": "passive"} if way == "folder" else {})
            command = [sys.executable, __file__, "one-folder", str(old), str(made[way]), way, renders]
            done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
            seconds[way], mebibytes = map(float, done.stdout.split())
            rows.append(
                {
                    "renders": renders,
                    "way": way,
                    "photos": photos,
                    "photos a second": round(photos / seconds[way], 1),
                    "MiB": round(mebibytes),
                }
            )
        one, many = made.values()
        rows[-1]["ratio"] = round(seconds["one at a time"] / seconds["folder"], 2)
        rows[-1]["same files"] = all((one / n).read_bytes() == (many / n).read_bytes() for n in files)
        for each in made.values():
            shutil.rmtree(each)
    return rows


@app.command(hidden=True)
def one_folder(old: Path, new: Path, way: str, renders: str) -> None:
    """Print the seconds that a folder takes, once the model is warm, and the MiB above what is resident then."""
    import torch

    import deoldify
    from benchmarks.resident import resident, start_peak_anew
    from deoldify.folder import Run, Task, process
    from deoldify.photo import Photo, open_photo, save_photo
    from deoldify.session import SHORT_RENDER

    count = None if renders == "usual" else int(renders)
    colorizer = deoldify.load_colorizer("compact")
    work, label = partial(colorizer.colorize_photo, renders=count), colorizer.label
    jobs = [(path, new / path.name) for path in sorted(old.iterdir())]
    new.mkdir()
    work(open_photo(jobs[0][0]))
    short = colorizer.seconds(renders=count) < SHORT_RENDER
    program = resident("VmRSS")
    start_peak_anew()

    def labelled(photo: Photo) -> tuple[Photo, str]:
        return work(photo), label

    start = time.perf_counter()
    if way == "folder":
        tasks = [Task(source, target) for source, target in jobs]
        for outcome in process(tasks, Run(labelled), workers=torch.get_num_threads() + 1, short=short):
            if outcome.status != "done":
                raise RuntimeError(outcome.message)
    else:
        for source, target in jobs:
            result, said = labelled(open_photo(source))
            save_photo(result, target, label=said)
    seconds = time.perf_counter() - start
    typer.echo(f"{seconds:.3f} {(resident('VmHWM') - program) / 2**20:.1f}")


def _table(title: str, rows: Rows) -> str:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    lines = [columns, ["---"] * len(columns), *([str(row.get(column, "")) for column in columns] for row in rows)]
    return f"\n## {title}\n\n" + "\n".join("| " + " | ".join(line) + " |" for line in lines)


@app.command()
def measure(
    megapixels: Annotated[float, typer.Option(help="Of the photo that is timed.")] = 12,
    large: Annotated[float, typer.Option(help="Megapixels of the photo whose memory is measured.")] = 100,
    photos: Annotated[int, typer.Option(help="In the folder, of 2 megapixels each.")] = 200,
    repeats: Annotated[int, typer.Option(help="Of everything that is timed in turn.")] = 7,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the numbers here, too.")] = None,
) -> None:
    """Measure all of it and print tables."""
    found: dict[str, Rows] = {}

    def add(title: str, rows: Rows) -> None:
        found[title] = rows
        typer.echo(_table(title, rows))

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        add(f"From path to saved file, {megapixels:g} megapixels", time_against_pillow(folder, megapixels, repeats))
        add("Other colours on a photo that is shown", adjusting(2, repeats))
        add("Memory above the loaded program", memory_a_pixel(folder, large))
        add("Start-up", start_up(min(repeats, 3)))
        add("A folder of 2-megapixel photos", folders(folder, photos, 2))
    if json_file is None:
        typer.echo(f"\n{json.dumps(found)}")
    else:
        json_file.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    # Without a command's name, everything is measured.
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.argv.insert(1, "measure")
    app()
