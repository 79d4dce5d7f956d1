"""Renders saved for a critic that trains alone: made once, kept in one file, drawn from in any order."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.lib.format import open_memmap
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler, Subset

from train.data import Pairs, Samples, WeightedBatches, leave_signals_to_the_run
from train.parallel import Peers
from train.runs import check_space

_RENDER_BATCH = 32


class RenderedPairs(Dataset[tuple[Tensor, Tensor]]):
    """Pairs of a render and its original, both (3, size, size) uint8.

    Args:
        samples: where originals come from.
        shares: how often each source is drawn.
        count: of renders.
        step: that begins the stage; with the seed it decides what is rendered.
        path: of the file that holds the renders, (count, 3, size, size) uint8 as NumPy saves it.
    """

    def __init__(self, samples: Samples, shares: dict[str, float], count: int, step: int, path: Path) -> None:
        self.samples, self.path = samples, path
        (self.keys,) = WeightedBatches(samples.entries, shares, count, range(step, step + 1), samples.seed)

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor]:
        render = np.load(self.path, mmap_mode="r")[number]
        return torch.from_numpy(np.array(render)), self.samples[self.keys[number]][1]


class Inputs(Dataset[Tensor]):
    """What is to be rendered: the inputs that belong to the pairs."""

    def __init__(self, pairs: RenderedPairs) -> None:
        self.pairs = pairs

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, number: int) -> Tensor:
        return self.pairs.samples[self.pairs.keys[number]][0]


def make_renders(pairs: RenderedPairs, render: Callable[[Tensor], Tensor], peers: Peers, workers: int) -> None:
    """Render every input once, divided among the processes, into the pairs' file, which appears when it is whole.

    Args:
        pairs: what to render.
        render: (N, 3, size, size) uint8 to the same.
        peers: the processes.
        workers: processes that decode pictures, each.

    Raises:
        TrainingError: the disk has no room for them.
    """
    size = pairs.samples.size
    shape = (len(pairs), 3, size, size)
    beside = pairs.path.with_name(pairs.path.name + ".part")
    if peers.leads:
        check_space(pairs.path.parent, int(np.prod(shape)))
        open_memmap(beside, "w+", np.uint8, shape)
    peers.wait()
    file = open_memmap(beside, "r+")
    numbers = list(range(peers.rank, len(pairs), peers.count))
    done = 0
    inputs = Subset(Inputs(pairs), numbers)
    for pictures in DataLoader(inputs, _RENDER_BATCH, num_workers=workers, worker_init_fn=leave_signals_to_the_run):
        file[numbers[done : done + len(pictures)]] = render(pictures).numpy()
        done += len(pictures)
    file.flush()
    peers.wait()
    if peers.leads:
        os.replace(beside, pairs.path)
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


def rendered_batches(pairs: RenderedPairs, *, batch: int, start: int, steps: range, workers: int, part: slice) -> Pairs:
    """A loader of (render, original) batches, one per step of ``steps``."""
    sampler = RenderBatches(len(pairs), batch, steps, start, pairs.samples.seed, part)
    return DataLoader(
        pairs,
        batch_sampler=sampler,
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        worker_init_fn=leave_signals_to_the_run,
    )
