"""What a run trains, on its device: generator, averaged generator and critic, with what it takes to train them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from deoldify.errors import CheckpointError
from deoldify.imaging import normalise
from deoldify.network import DistributionHead, Generator, GeneratorConfig
from train.folder import read_trained
from train.judges import (
    AnyCritic,
    FeatureLoss,
    chroma_shares,
    depthwise_in_float32,
    feature_network,
    lite_classifier,
    new_critic,
)
from train.parallel import Peers, share_norms
from train.recipes import Recipe, Stage
from train.run.schedule import shape_at

Precision = Literal["float32", "bfloat16", "float16"]
AnyModule = TypeVar("AnyModule", bound=nn.Module)

_SEEN_KEPT = 0.995
"""Of how common chromas are said to be, what a step keeps: the mean of some 200 batches."""


class Opining(nn.Module):
    """A generator's render and its distribution from one forward.

    Processes that average gradients do so for what goes through the forward of the module that is wrapped.
    """

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, H, W) to the render of the one colour, of that shape, and the bins' logits, (N, K, H/4, W/4)."""
        opinions = self.generator.opinions(x)
        return DistributionHead.rendered(opinions.chroma, x), opinions.logits


class Networks:
    """The networks of a recipe, their optimisers, and what a stage sets in them.

    Args:
        recipe: resolved.
        peers: the processes that train them together.
        precision: of autocast; ``"float16"`` scales the losses.
        micro_batch: most pictures that go through a network at once; ``None`` for a whole batch.
        compiled: run them through ``torch.compile``.
        init: weights to start from: a run's checkpoint (its averaged generator) or an exported ``.safetensors``. Those
            under another head serve, too; what the new head has beyond them begins blank.

    Attributes:
        averaged: the generator's running average, which is what is evaluated and shipped.
        critic: ``None`` where no stage needs one.
        scaler: of losses; idle but in float16.
        generator_next: where networks take turns (``Stage.switch``), whether it is the generator's.

    Raises:
        CheckpointError: the weights to start from are missing, damaged, fit another generator, or cannot be fetched.
    """

    def __init__(
        self,
        recipe: Recipe,
        peers: Peers,
        *,
        precision: Precision,
        micro_batch: int | None,
        compiled: bool,
        init: Path | None,
    ) -> None:
        self.recipe, self.peers, self.device = recipe, peers, peers.device
        self.precision, self.micro_batch, self.compiled = precision, micro_batch, compiled
        self.generator = self._placed(share_norms(_new_generator(recipe, init), peers))
        self.averaged = AveragedModel(self.generator, use_buffers=True)
        needs_critic = any(stage.phase != "generator" for stage in recipe.stages)
        self.critic: AnyCritic | None = None
        if recipe.critic is not None and needs_critic:
            self.critic = self._placed(new_critic(recipe.critic))
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=precision == "float16")
        self.generator_next = False
        self._feature_networks: dict[tuple[int, ...], nn.Module] = {}
        self.forget(recipe.stages[0])

    def _placed(self, network: AnyModule) -> AnyModule:
        placed = network.to(self.device).to(memory_format=torch.channels_last)
        if self.device.type == "cpu" and self.precision == "bfloat16":
            depthwise_in_float32(placed)
        if self.compiled:
            placed.compile()
        return placed

    def opining(self) -> Opining | None:
        """The generator with its distribution, to be trained; ``None`` where it has none."""
        if not isinstance(self.generator.head, DistributionHead):
            return None
        opining = Opining(cast(Generator, self.generator))
        if self.compiled:
            opining.compile()
        return opining

    def count_colours(self, original: Tensor) -> Tensor:
        """Count a batch's chromas as seen, in all processes alike; how common each bin is now, (K,)."""
        assert isinstance(self.generator.head, DistributionHead)
        seen = self.generator.head.seen
        return seen.lerp_(self.peers.averaged(chroma_shares(original, len(seen))), 1 - _SEEN_KEPT)

    # State

    def state(self) -> dict[str, Any]:
        """Everything that training changes in them: tensors and plain data only."""
        return {
            "generator": self.generator.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "critic": None if self.critic is None else self.critic.state_dict(),
            "critic optimiser": None if self.critic_optimiser is None else self.critic_optimiser.state_dict(),
            "scaler": self.scaler.state_dict(),
            "generator next": self.generator_next,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Become what they were when ``state`` was asked for."""
        self.generator.load_state_dict(state["generator"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimiser.load_state_dict(state["optimiser"])
        # A run that had no stage for a critic yet kept none: it begins with one that knows nothing.
        if self.critic is not None and self.critic_optimiser is not None and state["critic"] is not None:
            self.critic.load_state_dict(state["critic"])
            self.critic_optimiser.load_state_dict(state["critic optimiser"])
        self.scaler.load_state_dict(state["scaler"])
        self.generator_next = state["generator next"]

    def finite(self) -> bool:
        """Whether every weight is, in this process."""
        networks = [self.generator, *([] if self.critic is None else [self.critic])]
        return all(bool(torch.isfinite(weight).all()) for network in networks for weight in network.parameters())

    # What a stage sets

    def forget(self, stage: Stage) -> None:
        """Optimisers that know nothing, for a stage: Adam for the generator in three groups, and for the critic.

        The generator's groups are its lower encoder, its upper encoder, and all that follows.
        """
        decay = self.recipe.weight_decay
        lower, upper = ([weight for layer in half for weight in layer.parameters()] for half in _halves(self.generator))
        known = {id(weight) for weight in (*lower, *upper)}
        rest = [weight for weight in self.generator.parameters() if id(weight) not in known]
        groups = [{"params": weights} for weights in (lower, upper, rest)]
        self.optimiser = torch.optim.AdamW(groups, lr=stage.rate, betas=stage.betas, weight_decay=decay)
        self.critic_optimiser: torch.optim.AdamW | None = None
        if self.critic is not None:
            self.critic_optimiser = torch.optim.AdamW(
                self.critic.parameters(), lr=stage.critic_rate, betas=stage.betas, weight_decay=decay
            )

    def prepare(self, stage: Stage) -> None:
        """Modes and averaging as a stage wants them."""
        self.set_modes(stage)
        self.averaged.multi_avg_fn = get_ema_multi_avg_fn(stage.ema)  # type: ignore[no-untyped-call]

    def set_modes(self, stage: Stage) -> None:
        """Training mode for what learns, gradients for its weights."""
        if stage.phase == "critic":
            self.generator.eval().requires_grad_(False)
        else:
            self.generator.train().requires_grad_(True)
            lower, upper = _halves(self.generator)
            for half, frozen in ((lower, stage.frozen != "nothing"), (upper, stage.frozen == "encoder")):
                for layer in half:
                    layer.train(not frozen).requires_grad_(not frozen)
            if stage.still_norms:
                for layer in self.generator.modules():
                    if isinstance(layer, nn.modules.batchnorm._BatchNorm):
                        layer.eval()
        if self.critic is not None:
            self.critic.train().requires_grad_(True)

    def set_rates(self, stage: Stage, step: int, relief: float) -> float:
        """Set every rate for a step of a stage.

        Args:
            stage: which.
            step: counted from the stage's first.
            relief: factor of every rate.

        Returns:
            the rate in units of the stage's, without the relief.
        """
        shape = shape_at(stage, step)
        for group, factor in zip(self.optimiser.param_groups, (*stage.encoder_rates, 1.0)):
            group["lr"] = stage.rate * shape * factor * relief
        if self.critic_optimiser is not None:
            for group in self.critic_optimiser.param_groups:
                group["lr"] = stage.critic_rate * shape * relief
        return shape

    def feature_loss(self, stage: Stage) -> FeatureLoss | None:
        """The loss of features as a stage weighs them; ``None`` where it does not."""
        if not stage.feature_weight or stage.phase == "critic":
            return None
        weights = dict(zip(self.recipe.layers, stage.feature_layers or self.recipe.layer_weights, strict=True))
        weights = {layer: weight for layer, weight in weights.items() if weight}
        layers = tuple(weights)
        if layers not in self._feature_networks:
            self._feature_networks[layers] = self._placed(feature_network(self.recipe.features, layers))
        return FeatureLoss(self._feature_networks[layers], tuple(weights.values()), stage.feature_side)

    # Going forwards, and one step down

    def autocast(self) -> torch.autocast:
        """The precision that networks run in while this lasts."""
        enabled = self.precision != "float32"
        return torch.autocast(self.device.type, getattr(torch, self.precision) if enabled else None, enabled=enabled)

    def seen(self, pictures: Tensor) -> Tensor:
        """(N, 3, H, W) uint8 as networks see it: ImageNet-normalised, on the device."""
        return normalise(pictures.to(self.device, memory_format=torch.channels_last).float() / 255)

    @torch.no_grad()
    def render(self, before: Tensor) -> Tensor:
        """What the generator, as it is, makes of normalised pictures; in pieces of ``micro_batch``."""
        with self.autocast():
            size = self.micro_batch or len(before)
            return torch.cat([self.generator(before[start : start + size]) for start in range(0, len(before), size)])

    def averaged_ready(self) -> Callable[[Tensor], Tensor]:
        """The averaged generator in eval mode, under autocast."""
        self.averaged.eval()

        def render(x: Tensor) -> Tensor:
            with self.autocast():
                return cast(Tensor, self.averaged(x))

        return render

    def update(self, optimiser: torch.optim.Optimizer, network: nn.Module) -> Tensor:
        """Clip the gradients and step; their norm before."""
        self.scaler.unscale_(optimiser)
        norm = nn.utils.clip_grad_norm_(
            network.parameters(), math.inf if self.recipe.clip is None else self.recipe.clip
        )
        self.scaler.step(optimiser)
        self.scaler.update()
        return norm.detach()


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


def _with_head(generator: Generator, wanted: GeneratorConfig) -> Generator:
    """The generator; where it differs from what is wanted in nothing but its head, its weights under that head."""
    if generator.config == wanted or replace(generator.config, head=wanted.head) != wanted:
        return generator
    begun = Generator(wanted)
    blank = begun.state_dict()
    known = generator.state_dict().items()
    begun.load_state_dict(blank | {n: t for n, t in known if n in blank and t.shape == blank[n].shape})
    return begun


def _new_generator(recipe: Recipe, init: Path | None) -> Generator:
    """The recipe's generator: with a run's weights, or with an encoder that knows ImageNet, or blank."""
    if init is not None:
        generator = _with_head(read_trained(init).generator, recipe.generator).train()
        if generator.config != recipe.generator:
            raise CheckpointError(f"{init} holds another generator than {recipe.name!r} trains")
        return generator
    if not recipe.pretrained:
        return Generator(recipe.generator)
    if recipe.generator.encoder == "efficientnet_lite0":
        generator = Generator(recipe.generator)
        wanted = generator.encoder.body.state_dict().keys()
        weights = lite_classifier("lite0").state_dict()
        generator.encoder.body.load_state_dict({name: weights[name] for name in wanted})
        return generator
    try:
        return Generator(recipe.generator, pretrained=True)
    except Exception as error:  # timm and the Hub's client raise many kinds
        raise CheckpointError(
            f"the ImageNet weights of {recipe.generator.encoder} cannot be fetched ({error}); go online once, or start "
            f"blank: --set pretrained=false"
        ) from error
