"""Pairs drawn and batched: every sample is a function of the seed, its step and its place in the batch."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from train.data.entries import Entry, Reader, decoded
from train.data.lessons import Lessons
from train.data.pairs import Preparation
from train.data.pictures import has_no_colour
from train.errors import DataError

SampleKey = tuple[int, int, int]  # which image, optimisation step, place in the batch
Limit = tuple[tuple[str, ...], float]
"""Sources, and how often one of them is drawn at most, of 1."""
Pairs = Iterable[tuple[Tensor, Tensor]]
"""Batches of (before, after), each (N, 3, size, size) uint8."""


class Skipped:
    """Counts images that were left out, over all workers."""

    def __init__(self) -> None:
        self._counts = multiprocessing.Array("q", 2)

    def add(self, *, corrupt: int = 0, grey: int = 0) -> None:
        with self._counts.get_lock():
            self._counts[0] += corrupt
            self._counts[1] += grey

    def counts(self) -> tuple[int, int]:
        """How often an image could not be decoded, and how often one had no colour to learn from."""
        return int(self._counts[0]), int(self._counts[1])


class Samples(Dataset[tuple[Tensor, Tensor]]):
    """Pairs of what a generator sees and what it should make of it, both (3, size, size) uint8.

    Args:
        entries: the images.
        preparation: how pairs are made.
        size: side of the squares in pixels.
        seed: of the run; a sample depends on it and on its key, on nothing else.
        skipped: counts what is left out.
        lessons: of a teacher, on these very images: then what should be made is (6, size, size), the original and below
            it the blend of its colours with the teacher's.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        preparation: Preparation,
        size: int,
        seed: int,
        skipped: Skipped | None = None,
        lessons: Lessons | None = None,
    ) -> None:
        self.entries, self.preparation, self.size, self.seed = entries, preparation, size, seed
        self.lessons = lessons
        self.skipped = skipped or Skipped()
        self._reader = Reader()

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, key: SampleKey) -> tuple[Tensor, Tensor]:
        """The sample for a key; an image that is of no use gives way to the next that is."""
        number, step, place = key
        rng = np.random.default_rng([self.seed, step, place])
        for offset in range(len(self.entries)):
            entry = self.entries[(number + offset) % len(self.entries)]
            try:
                content = self._reader.content(entry)
            except OSError:
                content = b""
            image = useful(content, self.preparation, self.skipped)
            if image is not None:
                before, after = self.preparation.planes(image, self.size, rng)
                if self.lessons is None:
                    return before, after
                # The same dice cut the same piece out.
                blend = self.lessons.blended(image, (number + offset) % len(self.entries))
                again = np.random.default_rng([self.seed, step, place])
                return before, torch.cat([after, self.preparation.planes(blend, self.size, again)[1]])
        raise DataError(NOTHING_USEFUL)


NOTHING_USEFUL = "not one of the training images can be decoded and has colour"


def useful(content: bytes, preparation: Preparation, skipped: Skipped) -> Image.Image | None:
    """The image in a file's content, or ``None``, counted, where there is nothing to learn from it."""
    try:
        image = decoded(content)
    except OSError:
        skipped.add(corrupt=1)
        return None
    if preparation.wants_colour and has_no_colour(image):
        skipped.add(grey=1)
        return None
    return image


def drawn_shares(
    counts: Mapping[str, int], shares: Mapping[str, float], limits: Sequence[Limit] = ()
) -> dict[str, float]:
    """How often each source is drawn; all together sum to 1.

    Args:
        counts: images in each source.
        shares: of sources by name, summing to 1 at most. The images of the others share what is left alike.
        limits: groups of sources of which one is drawn no more often than so, as long as there are sources in no such
            group to take their place. Groups may overlap, and name sources that there are not.

    Raises:
        DataError: a share is of a source that there is not, or the shares sum to more than 1.
    """
    unknown = sorted(set(shares) - set(counts))
    if unknown:
        raise DataError(f"the shares name {', '.join(unknown)}, and the data have {', '.join(sorted(counts))}")
    named = sum(shares.values())
    if named > 1 + 1e-9:
        raise DataError(f"the shares of sources sum to {named:g}, and may sum to 1")
    rest = sum(count for name, count in counts.items() if name not in shares)
    if not rest:
        return {name: shares[name] / named for name in counts}
    drawn = {name: shares.get(name, (1 - named) * count / rest) for name, count in counts.items()}
    held = set(shares)  # what others give up does not go to these

    def exceeded(limit: Limit) -> float:
        return sum(drawn.get(name, 0.0) for name in limit[0]) / limit[1]

    # The one that is furthest above its limit first. Who has been looked at only ever gets less afterwards.
    for group, most in sorted(limits, key=exceeded, reverse=True):
        inside = [name for name in group if name in drawn]
        share = sum(drawn[name] for name in inside)
        held |= set(inside)
        free = sum(part for name, part in drawn.items() if name not in held)
        if share > most and free:
            factors = dict.fromkeys(inside, most / share)
            taken = 1 + (share - most) / free
            drawn = {name: part * factors.get(name, 1.0 if name in held else taken) for name, part in drawn.items()}
    return drawn


class WeightedBatches(Sampler[list[SampleKey]]):
    """Batches for the steps of a stage: each is drawn anew from (seed, step), so that resuming needs no replay.

    Args:
        entries: the images.
        shares: how often sources are drawn; see ``drawn_shares``.
        batch: samples in a batch.
        steps: the steps to draw for, as numbers that are unique within the run.
        seed: of the run.
        part: the places of a batch that this process takes; the others belong to its peers.
        limits: of groups of sources; see ``drawn_shares``.

    Raises:
        DataError: see ``drawn_shares``.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        shares: Mapping[str, float],
        batch: int,
        steps: range,
        seed: int,
        part: slice = slice(None),
        limits: Sequence[Limit] = (),
    ) -> None:
        self.batch, self.steps, self.seed, self.part = batch, steps, seed, part
        by_source: dict[str, list[int]] = {}
        for number, entry in enumerate(entries):
            by_source.setdefault(entry.source, []).append(number)
        self._pools = [np.array(numbers) for numbers in by_source.values()]
        counts = {name: len(numbers) for name, numbers in by_source.items()}
        self._shares = list(drawn_shares(counts, shares, limits).values())

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[list[SampleKey]]:
        for step in self.steps:
            rng = np.random.default_rng([self.seed, step])
            pools = rng.choice(len(self._pools), size=self.batch, p=self._shares)
            yield [(int(rng.choice(self._pools[pool])), step, place) for place, pool in enumerate(pools)][self.part]


def batches(
    samples: Samples,
    *,
    batch: int,
    shares: Mapping[str, float],
    steps: range,
    workers: int,
    part: slice = slice(None),
    limits: Sequence[Limit] = (),
) -> Pairs:
    """Batches of (before, after), each (N, 3, size, size) uint8, one per step of ``steps``."""
    return DataLoader(
        samples,
        batch_sampler=WeightedBatches(samples.entries, shares, batch, steps, samples.seed, part, limits),
        num_workers=workers,
        persistent_workers=False,
        prefetch_factor=4 if workers else None,
        worker_init_fn=leave_signals_to_the_run,
    )


def leave_signals_to_the_run(worker: int) -> None:
    """For a loader's workers: what a terminal or a launcher tells the group of processes, the run is to decide on.

    It needs its workers until its step has ended. When it ends itself it ends them, by SIGTERM.
    """
    if hasattr(os, "setsid"):
        os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
