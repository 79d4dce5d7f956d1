"""Where adversarial training should have stopped: the snapshot with the most life before colour goes wrong.

NoGAN training gives its best within a few per cent of the data; then skin turns orange. Its author kept a checkpoint
every 0.1 % of the data and picked by eye. Here every snapshot renders the same photographs, and numbers decide.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from deoldify.errors import CheckpointError
from deoldify.imaging import chroma, denormalise, normalise
from train.data import Entry, Reader
from train.errors import TrainingError
from train.folder import INFLECTION, replacing, write_text
from train.measure.colour import grey_of, measure
from train.measure.distance import PooledFeatures, Rgb
from train.measure.subjects import originals

Item = TypeVar("Item")
Renderer = Callable[[Tensor], Tensor]
"""A generator, or what stands for one: ImageNet-normalised (N, 3, H, W) to the same."""
logger = logging.getLogger(__name__)

SKIN_SET = "faces"
LARGEST_HUE_SHIFT = 8.0
"""Degrees that the mean hue of skin may stand off the originals'; 10 are seen side by side as another complexion."""
LARGEST_SKIN_CHROMA = 1.15
"""How much stronger than the originals' the colour of skin may be; beyond, it looks tanned, then orange."""
LARGEST_COLOURFULNESS = 1.1
MOST_BLOTCHES = 0.02
"""Share of the renders that may have an over-saturated patch; see ``has_blotch``."""
_BATCH = 8
_PANEL = (640, 110)


@dataclass(frozen=True)
class Point:
    """What one snapshot renders like; means over the sets of photographs.

    Attributes:
        snapshot: name of its file.
        step: of the run.
        psnr: dB.
        colourfulness: in units of the originals'.
        kid_lite2: see ``Measures``; not a number where the features cannot be had.
        blotches: share of the renders with an over-saturated patch.
        skin_hue: degrees from the originals' skin, positive towards red; ``None`` without faces.
        skin_chroma: strength of skin's colour in units of the originals'; ``None`` without faces.
    """

    snapshot: str
    step: int
    psnr: float
    colourfulness: float
    kid_lite2: float
    blotches: float
    skin_hue: float | None
    skin_chroma: float | None

    def faults(self) -> list[str]:
        """Why it should not be shipped."""
        found = []
        if self.skin_hue is not None and abs(self.skin_hue) > LARGEST_HUE_SHIFT:
            found.append(f"skin is {self.skin_hue:+.1f}° off")
        if self.skin_chroma is not None and self.skin_chroma > LARGEST_SKIN_CHROMA:
            found.append(f"skin is {self.skin_chroma:.2f} times as colourful as it is")
        if self.colourfulness > LARGEST_COLOURFULNESS:
            found.append(f"{self.colourfulness:.2f} times as colourful as the originals")
        if self.blotches > MOST_BLOTCHES:
            found.append(f"{self.blotches:.1%} of the renders have over-saturated patches")
        return found


def choose(points: Sequence[Point]) -> tuple[Point, str]:
    """The snapshot to ship, and why.

    Among those without fault, the one whose renders lie nearest to photographs (``kid_lite2``), or, where that is
    not known, the most colourful. Where all have faults, the one with fewest.

    Args:
        points: at least one.
    """

    def rank(point: Point) -> tuple[int, float, int]:
        quality = -point.colourfulness if math.isnan(point.kid_lite2) else point.kid_lite2
        return len(point.faults()), quality, point.step

    best = min(points, key=rank)
    later = [point for point in points if point.step > best.step and point.faults()]
    if best.faults():
        return best, f"all {len(points)} snapshots have faults; this one fewest: {'; '.join(best.faults())}"
    quality = (
        f"most colourful ({best.colourfulness:.2f} of the originals)"
        if math.isnan(best.kid_lite2)
        else f"nearest to photographs (kid_lite2 {best.kid_lite2:.1f})"
    )
    sound = sum(not point.faults() for point in points)
    turn = f"; from step {later[0].step} on: {'; '.join(later[0].faults())}" if later else ""
    return best, f"{quality} of the {sound} of {len(points)} snapshots without fault{turn}"


def skin_colour(faces: Sequence[Rgb]) -> tuple[float, float]:
    """Mean hue and strength of the colour in the middle of pictures of faces.

    Args:
        faces: (H, W, 3) uint8, each with a face in the middle.

    Returns:
        the angle of the mean (U, V) in degrees, and its length.
    """
    vectors = []
    for face in faces:
        height, width = face.shape[:2]
        middle = face[height // 4 : height - height // 4, width // 4 : width - width // 4]
        rgb = torch.from_numpy(np.array(middle)).permute(2, 0, 1).unsqueeze(0).float() / 255
        vectors.append(chroma(rgb).mean((0, 2, 3)))
    u, v = torch.stack(vectors).mean(0).tolist()
    return math.degrees(math.atan2(v, u)), math.hypot(u, v)


@torch.no_grad()
def render_all(generator: Renderer, inputs: Sequence[Rgb], device: torch.device) -> list[Rgb]:
    """What a generator makes of square pictures of one size, at that size."""
    renders: list[Rgb] = []
    for start in range(0, len(inputs), _BATCH):
        x = torch.from_numpy(np.stack(inputs[start : start + _BATCH])).permute(0, 3, 1, 2).to(device).float() / 255
        render = denormalise(generator(normalise(x)).float()).clamp(0, 1) * 255
        renders += list(render.round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy())
    return renders


def restoration(generator: Renderer, sets: Mapping[str, Sequence[Rgb]], device: torch.device) -> dict[str, float]:
    """How well a generator undoes fading of medium strength, at the pictures' own size.

    Args:
        generator: in eval mode.
        sets: photographs by set; those in black and white are left out.
        device: where to render.

    Returns:
        means over all pictures, dB: ``psnr_faded``, and ``psnr`` of the restored; nothing where there are no pictures.
    """
    from train.measure.defade import STRENGTHS, colour_only, fade_all, finite_psnr  # imports scikit-image

    before, after = [], []
    for found in sets.values():
        pictures = colour_only(found)
        faded = fade_all(pictures, STRENGTHS["medium"], seed=0)
        before += [finite_psnr(a, b) for a, b in zip(pictures, faded, strict=True)]
        after += [finite_psnr(a, b) for a, b in zip(pictures, render_all(generator, faded, device), strict=True)]
    return {"psnr_faded": float(np.mean(before)), "psnr": float(np.mean(after))} if before else {}


def photographs(folder: Path | None, entries: Sequence[Entry], most: int) -> dict[str, list[Rgb]]:
    """The fixed photographs that snapshots are measured on, as squares by set.

    Args:
        folder: of sets of photographs; ``None`` takes images from ``entries``.
        entries: images that training does not see.
        most: pictures per set, evenly spread over it.
    """
    if folder is not None:
        found = originals(folder)
        return {name: _spread(pictures, most) for name, pictures in found.items()}
    reader, sets = Reader(), dict[str, list[Rgb]]()
    by_source: dict[str, list[Entry]] = {}
    for entry in entries:
        by_source.setdefault(entry.source, []).append(entry)
    for name, members in by_source.items():
        for entry in _spread(members, most):
            try:
                square = reader.read(entry).resize((128, 128), Image.Resampling.BICUBIC)
            except OSError:
                continue
            sets.setdefault(name, []).append(np.asarray(square))
    return {name: pictures for name, pictures in sets.items() if len(pictures) > 1}


def _spread(items: Sequence[Item], most: int) -> list[Item]:
    return [items[number] for number in np.linspace(0, len(items) - 1, min(most, len(items))).astype(int)]


def read_points(path: Path) -> list[Point]:
    """The points of a run's snapshots, in order, out of the file that ``Survey`` keeps.

    Raises:
        TrainingError: the file is not such a one.
    """
    try:
        return [Point(**point) for point in json.loads(path.read_text())["points"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(f"{path} does not hold the points of snapshots ({error}); move it away") from error


class Survey:
    """Points of a run's snapshots, kept in a JSON file beside them.

    Args:
        folder: the run's.
        sets: photographs by set, at least two in each.
        device: where to render.
    """

    def __init__(self, folder: Path, sets: Mapping[str, Sequence[Rgb]], device: torch.device) -> None:
        self.path, self.sets, self.device = folder / INFLECTION, sets, device
        self.features: PooledFeatures | None
        try:
            self.features = PooledFeatures()
        except CheckpointError as error:
            logger.warning("kid_lite2 is left out: %s", error)
            self.features = None
        self.points: list[Point] = read_points(self.path) if self.path.exists() else []

    def look(self, generator: Renderer, snapshot: str, step: int) -> Point:
        """Measure a snapshot, and keep the point in place of an earlier one of that name."""
        point = self.measure(generator, snapshot, step)
        self.points = sorted([p for p in self.points if p.snapshot != snapshot] + [point], key=lambda p: p.step)
        self._write()
        return point

    def measure(self, generator: Renderer, snapshot: str, step: int) -> Point:
        """What a generator, in eval mode, renders like."""
        renders = {
            name: render_all(generator, [grey_of(picture) for picture in pictures], self.device)
            for name, pictures in self.sets.items()
        }
        measures = [measure(pictures, renders[name], self.features) for name, pictures in self.sets.items()]
        hue = strength = None
        if SKIN_SET in self.sets:
            wanted, rendered = skin_colour(self.sets[SKIN_SET]), skin_colour(renders[SKIN_SET])
            hue = (wanted[0] - rendered[0] + 180) % 360 - 180
            strength = rendered[1] / wanted[1]
        return Point(
            snapshot, step,
            psnr=float(np.mean([m.psnr for m in measures])),
            colourfulness=float(np.mean([m.colourfulness / max(m.colourfulness_original, 1e-6) for m in measures])),
            kid_lite2=float(np.mean([m.kid_lite2 for m in measures])),
            blotches=float(np.mean([m.blotches for m in measures])),
            skin_hue=hue, skin_chroma=strength,
        )  # fmt: skip

    def _write(self) -> None:
        best, reason = choose(self.points)
        report = {"chosen": best.snapshot, "reason": reason, "points": [asdict(point) for point in self.points]}
        write_text(self.path, json.dumps(report, indent=2) + "\n")
        with replacing(self.path.with_suffix(".png")) as beside:
            curves(self.points, best).save(beside, "PNG")

    def verdict(self) -> tuple[Point, str]:
        """The snapshot to ship, and why; see ``choose``.

        Raises:
            TrainingError: no snapshot was measured.
        """
        if not self.points:
            raise TrainingError(f"{self.path.parent} has no snapshots; recipes with adversarial stages leave them")
        return choose(self.points)


def curves(points: Sequence[Point], chosen: Point) -> Image.Image:
    """The course of every measure over the steps, one below another, with the chosen snapshot marked."""
    names = [name for name in asdict(chosen) if name not in ("snapshot", "step")]
    rows = {name: [(p.step, float(value)) for p in points if (value := getattr(p, name)) is not None] for name in names}
    rows = {name: row for name, row in rows.items() if row and all(math.isfinite(value) for _, value in row)}
    width, height = _PANEL
    picture = Image.new("RGB", (width, height * len(rows) + 20), "white")
    draw = ImageDraw.Draw(picture)
    first, last = points[0].step, points[-1].step

    def across(step: int) -> float:
        return 60 + (width - 80) * (step - first) / max(1, last - first)

    for number, (name, row) in enumerate(rows.items()):
        top, bottom = number * height + 24, (number + 1) * height - 8
        low, high = min(value for _, value in row), max(value for _, value in row)
        line = [(across(step), bottom - (bottom - top) * (value - low) / ((high - low) or 1.0)) for step, value in row]
        draw.line([(across(chosen.step), top), (across(chosen.step), bottom)], fill=(230, 150, 60), width=3)
        draw.rectangle([60, top, width - 20, bottom], outline=(200, 200, 200))
        if len(line) > 1:
            draw.line(line, fill=(40, 80, 160), width=2)
        for x, y in line:
            draw.ellipse([x - 2, y - 2, x + 2, y + 2], fill=(40, 80, 160))
        draw.text((60, top - 14), name.replace("_", " "), fill="black")
        draw.text((4, top - 4), f"{high:.3g}", fill="black")
        draw.text((4, bottom - 8), f"{low:.3g}", fill="black")
    draw.text((60, height * len(rows)), f"steps {first} to {last}; chosen: {chosen.snapshot}", fill="black")
    return picture
