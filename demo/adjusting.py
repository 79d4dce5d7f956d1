"""After the render, without a new one: saturation, warmth and the rest, and colours that the visitor names."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from demo.album import Album, Entry
from demo.jobs import Colouring, asked_of, open_for, write
from demo.models import colorizer
from demo.previews import write_previews
from demo.storage import storage
from deoldify.imaging import Adjustments, ColourPlane, Hint
from deoldify.photo import Render, open_photo

MOST_HINTS = 50


def adjustments_of(told: dict[str, Any]) -> Adjustments:
    """Adjustments out of what a client sends.

    Args:
        told: saturation, warmth, liveliness, caution, all of which may be missing or None, and hints: a list of texts
            such as ``0.4,0.6,#334d80``, or of records of x, y and colour.

    Raises:
        ValueError: something is of another type or out of range; the message says what it must be.
    """
    usual = Adjustments()
    values: dict[str, Any] = {}
    for name in ("saturation", "warmth", "liveliness", "caution"):
        value = told.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, float, type(None))):
            raise ValueError(f"{name} must be a number")
        values[name] = getattr(usual, name) if value is None else float(value)
    hints = told.get("hints") or []
    if not isinstance(hints, list) or len(hints) > MOST_HINTS:
        raise ValueError(f"hints must be a list of at most {MOST_HINTS}")
    return Adjustments(**values, hints=[_hint(hint) for hint in hints])


def _hint(told: object) -> Hint:
    if isinstance(told, str):
        return Hint.parse(told)
    if not isinstance(told, dict):
        raise ValueError("a hint must be a text such as 0.4,0.6,#334d80, or a record of x, y and colour")
    x, y, colour = (told.get(name) for name in ("x", "y", "colour"))
    if not isinstance(colour, (str, type(None))) or any(
        isinstance(share, bool) or not isinstance(share, (int, float)) for share in (x, y)
    ):
        raise ValueError("x and y of a hint must be numbers, and its colour a text such as #334d80, or nothing")
    return Hint(float(cast(float, x)), float(cast(float, y)), colour)


def write_plane(plane: ColourPlane, path: Path) -> Path:
    """Keep a plane on disk, for an album's planes would fill the memory; the path."""
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


def adjust(album: Album, entry: Entry, adjustments: Adjustments) -> None:
    """Show a photo with other colours, at once and at the size that is shown; its file waits for `finish`."""
    done = entry.done
    if done is None or done.plane is None or entry.shown is None or not isinstance(done.job, Colouring):
        return
    shown = open_photo(entry.shown.large)
    painted = colorizer(done.job.model).paint(shown, read_plane(done.plane), **asked_of(adjustments))
    previews = write_previews(painted, storage().new_folder(), "result")
    with album.changing():
        entry.adjustments = adjustments
        if entry.done is done:
            entry.done = replace(done, shown=previews, stale=True)
            album.archive = None
    for old in (done.shown.large, done.shown.small):
        old.unlink(missing_ok=True)


def finish(album: Album, entry: Entry) -> None:
    """Write a photo's file anew, where its colours were changed since.

    Raises:
        JobError: it cannot be read or written.
    """
    done = entry.done
    if done is None or not done.stale or done.plane is None or not isinstance(done.job, Colouring):
        return
    model = colorizer(done.job.model)
    photo = open_for(entry.source, entry.name)
    painted = model.paint(photo, read_plane(done.plane), **asked_of(entry.adjustments))
    job = replace(done.job, adjustments=entry.adjustments)
    write(painted, done.file, job, model.label_with(**asked_of(entry.adjustments)), entry.source)
    with album.changing():
        if entry.done is done:
            entry.done = replace(done, stale=False)
