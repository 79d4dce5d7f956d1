"""How good a model is, in numbers, and where training should have stopped.

In come photographs whose colours are known and what a model made of them, (H, W, 3) uint8 each; out come records of
numbers, tables and contact sheets. ``colour`` measures colorizers, ``distance`` how far their renders lie from
photographs, on the ``subjects`` that a user names; ``inflection`` chooses among the snapshots of a run.

Restorers are measured by ``train.measure.defade``, which needs scikit-image, and a run's scalars are kept by
``train.measure.history``, which needs TensorBoard's reader: those two have doors of their own, so that who asks for
neither waits for neither.
"""

from train.measure.colour import (
    Measures,
    blotched,
    colourfulness,
    contact_sheet,
    grey_of,
    measure,
    paint_all,
    plain_numbers,
    psnr,
    strongest_patch,
    table,
)
from train.measure.distance import PooledFeatures, Rgb, frechet_distance, kernel_distance
from train.measure.inflection import Point, Survey, choose, photographs, restoration, skin_colour
from train.measure.subjects import load_any, originals

__all__ = [
    "Measures",
    "Point",
    "PooledFeatures",
    "Rgb",
    "Survey",
    "blotched",
    "choose",
    "colourfulness",
    "contact_sheet",
    "frechet_distance",
    "grey_of",
    "kernel_distance",
    "load_any",
    "measure",
    "originals",
    "paint_all",
    "photographs",
    "plain_numbers",
    "psnr",
    "restoration",
    "skin_colour",
    "strongest_patch",
    "table",
]
