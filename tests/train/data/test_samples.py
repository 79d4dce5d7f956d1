"""Batches: a function of the seed and the step, drawn by the shares, whoever prepares them."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path

import pytest
import torch

from tests.toys import pictures
from train.data import (
    Entry,
    Preparation,
    Samples,
    WeightedBatches,
    batches,
    index,
)


def test_batches_depend_on_the_step_alone(tmp_path: Path) -> None:
    pictures(tmp_path / "a", 5)
    pictures(tmp_path / "b", 5, seed=1)
    (tmp_path / "b" / "bad.jpg").write_bytes(b"not a picture")
    entries = index(tmp_path)

    def take(steps: range, workers: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
        samples = Samples(entries, Preparation(), 32, seed=5)
        return list(batches(samples, batch=4, shares={"a": 1, "b": 3}, steps=steps, workers=workers))

    whole, resumed, parallel = take(range(6), 0), take(range(3, 6), 0), take(range(6), 2)
    for (grey, original), (grey_again, original_again) in zip([*whole, *whole[3:]], [*parallel, *resumed], strict=True):
        assert torch.equal(grey, grey_again)
        assert torch.equal(original, original_again)
    assert not torch.equal(whole[0][1], whole[1][1])


def test_sources_are_drawn_by_their_shares() -> None:
    entries = [Entry(source, f"{source}/{n}", Path("x")) for source in ("a", "b", "c") for n in range(10)]
    drawn = [entries[key[0]].source for batch in WeightedBatches(entries, {"a": 1, "b": 3}, 50, range(100), 0)
             for key in batch]  # fmt: skip
    assert drawn.count("c") == 0
    assert drawn.count("b") / len(drawn) == pytest.approx(0.75, abs=0.02)


def test_a_signal_to_the_whole_group_leaves_the_loader_to_the_run(tmp_path: Path) -> None:
    pictures(tmp_path / "photos", 12)
    samples = Samples(index(tmp_path), Preparation(), 32, seed=0)
    loader = iter(batches(samples, batch=2, shares={}, steps=range(50), workers=1))
    next(loader)
    (worker,) = multiprocessing.active_children()
    assert worker.pid is not None
    assert os.getpgid(worker.pid) != os.getpgrp()
    os.kill(worker.pid, signal.SIGINT)
    assert len(list(loader)) == 49
