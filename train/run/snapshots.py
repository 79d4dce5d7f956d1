"""Snapshots of a run, kept to choose the best of, and measured as they come."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from train.data import Entry
from train.folder import save_atomically
from train.measure import Point, Rgb, Survey, photographs, restoration
from train.recipes import Stage, to_dict
from train.run.board import Board
from train.run.networks import Networks

logger = logging.getLogger(__name__)


class Snapshots:
    """Keeps and measures the averaged generator; only the process that leads does.

    Args:
        folder: of the run.
        networks: whose average it is.
        board: to show measures on.
        unseen: images that training does not see.
        validation: folder of photographs to measure on; ``None`` takes those of ``unseen``.
        measured: photographs per set; 0 measures nothing.
    """

    def __init__(
        self,
        folder: Path,
        networks: Networks,
        board: Board,
        unseen: Sequence[Entry],
        validation: Path | None,
        measured: int,
    ) -> None:
        self.folder, self.networks, self.board = folder, networks, board
        self.unseen, self.validation, self.measured = unseen, validation, measured
        self._survey: Survey | None = None

    def keep(self, stage: Stage, step: int, seed: int) -> None:
        """Keep the averaged weights, in 16 bits, to choose the best of later."""
        if not self.networks.peers.leads:
            return
        folder = self.folder / "snapshots"
        folder.mkdir(exist_ok=True)
        averaged = {
            name: tensor.half() if tensor.is_floating_point() else tensor
            for name, tensor in self.networks.averaged.state_dict().items()
        }
        kept = {"recipe": to_dict(self.networks.recipe), "seed": seed, "step": step, "averaged": averaged}
        name = f"{stage.name}-{step:08}.pt"
        save_atomically(kept, folder / name)
        survey = self._surveyor()
        if survey is not None:
            self._show(survey.look(self.networks.averaged_ready(), name, step), step)
            chosen, reason = survey.verdict()
            logger.info("would ship %s: %s", chosen.snapshot, reason)
            with Image.open(survey.path.with_suffix(".png")) as drawn:
                self.board.image("inflection", torch.from_numpy(np.array(drawn)).permute(2, 0, 1), step)

    def measure_end(self, stage: Stage, step: int) -> None:
        """Measure the averaged generator at the end of a stage that changed it."""
        if stage.phase == "critic":
            return
        survey = self._surveyor()
        if survey is not None:
            point = survey.measure(self.networks.averaged_ready(), stage.name, step)
            self._show(point, step)
            logger.info("after %s: %s", stage.name, point)
        elif self.networks.recipe.task == "defade":
            found = restoration(self.networks.averaged_ready(), self._photographs(), self.networks.device)
            values = {f"validation/{name}": value for name, value in found.items()}
            self.board.scalars(values, step)
            logger.info("after %s: %s", stage.name, values)

    def _show(self, point: Point, step: int) -> None:
        values = {f"validation/{k}": float(v) for k, v in asdict(point).items() if isinstance(v, float)}
        self.board.scalars(values, step)

    def _photographs(self) -> dict[str, list[Rgb]]:
        """What is measured on while training, by set."""
        if not self.measured:
            return {}
        return photographs(self.validation, self.unseen, self.measured)

    def _surveyor(self) -> Survey | None:
        """What measures colorizers; ``None`` where there is nothing to measure on."""
        if self._survey is None and self.networks.recipe.task == "colorize":
            sets = self._photographs()
            self._survey = Survey(self.folder, sets, self.networks.device) if sets else None
        return self._survey
