"""When a stage has gone wrong: numbers are no longer finite, or the critic has collapsed."""

from __future__ import annotations

import math

from train.parallel import Peers
from train.recipes import Stage
from train.run import board
from train.run.steps import Terms

COLLAPSED = 0.01
"""A critic's mean loss below which it knows renders from originals so surely that the generator learns nothing."""
COLLAPSE_STEPS = 200


class DivergedError(Exception):
    """A stage went wrong: numbers are no longer finite, or the critic collapsed."""


class Watch:
    """Looks at the losses of every tenth step.

    Args:
        peers: the processes of the run, which must look at once.

    Attributes:
        critic_mean: running mean of the critic's loss in adversarial stages.
    """

    def __init__(self, peers: Peers) -> None:
        self.peers = peers
        self.critic_mean = 1.0

    def look(self, stage: Stage, losses: Terms) -> None:
        """Raise a ``DivergedError`` where numbers are no longer finite or the critic has collapsed."""
        broken = [name for name, value in losses.items() if "norm" not in name and not math.isfinite(value.item())]
        if self.peers.agree(bool(broken)):
            raise DivergedError(f"not finite: {', '.join(broken) or 'a loss in another process'}")
        if stage.phase == "adversarial" and "critic" in losses:
            keep = (1 - 1 / COLLAPSE_STEPS) ** board.STEPS_BETWEEN_SCALARS
            mean = self.peers.mean(losses["critic"].item())
            self.critic_mean = keep * self.critic_mean + (1 - keep) * mean
            if self.critic_mean < COLLAPSED:
                raise DivergedError("the critic is so sure of what is a render that the generator learns nothing")
