"""A photo's colours between a render and what is asked of them later: on disk, for an album's would fill the memory."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import PIL.Image
import torch

from deoldify.imaging import ColourPlane
from deoldify.photo import Render

_TINT = (200, 20, 170)  # a colour that no photograph has much of
_STRONGEST = 0.7  # share of the tint
_LEAST_SPREAD = 0.2  # of certainty within a photo, below which differences are no news


@dataclass(frozen=True)
class Kept:
    """A render's colours on disk.

    Attributes:
        file: what `read_plane` reads.
        guesses: a picture to lay over the photo, tinted where the render guesses; None where it does not tell.
        liveliness: that it is used at, where it has a cautious and a lively opinion; otherwise None.
    """

    file: Path
    guesses: Path | None = None
    liveliness: float | None = None


def keep(plane: ColourPlane, folder: Path, name: str = "plane") -> Kept:
    """Write a plane, and where it guesses, into a folder."""
    file = write_plane(plane, folder / f"{name}.npz")
    guesses = None
    if plane.certainty is not None:
        guesses = folder / f"{name}-guesses.png"
        tinted(plane.certainty).save(guesses)
    return Kept(file, guesses, plane.liveliness if plane.lively is not None else None)


def tinted(certainty: npt.NDArray[np.float32]) -> PIL.Image.Image:
    """A picture to lay over a photo: the stronger its tint, the less certain is the place, of all in this photo."""
    low, high = np.percentile(certainty, (5, 95))
    unsure = ((max(high, low + _LEAST_SPREAD) - certainty) / max(high - low, _LEAST_SPREAD)).clip(0, 1)
    alpha = np.rint(unsure * (255 * _STRONGEST)).astype(np.uint8)
    tint = np.broadcast_to(np.array(_TINT, np.uint8), (*alpha.shape, 3))
    return PIL.Image.fromarray(np.dstack([tint, alpha]))


def write_plane(plane: ColourPlane, path: Path) -> Path:
    """Write a plane; the path."""
    arrays: dict[str, Any] = {"grey": plane.grey, "cautious": plane.cautious.float().cpu().numpy()}
    if plane.lively is not None:
        arrays["lively"] = plane.lively.float().cpu().numpy()
    if plane.certainty is not None:
        arrays["certainty"] = plane.certainty
    said = {"liveliness": plane.liveliness, "render": None if plane.render is None else asdict(plane.render)}
    np.savez(path, said=np.array(json.dumps(said)), **arrays)
    return path


def read_plane(path: Path) -> ColourPlane:
    """The plane that `write_plane` wrote."""
    with np.load(path, allow_pickle=False) as kept:
        said = json.loads(str(kept["said"]))
        return ColourPlane(
            kept["grey"],
            torch.from_numpy(kept["cautious"]),
            torch.from_numpy(kept["lively"]) if "lively" in kept else None,
            kept.get("certainty"),
            liveliness=said["liveliness"],
            render=None if said["render"] is None else Render(**said["render"]),
        )
