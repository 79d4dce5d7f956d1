"""Recipes as plain data, as JSON and checkpoints hold them, and where two of them differ."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, fields
from typing import Any

from train.recipes.recipe import Recipe, Stage


def to_dict(recipe: Recipe) -> dict[str, Any]:
    """The recipe as plain data that JSON and checkpoints can hold."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(recipe)))
    return plain


def conflicts(theirs: Mapping[str, Any], ours: Mapping[str, Any], step: int) -> list[str]:
    """Why a run of a recipe cannot go on with another: where they differ in more than stages that are still to come.

    Args:
        theirs: the run's, as plain data. What it does not say, since it is older, is as it is by default.
        ours: the other.
        step: of the run.
    """
    begun = sum(sum(stage["steps"] for stage in theirs["stages"][:i]) < step for i in range(len(theirs["stages"])))
    stages = [_defaults(Stage) | stage for stage in theirs["stages"][:begun]]
    return differences({**_defaults(Recipe), **theirs, "stages": stages}, {**ours, "stages": ours["stages"][:begun]})


def _defaults(config: type) -> dict[str, Any]:
    """What a dataclass's fields are by default, as plain data."""
    given = {f.name: f.default for f in fields(config) if f.default is not MISSING}
    made = {f.name: f.default_factory() for f in fields(config) if f.default_factory is not MISSING}
    plain: dict[str, Any] = json.loads(json.dumps(given | made))
    return plain


def differences(theirs: Mapping[str, Any], ours: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Where two recipes as plain data differ, for a reader."""
    found = []
    for key in sorted({*theirs, *ours}):
        a, b = theirs.get(key), ours.get(key)
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            found += differences(a, b, f"{prefix}{key}.")
        elif key == "stages" and isinstance(a, Sequence) and isinstance(b, Sequence) and len(a) == len(b):
            for x, y in zip(a, b):
                found += differences(x, y, f"{x['name']}.")
        elif a != b:
            found.append(f"{prefix}{key} is {b!r}, was {a!r}")
    return found
