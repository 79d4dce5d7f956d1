"""Distances between sets of pictures, in closed form and against their definition."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from train.measure import (
    frechet_distance,
    kernel_distance,
)


class MeanColour(nn.Module):
    """Three features: the mean of each channel."""

    num_features = 3

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.float().mean((2, 3))


def test_the_frechet_distance_in_closed_form() -> None:
    rng = np.random.default_rng(0)
    means = rng.uniform(60, 190, (40, 3)).round()
    pictures = [np.full((8, 8, 3), mean, np.uint8) for mean in means]
    assert frechet_distance(pictures, pictures, MeanColour()) == pytest.approx(0, abs=1e-3)
    # The same covariance: what is left is the squared distance of the means.
    shifted = [np.asarray(picture + np.array((3, 0, 4), np.uint8)) for picture in pictures]
    assert frechet_distance(shifted, pictures, MeanColour()) == pytest.approx(25, rel=1e-4)
    # Diagonal covariances: Σ (σ₁ − σ₂)².
    a = [np.full((4, 4, 3), (100 + 10 * s, 100, 100), np.uint8) for s in (-1, 1)]
    b = [np.full((4, 4, 3), (100 + 30 * s, 100, 100), np.uint8) for s in (-1, 1)]
    assert frechet_distance(a, b, MeanColour()) == pytest.approx(2 * (30 - 10) ** 2, rel=1e-4)


def test_kernel_distance_against_its_definition() -> None:
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(7, 5, generator=generator), torch.randn(6, 5, generator=generator) + 1

    def kernel(x: torch.Tensor, y: torch.Tensor) -> float:
        return (float(x @ y) / 5 + 1) ** 3

    within_a = [kernel(a[i], a[j]) for i in range(7) for j in range(7) if i != j]
    within_b = [kernel(b[i], b[j]) for i in range(6) for j in range(6) if i != j]
    across = [kernel(x, y) for x in a for y in b]
    expected = np.mean(within_a) + np.mean(within_b) - 2 * np.mean(across)
    assert kernel_distance(a, b) == pytest.approx(expected, rel=1e-5)
