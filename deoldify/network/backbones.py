"""Encoders as feature pyramids, from timm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from torch import Tensor, nn

from deoldify.imaging import IMAGENET_MEAN, IMAGENET_STD, Triple
from deoldify.network.config import EncoderName

CHANNELS: dict[EncoderName, tuple[int, int, int, int, int]] = {
    "resnet34": (64, 64, 128, 256, 512),
    "resnet101": (64, 256, 512, 1024, 2048),
    "efficientnet_lite0": (16, 24, 40, 112, 320),
}
"""Channels at 1/2, 1/4, 1/8, 1/16 and 1/32 of the input's side."""

_TIMM_NAMES: dict[EncoderName, str] = {
    "resnet34": "resnet34.tv_in1k",
    "resnet101": "resnet101.tv_in1k",
    "efficientnet_lite0": "tf_efficientnet_lite0.in1k",
}
MEANS_AND_STDS: dict[EncoderName, tuple[Triple, Triple]] = {
    "resnet34": (IMAGENET_MEAN, IMAGENET_STD),
    "resnet101": (IMAGENET_MEAN, IMAGENET_STD),
    "efficientnet_lite0": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
}
"""How each encoder's RGB in 0 to 1 was normalised when it was trained on ImageNet."""


class Encoder(nn.Module):
    """A pyramid of five feature maps.

    Args:
        name: which network.
        pretrained: start from ImageNet weights, which timm fetches from the Hub; random otherwise.
    """

    def __init__(self, name: EncoderName, *, pretrained: bool = False) -> None:
        super().__init__()
        import timm  # takes a second or two, and only generators need it

        self.body = timm.create_model(_TIMM_NAMES[name], features_only=True, pretrained=pretrained)

    def forward(self, x: Tensor) -> Sequence[Tensor]:
        """(N, 3, H, W), normalised as ``MEANS_AND_STDS`` says, to maps at 1/2, 1/4, 1/8, 1/16, 1/32."""
        return cast(Sequence[Tensor], self.body(x))
