"""Renders saved for a critic that trains alone: made once, kept in one file, drawn from in any order."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.lib.format import open_memmap
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from train.data.samples import Pairs, leave_signals_to_the_run
from train.folder import check_space
from train.parallel import Peers


class RenderedPairs(Dataset[tuple[Tensor, Tensor]]):
    """Pairs of a render and its original, both (3, size, size) uint8.

    Args:
        path: of the file that holds them, (count, 2, 3, size, size) uint8 as NumPy saves it.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.count = path, len(np.load(path, mmap_mode="r"))

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor]:
        render, original = torch.from_numpy(np.array(np.load(self.path, mmap_mode="r")[number]))
        return render, original


def make_renders(
    path: Path, count: int, size: int, pairs: Pairs, render: Callable[[Tensor], Tensor], peers: Peers
) -> None:
    """Render inputs once, divided among the processes, into a file that appears when it is whole.

    Args:
        path: of the file; see ``RenderedPairs``.
        count: of pairs in all processes.
        size: side of the squares in pixels.
        pairs: this process's part of inputs and originals: every so-manieth of them, in pieces.
        render: (N, 3, size, size) uint8 to the same.
        peers: the processes.

    Raises:
        TrainingError: the disk has no room for them.
    """
    shape = (count, 2, 3, size, size)
    beside = path.with_name(path.name + ".part")
    if peers.leads:
        check_space(path.parent, int(np.prod(shape)))
        open_memmap(beside, "w+", np.uint8, shape)
    peers.wait()
    file = open_memmap(beside, "r+")
    numbers = range(peers.rank, count, peers.count)
    done = 0
    for before, original in pairs:
        piece = numbers[done : done + len(before)]
        file[piece.start : piece.stop : piece.step] = torch.stack([render(before), original], dim=1).numpy()
        done += len(before)
    file.flush()
    peers.wait()
    if peers.leads:
        os.replace(beside, path)
    peers.wait()


class RenderBatches(Sampler[list[int]]):
    """For each step, numbers of renders; every pass over them has its own order, decided by the seed."""

    def __init__(self, count: int, batch: int, steps: range, start: int, seed: int, part: slice) -> None:
        self.count, self.batch, self.steps, self.start, self.seed, self.part = count, batch, steps, start, seed, part

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[list[int]]:
        orders: dict[int, list[int]] = {}
        for step in self.steps:
            drawn = []
            for place in range((step - self.start) * self.batch, (step - self.start + 1) * self.batch):
                turn, number = divmod(place, self.count)
                if turn not in orders:
                    orders = {k: v for k, v in orders.items() if k == turn - 1}
                    orders[turn] = np.random.default_rng([self.seed, self.start, turn]).permutation(self.count).tolist()
                drawn.append(orders[turn][number])
            yield drawn[self.part]


def rendered_batches(
    pairs: RenderedPairs, *, batch: int, start: int, steps: range, seed: int, workers: int, part: slice
) -> Pairs:
    """A loader of (render, original) batches, one per step of ``steps``."""
    return DataLoader(
        pairs,
        batch_sampler=RenderBatches(len(pairs), batch, steps, start, seed, part),
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        worker_init_fn=leave_signals_to_the_run,
    )
