"""A run from its first stage to its last: what is trained when, and the checkpoints that a killed run goes on from."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from train.data import Entry, is_unseen, open_source
from train.errors import TrainingError
from train.folder import (
    BOARD,
    LAST,
    RECIPE,
    check_space,
    read_run,
    save_atomically,
    save_rotating,
    write_text,
)
from train.parallel import join
from train.recipes import Recipe, Stage, conflicts, to_dict
from train.run import board as boards
from train.run.board import Board
from train.run.divergence import DivergedError, Watch
from train.run.feeding import FIXED, Feed
from train.run.networks import Networks, Precision
from train.run.shown import Display
from train.run.snapshots import Snapshots
from train.run.steps import Steps
from train.run.stopping import StoppedError, StopRequest

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_CHECKPOINTS = 120
STEPS_BETWEEN_CHECKPOINTS = 1000
KEPT = 2
"""Checkpoints kept beside the last."""
LOWERED = 0.2
"""The rate after a stage went wrong, in units of its own."""


class Training:
    """A run: networks, optimisers and averages of a recipe, in a folder.

    Everything random in a step follows from the seed, the step and the process's number, so that a resumed run needs
    no other state to go on as if it had never stopped.

    Args:
        recipe: what to train and how.
        data: what to train on; see ``train.data.open_source``.
        images: how many there are, where shards are streamed.
        out: the run's folder, made if need be; checkpoints and TensorBoard's files go there.
        seed: of everything random.
        device: where to train.
        workers: processes that decode and degrade pictures.
        precision: of autocast; ``"float16"`` scales the losses.
        micro_batch: most pictures that go through a network at once; gradients of a batch's pieces are added up.
            Batch norm sees the pieces.
        compiled: run the networks through ``torch.compile``.
        init: weights to start from: a run's checkpoint (its averaged generator) or an exported ``.safetensors``.
        validation: folder of photographs, a set per sub-folder or tar file, that stages and snapshots are
            measured on; ``None`` takes the part of the data that training does not see.
        measured: photographs per set that they are measured on; 0 measures nothing while training.
        hold_out: sources that training does not see at all; they are the validation part.

    Raises:
        TrainingError: the recipe needs weights to start from, the folder cannot be written, or the disk is full.
        DataError: the data cannot be used.
        CheckpointError: the weights to start from are missing, damaged, fit another generator, or cannot be fetched.
    """

    def __init__(
        self,
        recipe: Recipe,
        data: str | Path | Sequence[str],
        out: Path,
        *,
        images: int | None = None,
        seed: int,
        device: str,
        workers: int,
        precision: Precision = "bfloat16",
        micro_batch: int | None = None,
        compiled: bool = False,
        init: Path | None = None,
        validation: Path | None = None,
        measured: int = 64,
        hold_out: Sequence[str] = (),
    ) -> None:
        if recipe.follows and init is None and not (out / LAST).exists():
            raise TrainingError(f"{recipe.name!r} starts from weights of {recipe.follows!r}: name them, --init FILE")
        self.peers = join(device)
        self.out, self.seed = out, seed
        self.source = open_source(str(data) if isinstance(data, Path) else data, images, hold_out)
        self.recipe = recipe.resolved(self.source.images)
        torch.manual_seed(seed)
        self.networks = Networks(
            self.recipe, self.peers, precision=precision, micro_batch=micro_batch, compiled=compiled, init=init
        )
        self.feed = Feed(self.recipe, self.source, self.networks, out, workers)
        self.watch = Watch(self.peers)
        self.stop = StopRequest()
        self.step = 0
        self.relief = 1.0
        self._validation, self._measured, self._hold_out = validation, measured, hold_out
        self._few: list[Entry] = []
        self._board: Board
        self._snapshots: Snapshots

    # State

    def state(self) -> dict[str, Any]:
        """Everything a run needs to go on: tensors and plain data only. All processes must ask at once."""
        return {
            "recipe": to_dict(self.recipe),
            "seed": self.seed,
            "step": self.step,
            "data": self.source.state(self.peers),
            **self.networks.state(),
            "critic mean": self.watch.critic_mean,
            "relief": self.relief,
        }

    def weights(self) -> dict[str, Any]:
        """What it takes to colour with: the averaged weights beside the raw ones."""
        return {
            "recipe": to_dict(self.recipe),
            "seed": self.seed,
            "step": self.step,
            "generator": self.networks.generator.state_dict(),
            "averaged": self.networks.averaged.state_dict(),
        }

    def resume(self) -> None:
        """Go on from the run's last checkpoint, if there is one.

        Raises:
            TrainingError: the run was started with another recipe; stages that are still to come may differ.
            CheckpointError: the checkpoint is damaged.
        """
        path = self.out / LAST
        if not path.exists():
            return
        state = read_run(path)
        changes = conflicts(state["recipe"], to_dict(self.recipe), state["step"])
        if changes:
            raise TrainingError(
                f"{self.out} was started otherwise: {'; '.join(changes[:5])}. Go on with the same recipe, --set and "
                f"data, stages still to come aside, or start anew in another --out"
            )
        self._restore(state)
        logger.info("going on from step %d of %s", self.step, path)

    def _restore(self, state: dict[str, Any]) -> None:
        self.step, self.seed = state["step"], state["seed"]
        self.source.go_to(state.get("data", {}))
        self.networks.restore(state)
        self.watch.critic_mean, self.relief = state["critic mean"], state["relief"]

    def _save(self) -> None:
        """Save the run, unless it is broken, so that the last checkpoint is always a good one."""
        if self.peers.agree(not self.networks.finite()):
            raise DivergedError("weights are no longer finite")
        state = self.state()
        if self.peers.leads:
            save_rotating(state, self.out / LAST, KEPT)

    # The run

    def run(self) -> None:
        """Train every stage that is still to do.

        The run ends with ``last.pt``; every stage leaves its weights in a file of its name.

        Raises:
            TrainingError: a stage went wrong twice, or the folder can no longer be written.
            StoppedError: the process was asked to end (SIGTERM, SIGINT), and the run was saved.
        """
        self._prepare_folder()
        self.feed.be_taught()
        self._few = self._looked_at()
        work = [(stage.steps, float(stage.batch * stage.size**2)) for stage in self.recipe.stages]
        self._board = Board(self.out / BOARD, step=self.step, stages=work, active=self.peers.leads)
        unseen = [entry for entry in self._few if is_unseen(entry, self._hold_out)]
        self._snapshots = Snapshots(self.out, self.networks, self._board, unseen, self._validation, self._measured)
        try:
            with self.stop.awaited():
                if self.step == 0:
                    self._board.recipe(to_dict(self.recipe))
                    self._save()
                start = 0
                for stage in self.recipe.stages:
                    if self.step < start + stage.steps:
                        self._train_with_second_chance(stage, start)
                        self._finish(stage)
                    start += stage.steps
        except OSError as error:
            raise TrainingError(
                f"the run's folder {self.out} can no longer be written ({error}); its last checkpoint is intact: "
                f"free space and go on with --resume"
            ) from error
        finally:
            self._board.close()

    def _prepare_folder(self) -> None:
        generator, critic = self.networks.generator, self.networks.critic
        weights = sum(weight.numel() for weight in generator.parameters())
        critics = 0 if critic is None else sum(weight.numel() for weight in critic.parameters())
        # Weights and Adam's two moments, averages for the generator, in float32; one copy more while writing.
        one = 4 * (4 * weights + 3 * critics)
        if not self.peers.leads:
            return
        try:
            self.out.mkdir(parents=True, exist_ok=True)
            check_space(self.out, one * (KEPT + 2))
            write_text(self.out / RECIPE, json.dumps(to_dict(self.recipe), indent=2) + "\n")
        except OSError as error:
            raise TrainingError(f"the run's folder {self.out} cannot be written ({error}); choose another") from error

    def _looked_at(self) -> list[Entry]:
        """Images to look at and to measure on while training; one process brings them, where they are not here."""
        most = FIXED if self._validation is not None else max(FIXED, self._measured)
        if self.peers.leads:
            self.source.few(self.out, most)
        self.peers.wait()
        return self.source.few(self.out, most)

    def _train_with_second_chance(self, stage: Stage, start: int) -> None:
        while True:
            try:
                self._train(stage, start)
                return
            except DivergedError as error:
                at = self.step
                self._restore(read_run(self.out / LAST))
                if self.relief < 1:
                    raise TrainingError(
                        f"stage {stage.name!r} went wrong again at step {at}: {error}. The last good checkpoint is "
                        f"{self.out / LAST} at step {self.step}; try a lower rate, --set {stage.name}.rate=…"
                    ) from error
                self.relief = LOWERED
                logger.warning(
                    "stage %s went wrong at step %d: %s; going back to step %d at %g times the rate",
                    stage.name, at, error, self.step, LOWERED,
                )  # fmt: skip
                if self.step == start:
                    self._enter(stage)
                self._save()
                self._board.back_to(self.step)

    def _enter(self, stage: Stage) -> None:
        """Begin a stage: Adam forgets, where what it adapted to is no longer so."""
        number = self.recipe.stages.index(stage)
        if number and _terms_of(self.recipe.stages[number - 1]) != _terms_of(stage):
            self.networks.forget(stage)
        self.networks.generator_next, self.watch.critic_mean = False, 1.0

    def _train(self, stage: Stage, start: int) -> None:
        """Train a stage from the run's step on; it begins at ``start``."""
        if self.step == start:
            self._enter(stage)
        networks = self.networks
        steps = Steps(networks, stage)
        fixed = self.feed.fixed(stage, self._few)
        display = Display(self._board, networks, stage, fixed, self.source.skipped, self.step)
        if self.step == 0:
            display.graph()
        saved, saved_step = time.monotonic(), self.step
        for before, original in self.feed.batches(stage, self.seed, start, self.step):
            shape = networks.set_rates(stage, self.step - start, self.relief)
            torch.manual_seed(int(np.random.default_rng([self.seed, self.step, self.peers.rank]).integers(2**62)))
            original, *taught = original.tensor_split(original.shape[1] // 3, dim=1)
            losses = steps.take(networks.seen(before), networks.seen(original), *map(networks.seen, taught))
            self.step += 1
            if self.step % boards.STEPS_BETWEEN_SCALARS == 0:
                self.watch.look(stage, losses)
            display.after(self.step, losses, shape, self.relief)
            if stage.snapshots and (self.step - start) % max(1, stage.steps // stage.snapshots) == 0:
                self._snapshots.keep(stage, self.step, self.seed)
            now = time.monotonic()
            due = now - saved > SECONDS_BETWEEN_CHECKPOINTS or self.step - saved_step >= STEPS_BETWEEN_CHECKPOINTS
            if self.peers.agree(due):
                self._save()
                saved, saved_step = now, self.step
            if self.peers.agree(self.stop.made):
                self._save()
                raise StoppedError(f"stopped at step {self.step}; go on with --resume")
        self.watch.look(stage, losses)
        display.draw(self.step)

    def _finish(self, stage: Stage) -> None:
        """End a stage: what it left behind is kept, and the next begins at its own rate."""
        self.relief = 1.0
        self._save()
        if self.peers.leads:
            save_atomically(self.weights(), self.out / f"{stage.name}.pt")
            self.feed.clear(stage)
            self._snapshots.measure_end(stage, self.step)
        corrupt, grey = (round(self.peers.total(count)) for count in self.source.skipped.counts())
        if corrupt or grey:
            logger.info("left out: %d images that could not be decoded, %d without colour", corrupt, grey)


def _terms_of(stage: Stage) -> tuple[object, ...]:
    """What Adam adapted to; where it changes, the averages of old gradients mislead."""
    return stage.phase, stage.frozen, stage.betas
