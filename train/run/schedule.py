"""How the learning rate goes over a stage: a linear rise, a plateau, a fall along a cosine."""

from __future__ import annotations

import math

from train.recipes import Stage


def shape_at(stage: Stage, step: int) -> float:
    """The learning rate at a step, in units of the stage's."""
    done = step / stage.steps
    if done < stage.rise:
        return stage.start + (1 - stage.start) * done / stage.rise
    if done > 1 - stage.fall:
        along = (done - (1 - stage.fall)) / stage.fall
        return stage.floor + (1 - stage.floor) * (1 + math.cos(math.pi * along)) / 2
    return 1.0


def rate_at(stage: Stage, step: int) -> float:
    """The generator's learning rate at a step of a stage."""
    return stage.rate * shape_at(stage, step)
