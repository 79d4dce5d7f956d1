"""The U-Net that colours: one network, several configurations (DeOldify, 2018; U-Net, Ronneberger et al. 2015)."""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deoldify.backbones import CHANNELS, MEANS_AND_STDS, Encoder
from deoldify.config import GeneratorConfig
from deoldify.imaging import IMAGENET_MEAN, IMAGENET_STD, denormalise, from_luma_chroma, luma, normalise
from deoldify.layers import ConvBlock, PixelShuffleUp, ResidualBlock, UpBlock, convolution, resize_nearest

__all__ = ["Generator"]


class RgbHead(nn.Module):
    """From 1/2 to full size; joins the input, one residual block, then RGB through a sigmoid stretched to (−3, 3)."""

    def __init__(self, in_channels: int, *, spectral: bool) -> None:
        super().__init__()
        self.up = PixelShuffleUp(in_channels, in_channels, normalised=False, spectral=spectral)
        self.residual = ResidualBlock(in_channels + 3, spectral=spectral)
        self.out = convolution(in_channels + 3, 3, 1, bias=True, spectral=spectral)

    def forward(self, features: Tensor, x: Tensor) -> Tensor:
        joined = torch.cat([resize_nearest(self.up(features), x), x], dim=1)
        return torch.sigmoid(self.out(self.residual(joined))) * 6 - 3


class ChromaHead(nn.Module):
    """U and V at 1/2, enlarged to full size, on the input's own luma: luminance is exact by construction."""

    def __init__(self, in_channels: int, *, spectral: bool) -> None:
        super().__init__()
        self.out = convolution(in_channels, 2, 3, bias=True, spectral=spectral)
        with torch.no_grad():  # start from grey
            self.out.weight.mul_(0.01)

    def forward(self, features: Tensor, x: Tensor) -> Tensor:
        uv = F.interpolate(self.out(features).float(), x.shape[-2:], mode="bilinear", align_corners=False)
        return normalise(from_luma_chroma(luma(denormalise(x.float())), uv))


class AffineHead(nn.Module):
    """A 3 × 4 colour transform for every place at 1/2, enlarged to full size and applied to the input's own pixels.

    Whatever the transforms are, detail stays, as in HDRnet (Gharbi et al. 2017). Fading is mostly a matter of the
    whole picture, so a global transform, from the picture's tones and the mean of the features, is added to all.
    """

    TONES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)

    def __init__(self, in_channels: int, *, spectral: bool) -> None:
        super().__init__()
        self.out = convolution(in_channels, 12, 3, bias=True, spectral=spectral)
        self.overall = nn.Sequential(
            nn.Linear(3 * len(self.TONES) + in_channels, 128), nn.ReLU(), nn.Linear(128, 12)
        )  # fmt: skip
        with torch.no_grad():  # start from the identity
            self.out.weight.mul_(0.01)
            self.overall[2].weight.mul_(0.01)  # type: ignore[operator]
            self.overall[2].bias.zero_()  # type: ignore[operator]

    def forward(self, features: Tensor, x: Tensor) -> Tensor:
        rgb = denormalise(x.float())
        sample = F.interpolate(rgb, (32, 32), mode="nearest")  # enough to know the tones by, and soon sorted
        tones = torch.quantile(sample.flatten(2), torch.tensor(self.TONES, device=x.device), dim=2)  # (tones, N, 3)
        summary = torch.cat([tones.permute(1, 0, 2).flatten(1).to(features), features.mean(dim=(2, 3))], dim=1)
        coefficients = F.interpolate(self.out(features).float(), x.shape[-2:], mode="bilinear", align_corners=False)
        coefficients = coefficients + self.overall(summary).float()[:, :, None, None]
        slopes, offsets = coefficients[:, :9].reshape(-1, 3, *rgb.shape[1:]), coefficients[:, 9:]  # (N, 3, 3, H, W)
        return normalise(rgb + (slopes * rgb.unsqueeze(1)).sum(dim=2) + offsets)


HEADS = {"rgb": RgbHead, "chroma": ChromaHead, "affine": AffineHead}


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
            for i in range(4)
        )  # fmt: skip
        self.head = HEADS[config.head](config.widths[-1], spectral=spectral)

    def encoder_input(self, x: Tensor) -> Tensor:
        """``x`` (ImageNet-normalised) as the encoder was trained to see it."""
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
        *skips, features = self.encoder(self.encoder_input(x))
        features = self.middle(F.relu(self.bottom_norm(features)))
        for block in self.decoder:
            features = block(features, skips.pop())
        return cast(Tensor, self.head(features, x))
