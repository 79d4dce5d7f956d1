"""One photograph seen in several ways: smaller, and in a mount."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from deoldify.imaging import denormalise, from_luma_chroma, luma, normalise
from deoldify.network import bins
from train.judges import agreement_loss
from train.judges.views import View, another_view


def pictures(count: int = 2, side: int = 64) -> Tensor:
    return normalise(torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(0)))


def test_views_are_as_often_smaller_as_in_a_mount_of_any_tone() -> None:
    torch.manual_seed(0)
    views = [another_view(3, 192) for _ in range(200)]
    smaller = [view for view in views if not view.margin]
    assert 70 < len(smaller) < 130
    assert {view.side for view in smaller} == {128 / 192}
    tones = torch.cat([view.tone.flatten() for view in views])
    assert tones.min() < 0.05 and tones.max() > 0.95
    assert {view.of_pictures(pictures(3, 192)).shape[-1] for view in views} == {128, 192}


def test_a_mount_is_grey_and_what_it_surrounds_is_the_picture_made_smaller() -> None:
    view, x = View(1.0, 1 / 8, torch.tensor([0.2, 0.9]).view(2, 1, 1, 1)), pictures()
    seen = denormalise(view.of_pictures(x))
    assert seen.shape == x.shape
    for number, tone in enumerate((0.2, 0.9)):
        assert torch.allclose(seen[number, :, :8], torch.tensor(tone)) and torch.allclose(
            seen[number, :, :, -8:], torch.tensor(tone)
        )
    # 64 pixels in the place of 48: of every four, three; the first of them holds the first and a third of the second.
    inside, before = seen[0, :, 8:56, 8:56], denormalise(x)[0]
    corner = before[:, :2, :2].mean(dim=(1, 2))  # as ``area`` has it: of all that a pixel touches
    assert torch.allclose(inside[:, 0, 0], corner, atol=1e-5)


class Painter:
    """Paints everything one colour, whatever it sees; its distribution is sure of a bin."""

    def __init__(self, uv: tuple[float, float], bin_: int) -> None:
        self.uv, self.bin = uv, bin_

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        chroma = torch.tensor(self.uv).view(1, 2, 1, 1).expand(len(x), 2, *x.shape[-2:])
        logits = torch.zeros(len(x), len(bins()), x.shape[-2] // 4, x.shape[-1] // 4)
        logits[:, self.bin] = 50
        return normalise(from_luma_chroma(luma(denormalise(x)), chroma)), logits


def loss_of(painter: Painter, render: Tensor, logits: Tensor, view: View, monkeypatch: pytest.MonkeyPatch) -> float:
    monkeypatch.setattr("train.judges.views.another_view", lambda count, size: view)
    return agreement_loss(
        painter, pictures() * 0.1, render, logits, emphasis=0.0, distribution_weight=0.5
    ).item()  # fmt: skip


def test_agreement_in_closed_form(monkeypatch: pytest.MonkeyPatch) -> None:
    grey = int(bins().norm(dim=1).argmin())
    red = grey + 1
    same, other = Painter((0.0, 0.0), grey), Painter((0.2, 0.0), red)
    render, logits = same(pictures() * 0.1)
    tone = torch.full((2, 1, 1, 1), 0.5)
    smaller, mounted = View(0.5, 0.0, tone), View(1.0, 1 / 8, tone)
    for view in (smaller, mounted):  # who paints nothing agrees everywhere, and leaves the mount grey
        assert loss_of(same, render, logits, view, monkeypatch) == pytest.approx(0, abs=1e-5)
    # |0.2| is beyond where the loss turns linear: (0.2 − 0.05) / 0.1, in U and not in V; sure of another bin by 50.
    expected = (0.2 - 0.05) / 0.1 / 2 + 0.5 * 50
    for view in (smaller, mounted):
        assert loss_of(other, render, logits, view, monkeypatch) == pytest.approx(expected, rel=1e-3)
    # Who paints all red agrees with itself where the picture is, and paints the mount: 1 − (3/4)² of the view.
    render, logits = other(pictures() * 0.1)
    assert loss_of(other, render, logits, smaller, monkeypatch) == pytest.approx(0, abs=1e-4)
    around = 1 - (3 / 4) ** 2
    assert loss_of(other, render, logits, mounted, monkeypatch) == pytest.approx(expected * around, rel=1e-3)


def test_nothing_is_learned_from_what_the_picture_itself_got(monkeypatch: pytest.MonkeyPatch) -> None:
    view = View(0.5, 0.0, torch.full((2, 1, 1, 1), 0.5))
    monkeypatch.setattr("train.judges.views.another_view", lambda count, size: view)
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
