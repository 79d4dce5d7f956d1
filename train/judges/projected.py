"""A critic that sees pictures through the features of a frozen network (Projected GANs, Sauer et al. 2021)."""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from train.judges.critic import Critic, CriticConv
from train.judges.features import LiteFeatures, frozen
from train.recipes import CriticConfig, ProjectedCriticConfig

LAYERS = (1, 2, 3, 4)
"""Maps of the network that are judged, at 1/4 to 1/32 of the side."""
REACH = 1 / 8
"""How far a picture is moved, in units of its side."""
HOLE = 1 / 2
"""Side of what is cut out of a picture, in units of its own."""


class ProjectedCritic(nn.Module):
    """Scores how much each part of a picture looks like a photograph; the higher, the more.

    A network that has seen ImageNet gives four maps of the picture, each is mixed across its channels by a 1×1
    convolution that stays as random as it began, and four small heads with spectral norm judge what comes out. Without
    the mixing a critic would lean on the few features that give renders away, and win. Across scales nothing is mixed:
    a fault of colour is one at its own scale.

    While it trains it sees its pictures augmented (Zhao et al. 2020), but for their colour, which it is to judge.

    Args:
        config: its shape.
        pretrained: ``False`` leaves the frozen network random, to learn what it costs.
    """

    def __init__(self, config: ProjectedCriticConfig, *, pretrained: bool = True) -> None:
        super().__init__()
        self.config = config
        features = LiteFeatures(config.features, LAYERS, pretrained=pretrained)
        self.features = frozen(features)
        self.mixings = nn.ParameterList(
            nn.Parameter(_random_mixing(channels, config.width), requires_grad=False) for channels in features.channels
        )
        # Each head ends at 1/32 of the side, so that all have as many scores to give.
        self.heads = nn.ModuleList(_head(config.width, halvings=3 - number) for number in range(len(LAYERS)))

    def requires_grad_(self, requires_grad: bool = True) -> ProjectedCritic:
        """Of the heads; the mixings stay as they are."""
        self.heads.requires_grad_(requires_grad)
        return self

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W), ImageNet-normalised RGB, to all heads' scores, (N, S)."""
        if self.training:
            x = augmented(x)
        maps = cast("list[Tensor]", self.features(x))
        parts = zip(maps, self.mixings, self.heads, strict=True)
        return torch.cat([head(F.conv2d(m, mixing.to(m.dtype))).flatten(1) for m, mixing, head in parts], dim=1)


AnyCritic = Critic | ProjectedCritic


def new_critic(config: CriticConfig | ProjectedCriticConfig, *, pretrained: bool = True) -> AnyCritic:
    """The critic that a recipe describes.

    Args:
        config: its shape.
        pretrained: see ``ProjectedCritic``.

    Raises:
        CheckpointError: the weights of its frozen network cannot be had.
    """
    return Critic(config) if isinstance(config, CriticConfig) else ProjectedCritic(config, pretrained=pretrained)


def _random_mixing(channels: int, width: int) -> Tensor:
    return nn.init.kaiming_normal_(torch.empty(width, channels, 1, 1))


def _head(width: int, halvings: int) -> nn.Module:
    convs = [CriticConv(width, width, halve=True) for _ in range(halvings)] + [CriticConv(width, width, halve=False)]
    return nn.Sequential(*convs, parametrizations.spectral_norm(nn.Conv2d(width, 1, 1)))


def augmented(x: Tensor) -> Tensor:
    """Pictures, (N, 3, H, W), each moved and with a hole in it, at random (DiffAugment, Zhao et al. 2020).

    What is moved in, and the hole, are 0. Their colours stay, and gradients pass.
    """
    height, width = x.shape[-2:]
    rows, columns = (torch.randint(-int(side * REACH), int(side * REACH) + 1, (len(x),)) for side in (height, width))
    moved = [F.pad(p, (dx, -dx, dy, -dy)) for p, dy, dx in zip(x, rows.tolist(), columns.tolist(), strict=True)]
    hole_height, hole_width = int(height * HOLE), int(width * HOLE)
    seen = torch.ones(len(x), 1, height, width, dtype=x.dtype)
    for one in seen:
        # Its middle may be anywhere, so that it may reach over the edge.
        top = int(torch.randint(0, height, ())) - hole_height // 2
        left = int(torch.randint(0, width, ())) - hole_width // 2
        one[:, max(0, top) : top + hole_height, max(0, left) : left + hole_width] = 0
    return torch.stack(moved) * seen.to(x.device)
