"""Photos a second by one worker of a Ray cluster and by two, on this machine.

Run it on a quiet one: ``python benchmarks/cluster.py`` prints a Markdown table. Photos are 2 megapixels of noise on a
gradient, as JPEG; the first batch of each worker, with which models are loaded, does not count.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

if TYPE_CHECKING:
    from deoldify import Colorizer
    from deoldify.folder import Work


def make_photos(folder: Path, count: int) -> None:
    """Write grey photographs of 1732 × 1155 pixels."""
    draw = np.random.default_rng(0)
    ramp = np.add.outer(np.linspace(0, 90, 1155), np.linspace(20, 130, 1732))
    for number in range(count):
        grey = (ramp + draw.normal(0, 6, ramp.shape)).clip(0, 255).astype(np.uint8)
        Image.fromarray(grey).save(folder / f"{number:04}.jpg", quality=92)


def prepare() -> tuple[Work, Sequence[Colorizer]]:
    """What a worker does: the embedded colorizer, as it comes."""
    import deoldify

    colorizer = deoldify.load("compact")
    return lambda photo: (colorizer.colorize_photo(photo), colorizer.label), (colorizer,)


def rate(workers: int, photos: Path, results: Path) -> float:
    """Photos a second, once every worker is at work."""
    import ray

    from deoldify.cluster import Share, process_on
    from deoldify.folder import job_of, plan

    ray.init(
        address="local", num_cpus=workers, include_dashboard=False, log_to_driver=False, object_store_memory=100 << 20
    )
    try:
        job = job_of("benchmark", "coloured", weights={}, settings={"workers": workers})
        times = []
        for outcome in process_on("local", plan([photos], results, job).tasks, Share(prepare, job)):
            if outcome.status != "done":
                raise SystemExit(f"{outcome.source}: {outcome.message}")
            times.append(time.perf_counter())
    finally:
        ray.shutdown()
    begun = len(times) // 4  # outcomes come by the batch, and this is the end of one
    return (len(times) - begun) / (times[-1] - times[begun - 1])


def main(photos: Annotated[int, typer.Option(min=32, help="How many are done by each.")] = 128) -> None:
    """Measure one worker and two."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "photos"
        folder.mkdir()
        make_photos(folder, photos)
        rates = {workers: rate(workers, folder, Path(name) / str(workers)) for workers in (1, 2)}
    print("| | photos a second |\n|---|---|")
    for workers, each in rates.items():
        print(f"| {workers} worker{'s' * (workers > 1)} | {each:.2f} ({each / rates[1]:.2f} ×) |")


if __name__ == "__main__":
    typer.run(main)
