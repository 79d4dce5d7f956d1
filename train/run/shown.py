"""What a run shows of a stage while it trains: TensorBoard, the progress bar and the log."""

from __future__ import annotations

import logging
import time

import torch
from torch import Tensor

from train.data import Skipped
from train.recipes import Stage
from train.run import board as boards
from train.run.board import Board
from train.run.networks import Networks
from train.run.steps import Terms, content_losses

logger = logging.getLogger(__name__)

STEPS_BETWEEN_PICTURES = 200
STEPS_BETWEEN_HISTOGRAMS = 1000
SECONDS_BETWEEN_LINES = 60
"""Of the log, where no progress bar is to be seen."""


class Display:
    """Shows a stage. All processes must ask at once; the one that leads writes.

    Args:
        board: to write to.
        networks: to show.
        stage: which.
        fixed: the pictures that are always looked at, before and after, (N, 3, size, size) uint8.
        skipped: counts what is left out of the data.
        step: of the run, from which on speed is measured.
    """

    def __init__(
        self,
        board: Board,
        networks: Networks,
        stage: Stage,
        fixed: tuple[Tensor, Tensor],
        skipped: Skipped,
        step: int,
    ) -> None:
        self.board, self.networks, self.stage, self.skipped = board, networks, stage, skipped
        before, original = fixed
        self._before, self._original = networks.seen(before), networks.seen(original)
        self._logged, self._logged_step = time.monotonic(), step
        self._told = float("-inf")

    def graph(self) -> None:
        """Draw the generator."""
        self.networks.averaged.eval()
        self.board.graph(self.networks.averaged.module, self._before[:1])

    def after(self, step: int, losses: Terms, shape: float, relief: float) -> None:
        """Show what is due after a step.

        Args:
            step: of the run.
            losses: what the step told.
            shape: the rate in units of the stage's.
            relief: factor of every rate.
        """
        due = step % boards.STEPS_BETWEEN_SCALARS == 0
        terms = "  ".join(f"{name} {value.item():.3f}" for name, value in losses.items()) if due else ""
        self.board.advance(self.stage.name, terms)
        if due:
            self._log(step, losses, shape, relief)
        if step % STEPS_BETWEEN_PICTURES == 0:
            self.draw(step)
        if step % STEPS_BETWEEN_HISTOGRAMS == 0:
            self.board.histograms("generator", self.networks.generator, step)
            if self.networks.critic is not None:
                self.board.histograms("critic", self.networks.critic, step)

    def _log(self, step: int, losses: Terms, shape: float, relief: float) -> None:
        stage, peers = self.stage, self.networks.peers
        now = time.monotonic()
        speed = (step - self._logged_step) * stage.batch / (now - self._logged)
        self._logged, self._logged_step = now, step
        means = {name: peers.mean(value.item()) for name, value in losses.items()}
        values = {name if "/" in name else f"loss/{name}": value for name, value in means.items()}
        if stage.phase != "critic":
            values["rate/generator"] = stage.rate * shape * relief
        if stage.phase != "generator":
            values["rate/critic"] = stage.critic_rate * shape * relief
        values |= {"images per second": speed, "memory": boards.memory(self.networks.device)}
        if self.networks.scaler.is_enabled():
            values["scale"] = self.networks.scaler.get_scale()
        for name, count in zip(("corrupt", "grey"), self.skipped.counts(), strict=True):
            values[f"skipped/{name}"] = peers.total(count)
        self.board.scalars(values, step)
        due = not self.board.has_bar and now - self._told >= SECONDS_BETWEEN_LINES
        if peers.leads and (due or logger.isEnabledFor(logging.DEBUG)):
            self._told = now
            terms = "  ".join(f"{name} {value:.4f}" for name, value in means.items())
            logger.log(
                logging.INFO if due else logging.DEBUG, "%s, step %d: %s  %s  rate %.2e  %.0f images/s",
                stage.name, step, self.board.progress(), terms, stage.rate * shape * relief, speed,
            )  # fmt: skip

    @torch.no_grad()
    def draw(self, step: int) -> None:
        """Show what the generator and its average make of the fixed pictures."""
        networks, before, original = self.networks, self._before, self._original
        if not networks.peers.leads:
            return
        networks.averaged.eval()
        networks.generator.eval()
        with networks.autocast():
            raw, render = networks.generator(before), networks.averaged(before)
            losses = content_losses(networks.recipe, self.stage, None, before, render, original)
        networks.set_modes(self.stage)
        self.board.scalars({f"held out/{name}": loss.item() for name, loss in losses.items()}, step)
        self.board.pictures("input, render, averaged render, original", (before, raw, render, original), step)
