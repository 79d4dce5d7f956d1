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
    DataError,
    Entry,
    Preparation,
    Samples,
    WeightedBatches,
    batches,
    drawn_shares,
    index,
)


def test_batches_depend_on_the_step_alone(tmp_path: Path) -> None:
    pictures(tmp_path / "a", 5)
    pictures(tmp_path / "b", 5, seed=1)
    (tmp_path / "b" / "bad.jpg").write_bytes(b"not a picture")
    entries = index(tmp_path)

    def take(steps: range, workers: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
        samples = Samples(entries, Preparation(), 32, seed=5)
        return list(batches(samples, batch=4, shares={"a": 0.25, "b": 0.75}, steps=steps, workers=workers))

    whole, resumed, parallel = take(range(6), 0), take(range(3, 6), 0), take(range(6), 2)
    for (grey, original), (grey_again, original_again) in zip([*whole, *whole[3:]], [*parallel, *resumed], strict=True):
        assert torch.equal(grey, grey_again)
        assert torch.equal(original, original_again)
    assert not torch.equal(whole[0][1], whole[1][1])


def test_sources_are_drawn_by_their_shares_and_limits() -> None:
    entries = [Entry(source, f"{source}/{n}", Path("x")) for source in ("a", "b", "c") for n in range(10)]
    batches = WeightedBatches(entries, {"b": 0.4}, 50, range(100), 0, limits=[(("a",), 0.2)])
    drawn = [entries[key[0]].source for batch in batches for key in batch]
    for name, share in (("a", 0.2), ("b", 0.4), ("c", 0.4)):
        assert drawn.count(name) / len(drawn) == pytest.approx(share, abs=0.02)


def test_what_is_not_named_is_drawn_alike() -> None:
    assert drawn_shares({"a": 30, "b": 10}, {}) == pytest.approx({"a": 0.75, "b": 0.25})
    assert drawn_shares({"a": 30, "b": 10, "c": 60}, {"c": 0.2}) == pytest.approx({"a": 0.6, "b": 0.2, "c": 0.2})
    assert drawn_shares({"a": 30, "b": 10}, {"a": 0.2, "b": 0.3}) == pytest.approx({"a": 0.4, "b": 0.6})
    with pytest.raises(DataError, match="the shares name tiny, and the data have a, b"):
        drawn_shares({"a": 30, "b": 10}, {"tiny": 0.5})
    with pytest.raises(DataError, match=r"sum to 1\.1, and may sum to 1"):
        drawn_shares({"a": 30, "b": 10}, {"a": 0.5, "b": 0.6})


def test_limits_are_kept_as_long_as_others_can_take_the_place() -> None:
    counts = {"faces": 50, "portraits": 10, "dogs": 30, "small": 20, "rooms": 40, "streets": 50}
    limits = [(("faces", "portraits", "absent"), 1 / 7), (("dogs",), 1 / 7), (("faces", "small"), 0.1)]
    drawn = drawn_shares(counts, {}, limits)
    assert sum(drawn.values()) == pytest.approx(1) and min(drawn.values()) > 0
    for group, most in limits:
        assert sum(drawn.get(name, 0) for name in group) <= most + 1e-9
    assert drawn["rooms"] / drawn["streets"] == pytest.approx(40 / 50)
    # A limit that is not reached changes nothing, and one that nothing else could make up for cannot be kept.
    assert drawn_shares(counts, {}, [(("rooms",), 0.9)]) == pytest.approx(drawn_shares(counts, {}))
    assert drawn_shares({"faces": 3, "small": 1}, {}, [(("faces", "small"), 0.1)]) == {"faces": 0.75, "small": 0.25}


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
