"""Predicted against measured peak memory, and seconds, of renders on the CPU: ``python -m benchmarks.memory --help``.

Every render gets a process of its own, with random weights, which do not matter here. It makes a small render first,
so that threads and libraries are there, and then notes by how much the most memory that was resident during the render
exceeds what was resident before it, as the kernel counts (Linux only). Seconds want a machine that does nothing else.
"""

from __future__ import annotations

import itertools
import json
import multiprocessing
import sys
import time
from statistics import median
from typing import Annotated

import torch
import typer

from benchmarks.resident import resident, start_peak_anew
from deoldify.model import FACTOR_PIXELS
from deoldify.network import (
    ARTISTIC,
    COMPACT,
    DDCOLOR_LARGE,
    DDCOLOR_TINY,
    DEFADE,
    STABLE,
    NetworkConfig,
    Prepared,
    build,
    cost,
    memory,
)

CONFIGS: dict[str, NetworkConfig] = {
    "compact": COMPACT, "defade": DEFADE, "artistic": ARTISTIC, "stable": STABLE,
    "ddcolor-tiny": DDCOLOR_TINY, "ddcolor": DDCOLOR_LARGE,
}  # fmt: skip
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
CPU = torch.device("cpu")


def measure(config: NetworkConfig, dtype: torch.dtype, side: int) -> int:
    """Peak bytes that a render of this side takes on the CPU, above what was there before, in this process."""
    memory.keep_heap_small()
    prepared = Prepared(build(config, spectral=False).eval(), CPU, dtype)
    prepared(torch.zeros(1, 3, 64, 64))
    memory.give_back(CPU)
    before = resident("VmRSS")
    start_peak_anew()
    prepared(torch.rand(1, 3, side, side))
    return resident("VmHWM") - before


def measure_seconds(config: NetworkConfig, dtype: torch.dtype, side: int) -> tuple[float, float]:
    """Seconds of a render as a short one foretells them, as for the page's slider, and as they are: median of three."""
    memory.keep_heap_small()
    prepared = Prepared(build(config, spectral=False).eval(), CPU, dtype)
    cost.calibrate(prepared)
    foretold = cost.render_seconds(config, CPU, dtype, side)
    assert foretold is not None
    x, taken = torch.rand(1, 3, side, side), []
    for _ in range(4):
        start = time.perf_counter()
        (prepared.opinions if prepared.has_opinions else prepared)(x)
        taken.append(time.perf_counter() - start)
    return foretold, median(taken[1:])


def main(
    models: Annotated[str, typer.Option(help="Names, with commas between.")] = ",".join(CONFIGS),
    precisions: Annotated[str, typer.Option(help="Names, with commas between.")] = ",".join(PRECISIONS),
    factors: Annotated[str, typer.Option(help="Render factors, with commas between.")] = "10,16,24,35,48,64",
    seconds: Annotated[bool, typer.Option("--seconds", help="Of seconds instead of memory.")] = False,
) -> None:
    """Print a table, and as its last line the same as JSON; exit status 1 where a prediction is off by over 15 %."""
    if seconds:
        sys.exit(_compare_seconds(models.split(","), precisions.split(","), [int(each) for each in factors.split(",")]))
    rows = []
    print("model         precision  factor  predicted   measured  ratio")
    for model, precision, factor in itertools.product(models.split(","), precisions.split(","), factors.split(",")):
        config, dtype, side = CONFIGS[model], PRECISIONS[precision], int(factor) * FACTOR_PIXELS
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            measured = pool.apply(measure, (config, dtype, side))
        predicted = cost.render_cost(config, CPU, dtype, side).bytes
        rows.append((model, precision, int(factor), predicted, measured))
        print(
            f"{model:12} {precision:9} {factor:>7} {predicted / 2**20:6.1f} MiB {measured / 2**20:6.1f} MiB "
            f"{predicted / measured:6.2f}",
            flush=True,
        )
    print(json.dumps([dict(zip(("model", "precision", "factor", "predicted", "measured"), row)) for row in rows]))
    sys.exit(any(abs(predicted / measured - 1) > 0.15 for *_, predicted, measured in rows))


def _compare_seconds(models: list[str], precisions: list[str], factors: list[int]) -> bool:
    """The same of seconds; whether one is off by over 15 %."""
    off = False
    print("model         precision  factor  foretold    taken  ratio")
    for model, precision, factor in itertools.product(models, precisions, factors):
        arguments = CONFIGS[model], PRECISIONS[precision], factor * FACTOR_PIXELS
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            foretold, taken = pool.apply(measure_seconds, arguments)
        print(
            f"{model:12} {precision:9} {factor:>7} {foretold:7.2f} s {taken:6.2f} s {foretold / taken:6.2f}", flush=True
        )
    return off


if __name__ == "__main__":
    typer.run(main)
