"""Losses, each a plain function or a small module. Pictures are ImageNet-normalised RGB, (N, 3, H, W)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import torch.nn.functional as F
from torch import Tensor, nn

from deoldify.imaging import chroma, denormalise
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
    """

    def __init__(self, features: nn.Module, weights: Sequence[float]) -> None:
        super().__init__()
        self.features, self.weights = features, tuple(weights)

    def forward(self, render: Tensor, original: Tensor) -> Tensor:
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
