"""Trains what tells black and white from colour: made prints against colour photographs, aged alike.

Both are made of the same photographs by ``data.prints``. All of it is a function of the seed. Nearly all of its minutes
go into making the pictures; what decides is a handful of small networks on measures of them.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

from deoldify.monochrome import VOICES, Head, measures, square_of, unexplained
from train.data import Entry, Reader, index, is_held_out
from train.data.pictures import Rgb
from train.data.prints import as_colour_photograph, as_print

_log = logging.getLogger(__name__)

_CUT = 128
"""Longest side, in pixels, of the scenes that are damaged: a little more than is looked at."""


@dataclass(frozen=True)
class Recipe:
    """How the head is trained.

    Attributes:
        pictures: made prints and as many colour photographs.
        passes: how often each is looked at.
        batch: pictures in a step.
        rate: Adam's highest; it rises and falls once.
        decay: of weights.
        noise: deviation of what is added to the measures, in units of theirs, since real prints differ from made ones.
        prints_dropped: share of the made prints that are left out, those that look most like colour photographs: they
            are further gone than real ones.
        colour_dropped: likewise of the colour photographs.
        smoothing: labels are this far from certain, since some are wrong: fog and snow have no colours.
        wrongly: the largest share of held-out colour photographs that may be taken for black and white; the odds are
            shifted so that it is met at even odds.
        seed: of everything random.
    """

    pictures: int = 6000
    passes: int = 30
    batch: int = 512
    rate: float = 4e-3
    decay: float = 3e-2
    noise: float = 0.2
    prints_dropped: float = 0.1
    colour_dropped: float = 0.03
    smoothing: float = 0.02
    wrongly: float = 0.01
    seed: int = 0


@dataclass(frozen=True)
class Made:
    """Squares, (N, side, side, 3) uint8, and which of them are prints, (N,)."""

    squares: npt.NDArray[np.uint8]
    prints: npt.NDArray[np.bool_]

    def measures(self) -> Tensor:
        """What the head decides by, (N, count)."""
        parts = []
        for part in np.array_split(self.squares, max(1, len(self.squares) // 32)):
            rgb = torch.from_numpy(part).permute(0, 3, 1, 2).float() / 255
            parts.append(measures(*unexplained(rgb)))
        return torch.cat(parts)


def make(entries: list[Entry], count: int, rng: np.random.Generator) -> Made:
    """So many prints and as many colour photographs, made of photographs of all sources alike.

    Args:
        entries: the photographs.
        count: of each kind.
        rng: source of chance.
    """
    by_source: dict[str, list[Entry]] = {}
    for entry in entries:
        by_source.setdefault(entry.source, []).append(entry)
    names = sorted(by_source)
    # Between as many of each source and as many as it has.
    weights = np.array([len(by_source[name]) ** 0.5 for name in names])
    reader = Reader()
    squares: list[Rgb] = []
    prints: list[bool] = []
    while len(squares) < 2 * count:
        source = by_source[names[int(rng.choice(len(names), p=weights / weights.sum()))]]
        scene = _scene(reader, source[int(rng.integers(len(source)))], rng)
        is_print = len(squares) % 2 == 0
        made = as_print(scene, rng) if is_print else as_colour_photograph(scene, rng)
        squares.append(square_of(made))
        prints.append(is_print)
        if len(squares) % 1000 == 0:
            _log.info("%d of %d pictures are made", len(squares), 2 * count)
    return Made(np.stack(squares), np.array(prints))


def as_they_are(entries: list[Entry]) -> Made:
    """Photographs as colour photographs, with nothing done to them."""
    reader = Reader()
    squares = [square_of(np.asarray(reader.read(entry))) for entry in entries]
    return Made(np.stack(squares), np.zeros(len(squares), bool))


def _scene(reader: Reader, entry: Entry, rng: np.random.Generator) -> Rgb:
    image = reader.read(entry)
    width, height = image.size
    share = rng.uniform(0.6, 1.0, 2)
    w, h = max(16, round(width * share[0])), max(16, round(height * share[1]))
    left, top = int(rng.integers(max(1, width - w + 1))), int(rng.integers(max(1, height - h + 1)))
    scale = _CUT / max(w, h)
    part = image.resize((max(32, round(w * scale)), max(32, round(h * scale))), box=(left, top, left + w, top + h))
    return np.asarray(part)


def train_head(measured: Tensor, prints: Tensor, recipe: Recipe) -> Head:
    """The head, in eval mode, trained twice: what a first one is surest to be wrong about is left out then.

    Args:
        measured: (N, count), of made pictures.
        prints: (N,) bool, which of them are prints.
        recipe: how.
    """
    first = _trained(measured, prints, recipe)
    with torch.no_grad():
        odds = first(measured)
    least = torch.quantile(odds[prints], recipe.prints_dropped)
    most = torch.quantile(odds[~prints], 1 - recipe.colour_dropped)
    kept = torch.where(prints, odds >= least, odds <= most)
    return _trained(measured[kept], prints[kept], recipe)


def _trained(measured: Tensor, prints: Tensor, recipe: Recipe) -> Head:
    torch.manual_seed(recipe.seed)
    head = Head()
    head.mean.copy_(measured.mean(dim=0))
    head.deviation.copy_(measured.std(dim=0) + 1e-3)
    seen, wanted = head.standard(measured), prints.float() * (1 - 2 * recipe.smoothing) + recipe.smoothing
    batch = min(recipe.batch, len(seen))
    optimizer = torch.optim.AdamW(head.parameters(), recipe.rate, weight_decay=recipe.decay)
    steps = len(seen) // batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.rate, recipe.passes * steps)
    for number in range(recipe.passes):
        for rows in torch.split(torch.randperm(len(seen)), batch)[:steps]:
            odds = head.voices(seen[rows] + recipe.noise * torch.randn(VOICES, len(rows), seen.shape[1]))
            loss = F.binary_cross_entropy_with_logits(odds, wanted[rows].expand_as(odds))
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
        _log.info("pass %d of %d: loss %.4f", number + 1, recipe.passes, float(loss.detach()))
    return head.eval()


def shift_odds(head: Head, colour: Tensor, wrongly: float) -> None:
    """Shift the head's odds so that no larger a share of colour photographs is taken for black and white.

    Args:
        head: is changed.
        colour: measures of colour photographs, (N, count).
        wrongly: that share.
    """
    with torch.no_grad():
        head.shift.sub_(torch.quantile(head(colour), 1 - wrongly))


def train_monochrome(data: list[Path], out: Path, recipe: Recipe) -> dict[str, float]:
    """Make the pictures, train the head, and write it; what it does on photographs held out of training.

    Args:
        data: folders or tar files of colour photographs.
        out: safetensors file to write; a ``.json`` beside it has recipe and numbers.
        recipe: how.
    """
    entries = index(*data)
    rng = np.random.default_rng(recipe.seed)
    held_out = [entry for entry in entries if is_held_out(entry.name)]
    made = make([entry for entry in entries if not is_held_out(entry.name)], recipe.pictures, rng)
    head = train_head(made.measures(), torch.from_numpy(made.prints), recipe)
    return finish(head, as_they_are(held_out), make(held_out, 2 * len(held_out), rng), out, recipe)


@torch.no_grad()
def finish(head: Head, fresh: Made, aged: Made, out: Path, recipe: Recipe) -> dict[str, float]:
    """Shift the odds by what was held out, measure, and write; see ``train_monochrome``."""
    of_fresh, of_aged, prints = fresh.measures(), aged.measures(), torch.from_numpy(aged.prints)
    shift_odds(head, torch.cat([of_fresh, of_aged[~prints]]), recipe.wrongly)

    def taken(measured: Tensor) -> float:
        return float((head(measured) >= 0).float().mean())

    numbers = {
        "colour photographs taken for black and white": taken(of_fresh),
        "aged colour photographs taken for black and white": taken(of_aged[~prints]),
        "prints taken for black and white": taken(of_aged[prints]),
        "photographs held out": len(fresh.prints),
        "made of each kind": len(aged.prints) // 2,
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    save_file(head.state_dict(), out)
    out.with_suffix(".json").write_text(json.dumps({"recipe": asdict(recipe), "held out": numbers}, indent=2) + "\n")
    for what, value in numbers.items():
        _log.info("%s: %.4g", what, value)
    return numbers
