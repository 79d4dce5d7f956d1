"""Toy photographs to train and measure on, and runs that are as quick as can be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.tars import serve, shard
from tests.toys import pictures
from train.run import board


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One thread, as the processes beside this one have, and no graph, which takes longer than a run."""
    monkeypatch.setattr(board.Board, "graph", lambda *arguments: None)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    pictures(folder / "photos", 12)
    return folder


@pytest.fixture(scope="module")
def streamed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Three shards of pictures on a server."""
    folder = tmp_path_factory.mktemp("streamed")
    for number in range(3):
        shard(folder / f"toy-{number}.tar", 6, number)
    with serve(folder) as bucket:
        yield f"{bucket.url}/toy-{{0..2}}.tar"


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photographs to measure on."""
    folder = tmp_path_factory.mktemp("validation")
    pictures(folder / "faces", 3, seed=5)
    return folder
