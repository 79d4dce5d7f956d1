"""What several renders of one photograph agree on: sizes, their mean, and doubt where they differ.

A network that guesses says something else when it sees the picture larger, smaller or mirrored; where it knows, it says
the same. So the mean of several renders is nearer to the truth than each, and how far they lie apart tells where to be
quiet.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

WIDEST = 1.5
"""Sizes are spread from the render's own divided by this to that times this. Measured: with so much, renders at factors
that are half as large again share two of three sizes, and colour hardly moves between them."""
MODELS_DOUBT = 2.0
"""How much more than that of renders of one model the disagreement of models counts. Renders of one share its mistakes,
so that where they differ says least of how wrong they are; models that were trained otherwise share fewer. And of two,
the mean squared distance from their mean is half of what their spread is likely to be."""
SURE = 0.02
"""Chroma, √(U² + V²), of which it is no matter how sure a render is: what is nearly grey is certain to be that."""


def spread(factor: int, renders: int) -> tuple[int, ...]:
    """The render factors that a consensus is made at, ascending; each is rendered mirrored, too.

    Args:
        factor: the one asked for.
        renders: how many there are in all: 1, or an even number.

    Raises:
        ValueError: it is neither.
    """
    if renders == 1:
        return (factor,)
    if renders < 1 or renders % 2:
        raise ValueError(f"renders {renders} is neither 1 nor an even number: each size is rendered mirrored, too")
    sizes = renders // 2
    if sizes == 1:
        return (factor,)
    return tuple(max(1, round(factor * WIDEST ** (2 * place / (sizes - 1) - 1))) for place in range(sizes))


def together(planes: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
    """Planes of several sizes at one: (N, C, h, w) each, to (sum of N, C, *size)."""
    return torch.cat(
        [
            plane if plane.shape[-2:] == size else F.interpolate(plane, size, mode="bilinear", antialias=True)
            for plane in planes
        ]
    )


def agreed(chroma: Tensor) -> tuple[Tensor, Tensor]:
    """The mean of opinions on a picture's chroma, and how far they lie apart.

    Args:
        chroma: (N, 2, h, w), U and V, an opinion each.

    Returns:
        the mean, (1, 2, h, w); and the mean squared distance from it, (1, 1, h, w).
    """
    mean = chroma.mean(dim=0, keepdim=True)
    return mean, (chroma - mean).square().sum(dim=1, keepdim=True).mean(dim=0, keepdim=True)


def doubted(mean: Tensor, variance: Tensor) -> Tensor:
    """Chroma paled where opinions on it differ: × m² / (m² + s²), the least expected error if the truth is one of them.

    Args:
        mean: (1, 2, h, w).
        variance: (1, 1, h, w), see ``agreed``.
    """
    power = mean.square().sum(dim=1, keepdim=True)
    return mean * (power / (power + variance).clamp(min=1e-12))


def certainty(mean: Tensor, variance: Tensor) -> npt.NDArray[np.float32]:
    """How sure opinions are of a picture's chroma: (m² + τ²) / (m² + s² + τ²), with ``SURE`` for τ.

    Args:
        mean: (1, 2, h, w).
        variance: (1, 1, h, w), see ``agreed``.

    Returns:
        (h, w) float32, 0 to 1.
    """
    sure = mean.square().sum(dim=1) + SURE**2
    return np.asarray((sure / (sure + variance[:, 0]))[0].cpu().numpy(), np.float32)
