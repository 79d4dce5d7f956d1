"""The training loop: generator and critic, the stages of a recipe, checkpoints that a killed run goes on from."""

from __future__ import annotations

import json
import logging
import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any, Literal, TypeVar, cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from deoldify.errors import CheckpointError
from deoldify.imaging import denormalise, normalise
from deoldify.network import Generator
from train import board as boards
from train.board import Board
from train.critic import Critic, coloured_like
from train.data import Drawing, Entry, Pairs, Preparation, Rgb, Samples, is_held_out
from train.features import feature_network, lite0_classifier
from train.inflection import Point, Survey, photographs, restoration
from train.losses import (
    CRITIC_LOSSES,
    GENERATOR_LOSSES,
    FeatureLoss,
    chroma_loss,
    gradient_loss,
    l1_loss,
    psnr_loss,
    worse_than_stretched,
)
from train.parallel import join, share_norms
from train.recipes import Recipe, Stage, conflicts, to_dict
from train.renders import RenderedPairs, make_renders, rendered_batches
from train.runs import (
    BOARD,
    LAST,
    RECIPE,
    TrainingError,
    check_space,
    read_run,
    read_trained,
    save_atomically,
    save_rotating,
    write_text,
)
from train.shards import open_source

__all__ = ["LAST", "Training", "rate_at"]

logger = logging.getLogger(__name__)

Precision = Literal["float32", "bfloat16", "float16"]
Terms = dict[str, Tensor]
AnyModule = TypeVar("AnyModule", bound=nn.Module)

SECONDS_BETWEEN_CHECKPOINTS = 120
STEPS_BETWEEN_CHECKPOINTS = 1000
KEPT = 2
"""Checkpoints kept beside the last."""
LOWERED = 0.2
"""The rate after a stage went wrong, in units of its own."""
COLLAPSED = 0.01
"""A critic's mean loss below which it knows renders from originals so surely that the generator learns nothing."""
COLLAPSE_STEPS = 200
FIXED = 12
"""Pictures in the fixed batch of the progress images."""


def shape_at(stage: Stage, step: int) -> float:
    """The learning rate at a step, in units of the stage's: a linear rise, a plateau, a fall along a cosine."""
    done = step / stage.steps
    if done < stage.rise:
        return stage.start + (1 - stage.start) * done / stage.rise
    if done > 1 - stage.fall:
        along = (done - (1 - stage.fall)) / stage.fall
        return stage.floor + (1 - stage.floor) * (1 + math.cos(math.pi * along)) / 2
    return 1.0


def rate_at(stage: Stage, step: int) -> float:
    """The generator's learning rate at a step of a stage."""
    return stage.rate * shape_at(stage, step)


class DivergedError(Exception):
    """A stage went wrong: numbers are no longer finite, or the critic collapsed."""


class StoppedError(TrainingError):
    """The run was asked to stop, and saved first."""


class Training:
    """A run: networks, optimisers and averages of a recipe, in a folder.

    Everything random in a step follows from the seed, the step and the process's number, so that a resumed run needs
    no other state to go on as if it had never stopped.

    Args:
        recipe: what to train and how.
        data: what to train on; see ``train.shards.open_source``.
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

    Raises:
        TrainingError: the recipe needs weights to start from, the folder cannot be written, or the disk is full.
        DataError: the data cannot be used.
    """

    def __init__(
        self,
        recipe: Recipe,
        data: str | Path,
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
    ) -> None:
        if recipe.follows and init is None and not (out / LAST).exists():
            raise TrainingError(f"{recipe.name!r} starts from weights of {recipe.follows!r}: name them, --init FILE")
        self.peers = join(device)
        self.device = self.peers.device
        self.out, self.seed, self.workers = out, seed, workers
        self.precision, self.micro_batch, self.compiled = precision, micro_batch, compiled
        self.source = open_source(str(data), images)
        self.recipe = recipe.resolved(self.source.images)
        torch.manual_seed(seed)
        generator = _new_generator(self.recipe, init)
        self.generator = self._placed(share_norms(generator, self.peers))
        self.averaged = AveragedModel(self.generator, use_buffers=True)
        needs_critic = any(stage.phase != "generator" for stage in recipe.stages)
        self.critic = self._placed(Critic(recipe.critic)) if recipe.critic is not None and needs_critic else None
        self.optimiser = self._new_optimiser(self.recipe.stages[0])
        self.critic_optimiser = self._new_critic_optimiser(self.recipe.stages[0])
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=precision == "float16")
        self.step = 0
        self.generator_next = False
        self.critic_mean = 1.0
        self.relief = 1.0
        self._stop_asked = False
        self._validation, self._measured = validation, measured
        self._survey: Survey | None = None
        self._feature_networks: dict[tuple[int, ...], nn.Module] = {}
        self._few: list[Entry] = []
        self.board: Board

    # State

    def state(self) -> dict[str, Any]:
        """Everything a run needs to go on: tensors and plain data only. All processes must ask at once."""
        return {
            "recipe": to_dict(self.recipe),
            "seed": self.seed,
            "step": self.step,
            "data": self.source.state(self.peers),
            "generator": self.generator.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "critic": None if self.critic is None else self.critic.state_dict(),
            "critic optimiser": None if self.critic_optimiser is None else self.critic_optimiser.state_dict(),
            "scaler": self.scaler.state_dict(),
            "generator next": self.generator_next,
            "critic mean": self.critic_mean,
            "relief": self.relief,
        }

    def weights(self) -> dict[str, Any]:
        """What it takes to colour with: the averaged weights beside the raw ones."""
        return {
            "recipe": to_dict(self.recipe),
            "seed": self.seed,
            "step": self.step,
            "generator": self.generator.state_dict(),
            "averaged": self.averaged.state_dict(),
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
        self.generator.load_state_dict(state["generator"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimiser.load_state_dict(state["optimiser"])
        if self.critic is not None and self.critic_optimiser is not None:
            self.critic.load_state_dict(state["critic"])
            self.critic_optimiser.load_state_dict(state["critic optimiser"])
        self.scaler.load_state_dict(state["scaler"])
        self.generator_next, self.critic_mean = state["generator next"], state["critic mean"]
        self.relief = state["relief"]

    def _save(self) -> None:
        """Save the run, unless it is broken, so that the last checkpoint is always a good one."""
        networks = [self.generator, *([] if self.critic is None else [self.critic])]
        finite = all(bool(torch.isfinite(weight).all()) for network in networks for weight in network.parameters())
        if self.peers.agree(not finite):
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
        self._few = self._looked_at()
        work = [(stage.steps, float(stage.batch * stage.size**2)) for stage in self.recipe.stages]
        self.board = Board(self.out / BOARD, step=self.step, stages=work, active=self.peers.leads)
        try:
            with self._stopping_kindly():
                if self.step == 0:
                    self.board.recipe(to_dict(self.recipe))
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
            self.board.close()

    def _prepare_folder(self) -> None:
        weights = sum(weight.numel() for weight in self.generator.parameters())
        critic = 0 if self.critic is None else sum(weight.numel() for weight in self.critic.parameters())
        # Weights and Adam's two moments, averages for the generator, in float32; one copy more while writing.
        one = 4 * (4 * weights + 3 * critic)
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
                self._train_stage(stage, start)
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
                self.board.back_to(self.step)

    def _enter(self, stage: Stage) -> None:
        """Begin a stage: Adam forgets, where what it adapted to is no longer so."""
        before = self._stage_before(stage)
        if before is not None and _terms_of(before) != _terms_of(stage):
            self.optimiser = self._new_optimiser(stage)
            self.critic_optimiser = self._new_critic_optimiser(stage)
        self.critic_mean, self.generator_next = 1.0, False

    def _stage_before(self, stage: Stage) -> Stage | None:
        number = self.recipe.stages.index(stage)
        return self.recipe.stages[number - 1] if number else None

    def _train_stage(self, stage: Stage, start: int) -> None:
        if self.step == start:
            self._enter(stage)
        self._set_modes(stage)
        self.averaged.multi_avg_fn = get_ema_multi_avg_fn(stage.ema)  # type: ignore[no-untyped-call]
        feature_loss = self._feature_loss(stage)
        generator = self._parallel(self.generator) if stage.phase != "critic" else self.generator
        critic = self._parallel(self.critic) if self.critic is not None and stage.phase != "generator" else None
        fixed = self._fixed_batch(stage)
        if self.step == 0:
            self.averaged.eval()
            self.board.graph(self.averaged.module, fixed[0][:1])
        saved = logged = time.monotonic()
        logged_step = saved_step = self.step
        for pair in self._loader(stage, start):
            before, original = (self._to_network(pictures) for pictures in pair)
            shape = self._set_rates(stage, self.step - start)
            torch.manual_seed(int(np.random.default_rng([self.seed, self.step, self.peers.rank]).integers(2**62)))
            losses: Terms = {}
            render = before if stage.phase == "critic" else None  # the critic alone is fed with renders

            if stage.phase != "critic" and (stage.phase == "generator" or stage.switch is None or self.generator_next):
                terms, render = self._generator_step(stage, generator, feature_loss, before, original)
                losses |= terms
            if critic is not None and (stage.switch is None or not self.generator_next):
                losses |= self._critic_step(critic, self._render(before) if render is None else render, original)
                self.generator_next = stage.switch is None or self.peers.mean(float(losses["critic"])) < stage.switch
            else:
                self.generator_next = False

            self.step += 1
            now = time.monotonic()
            shown = ""
            if self.step % boards.STEPS_BETWEEN_SCALARS == 0:
                self._watch(stage, losses)
                speed = (self.step - logged_step) * stage.batch / (now - logged)
                self._log(stage, losses, shape, speed)
                logged, logged_step = now, self.step
                shown = "  ".join(f"{name} {value.item():.3f}" for name, value in losses.items())
            self.board.advance(stage.name, shown)
            if self.step % boards.STEPS_BETWEEN_PICTURES == 0:
                self._draw(stage, *fixed)
            if self.step % boards.STEPS_BETWEEN_HISTOGRAMS == 0:
                self.board.histograms("generator", self.generator, self.step)
                if self.critic is not None:
                    self.board.histograms("critic", self.critic, self.step)
            if stage.snapshots and (self.step - start) % max(1, stage.steps // stage.snapshots) == 0:
                self._keep_snapshot(stage)
            due = now - saved > SECONDS_BETWEEN_CHECKPOINTS or self.step - saved_step >= STEPS_BETWEEN_CHECKPOINTS
            if self.peers.agree(due):
                self._save()
                saved, saved_step = now, self.step
            if self.peers.agree(self._stop_asked):
                self._save()
                raise StoppedError(f"stopped at step {self.step}; go on with --resume")
        self._watch(stage, losses)
        self._draw(stage, *fixed)

    def _finish(self, stage: Stage) -> None:
        """End a stage: what it left behind is kept, and the next begins at its own rate."""
        self.relief = 1.0
        self._save()
        if self.peers.leads:
            save_atomically(self.weights(), self.out / f"{stage.name}.pt")
            self._renders(stage).unlink(missing_ok=True)
            self._evaluate(stage)
        corrupt, grey = (round(self.peers.total(count)) for count in self.source.skipped.counts())
        if corrupt or grey:
            logger.info("left out: %d images that could not be decoded, %d without colour", corrupt, grey)

    # One step

    def _generator_step(
        self, stage: Stage, generator: nn.Module, feature_loss: FeatureLoss | None, before: Tensor, original: Tensor
    ) -> tuple[Terms, Tensor]:
        """One step of the generator; its losses and what it rendered, without gradient."""
        if self.critic is not None:
            self.critic.requires_grad_(False)
        self.optimiser.zero_grad(set_to_none=True)
        total: Terms = {}
        renders = []
        for share, synchronised, (x, y) in self._pieces(generator, before, original):
            with synchronised:
                with self._autocast():
                    render = generator(x)
                    losses = self._content(stage, feature_loss, x, render, y)
                    if stage.phase == "adversarial":
                        assert self.critic is not None
                        fooled = GENERATOR_LOSSES[self.critic.config.loss](self.critic(render).float())
                        losses["adversarial"] = stage.adversarial_weight * fooled
                loss = cast(Tensor, sum(losses.values()))
                self.scaler.scale(loss if share == 1 else loss * share).backward()  # type: ignore[no-untyped-call]
            renders.append(render.detach())
            for name, value in losses.items():
                total[name] = total.get(name, torch.zeros_like(value)) + value.detach() * share
        total["gradient norm/generator"] = self._update(self.optimiser, self.generator)
        self.averaged.update_parameters(self.generator)
        return total, torch.cat(renders)

    def _critic_step(self, critic: nn.Module, render: Tensor, original: Tensor) -> Terms:
        """One step of the critic on renders and originals; its losses."""
        assert self.critic is not None and self.critic_optimiser is not None
        self.critic.requires_grad_(True)
        self.critic_optimiser.zero_grad(set_to_none=True)
        if self.critic.config.judges == "colour":
            original = coloured_like(render, original)
        total: Terms = {}
        for share, synchronised, (fake, real) in self._pieces(critic, render, original):
            with synchronised:
                with self._autocast():
                    scores = critic(torch.cat([real, fake.to(real.dtype)])).float()
                real_scores, fake_scores = scores.chunk(2)
                loss = CRITIC_LOSSES[self.critic.config.loss](real_scores, fake_scores)
                self.scaler.scale(loss * share).backward()  # type: ignore[no-untyped-call]
            terms = {"critic": loss, "critic on real": real_scores.mean(), "critic on fake": fake_scores.mean()}
            for name, value in terms.items():
                total[name] = total.get(name, torch.zeros_like(value)) + value.detach() * share
        total["gradient norm/critic"] = self._update(self.critic_optimiser, self.critic)
        return total

    def _content(
        self, stage: Stage, feature_loss: FeatureLoss | None, before: Tensor, render: Tensor, original: Tensor
    ) -> Terms:
        if self.recipe.pixels == "chroma":
            losses = {"chroma": chroma_loss(render, original, emphasis=stage.emphasis)}
        else:
            losses = {"pixels": {"psnr": psnr_loss, "l1": l1_loss}[self.recipe.pixels](render, original)}
        losses = {name: stage.pixel_weight * loss for name, loss in losses.items()}
        if stage.gradient_weight:
            losses["gradients"] = stage.gradient_weight * gradient_loss(render, original)
        if stage.stretch_weight:
            losses["worse than stretched"] = stage.stretch_weight * worse_than_stretched(render, before, original)
        if feature_loss is not None:
            losses["features"] = stage.feature_weight * feature_loss(render, original)
        return {name: stage.content_weight * loss for name, loss in losses.items()}

    def _pieces(
        self, network: nn.Module, *batch: Tensor
    ) -> Iterator[tuple[float, AbstractContextManager[None], list[Tensor]]]:
        """A batch in pieces of ``micro_batch``: share of the batch, when processes average gradients, and the piece."""
        count = len(batch[0])
        size = self.micro_batch or count
        for start in range(0, count, size):
            piece = [tensor[start : start + size] for tensor in batch]
            waits = isinstance(network, DistributedDataParallel) and start + size < count
            context = cast(DistributedDataParallel, network).no_sync() if waits else nullcontext()
            yield len(piece[0]) / count, context, piece

    def _update(self, optimiser: torch.optim.Optimizer, network: nn.Module) -> Tensor:
        """Clip the gradients and step; their norm before."""
        self.scaler.unscale_(optimiser)
        norm = nn.utils.clip_grad_norm_(
            network.parameters(), math.inf if self.recipe.clip is None else self.recipe.clip
        )
        self.scaler.step(optimiser)
        self.scaler.update()
        return norm.detach()

    @torch.no_grad()
    def _render(self, before: Tensor) -> Tensor:
        with self._autocast():
            size = self.micro_batch or len(before)
            return torch.cat([self.generator(before[start : start + size]) for start in range(0, len(before), size)])

    def _watch(self, stage: Stage, losses: Terms) -> None:
        """Raise a ``DivergedError`` where numbers are no longer finite or the critic has collapsed."""
        broken = [name for name, value in losses.items() if "norm" not in name and not math.isfinite(value.item())]
        if self.peers.agree(bool(broken)):
            raise DivergedError(f"not finite: {', '.join(broken) or 'a loss in another process'}")
        if stage.phase == "adversarial" and "critic" in losses:
            # A running mean, looked at every tenth step.
            keep = (1 - 1 / COLLAPSE_STEPS) ** boards.STEPS_BETWEEN_SCALARS
            mean = self.peers.mean(losses["critic"].item())
            self.critic_mean = keep * self.critic_mean + (1 - keep) * mean
            if self.critic_mean < COLLAPSED:
                raise DivergedError("the critic is so sure of what is a render that the generator learns nothing")

    # What is shown

    def _log(self, stage: Stage, losses: Terms, shape: float, speed: float) -> None:
        means = {name: self.peers.mean(value.item()) for name, value in losses.items()}
        values = {name if "/" in name else f"loss/{name}": value for name, value in means.items()}
        if stage.phase != "critic":
            values["rate/generator"] = stage.rate * shape * self.relief
        if stage.phase != "generator":
            values["rate/critic"] = stage.critic_rate * shape * self.relief
        values |= {"images per second": speed, "memory": boards.memory(self.device)}
        if self.scaler.is_enabled():
            values["scale"] = self.scaler.get_scale()
        for name, count in zip(("corrupt", "grey"), self.source.skipped.counts(), strict=True):
            values[f"skipped/{name}"] = self.peers.total(count)
        self.board.scalars(values, self.step)
        if self.step % (5 * boards.STEPS_BETWEEN_SCALARS) == 0:
            terms = "  ".join(f"{name} {value.item():.4f}" for name, value in losses.items())
            logger.info(
                "%s step %d  %s  rate %.2e  %.0f images/s", stage.name, self.step, terms, stage.rate * shape, speed
            )

    @torch.no_grad()
    def _draw(self, stage: Stage, before: Tensor, original: Tensor) -> None:
        if not self.peers.leads:
            return
        self.averaged.eval()
        self.generator.eval()
        with self._autocast():
            raw, render = self.generator(before), self.averaged(before)
            losses = self._content(stage, None, before, render, original)
        self._set_modes(stage)
        self.board.scalars({f"held out/{name}": loss.item() for name, loss in losses.items()}, self.step)
        self.board.pictures("input, render, averaged render, original", (before, raw, render, original), self.step)

    # What a stage needs

    def _set_modes(self, stage: Stage) -> None:
        """Training mode for what learns, gradients for its weights."""
        if stage.phase == "critic":
            self.generator.eval().requires_grad_(False)
        else:
            self.generator.train().requires_grad_(True)
            lower, upper = _halves(self.generator)
            for half, frozen in ((lower, stage.frozen != "nothing"), (upper, stage.frozen == "encoder")):
                for layer in half:
                    layer.train(not frozen).requires_grad_(not frozen)
        if self.critic is not None:
            self.critic.train().requires_grad_(True)

    def _set_rates(self, stage: Stage, step: int) -> float:
        """Set every rate for a step of a stage; the rate in units of the stage's."""
        shape = shape_at(stage, step)
        for group, factor in zip(self.optimiser.param_groups, (*stage.encoder_rates, 1.0)):
            group["lr"] = stage.rate * shape * factor * self.relief
        if self.critic_optimiser is not None:
            for group in self.critic_optimiser.param_groups:
                group["lr"] = stage.critic_rate * shape * self.relief
        return shape

    def _new_optimiser(self, stage: Stage) -> torch.optim.Optimizer:
        """Adam for the generator in three groups: lower encoder, upper encoder, all that follows."""
        lower, upper = ([weight for layer in half for weight in layer.parameters()] for half in _halves(self.generator))
        known = {id(weight) for weight in (*lower, *upper)}
        rest = [weight for weight in self.generator.parameters() if id(weight) not in known]
        groups = [{"params": weights} for weights in (lower, upper, rest)]
        return torch.optim.AdamW(groups, lr=stage.rate, betas=stage.betas, weight_decay=self.recipe.weight_decay)

    def _new_critic_optimiser(self, stage: Stage) -> torch.optim.Optimizer | None:
        if self.critic is None:
            return None
        return torch.optim.AdamW(
            self.critic.parameters(), lr=stage.critic_rate, betas=stage.betas, weight_decay=self.recipe.weight_decay
        )

    def _feature_loss(self, stage: Stage) -> FeatureLoss | None:
        if not stage.feature_weight or stage.phase == "critic":
            return None
        weights = dict(zip(self.recipe.layers, stage.feature_layers or self.recipe.layer_weights, strict=True))
        weights = {layer: weight for layer, weight in weights.items() if weight}
        layers = tuple(weights)
        if layers not in self._feature_networks:
            self._feature_networks[layers] = self._placed(feature_network(self.recipe.features, layers))
        return FeatureLoss(self._feature_networks[layers], tuple(weights.values()))

    def _placed(self, network: AnyModule) -> AnyModule:
        placed = network.to(self.device).to(memory_format=torch.channels_last)
        if self.compiled:
            placed.compile()
        return placed

    def _parallel(self, network: nn.Module) -> nn.Module:
        return self.peers.wrapped(network)

    def _autocast(self) -> torch.autocast:
        enabled = self.precision != "float32"
        return torch.autocast(self.device.type, getattr(torch, self.precision) if enabled else None, enabled=enabled)

    def _to_network(self, pictures: Tensor) -> Tensor:
        rgb = pictures.to(self.device, memory_format=torch.channels_last).float() / 255
        return normalise(rgb)

    def _preparation(self, stage: Stage) -> Preparation:
        recipe = self.recipe
        return Preparation(
            recipe.damage, recipe.crop, recipe.lighting, recipe.warp, stage.noise, recipe.generator.sees_samples
        )

    def _loader(self, stage: Stage, start: int) -> Pairs:
        """The batches of a stage from the current step on."""
        steps = range(self.step, start + stage.steps)
        if stage.phase == "critic":
            return self._rendered(stage, start, steps)
        return self.source.batches(self._drawing(stage, stage.batch), steps)

    def _drawing(self, stage: Stage, batch: int) -> Drawing:
        return Drawing(
            self._preparation(stage), stage.size, batch, dict(stage.shares), self.seed, self.workers, self.peers
        )

    def _rendered(self, stage: Stage, start: int, steps: range) -> Pairs:
        """Batches of renders, made now unless an earlier process made them, beside their originals."""
        path = self._renders(stage)
        if not path.exists():
            count = stage.renders_on(self.source.images or 0)
            logger.info("rendering %d pictures for the critic", count)
            pairs = self.source.pairs(self._drawing(stage, count), start)
            make_renders(path, count, stage.size, pairs, self._render_eight_bits, self.peers)
        half = stage.batch // 2
        return rendered_batches(
            RenderedPairs(path), batch=half, start=start, steps=steps, seed=self.seed, workers=self.workers,
            part=self.peers.part(half),
        )  # fmt: skip

    def _render_eight_bits(self, pictures: Tensor) -> Tensor:
        """Renders of uint8 pictures, (N, 3, size, size) to the same."""
        render = self._render(self._to_network(pictures))
        return (denormalise(render.float()).clamp(0, 1) * 255).round().to(torch.uint8).cpu()

    def _renders(self, stage: Stage) -> Path:
        return self.out / f"pairs-{stage.name}.npy"

    def _fixed_batch(self, stage: Stage) -> tuple[Tensor, Tensor]:
        samples = Samples(self._few, self._preparation(stage), stage.size, seed=0)
        numbers = torch.linspace(0, len(samples) - 1, FIXED).long().tolist()
        before, original = zip(*(samples[(number, 0, place)] for place, number in enumerate(numbers)))
        return self._to_network(torch.stack(before)), self._to_network(torch.stack(original))

    def _keep_snapshot(self, stage: Stage) -> None:
        """Keep the averaged weights, in 16 bits, to choose the best of later."""
        if not self.peers.leads:
            return
        folder = self.out / "snapshots"
        folder.mkdir(exist_ok=True)
        averaged = {
            name: tensor.half() if tensor.is_floating_point() else tensor
            for name, tensor in self.averaged.state_dict().items()
        }
        kept = {"recipe": to_dict(self.recipe), "seed": self.seed, "step": self.step, "averaged": averaged}
        name = f"{stage.name}-{self.step:08}.pt"
        save_atomically(kept, folder / name)
        survey = self._surveyor()
        if survey is not None:
            self._show(survey.look(self._averaged_ready(), name, self.step))
            chosen, reason = survey.verdict()
            logger.info("would ship %s: %s", chosen.snapshot, reason)
            with Image.open(survey.path.with_suffix(".png")) as drawn:
                self.board.image("inflection", torch.from_numpy(np.array(drawn)).permute(2, 0, 1), self.step)

    def _evaluate(self, stage: Stage) -> None:
        """Measure the averaged generator at the end of a stage that changed it."""
        if stage.phase == "critic":
            return
        survey = self._surveyor()
        if survey is not None:
            point = survey.measure(self._averaged_ready(), stage.name, self.step)
            self._show(point)
            logger.info("after %s: %s", stage.name, point)
        elif self.recipe.task == "defade":
            values = {
                f"validation/{name}": value
                for name, value in restoration(self._averaged_ready(), self._photographs(), self.device).items()
            }
            self.board.scalars(values, self.step)
            logger.info("after %s: %s", stage.name, values)

    def _show(self, point: Point) -> None:
        values = {f"validation/{k}": float(v) for k, v in asdict(point).items() if isinstance(v, float)}
        self.board.scalars(values, self.step)

    def _photographs(self) -> dict[str, list[Rgb]]:
        """What is measured on while training, by set."""
        if not self._measured:
            return {}
        held_out = [entry for entry in self._few if is_held_out(entry.name)]
        return photographs(self._validation, held_out, self._measured)

    def _surveyor(self) -> Survey | None:
        """What measures colorizers; ``None`` where there is nothing to measure on."""
        if self._survey is None and self.recipe.task == "colorize":
            sets = self._photographs()
            self._survey = Survey(self.out, sets, self.device) if sets else None
        return self._survey

    def _averaged_ready(self) -> Callable[[Tensor], Tensor]:
        """The averaged generator in eval mode, under autocast."""
        self.averaged.eval()

        def render(x: Tensor) -> Tensor:
            with self._autocast():
                return cast(Tensor, self.averaged(x))

        return render

    @contextmanager
    def _stopping_kindly(self) -> Iterator[None]:
        """While this lasts, SIGTERM and SIGINT let the current step end, and the run save itself."""

        def ask(number: int, frame: FrameType | None) -> None:
            self._stop_asked = True

        before: dict[signal.Signals, Any] = {}
        try:
            for number in (signal.SIGTERM, signal.SIGINT):
                before[number] = signal.signal(number, ask)
        except ValueError:  # not the main thread: nobody can ask
            pass
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _terms_of(stage: Stage) -> tuple[object, ...]:
    """What Adam adapted to; where it changes, the averages of old gradients mislead."""
    return stage.phase, stage.frozen, stage.betas


def _halves(generator: nn.Module) -> tuple[list[nn.Module], list[nn.Module]]:
    """The layers of a generator's encoder that see small things, and those that see large ones."""
    lower: list[nn.Module] = []
    upper: list[nn.Module] = []
    for name, layer in generator.get_submodule("encoder.body").named_children():
        if name == "blocks":
            parts = list(layer.children())
            lower += parts[:3]
            upper += parts[3:]
        else:
            (upper if name in ("layer3", "layer4") else lower).append(layer)
    return lower, upper


def _new_generator(recipe: Recipe, init: Path | None) -> Generator:
    """The recipe's generator: with a run's weights, or with an encoder that knows ImageNet, or blank.

    Raises:
        CheckpointError: the weights are missing, damaged, fit another generator, or cannot be downloaded.
    """
    if init is not None:
        generator = read_trained(init).generator.train()
        if generator.config != recipe.generator:
            raise CheckpointError(f"{init} holds another generator than {recipe.name!r} trains")
        return generator
    if not recipe.pretrained:
        return Generator(recipe.generator)
    if recipe.generator.encoder == "efficientnet_lite0":
        generator = Generator(recipe.generator)
        wanted = generator.encoder.body.state_dict().keys()
        weights = lite0_classifier().state_dict()
        generator.encoder.body.load_state_dict({name: weights[name] for name in wanted})
        return generator
    try:
        return Generator(recipe.generator, pretrained=True)
    except Exception as error:  # timm and the Hub's client raise many kinds
        raise CheckpointError(
            f"the ImageNet weights of {recipe.generator.encoder} cannot be fetched ({error}); go online once, or start "
            f"blank: --set pretrained=false"
        ) from error
