"""How good a model is, in numbers, and where training should have stopped.

In come photographs whose colours are known and what a model made of them, (H, W, 3) uint8 each; out come records of
numbers, tables and contact sheets. ``colour`` measures colorizers, ``distance`` how far their renders lie from
photographs, ``lab`` what is seen of it, ``steadiness`` how much it moves with the size, mirrored and in a mount, on the
``subjects`` that a user names; ``inflection`` chooses among the snapshots of a run. ``evaluation``, behind a door of
its own, puts all that together.

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
from train.measure.lab import ab_of, delta_e, hues, mean_chroma, movement
from train.measure.steadiness import Steadiness, in_mount, steadiness, steadiness_table
from train.measure.subjects import LONG_SIDE, OLD, load_any, originals, whole_photographs

__all__ = [
    "LONG_SIDE",
    "OLD",
    "Measures",
    "Point",
    "PooledFeatures",
    "Rgb",
    "Steadiness",
    "Survey",
    "ab_of",
    "blotched",
    "choose",
    "colourfulness",
    "contact_sheet",
    "delta_e",
    "frechet_distance",
    "grey_of",
    "hues",
    "in_mount",
    "kernel_distance",
    "load_any",
    "mean_chroma",
    "measure",
    "movement",
    "originals",
    "paint_all",
    "photographs",
    "plain_numbers",
    "psnr",
    "restoration",
    "skin_colour",
    "steadiness",
    "steadiness_table",
    "strongest_patch",
    "table",
    "whole_photographs",
]
