"""One photograph seen at two sizes."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from deoldify.imaging import denormalise, from_luma_chroma, luma, normalise
from deoldify.network import bins
from train.judges import agreement_loss
from train.judges.views import smaller


def pictures(count: int = 2, side: int = 96) -> Tensor:
    return normalise(torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(0)))


def test_a_smaller_view_is_of_means() -> None:
    x = pictures()
    view = smaller(x, 2 / 3)
    assert view.shape == (2, 3, 64, 64)
    corner = x[0, :, :2, :2].mean(dim=(1, 2))  # as ``area`` has it: of all that a pixel touches
    assert torch.allclose(view[0, :, 0, 0], corner, atol=1e-5)
    assert torch.allclose(smaller(x, 1 / 3).mean(dim=(2, 3)), x.mean(dim=(2, 3)), atol=1e-5)


class Painter:
    """Paints everything one colour, whatever it sees; its distribution is sure of a bin. It keeps what it saw."""

    def __init__(self, uv: tuple[float, float], bin_: int) -> None:
        self.uv, self.bin = uv, bin_
        self.saw: list[tuple[int, ...]] = []

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        self.saw.append(tuple(x.shape))
        chroma = torch.tensor(self.uv).view(1, 2, 1, 1).expand(len(x), 2, *x.shape[-2:])
        logits = torch.zeros(len(x), len(bins()), x.shape[-2] // 4, x.shape[-1] // 4)
        logits[:, self.bin] = 50
        return normalise(from_luma_chroma(luma(denormalise(x)), chroma)), logits


def loss_of(painter: Painter, render: Tensor, logits: Tensor) -> float:
    return agreement_loss(
        painter, pictures() * 0.1, render, logits, emphasis=0.0, distribution_weight=0.5
    ).item()  # fmt: skip


def test_agreement_in_closed_form() -> None:
    grey = int(bins().norm(dim=1).argmin())
    same, other = Painter((0.0, 0.0), grey), Painter((0.2, 0.0), grey + 1)
    render, logits = same(pictures() * 0.1)
    assert loss_of(same, render, logits) == pytest.approx(0, abs=1e-5)
    assert same.saw == [(2, 3, 96, 96), (2, 3, 64, 64)]
    # |0.2| is beyond where the loss turns linear: (0.2 − 0.05) / 0.1, in U and not in V; sure of another bin by 50.
    assert loss_of(other, render, logits) == pytest.approx((0.2 - 0.05) / 0.1 / 2 + 0.5 * 50, rel=1e-3)
    render, logits = other(pictures() * 0.1)
    assert loss_of(other, render, logits) == pytest.approx(0, abs=1e-4)


def test_nothing_is_learned_from_what_the_picture_itself_got() -> None:
    strength = torch.tensor(0.1, requires_grad=True)

    def opinions(x: Tensor) -> tuple[Tensor, None]:
        chroma = torch.stack([strength, strength]).view(1, 2, 1, 1).expand(len(x), 2, *x.shape[-2:])
        return normalise(from_luma_chroma(luma(denormalise(x)), chroma)), None

    first = torch.tensor(0.3, requires_grad=True)
    render = pictures() * 0.1 + first
    loss = agreement_loss(opinions, pictures() * 0.1, render, None, emphasis=0.0, distribution_weight=0.5)
    assert math.isfinite(loss.item())
    loss.backward()  # type: ignore[no-untyped-call]
    assert strength.grad is not None and strength.grad != 0
    assert first.grad is None
