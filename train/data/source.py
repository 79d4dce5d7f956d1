"""Where a run's photographs come from, whatever lies behind it; and the source of images on this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from torch.utils.data import DataLoader, Subset

from train.data.entries import Entry, check_sources, is_held_out, is_unseen
from train.data.lessons import Lessons
from train.data.pairs import Preparation
from train.data.samples import Limit, Pairs, Samples, Skipped, WeightedBatches, batches, leave_signals_to_the_run
from train.errors import DataError
from train.parallel import Peers


@dataclass(frozen=True)
class Drawing:
    """What a stage wants of a source.

    Attributes:
        preparation: how pairs are made.
        size: side of the squares in pixels.
        batch: pairs in a batch, of all processes together.
        shares: how often sources of the data are drawn; see ``drawn_shares``.
        seed: of the run.
        workers: processes that prepare pairs; 0 for none.
        peers: the processes that share the batches.
        limits: of groups of sources; see ``drawn_shares``.
        lessons: of a teacher; see ``Samples``.
    """

    preparation: Preparation
    size: int
    batch: int
    shares: Mapping[str, float]
    seed: int
    workers: int
    peers: Peers
    limits: Sequence[Limit] = ()
    lessons: Lessons | None = None


class Source(Protocol):
    """Where a run's photographs come from.

    Attributes:
        images: how many there are to train on; ``None`` where nobody has said.
        skipped: counts what is left out.
    """

    images: int | None
    skipped: Skipped

    def batches(self, drawing: Drawing, steps: range) -> Pairs:
        """This process's part of the batches of some steps, (N, 3, size, size) uint8, one per step."""

    def pairs(self, drawing: Drawing, step: int) -> Pairs:
        """This process's part of one batch, in pieces, whatever the batches of ``batches`` are.

        Args:
            drawing: its batch may be larger than memory.
            step: decides with the seed what is drawn.
        """

    def few(self, folder: Path, most: int) -> list[Entry]:
        """Images to look at while training: of the validation part, or where there is too little of it, any.

        Args:
            folder: of the run; what has to be brought from elsewhere is kept there.
            most: how many at least, if there are so many; those that lie on this machine anyway come all.
        """

    def state(self, peers: Peers) -> dict[str, Any]:
        """Plain data that tells how far the run has got in the data; all processes must ask at once."""

    def go_to(self, state: Mapping[str, Any]) -> None:
        """Go on from where ``state`` was asked for."""


class Images:
    """A source of images that lie on this machine, each to be had at any time; see ``Source``.

    Args:
        entries: the images, those of the validation part among them.
        hold_out: sources that are held out as a whole; see ``is_unseen``.

    Raises:
        DataError: there is no such source, or nothing is left to train on.
    """

    def __init__(self, entries: Sequence[Entry], hold_out: Sequence[str] = ()) -> None:
        check_sources(entries, hold_out)
        self.entries = [e for e in entries if not (is_unseen(e, hold_out) or is_held_out(e.name))]
        if hold_out and not self.entries:
            raise DataError(f"--hold-out {', '.join(hold_out)} leaves nothing to train on")
        self.held_out = [entry for entry in entries if is_unseen(entry, hold_out)]
        self.images: int | None = len(self.entries)
        self.skipped = Skipped()

    def batches(self, drawing: Drawing, steps: range) -> Pairs:
        part = drawing.peers.part(drawing.batch)
        return batches(
            self._samples(drawing), batch=drawing.batch, shares=drawing.shares, steps=steps, workers=drawing.workers,
            part=part, limits=drawing.limits,
        )  # fmt: skip

    def pairs(self, drawing: Drawing, step: int) -> Pairs:
        samples = self._samples(drawing)
        part = slice(drawing.peers.rank, None, drawing.peers.count)
        (keys,) = WeightedBatches(
            self.entries, drawing.shares, drawing.batch, range(step, step + 1), drawing.seed, limits=drawing.limits
        )
        return DataLoader(
            Subset(samples, keys[part]),  # type: ignore[arg-type]  # samples are asked for by more than a number
            batch_size=PIECE, num_workers=drawing.workers, worker_init_fn=leave_signals_to_the_run,
        )  # fmt: skip

    def few(self, folder: Path, most: int) -> list[Entry]:
        return self.held_out or self.entries

    def state(self, peers: Peers) -> dict[str, Any]:
        return {}  # every batch follows from its step

    def go_to(self, state: Mapping[str, Any]) -> None:
        pass

    def _samples(self, drawing: Drawing) -> Samples:
        return Samples(
            self.entries, drawing.preparation, drawing.size, drawing.seed, self.skipped, drawing.lessons
        )  # fmt: skip


PIECE = 32
"""Pairs that ``Source.pairs`` gives at once."""
