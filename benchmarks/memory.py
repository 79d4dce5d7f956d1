"""Predicted against measured peak memory of renders on the CPU: ``python -m benchmarks.memory --help``.

Every generator and precision gets a process of its own, with random weights, which do not matter here. It makes a
small render first, so that threads and libraries are there, and then for each render factor notes by how much the
most memory that was resident during a render exceeds what was resident before it, as the kernel counts (Linux only).
"""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import sys
from pathlib import Path
from typing import Annotated

import torch
import typer

from deoldify import memory
from deoldify.config import ARTISTIC, COMPACT, DEFADE, STABLE, GeneratorConfig
from deoldify.generator import Generator
from deoldify.inference import Prepared
from deoldify.pipeline import FACTOR_PIXELS

CONFIGS = {"compact": COMPACT, "defade": DEFADE, "artistic": ARTISTIC, "stable": STABLE}
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
CPU = torch.device("cpu")


def measure(config: GeneratorConfig, dtype: torch.dtype, factors: list[int]) -> list[int]:
    """Peak bytes that renders on the CPU take above what was there before, for each render factor, in this process."""
    memory.keep_heap_small()
    # Spectral norm, which preparing folds away, would only take time here.
    prepared = Prepared(Generator(dataclasses.replace(config, spectral=False)).eval(), CPU, dtype)
    prepared(torch.zeros(1, 3, 64, 64))
    peaks = []
    for factor in factors:
        side = factor * FACTOR_PIXELS
        memory.give_back(CPU)
        before = _resident("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # the highest count starts anew
        prepared(torch.rand(1, 3, side, side))
        peaks.append(_resident("VmHWM") - before)
    return peaks


def _resident(which: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(which))


def main(
    models: Annotated[str, typer.Option(help="Names, with commas between.")] = ",".join(CONFIGS),
    precisions: Annotated[str, typer.Option(help="Names, with commas between.")] = ",".join(PRECISIONS),
    factors: Annotated[str, typer.Option(help="Render factors, with commas between.")] = "10,16,24,35,48,64",
) -> None:
    """Print a table, and as its last line the same as JSON; exit status 1 where a prediction is off by over 15 %."""
    wanted = [int(factor) for factor in factors.split(",")]
    rows = []
    print("model     precision  factor  predicted   measured  ratio")
    for model in models.split(","):
        for precision in precisions.split(","):
            config, dtype = CONFIGS[model], PRECISIONS[precision]
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                measured = pool.apply(measure, (config, dtype, wanted))
            for factor, peak in zip(wanted, measured, strict=True):
                predicted = memory.render_cost(config, CPU, dtype, factor * FACTOR_PIXELS).bytes
                rows.append((model, precision, factor, predicted, peak))
                print(
                    f"{model:9} {precision:9} {factor:7} {predicted / 2**20:6.1f} MiB {peak / 2**20:6.1f} MiB "
                    f"{predicted / peak:6.2f}",
                    flush=True,
                )
    print(json.dumps([dict(zip(("model", "precision", "factor", "predicted", "measured"), row)) for row in rows]))
    sys.exit(any(abs(predicted - peak) > max(0.15 * peak, 3 << 20) for *_, predicted, peak in rows))


if __name__ == "__main__":
    typer.run(main)
