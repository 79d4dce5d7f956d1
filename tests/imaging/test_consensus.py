"""What several renders agree on: against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from deoldify.imaging import agreed, certainty, doubted, spread, together
from deoldify.imaging.consensus import SURE


def test_sizes_are_spread_evenly_around_the_factor_and_two_of_three_are_shared_by_the_next() -> None:
    assert spread(12, 1) == spread(12, 2) == (12,)
    assert spread(12, 6) == (8, 12, 18)
    assert spread(18, 6) == (12, 18, 27)
    assert spread(16, 4) == (11, 24)
    assert len(spread(20, 14)) == 7 and spread(20, 14)[3] == 20
    for wrong in (0, -2, 3, 7):
        with pytest.raises(ValueError, match=f"renders {wrong} is neither 1 nor an even number"):
            spread(12, wrong)


def test_planes_of_other_sizes_are_stretched_and_one_of_the_right_size_stays_to_the_bit() -> None:
    right, other = torch.rand(1, 2, 8, 8), torch.full((2, 2, 12, 4), 0.25)
    found = together([right, other], (8, 8))
    assert found.shape == (3, 2, 8, 8)
    assert torch.equal(found[:1], right)
    assert torch.allclose(found[1:], torch.tensor(0.25))


def test_mean_and_variance_are_those_of_a_loop() -> None:
    opinions = torch.randn(6, 2, 3, 4, dtype=torch.float64)
    mean, variance = agreed(opinions)
    for row in range(3):
        for column in range(4):
            here = opinions[:, :, row, column].numpy()
            assert np.allclose(mean[0, :, row, column], here.mean(axis=0))
            distances = ((here - here.mean(axis=0)) ** 2).sum(axis=1)
            assert np.isclose(variance[0, 0, row, column], distances.mean())


def test_doubt_pales_to_the_share_that_errs_least() -> None:
    opinions = torch.randn(8, 2, 5, 5, dtype=torch.float64) * 0.05 + 0.1
    mean, variance = agreed(opinions)

    paled = doubted(mean, variance)
    share = (paled / mean)[0, 0]
    power = mean.square().sum(dim=1)[0]
    assert torch.allclose(share, power / (power + variance[0, 0]))
    same = torch.full((4, 2, 2, 2), 0.1)
    assert torch.allclose(doubted(*agreed(same)), same[:1])
    assert torch.equal(doubted(torch.zeros(1, 2, 2, 2), torch.zeros(1, 1, 2, 2)), torch.zeros(1, 2, 2, 2))


def test_what_is_surely_grey_is_certain_and_what_differs_is_not() -> None:
    grey = torch.zeros(4, 2, 2, 2)
    assert np.array_equal(certainty(*agreed(grey)), np.ones((2, 2), np.float32))
    apart = torch.tensor([0.2, -0.2]).view(2, 1, 1, 1).expand(2, 2, 2, 2)
    expected = SURE**2 / (SURE**2 + 2 * 0.2**2)
    assert np.allclose(certainty(*agreed(apart)), expected)
