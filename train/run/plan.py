"""What a recipe will take, stage by stage, found out without training and without a GPU."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from deoldify.network import Generator
from train.judges import feature_network, new_critic
from train.recipes import Recipe, Stage

_PROBE_SIDE = 64
_BYTES_PER_WEIGHT = 16  # float32: the weight, its gradient, Adam's two moments


@dataclass(frozen=True)
class Costs:
    """Memory of a recipe's networks, in bytes.

    Attributes:
        generator: weights with all that belongs to them: gradients, Adam's moments, averaged weights.
        critic: likewise; 0 without a critic.
        features: weights of the network that features are compared with.
        generator_saved: what one picture of 64 × 64 leaves in memory on its way forwards, in float32.
        critic_saved: likewise.
        features_saved: likewise.
    """

    generator: int
    critic: int
    features: int
    generator_saved: int
    critic_saved: int
    features_saved: int

    def of(self, stage: Stage, micro_batch: int | None = None, *, half: bool = True) -> int:
        """An estimate for a stage; activations grow with the pictures' area, and halve in 16 bits.

        Args:
            stage: which.
            micro_batch: most pictures that go through the networks at once; ``None`` for the whole batch.
            half: whether 16-bit autocast is on.
        """
        pictures = min(stage.batch, micro_batch or stage.batch)
        area = (stage.size / _PROBE_SIDE) ** 2
        saved = 0.0
        if stage.phase != "critic":
            saved = self.generator_saved + (self.features_saved if stage.feature_weight else 0)
        if stage.phase != "generator":
            # The critic's own step sees renders and originals at once.
            saved = max(saved + self.critic_saved, (2 if stage.phase == "adversarial" else 1) * self.critic_saved)
        weights = self.generator + (self.features if stage.feature_weight else 0)
        weights += self.critic if stage.phase != "generator" else 0
        return round(weights + saved * area * pictures * (0.5 if half else 1.0))


def _saved_bytes(network: nn.Module, x: Tensor) -> int:
    """Bytes of activations that autograd keeps for the way back, without the weights themselves."""
    weights = {tensor.data_ptr() for tensor in (*network.parameters(), *network.buffers())}
    seen: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        if tensor.data_ptr() not in weights:
            seen[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        kept.append(tensor)
        return tensor

    kept: list[Tensor] = []  # so that no storage is freed and its address used again
    with saved_tensors_hooks(keep, lambda tensor: tensor):
        network(x)
    return sum(seen.values())


def _weights(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def costs(recipe: Recipe) -> Costs:
    """Build the recipe's networks with random weights and put one small picture through each."""
    x = torch.zeros(2, 3, _PROBE_SIDE, _PROBE_SIDE, requires_grad=True)
    generator = Generator(recipe.generator)
    generator_weights, generator_saved = _weights(generator), _saved_bytes(generator, x) // 2
    del generator
    critic_weights = critic_saved = features_weights = features_saved = 0
    if recipe.critic is not None:
        critic = new_critic(recipe.critic, pretrained=False)
        critic_weights, critic_saved = _weights(critic), _saved_bytes(critic, x) // 2
        del critic
    if any(stage.feature_weight for stage in recipe.stages):
        features = feature_network(recipe.features, recipe.layers, pretrained=False)
        features_weights, features_saved = _weights(features), _saved_bytes(features, x) // 2
    return Costs(
        generator_weights * (_BYTES_PER_WEIGHT + 4), critic_weights * _BYTES_PER_WEIGHT, features_weights * 4,
        generator_saved, critic_saved, features_saved,
    )  # fmt: skip


def planned(recipe: Recipe, images: int | None, *, micro_batch: int | None = None, half: bool = True) -> str:
    """Every stage of a recipe as a Markdown table.

    Args:
        recipe: which.
        images: pictures to train on; ``None`` where nobody has said.
        micro_batch: see ``Costs.of``.
        half: see ``Costs.of``.
    """
    cost = costs(recipe)
    lines = [
        f"{recipe.name}: {recipe.about}, on {f'{images:,}' if images else 'uncounted'} images",
        "",
        "| stage | phase | size | batch | steps | rate | critic's rate | encoder | share | samples | memory |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    resolved = recipe.resolved(images).stages
    for stage in resolved:
        samples = stage.steps * stage.batch
        share = f"{samples / images:.1%}" if images else "–"
        encoder = "frozen" if stage.frozen == "encoder" else _rates(stage)
        lines.append(
            f"| {stage.name} | {stage.phase} | {stage.size} | {stage.batch} | {stage.steps:,} "
            f"| {'–' if stage.phase == 'critic' else f'{stage.rate:.3g}'} "
            f"| {'–' if stage.phase == 'generator' else f'{stage.critic_rate:.3g}'} "
            f"| {'–' if stage.phase == 'critic' else encoder} | {share} | {samples:,} "
            f"| {cost.of(stage, micro_batch, half=half) / 2**30:.1f} GiB |"
        )
    total = sum(stage.steps * stage.batch for stage in resolved)
    steps = sum(stage.steps for stage in resolved)
    precision = "16-bit activations" if half else "32-bit activations"
    lines += ["", f"{steps:,} steps, {total:,} samples. Memory is an estimate: weights, optimiser, {precision}."]
    if recipe.follows:
        lines.append(f"Starts from the weights of {recipe.follows!r}: --init FILE.")
    return "\n".join(lines)


def _rates(stage: Stage) -> str:
    lower, upper = (stage.rate * factor for factor in stage.encoder_rates)
    return f"upper {upper:.1g}" if stage.frozen == "lower encoder" else f"{lower:.1g}, {upper:.1g}"
