"""What a position of the render-size slider costs on this machine, and where "auto" stands."""

from __future__ import annotations

from typing import Any

from demo import gpu
from demo.models import colorizer
from deoldify import checkpoints
from deoldify.model import (
    RENDER_FACTORS,
    best_render_factor,
    largest_render_factor,
    rendering_bytes,
    rendering_seconds,
)
from deoldify.network import choose_device, choose_precision, cost, memory

USUAL_PHOTO = (1600, 1200)  # where auto stands before there is a photo
ABOUT = "Small sizes paint boldly, large ones follow detail."


def costs(model: str, factor: int | None, size: tuple[int, int]) -> dict[str, Any]:
    """The value of the slider.

    Args:
        model: that is chosen.
        factor: render factor that is chosen; None for auto.
        size: width and height of the photo.

    Returns:
        ``factor``, no more than fits into free memory; ``auto``, where auto stands; ``largest`` that can be chosen;
        ``cost``, a line about the position; ``of``, the factor that was asked about.
    """
    checkpoint = checkpoints.find(model)
    auto = best_render_factor(checkpoint, *(size if all(size) else USUAL_PHOTO))
    value: dict[str, Any] = {
        "factor": factor, "auto": auto, "largest": RENDER_FACTORS[-1], "cost": ABOUT, "of": factor,
    }  # fmt: skip
    if gpu.ELSEWHERE:  # there the GPU is elsewhere, and not ours yet
        return value
    device = choose_device("auto")
    kind = checkpoint.config, device, choose_precision("auto", device)
    free = memory.free_bytes(device)
    if cost.render_seconds(*kind, cost.CALIBRATION_SIDE) is None:  # the model still sleeps
        free -= checkpoint.bytes
    largest = largest_render_factor(*kind, free, renders=checkpoint.renders)
    if largest is None:
        short = f"{megabytes(max(free, 0))} of memory are free, and not even the smallest render fits into that."
        return value | {"cost": short}
    value["auto"] = min(auto, largest)
    value["largest"] = largest
    if factor is not None:
        value["factor"] = min(factor, largest)
    at = value["auto"] if value["factor"] is None else value["factor"]
    said = f"Takes {megabytes(rendering_bytes(*kind, at, checkpoint.renders))} of memory"
    seconds = rendering_seconds(*kind, at, checkpoint.renders)
    if seconds is not None:
        said += f" and about {duration(seconds)}"
    said += f". {ABOUT}"
    if largest < RENDER_FACTORS[-1]:
        said += f" The largest that fits into the memory that is free now ({megabytes(free)}) is {largest}."
    return value | {"cost": said}


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
