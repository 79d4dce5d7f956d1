"""The training loop: one generator, the stages of a recipe, checkpoints that a killed run goes on from."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.tensorboard import SummaryWriter
from torchvision.utils import make_grid

from deoldify.generator import Generator
from deoldify.imaging import denormalise, normalise
from train.data import Samples, batches, index, is_held_out
from train.features import Lite0Features, lite0_classifier
from train.losses import FeatureLoss, chroma_loss, pixel_loss
from train.recipes import Recipe, Stage

logger = logging.getLogger(__name__)

LAST = "last.pt"
SECONDS_BETWEEN_CHECKPOINTS = 240
STEPS_BETWEEN_SCALARS = 10
STEPS_BETWEEN_PICTURES = 200


def rate_at(stage: Stage, step: int) -> float:
    """The learning rate of a stage at a step: a linear rise, a plateau, a fall along a cosine."""
    done = step / stage.steps
    if done < stage.rise:
        return stage.rate * (0.1 + 0.9 * done / stage.rise)
    if done > 1 - stage.fall:
        along = (done - (1 - stage.fall)) / stage.fall
        return stage.rate * (stage.floor + (1 - stage.floor) * (1 + math.cos(math.pi * along)) / 2)
    return stage.rate


def save_atomically(state: dict[str, Any], path: Path) -> None:
    """Write a checkpoint beside its place and rename it, so that a killed run leaves the last one intact."""
    beside = path.with_name(path.name + ".part")
    torch.save(state, beside)
    os.replace(beside, path)


class Training:
    """A run: networks, optimiser and averages of a recipe, in a folder.

    Args:
        recipe: what to train and how.
        data: folder of training images (see ``train.data.index``).
        out: the run's folder; checkpoints and TensorBoard's files go there.
        seed: of everything random.
        device: where to train.
        workers: processes that decode and degrade pictures.
    """

    def __init__(self, recipe: Recipe, data: Path, out: Path, *, seed: int, device: str, workers: int) -> None:
        self.recipe, self.out, self.seed, self.workers = recipe, out, seed, workers
        self.device = torch.device(device)
        torch.manual_seed(seed)
        entries = index(data)
        self.entries = [entry for entry in entries if not is_held_out(entry)]
        self.held_out = [entry for entry in entries if is_held_out(entry)]
        generator = Generator(recipe.generator)
        wanted = generator.encoder.body.state_dict().keys()
        weights = lite0_classifier().state_dict()
        generator.encoder.body.load_state_dict({name: weights[name] for name in wanted})
        self.generator = generator.to(self.device).to(memory_format=torch.channels_last)
        self.averaged = AveragedModel(self.generator, use_buffers=True)
        self.generator.encoder.requires_grad_(False)
        self.optimiser = torch.optim.AdamW(
            [p for p in self.generator.parameters() if p.requires_grad],
            lr=recipe.stages[0].rate, weight_decay=recipe.weight_decay,
        )  # fmt: skip
        self.step = 0
        self.writer = SummaryWriter(str(out / "board"))

    def state(self) -> dict[str, Any]:
        """Everything a run needs to go on: tensors and plain data only."""
        return {
            "recipe": asdict(self.recipe),
            "seed": self.seed,
            "step": self.step,
            "generator": self.generator.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "random": torch.get_rng_state(),
        }

    def resume(self) -> None:
        """Go on from the run's last checkpoint, if there is one."""
        path = self.out / LAST
        if not path.exists():
            return
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.generator.load_state_dict(state["generator"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimiser.load_state_dict(state["optimiser"])
        torch.set_rng_state(state["random"])
        self.step, self.seed = state["step"], state["seed"]
        logger.info("going on from step %d of %s", self.step, path)

    def run(self) -> None:
        """Train every stage that is still to do, then save ``final.pt``."""
        start = 0
        for stage in self.recipe.stages:
            if self.step < start + stage.steps:
                self._train_stage(stage, start)
                save_atomically(self.state(), self.out / f"{stage.name}.pt")
            start += stage.steps
        save_atomically(self.state(), self.out / LAST)
        self.writer.close()

    def _train_stage(self, stage: Stage, start: int) -> None:
        feature_loss = FeatureLoss(Lite0Features(), stage.feature_layers) if stage.feature_weight else None
        if feature_loss is not None:
            feature_loss.to(self.device).to(memory_format=torch.channels_last)
        loader: Iterable[tuple[Tensor, Tensor]] = batches(
            self.entries, self.recipe.task, size=stage.size, batch=stage.batch, shares=dict(stage.shares),
            steps=range(self.step, start + stage.steps), seed=self.seed, workers=self.workers,
        )  # fmt: skip
        fixed = self._fixed_batch(stage)
        self.averaged.multi_avg_fn = get_ema_multi_avg_fn(stage.ema)  # type: ignore[no-untyped-call]
        self.generator.train()
        self.generator.encoder.eval()
        saved = logged = time.monotonic()
        for pair in loader:
            before, original = (self._to_network(pictures) for pictures in pair)
            rate = rate_at(stage, self.step - start)
            for group in self.optimiser.param_groups:
                group["lr"] = rate
            with torch.autocast(self.device.type, torch.bfloat16):
                render = self.generator(before)
                losses = self._losses(stage, render, original)
                if feature_loss is not None:
                    losses["features"] = stage.feature_weight * feature_loss(render, original)
            loss = cast(Tensor, sum(losses.values()))
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            norm = nn.utils.clip_grad_norm_(self.generator.parameters(), self.recipe.clip)
            self.optimiser.step()
            self.averaged.update_parameters(self.generator)
            self.step += 1
            now = time.monotonic()
            if self.step % STEPS_BETWEEN_SCALARS == 0:
                for name, value in losses.items():
                    self.writer.add_scalar(f"loss/{name}", value.item(), self.step)
                self.writer.add_scalar("rate", rate, self.step)
                self.writer.add_scalar("gradient norm", norm.item(), self.step)
                speed = STEPS_BETWEEN_SCALARS * stage.batch / (now - logged)
                self.writer.add_scalar("images per second", speed, self.step)
                logged = now
                if self.step % (5 * STEPS_BETWEEN_SCALARS) == 0:
                    terms = "  ".join(f"{name} {value.item():.4f}" for name, value in losses.items())
                    logger.info("%s step %d  %s  rate %.2e  %.0f images/s", stage.name, self.step, terms, rate, speed)
            if self.step % STEPS_BETWEEN_PICTURES == 0:
                self._draw(stage, *fixed)
            if now - saved > SECONDS_BETWEEN_CHECKPOINTS:
                save_atomically(self.state(), self.out / LAST)
                saved = now
        self._draw(stage, *fixed)
        save_atomically(self.state(), self.out / LAST)

    def _losses(self, stage: Stage, render: Tensor, original: Tensor) -> dict[str, Tensor]:
        if self.recipe.task == "defade":
            return {"pixels": pixel_loss(render, original)}
        return {"chroma": chroma_loss(render, original, emphasis=stage.emphasis)}

    def _to_network(self, pictures: Tensor) -> Tensor:
        rgb = pictures.to(self.device, memory_format=torch.channels_last).float() / 255
        return normalise(rgb)

    def _fixed_batch(self, stage: Stage) -> tuple[Tensor, Tensor]:
        samples = Samples(self.held_out or self.entries, self.recipe.task, stage.size, seed=0)
        numbers = torch.linspace(0, len(samples) - 1, 12).long().tolist()
        before, original = zip(*(samples[(number, 0, place)] for place, number in enumerate(numbers)))
        return self._to_network(torch.stack(before)), self._to_network(torch.stack(original))

    @torch.no_grad()
    def _draw(self, stage: Stage, before: Tensor, original: Tensor) -> None:
        self.averaged.eval()
        with torch.autocast(self.device.type, torch.bfloat16):
            render = self.averaged(before)
        for name, loss in self._losses(stage, render, original).items():
            self.writer.add_scalar(f"held out/{name}", loss.item(), self.step)
        rows = torch.cat([denormalise(x.float()).clamp(0, 1) for x in (before, render, original)])
        self.writer.add_image("before, averaged render, original", make_grid(rows, nrow=len(before)), self.step)


def averaged_state(checkpoint: dict[str, Any]) -> dict[str, Tensor]:
    """The averaged generator's weights out of a run's checkpoint, under the generator's own names."""
    prefix = "module."
    averaged: dict[str, Tensor] = checkpoint["averaged"]
    return {name[len(prefix) :]: value for name, value in averaged.items() if name.startswith(prefix)}
