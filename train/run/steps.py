"""One step of the generator and one of the critic, in plain sight."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from train.judges import (
    CRITIC_LOSSES,
    GENERATOR_LOSSES,
    FeatureLoss,
    agreement_loss,
    chroma_loss,
    coloured_like,
    distribution_loss,
    gradient_loss,
    l1_loss,
    psnr_loss,
    worse_than_stretched,
)
from train.recipes import Recipe, Stage
from train.run.networks import Networks

Terms = dict[str, Tensor]
"""Scalars by name: losses as they are weighed, and what else is told of a step."""


class Steps:
    """The steps of a stage. Pictures are ImageNet-normalised (N, 3, size, size), on the networks' device.

    Args:
        networks: made ready for the stage.
        stage: what is trained, and by which losses.
    """

    def __init__(self, networks: Networks, stage: Stage) -> None:
        networks.prepare(stage)
        self.networks, self.stage = networks, stage
        self._feature_loss = networks.feature_loss(stage)
        critic, wrapped = networks.critic, networks.peers.wrapped
        generator = networks.opining() or networks.generator
        self._generator = generator if stage.phase == "critic" else wrapped(generator)
        self._critic = None if critic is None or stage.phase == "generator" else wrapped(critic)

    def take(self, before: Tensor, original: Tensor, taught: Tensor | None = None) -> Terms:
        """One step on a batch: of the generator, of the critic, or of one after the other; what is told of it.

        Args:
            before: what the generator is given; in a stage of the critic alone, renders.
            original: what it should make of it.
            taught: the same with a teacher's colours blended in, which then the loss of the pixels wants.
        """
        networks, stage = self.networks, self.stage
        told: Terms = {}
        render = before if stage.phase == "critic" else None
        if stage.phase != "critic" and (stage.phase == "generator" or stage.switch is None or networks.generator_next):
            terms, render = self.generator_step(before, original, taught)
            told |= terms
        if self._critic is not None and (stage.switch is None or not networks.generator_next):
            told |= self.critic_step(networks.render(before) if render is None else render, original)
            networks.generator_next = stage.switch is None or networks.peers.mean(float(told["critic"])) < stage.switch
        else:
            networks.generator_next = False
        return told

    def generator_step(self, before: Tensor, original: Tensor, taught: Tensor | None = None) -> tuple[Terms, Tensor]:
        """One step of the generator; its losses and what it rendered, without gradient. See ``take``."""
        networks, stage = self.networks, self.stage
        if networks.critic is not None:
            networks.critic.requires_grad_(False)
        networks.optimiser.zero_grad(set_to_none=True)
        told: Terms = {}
        renders = []
        seen = networks.count_colours(original) if stage.distribution_weight else None
        wanted = original if taught is None else taught
        for share, synchronised, (x, y, z) in self._pieces(self._generator, before, original, wanted):
            with synchronised:
                with networks.autocast():
                    render, logits = self._opinions(x)
                    losses = content_losses(networks.recipe, stage, self._feature_loss, x, render, y, z)
                    if logits is not None and seen is not None:
                        weight = stage.content_weight * stage.distribution_weight
                        losses["distribution"] = weight * distribution_loss(logits, y, seen)
                    if stage.agreement_weight:
                        half = slice(0, -(-len(x) // 2))
                        agreed = agreement_loss(
                            self._opinions, x[half], render[half], None if logits is None else logits[half],
                            emphasis=stage.emphasis, distribution_weight=stage.distribution_weight,
                        )  # fmt: skip
                        losses["agreement"] = stage.content_weight * stage.agreement_weight * agreed
                    if stage.phase == "adversarial":
                        assert networks.critic is not None
                        fooled = GENERATOR_LOSSES[networks.critic.config.loss](networks.critic(render).float())
                        losses["adversarial"] = stage.adversarial_weight * fooled
                loss = cast(Tensor, sum(losses.values()))
                networks.scaler.scale(loss if share == 1 else loss * share).backward()  # type: ignore[no-untyped-call]
            renders.append(render.detach())
            _add(told, losses, share)
        told["gradient norm/generator"] = networks.update(networks.optimiser, networks.generator)
        networks.averaged.update_parameters(networks.generator)
        return told, torch.cat(renders)

    def _opinions(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """The generator's render, and how likely it thinks each bin of chroma where it says so."""
        made = self._generator(x)
        return made if isinstance(made, tuple) else (made, None)

    def critic_step(self, render: Tensor, original: Tensor) -> Terms:
        """One step of the critic on renders and originals; its losses."""
        networks, critic = self.networks, self._critic
        assert critic is not None and networks.critic is not None and networks.critic_optimiser is not None
        networks.critic.requires_grad_(True)
        networks.critic_optimiser.zero_grad(set_to_none=True)
        if networks.critic.config.judges == "colour":
            original = coloured_like(render, original)
        told: Terms = {}
        for share, synchronised, (fake, real) in self._pieces(critic, render, original):
            with synchronised:
                with networks.autocast():
                    scores = critic(torch.cat([real, fake.to(real.dtype)])).float()
                real_scores, fake_scores = scores.chunk(2)
                loss = CRITIC_LOSSES[networks.critic.config.loss](real_scores, fake_scores)
                networks.scaler.scale(loss * share).backward()  # type: ignore[no-untyped-call]
            means = {"critic on real": real_scores.mean(), "critic on fake": fake_scores.mean()}
            _add(told, {"critic": loss, **means}, share)
        told["gradient norm/critic"] = networks.update(networks.critic_optimiser, networks.critic)
        return told

    def _pieces(
        self, network: nn.Module, *batch: Tensor
    ) -> Iterator[tuple[float, AbstractContextManager[None], list[Tensor]]]:
        """A batch in pieces of ``micro_batch``: share of the batch, when processes average gradients, and the piece."""
        count = len(batch[0])
        size = self.networks.micro_batch or count
        for start in range(0, count, size):
            piece = [tensor[start : start + size] for tensor in batch]
            waits = isinstance(network, DistributedDataParallel) and start + size < count
            context = cast(DistributedDataParallel, network).no_sync() if waits else nullcontext()
            yield len(piece[0]) / count, context, piece


def content_losses(
    recipe: Recipe,
    stage: Stage,
    feature_loss: FeatureLoss | None,
    before: Tensor,
    render: Tensor,
    original: Tensor,
    wanted: Tensor | None = None,
) -> Terms:
    """What a render loses by not being the original, term by term, as a stage weighs them.

    Args:
        recipe: names the loss of the pixels.
        stage: holds the weights.
        feature_loss: ``None`` leaves features out.
        before: what the generator was given, ImageNet-normalised (N, 3, size, size).
        render: what it made of it.
        original: what it should have made.
        wanted: what the loss of the pixels compares with, where that is something else.
    """
    wanted = original if wanted is None else wanted
    if recipe.pixels == "chroma":
        losses = {"chroma": chroma_loss(render, wanted, emphasis=stage.emphasis)}
    else:
        losses = {"pixels": {"psnr": psnr_loss, "l1": l1_loss}[recipe.pixels](render, wanted)}
    losses = {name: stage.pixel_weight * loss for name, loss in losses.items()}
    if stage.gradient_weight:
        losses["gradients"] = stage.gradient_weight * gradient_loss(render, original)
    if stage.stretch_weight:
        losses["worse than stretched"] = stage.stretch_weight * worse_than_stretched(render, before, original)
    if feature_loss is not None:
        losses["features"] = stage.feature_weight * feature_loss(render, original)
    return {name: stage.content_weight * loss for name, loss in losses.items()}


def _add(told: Terms, terms: Terms, share: float) -> None:
    """Add the terms of a piece to those of its batch."""
    for name, value in terms.items():
        told[name] = told.get(name, torch.zeros_like(value)) + value.detach() * share
