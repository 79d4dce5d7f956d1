"""Losses, each a plain function or a small module. Pictures are ImageNet-normalised RGB, (N, 3, H, W)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deoldify.imaging import chroma, denormalise
from deoldify.network import soft_encoded
from train.recipes import CriticLoss


def chroma_loss(render: Tensor, original: Tensor, *, emphasis: float, beta: float = 0.1) -> Tensor:
    """Smooth L1 between the chroma of two pictures, weighted towards colourful pixels of the original.

    Most pixels of most photographs are nearly grey; unweighted, the best answer is dull (Zhang et al. 2016).

    Args:
        render: what the generator made.
        original: what it should have made.
        emphasis: how much a pixel's weight grows with its chroma; the weight is 1 + emphasis × √(U² + V²).
        beta: where the loss turns from quadratic to linear, in units of U and V (which span about ±0.5).

    Returns:
        a scalar.
    """
    rendered, wanted = chroma(denormalise(render)), chroma(denormalise(original))
    weight = 1 + emphasis * wanted.square().sum(dim=1, keepdim=True).sqrt()
    return (weight * F.smooth_l1_loss(rendered, wanted, reduction="none", beta=beta) / beta).mean()


def distribution_loss(logits: Tensor, original: Tensor, seen: Tensor, *, rebalance: float = 0.5) -> Tensor:
    """Cross-entropy between how likely bins of chroma are said to be and the original's, rare colours weighing more.

    A bin weighs as ((seen + 1 / K) / 2) to the power of −``rebalance``, at a mean of 1 over photographs: Zhang et al.
    (2016), whose power is 1.

    Args:
        logits: (N, K, H, W), of the bins (``deoldify.network.bins``).
        original: ImageNet-normalised, (N, 3, a multiple of H, a multiple of W).
        seen: (K,) how common the bins are, summing to 1.
        rebalance: 0 weighs all colours alike.

    Returns:
        a scalar, in nats.
    """
    uv = F.interpolate(chroma(denormalise(original)), logits.shape[-2:], mode="area")
    numbers, shares = (encoded.permute(0, 2, 3, 1) for encoded in soft_encoded(uv))
    weights = ((seen + 1 / len(seen)) / 2) ** -rebalance
    weights = weights / (seen * weights).sum()
    weight = (weights[numbers] * shares).sum(dim=-1)
    # Along the last axis, where a CPU is five times as quick.
    likely = logits.permute(0, 2, 3, 1).float().log_softmax(dim=-1)
    entropy = -(likely.gather(-1, numbers) * shares).sum(dim=-1)
    return (weight * entropy).mean()


@torch.no_grad()
def chroma_shares(original: Tensor, count: int) -> Tensor:
    """How common each bin of chroma is in originals.

    Args:
        original: ImageNet-normalised, (N, 3, H, W), sides divisible by 4.
        count: K, of the bins.

    Returns:
        (K,) float32 that sum to 1.
    """
    numbers, shares = soft_encoded(F.avg_pool2d(chroma(denormalise(original)), 4))
    found = torch.zeros(count, device=original.device).index_add_(0, numbers.flatten(), shares.flatten())
    return found / found.sum()


def gradient_loss(render: Tensor, original: Tensor) -> Tensor:
    """How unlike two pictures' chroma changes from place to place: L1 between its gradients, summed over scales.

    Each scale halves the one before, as long as the sides are even (Li and Snavely, MegaDepth, 2018, for depth). A
    colour that is off by the same amount everywhere costs nothing, one that wanders over a surface of one colour
    does: a slow change from one side of a lawn to the other is hardly seen but by the coarsest scales.

    Args:
        render: what the generator made.
        original: what it should have made.

    Returns:
        a scalar; a scale counts with the mean over its horizontal neighbours plus that over its vertical ones, in
        units of U and V.
    """
    error = chroma(denormalise(render)) - chroma(denormalise(original))
    total = _gradient(error)
    while all(side % 2 == 0 and side > 2 for side in error.shape[-2:]):
        error = F.avg_pool2d(error, 2)
        total = total + _gradient(error)
    return total


def _gradient(error: Tensor) -> Tensor:
    return error.diff(dim=3).abs().mean() + error.diff(dim=2).abs().mean()


class FeatureLoss(nn.Module):
    """Σ wᵢ · L1 between a frozen network's activations for two pictures (Johnson et al. 2016).

    Args:
        features: maps a picture to a list of activations.
        weights: wᵢ, one per activation.
        side: larger pictures are made this small first; 0 leaves them as they are.
    """

    def __init__(self, features: nn.Module, weights: Sequence[float], side: int = 0) -> None:
        super().__init__()
        self.features, self.weights, self.side = features, tuple(weights), side

    def forward(self, render: Tensor, original: Tensor) -> Tensor:
        if 0 < self.side < render.shape[-1]:
            render, original = (F.interpolate(x, (self.side, self.side), mode="area") for x in (render, original))
        terms = zip(self.weights, self.features(render), self.features(original), strict=True)
        return cast(Tensor, sum(w * F.l1_loss(a.float(), b.detach().float()) for w, a, b in terms))


def psnr_loss(render: Tensor, original: Tensor, *, floor: float = 5e-4) -> Tensor:
    """Mean over pictures of 10 · log₁₀ of the squared error, minus PSNR in dB, RGB in 0 to 1.

    Every picture counts with the share by which its own error shrinks, so that one whose tones cannot be known does
    not outweigh those whose can.

    Args:
        render: what the generator made.
        original: what it should have made.
        floor: error that is added, that of 33 dB, so that pictures which are fine do not outweigh the others.
    """
    return 10 * (_errors(denormalise(render), denormalise(original)) + floor).log10().mean()


def _errors(rgb: Tensor, wanted: Tensor) -> Tensor:
    """Mean squared error of each picture, (N,)."""
    return (rgb - wanted).square().mean(dim=(1, 2, 3))


def worse_than_stretched(render: Tensor, before: Tensor, original: Tensor, *, softness: float = 1.0) -> Tensor:
    """Share of the pictures that come out further from the original than by stretching the input's channels.

    That is what people have without a model, and on photographs whose black and white survived it is hard to beat.
    The step from a picture that is better to one that is worse is a sigmoid of the difference in PSNR.

    Args:
        render: what the generator made.
        before: what it was given.
        original: what it should have made.
        softness: of the step, in dB.

    Returns:
        a scalar, 0 to 1.
    """
    given, wanted = denormalise(before), denormalise(original)
    dark, bright = given.amin(dim=(2, 3), keepdim=True), given.amax(dim=(2, 3), keepdim=True)
    stretched = (given - dark) / (bright - dark).clamp(min=1 / 255)
    floor = 1e-5  # that of 50 dB: as good as equal
    ours, theirs = (_errors(rgb, wanted) + floor for rgb in (denormalise(render).clamp(0, 1), stretched))
    return (10 / softness * (ours / theirs).log10()).sigmoid().mean()


def l1_loss(render: Tensor, original: Tensor) -> Tensor:
    """Mean absolute difference of two normalised pictures, as the feature losses of 2018 and 2019 begin."""
    return F.l1_loss(render, original)


def hinge_critic_loss(real: Tensor, fake: Tensor) -> Tensor:
    """mean(relu(1 − D(real))) + mean(relu(1 + D(fake))) (Lim and Ye 2017; Miyato et al. 2018).

    Args:
        real: scores of originals, any shape.
        fake: scores of renders, any shape.
    """
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def hinge_generator_loss(fake: Tensor) -> Tensor:
    """−mean(D(fake))."""
    return -fake.mean()


def bce_critic_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Mean binary cross-entropy of logits, originals being 1 and renders 0; log 2 where the critic only guesses."""
    return (F.softplus(-real).mean() + F.softplus(fake).mean()) / 2


def bce_generator_loss(fake: Tensor) -> Tensor:
    """Binary cross-entropy of the renders' logits, had they been originals (Goodfellow et al. 2014, not saturating)."""
    return F.softplus(-fake).mean()


CRITIC_LOSSES: dict[CriticLoss, Callable[[Tensor, Tensor], Tensor]] = {
    "hinge": hinge_critic_loss,
    "bce": bce_critic_loss,
}
GENERATOR_LOSSES: dict[CriticLoss, Callable[[Tensor], Tensor]] = {
    "hinge": hinge_generator_loss,
    "bce": bce_generator_loss,
}
