"""The robust fit of colour by tone and place, and the numbers of what it leaves over, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from deoldify.imaging import from_cielab, to_cielab
from deoldify.monochrome import Head, measures, unexplained


def picture(ab: torch.Tensor) -> torch.Tensor:
    """(1, 3, 48, 48) sRGB with these a and b, (2, 48, 48), over random tones; none of it out of range."""
    tones = 35 + 30 * torch.rand(1, 1, 48, 48, generator=torch.Generator().manual_seed(0))
    return from_cielab(tones, ab[None])


def test_what_follows_from_tone_and_place_is_explained() -> None:
    tones = to_cielab(picture(torch.zeros(2, 48, 48)))[0, 0] / 50 - 1
    across = torch.linspace(-1, 1, 48).expand(48, 48)
    ab = torch.stack([4 + 5 * tones - 3 * across, 9 - 6 * tones**2 + 4 * across * tones])
    _, left = unexplained(picture(ab))
    assert float(left.abs().max()) < 0.2


def test_a_patch_of_another_hue_stays_and_bends_nothing_else() -> None:
    ab = torch.full((2, 48, 48), 6.0)
    ab[:, 10:20, 14:26] = torch.tensor([-12.0, -20.0]).view(2, 1, 1)
    _, left = unexplained(picture(ab))
    patch = left[0, :, 10:20, 14:26]
    assert patch.mean(dim=(1, 2)).tolist() == pytest.approx([-18, -26], abs=2)
    outside = torch.ones(48, 48, dtype=torch.bool)
    outside[10:20, 14:26] = False
    assert float(left[0][:, outside].abs().mean()) < 0.5


def test_measures_are_finite_and_grow_with_what_is_left() -> None:
    flat = torch.full((1, 3, 48, 48), 0.4)
    rng = np.random.default_rng(0)
    spots = (
        torch.from_numpy(rng.normal(0, 1, (2, 6, 6)).astype(np.float32)).repeat_interleave(8, 1).repeat_interleave(8, 2)
    )
    pictures = torch.cat([flat, picture(0 * spots), picture(3 * spots), picture(9 * spots)])
    measured = measures(*unexplained(pictures))
    assert measured.shape == (4, len(Head().mean)) and bool(measured.isfinite().all())
    first = measured[1:, 0]  # the logarithm of the median
    assert first.tolist() == sorted(first.tolist()) and float(first[2] - first[1]) == pytest.approx(np.log(3), abs=0.3)
