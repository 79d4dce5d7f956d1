"""The U-Net that colours: one network, several configurations (DeOldify, 2018; U-Net, Ronneberger et al. 2015)."""

from __future__ import annotations

from typing import cast

import torch.nn.functional as F
from torch import Tensor, nn

from deoldify.imaging import IMAGENET_MEAN, IMAGENET_STD, denormalise, normalise
from deoldify.network.backbones import CHANNELS, MEANS_AND_STDS, Encoder
from deoldify.network.config import GeneratorConfig
from deoldify.network.distribution import DistributionHead, Opinions
from deoldify.network.heads import HEADS, ToneHead
from deoldify.network.layers import ConvBlock, UpBlock


class Generator(nn.Module):
    """The generator.

    Args:
        config: its shape.
        pretrained: start the encoder from ImageNet weights (fetched by timm); for training from scratch.
    """

    def __init__(self, config: GeneratorConfig, *, pretrained: bool = False) -> None:
        super().__init__()
        self.config = config
        channels = CHANNELS[config.encoder]
        spectral = config.spectral
        self.encoder = Encoder(config.encoder, pretrained=pretrained)
        self.bottom_norm = nn.BatchNorm2d(channels[-1])
        widths = (channels[-1], *config.middle_widths)
        self.middle = nn.Sequential(*(ConvBlock(a, b, spectral=spectral) for a, b in zip(widths, widths[1:])))
        inputs = (config.middle_widths[-1], *config.widths)
        skips = channels[-2::-1]
        self.decoder = nn.ModuleList(
            UpBlock(
                inputs[i], skips[i], config.up_widths[i], config.widths[i],
                convs=config.convs_per_block, attention=i == config.attention_block, spectral=spectral,
            )
            for i in range(len(config.widths))
        )  # fmt: skip
        self.head = _head(config)

    def encoder_input(self, x: Tensor) -> Tensor:
        """``x`` (ImageNet-normalised) as the encoder was trained to see it; see ``ToneHead.glance``."""
        if isinstance(self.head, ToneHead):
            x = normalise(self.head.glance(denormalise(x.float())))
        mean, std = MEANS_AND_STDS[self.config.encoder]
        if (mean, std) == (IMAGENET_MEAN, IMAGENET_STD):
            return x
        return normalise(denormalise(x), mean, std)

    def forward(self, x: Tensor) -> Tensor:
        """Colour a batch.

        Args:
            x: (N, 3, H, W) float, grey as three equal channels, RGB normalised with ImageNet's mean and std.
                The published networks take any side of at least 32; sides divisible by 32 avoid resizing inside.

        Returns:
            (N, 3, H, W) float, normalised RGB.
        """
        _, features = self._decoded(x)
        return cast(Tensor, self.head(features, x))

    def opinions(self, x: Tensor) -> Opinions:
        """What a generator with a distribution thinks of the colours of a batch.

        Args:
            x: as ``forward`` takes it, with sides divisible by 32.

        Raises:
            TypeError: its head has no distribution.
        """
        if not isinstance(self.head, DistributionHead):
            raise TypeError(f"a generator whose head is {self.config.head!r} has no distribution of colours")
        quarter, features = self._decoded(x)
        return self.head.opinions(features, quarter)

    def _decoded(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """What goes into the last block and what comes out of it; of four blocks, at 1/4 and at 1/2 of the side."""
        *skips, features = self.encoder(self.encoder_input(x))
        features = self.middle(F.relu(self.bottom_norm(features)))
        before = features
        for block in self.decoder:
            before, features = features, block(features, skips.pop())
        return before, features


def _head(config: GeneratorConfig) -> nn.Module:
    if config.head == "distribution":
        return DistributionHead(config.widths[-1], config.widths[-2], spectral=config.spectral)
    return HEADS[config.head](config.widths[-1], spectral=config.spectral)
