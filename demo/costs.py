"""What a position of the render-size slider costs on this machine, and where "auto" stands."""

from __future__ import annotations

from typing import Any

from demo import gpu
from demo.models import colorizer, records_of
from deoldify.model import (
    FACTOR_PIXELS,
    RENDER_FACTORS,
    best_render_factor,
    factor_step,
    largest_render_factor,
    rendering_bytes,
    rendering_seconds,
    stepped,
)
from deoldify.network import choose_device, choose_precision, cost, memory

USUAL_PHOTO = (1600, 1200)  # where auto stands before there is a photo
ABOUT = "Small sizes paint boldly, large ones follow detail."


def standing(model: str, size: tuple[int, int]) -> dict[str, Any]:
    """The value of the slider before anything is known of memory: see `costs`."""
    records = records_of(model)
    return {
        "factor": None, "auto": max(best_render_factor(record, *size) for record in records),
        "largest": RENDER_FACTORS[-1], "cost": ABOUT, "of": None,
        "step": min(factor_step(record.config) for record in records),
    }  # fmt: skip


def costs(model: str, factor: int | None, size: tuple[int, int]) -> dict[str, Any]:
    """The value of the slider.

    Args:
        model: that is chosen, or several that are to agree.
        factor: render factor that is chosen; None for auto.
        size: width and height of the photo.

    Returns:
        ``factor``, no more than fits into free memory; ``auto``, where auto stands; ``largest`` that can be chosen;
        ``step`` from one factor to the next; ``cost``, a line about the position; ``of``, the factor that was asked
        about.
    """
    records = records_of(model)
    photo = size if all(size) else USUAL_PHOTO
    value = standing(model, photo) | {"factor": factor, "of": factor}
    if gpu.ELSEWHERE:  # there the GPU is elsewhere, and not ours yet
        return value
    device = choose_device("auto")
    precision = choose_precision("auto", device)
    kinds = {record.name: (record.config, device, precision) for record in records}
    free = memory.free_bytes(device)
    for record in records:
        if cost.render_seconds(*kinds[record.name], cost.CALIBRATION_SIDE) is None:  # the model still sleeps
            free -= record.bytes
    largest = [largest_render_factor(*kinds[record.name], free, renders=record.renders) for record in records]
    fitting = [each for each in largest if each is not None]
    if len(fitting) < len(records):
        short = f"{megabytes(max(free, 0))} of memory are free, and not even the smallest render fits into that."
        return value | {"cost": short}
    most = min(fitting)
    value["auto"] = min(value["auto"], most)
    value["largest"] = most
    if factor is not None:
        chosen = min(factor, most)
        value["factor"] = chosen - chosen % value["step"]
    taken, seconds = 0, 0.0
    for record in records:
        at = (
            min(best_render_factor(record, *photo), most) if factor is None else stepped(record.config, value["factor"])
        )
        taken = max(taken, rendering_bytes(*kinds[record.name], at, record.renders))
        seconds += rendering_seconds(*kinds[record.name], at, record.renders) or float("inf")
    said = f"Takes {megabytes(taken)} of memory"
    if seconds < float("inf"):
        said += f" and about {duration(seconds)}"
    said += f". {_sides(model)}{ABOUT}"
    if most < RENDER_FACTORS[-1]:
        said += f" The largest that fits into the memory that is free now ({megabytes(free)}) is {most}."
    return value | {"cost": said}


def _sides(model: str) -> str:
    """That some of the models that are to agree see other squares than the others."""
    records = records_of(model)
    steps = {record.name: factor_step(record.config) for record in records}
    coarse = [name for name, step in steps.items() if step > min(steps.values())]
    if not coarse:
        return ""
    pixels = max(steps.values()) * FACTOR_PIXELS
    return f"{' and '.join(coarse)} takes the next multiple of {pixels} pixels below. "


def costs_of_awake(model: str, factor: int | None, size: tuple[int, int]) -> dict[str, Any]:
    """The same, once the model is here and can tell how fast it is."""
    if not gpu.ELSEWHERE:
        colorizer(model).seconds(factor)
    return costs(model, factor, size)


def megabytes(amount: int) -> str:
    """Bytes, for a reader."""
    return f"{amount / 1e6:.0f} MB"


def duration(amount: float) -> str:
    """Seconds, for a reader."""
    return f"{amount:.1f} s" if amount < 9.95 else f"{amount:.0f} s"
