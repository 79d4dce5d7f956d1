"""Other likely colours of a picture's surfaces, of distributions that are known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import torch

from deoldify.alternatives import alternatives
from deoldify.network import annealed_mean, bins

ORANGE, BLUE, GREEN = torch.tensor([-0.12, 0.16]), torch.tensor([0.16, -0.12]), torch.tensor([-0.16, -0.16])
SIDE, HALF = 24, 12

Picture = tuple[torch.Tensor, npt.NDArray[np.uint8], torch.Tensor]


def likelihoods(*shares: tuple[torch.Tensor, float]) -> torch.Tensor:
    """Logits, (K,), of bumps of some shares around some colours."""
    distances = [(bins() - colour).square().sum(dim=1) for colour, _ in shares]
    bumps = [share * torch.exp(-distance / (2 * 0.04**2)) for distance, (_, share) in zip(distances, shares)]
    return torch.stack(bumps).sum(dim=0).clamp(min=1e-6).log()


@pytest.fixture(scope="module")
def picture() -> Picture:
    """A dark coat on the left, orange or perhaps blue, before a light lawn that is green for sure."""
    coat, lawn = likelihoods((ORANGE, 0.6), (BLUE, 0.4)), likelihoods((GREEN, 1.0))
    logits = torch.cat([coat.view(1, -1, 1, 1).expand(1, -1, SIDE, HALF),
                        lawn.view(1, -1, 1, 1).expand(1, -1, SIDE, HALF)], dim=3)  # fmt: skip
    grey = np.repeat(np.repeat(np.array([[60, 200]], np.uint8), HALF, axis=1), SIDE, axis=0)
    usual = torch.cat([ORANGE.view(1, 2, 1, 1).expand(1, 2, SIDE, HALF),
                       GREEN.view(1, 2, 1, 1).expand(1, 2, SIDE, HALF)], dim=3)  # fmt: skip
    return logits, grey, usual


def test_the_surface_that_may_have_another_colour_gets_it_and_nothing_else_does(
    picture: Picture,
) -> None:
    logits, grey, usual = picture
    found = alternatives(logits, bins(), grey, usual, 8)
    assert found and all(float(each.surface[..., HALF + 2 :].max()) == 0 for each in found)  # the lawn is sure
    together = torch.stack([each.surface[0, 0] for each in found]).sum(dim=0)
    assert float(together[:, : HALF - 2].min()) > 0.9  # all of the coat is spoken of
    for each in found:
        assert 0.3 < each.likely < 1
        sure = each.surface[0, 0] > 0.95
        colour = annealed_mean(each.logits, bins(), 1.0)[0, :, sure]
        assert float((colour.mean(dim=1) - BLUE).norm()) < 0.03
        untouched = each.surface[0, 0] == 0
        assert torch.equal(each.logits[0, :, untouched], logits[0, :, untouched])


def test_where_every_colour_is_sure_there_is_no_other(
    picture: Picture,
) -> None:
    logits, grey, usual = picture
    sure = likelihoods((GREEN, 1.0)).view(1, -1, 1, 1).expand_as(logits)
    assert alternatives(sure, bins(), grey, usual[..., -1:].expand_as(usual), 4) == []


def test_the_most_visible_come_first_and_no_more_than_wanted(
    picture: Picture,
) -> None:
    logits, grey, usual = picture
    every = alternatives(logits, bins(), grey, usual, 8)
    first = alternatives(logits, bins(), grey, usual, 1)
    assert len(first) == 1 and torch.equal(first[0].surface, every[0].surface)
    shares = [float(each.surface.mean()) for each in every]
    assert shares == sorted(shares, reverse=True)  # of one likelihood and one colour, the largest
