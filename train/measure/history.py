"""A run's scalars, kept small: a table to lie beside a checkpoint's card, so that the next run can be compared."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from train.errors import TrainingError
from train.folder import BOARD, INFLECTION, RECIPE, replacing
from train.measure.inflection import choose, curves, read_points

Series = list[tuple[int, float]]
"""Steps, rising, each with a value."""


def scalars(run: Path) -> dict[str, Series]:
    """What a run wrote to TensorBoard, without what it took back, by name.

    Raises:
        TrainingError: the folder holds no scalars.
    """
    if not (run / BOARD).is_dir():
        raise TrainingError(f"{run} is not the folder of a run: it has no {BOARD}/")
    events = EventAccumulator(str(run / BOARD), {"scalars": 0, "images": 1, "histograms": 1, "tensors": 1})
    events.Reload()
    names = sorted(events.Tags()["scalars"])
    if not names:
        raise TrainingError(f"{run} has written no scalars yet: {BOARD}/ holds none")
    return {name: [(event.step, event.value) for event in events.Scalars(name)] for name in names}


def stage_ends(run: Path) -> dict[str, int]:
    """The step that each of a run's stages ends with, in order.

    Raises:
        TrainingError: the folder holds no run.
    """
    try:
        stages = json.loads((run / RECIPE).read_text())["stages"]
    except (OSError, ValueError, KeyError) as error:
        raise TrainingError(f"{run} is not the folder of a run: it has no {RECIPE} that can be read") from error
    steps = np.cumsum([stage["steps"] for stage in stages]).tolist()
    return dict(zip((stage["name"] for stage in stages), steps, strict=True))


def thin(series: Series, ends: Sequence[int]) -> list[float | None]:
    """Means over stretches of steps.

    Args:
        series: what is thinned.
        ends: last step of each stretch, rising; the first begins at step 0.

    Returns:
        a mean for each stretch; ``None`` where nothing was written.
    """
    steps = np.array([step for step, _ in series])
    values = np.array([value for _, value in series])
    place = np.searchsorted(ends, steps)  # a step belongs to the first stretch that does not end before it
    return [float(values[place == number].mean()) if (place == number).any() else None for number in range(len(ends))]


def write_history(run: Path, out: Path, rows: int = 200) -> list[Path]:
    """Write a run's scalars as CSV, and its inflection curves as PNG where its snapshots were measured.

    A row stands for a stretch of steps within one stage: ``stage``, ``step`` (its last), and the means of all scalars
    over it, with four digits; a cell is empty where nothing was written.

    Args:
        run: the run's folder.
        out: the CSV; the PNG lies beside it under the same name.
        rows: about how many; stages that are shorter than a stretch have one of their own.

    Returns:
        the files written.

    Raises:
        TrainingError: the folder holds no run, or nothing can be written.
    """
    found, stages = scalars(run), stage_ends(run)
    steps = sorted({step for series in found.values() for step, _ in series})
    count = min(rows, len(steps))
    grid = [steps[math.ceil((number + 1) * len(steps) / count) - 1] for number in range(count)]
    ends = sorted({*grid, *(step for step in stages.values() if steps[0] <= step <= steps[-1])})
    columns = {name: thin(series, ends) for name, series in found.items()}
    written = [out]
    try:
        with replacing(out) as beside, beside.open("w", newline="") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(["stage", "step", *columns])
            for number, step in enumerate(ends):
                stage = next((name for name, end in stages.items() if step <= end), "")
                means = (column[number] for column in columns.values())
                table.writerow([stage, step, *("" if mean is None else f"{mean:.4g}" for mean in means)])
        if (run / INFLECTION).exists():
            points = read_points(run / INFLECTION)
            written.append(out.with_suffix(".png"))
            with replacing(written[-1]) as beside:
                curves(points, choose(points)[0]).save(beside, "PNG")
    except OSError as error:
        raise TrainingError(f"{out} cannot be written: {error}") from error
    return written
