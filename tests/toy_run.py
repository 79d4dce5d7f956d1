"""Trains a toy recipe in a process of its own, for tests that kill it, stop it, or run several at once.

Arguments: data, folder of the run, JSON with the name of the recipe, its stages, its size and its changes.
Every step is told on standard output; at the end the raw weights' digest is written for each process.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from tests.toys import toy_stages
from train.parallel import leave
from train.run import Training, board, training


class Talkative(board.Board):
    """Tells of every step, so that a test knows when to strike."""

    def advance(self, stage: str, shown: str) -> None:
        super().advance(stage, shown)
        self.done = getattr(self, "done", 0) + 1
        print(f"step {self.done} of {stage}", flush=True)

    def graph(self, network: torch.nn.Module, x: torch.Tensor) -> None:
        """Left out: tracing takes longer than the run."""


def digest(state: Mapping[str, torch.Tensor]) -> str:
    """Of all tensors, in order."""
    together = hashlib.sha256()
    for name, tensor in state.items():
        together.update(name.encode() + tensor.cpu().numpy().tobytes())
    return together.hexdigest()


def main(data: str, out: Path, settings: Mapping[str, Any]) -> None:
    torch.set_num_threads(1)
    training.STEPS_BETWEEN_CHECKPOINTS = 2
    board.STEPS_BETWEEN_SCALARS = 1
    setattr(training, "Board", Talkative)  # noqa: B010, the run makes its board itself
    recipe = toy_stages(**settings)
    run = Training(recipe, data, out, seed=3, device="cpu", workers=0, precision="float32")
    run.resume()
    run.run()
    (out / f"rank{run.peers.rank}.txt").write_text(digest(run.networks.generator.state_dict()))
    leave()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3]))
