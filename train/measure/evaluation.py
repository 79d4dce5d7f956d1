"""The measuring of a model that ``python -m train evaluate`` does: what is measured, told and drawn, in which order.

A colorizer is measured as the package runs it by default, but for render factors that are asked for. Tables are told
as they are ready, and plain data come back, for a file of JSON. Contact sheets are drawn where there is a folder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, cast

from PIL import Image

from deoldify.colorizer import Colorizer
from deoldify.defader import Defader
from deoldify.errors import CheckpointError
from train.measure.colour import Measures, contact_sheet, measure, paint_all, table
from train.measure.distance import PooledFeatures, Rgb, frechet_distance
from train.measure.steadiness import steadiness, steadiness_table
from train.measure.subjects import LONG_SIDE, OLD

Sets = Mapping[str, Sequence[Rgb]]
Tell = Callable[[str], object]

STEADIED = 60
"""Photographs of a set whose steadiness is measured; each is rendered several times."""
_SHOWN = 36


def evaluate_colorizer(
    colorizer: Colorizer,
    factors: Sequence[int],
    sets: Sets,
    tell: Tell,
    *,
    with_fid: bool = False,
    sheet: Path | None = None,
) -> dict[int, dict[str, Any]]:
    """Measure a colorizer against originals.

    Args:
        colorizer: which.
        factors: render factors.
        sets: originals by set.
        tell: is given what there is to read.
        with_fid: measure FID too, where its network can be had.
        sheet: folder for contact sheets.

    Returns:
        the numbers of ``Measures`` by render factor and set.
    """
    features = PooledFeatures()
    results: dict[int, dict[str, Measures]] = {}
    missing = ""
    for factor in factors:
        results[factor] = {}
        for name, pictures in sets.items():
            renders = paint_all(pictures, partial(colorizer, render_factor=factor))
            fid = None
            if with_fid and not missing:
                try:
                    fid = frechet_distance(renders, pictures)
                except CheckpointError as error:
                    tell(f"FID is not measured: {error}")
                    missing = "not measured: no Inception weights"
            results[factor][name] = measure(pictures, renders, features, fid)
            if sheet is not None:
                contact_sheet(pictures[:_SHOWN], renders[:_SHOWN]).save(sheet / f"{name}-{factor}.png")
    tell(table(results, missing))
    return {factor: {name: asdict(found) for name, found in sets.items()} for factor, sets in results.items()}


def evaluate_steadiness(
    colorizer: Colorizer, sets: Sets, tell: Tell, *, sheet: Path | None = None
) -> dict[str, dict[str, Any]]:
    """Measure what needs no originals, on photographs in their own shape; the numbers of ``Steadiness`` by set."""

    def render(image: Image.Image, factor: int | None) -> Image.Image:
        return colorizer(image, render_factor=factor)

    best = colorizer.checkpoint.render_factor
    results = {name: steadiness(pictures, render, best) for name, pictures in sets.items()}
    tell(f"\nBy default, of pictures {LONG_SIDE} pixels long:\n\n{steadiness_table(results)}")
    if sheet is not None and OLD in sets:
        contact_sheet(sets[OLD], paint_all(sets[OLD], colorizer)).save(sheet / f"{OLD}.png")
    return {name: asdict(found) for name, found in results.items()}


def evaluate_defader(
    defader: Defader, factors: Sequence[int], sets: Sets, tell: Tell, *, seed: int, sheet: Path | None = None
) -> dict[int, dict[str, Any]]:
    """Measure a restorer on originals that are faded here, by the seed; its numbers by render factor, set, strength."""
    from train.measure.defade import colour_only

    pictures = {name: colour_only(found) for name, found in sets.items()}
    return {factor: _evaluate_defader_at(defader, factor, pictures, tell, seed, sheet) for factor in factors}


def _evaluate_defader_at(
    defader: Defader, factor: int, sets: Sets, tell: Tell, seed: int, sheet: Path | None
) -> dict[str, Any]:
    from train.measure.defade import (
        STRENGTHS,
        DefadeMeasures,
        compare,
        defade_sheet,
        defade_table,
        measure_defade,
        measure_fresh,
    )  # fmt: skip

    def restore(rgb: Rgb) -> Rgb:
        return cast("Rgb", defader.defade_pixels(rgb, render_factor=factor))

    results: dict[str, dict[str, DefadeMeasures]] = {}
    fresh = {}
    for name, pictures in sets.items():
        results[name] = {}
        for strength, amount in STRENGTHS.items():
            compared = compare(pictures, restore, amount, seed)
            measures = results[name][strength] = measure_defade(compared)
            if sheet is not None:
                drawn = defade_sheet(compared.first(_SHOWN), measures.best_baseline)
                drawn.save(sheet / f"{name}-{strength}-{factor}.png")
        fresh[name] = measure_fresh(pictures, restore)
    tell(f"At render factor {factor}:\n\n{defade_table(results, fresh)}")
    return {
        name: {**{strength: asdict(m) for strength, m in by_strength.items()}, "fresh": asdict(fresh[name])}
        for name, by_strength in results.items()
    }
