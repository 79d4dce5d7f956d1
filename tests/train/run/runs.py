"""Runs of toy recipes in this process, and the scalars that a run wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from train.recipes import Recipe
from train.run import Training


def train(recipe: Recipe, data: str | Path, out: Path, **changes: Any) -> Training:
    """Begin a run, or go on with it, to its end."""
    settings: dict[str, Any] = {"seed": 3, "device": "cpu", "workers": 0, "precision": "float32"}
    training = Training(recipe, data, out, **(settings | changes))
    training.resume()
    training.run()
    return training


def scalars(run: Path) -> dict[str, list[float]]:
    """What a run wrote to TensorBoard, by name."""
    events = EventAccumulator(str(run / "board"), {"scalars": 0})
    events.Reload()
    return {name: [event.value for event in events.Scalars(name)] for name in events.Tags()["scalars"]}
