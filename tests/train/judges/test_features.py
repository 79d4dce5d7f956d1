"""The networks that features are compared with."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torchvision.models import vgg

from train.judges import (
    FeatureLoss,
    VggFeatures,
    feature_network,
)


@pytest.mark.parametrize("batch_norm", [False, True])
def test_vgg_features_lie_before_the_max_pools(batch_norm: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    # Without the classifier, most of whose weights would be drawn for nothing.
    layers = vgg.make_layers(vgg.cfgs["D"], batch_norm=batch_norm)
    name = "vgg16_bn" if batch_norm else "vgg16"
    monkeypatch.setattr(f"torchvision.models.{name}", lambda weights: SimpleNamespace(features=layers))
    features = VggFeatures((1, 3), batch_norm=batch_norm, pretrained=False)
    y = x = torch.randn(1, 3, 32, 32)
    wanted = []
    for layer in layers.eval():
        if isinstance(layer, torch.nn.MaxPool2d):
            wanted.append(y)
        y = layer(y)
    first, third = features.train()(x)
    assert first.shape == (1, 64, 32, 32) and third.shape == (1, 256, 8, 8)
    assert torch.equal(first, wanted[0]) and torch.equal(third, wanted[2])
    assert not any(weight.requires_grad for weight in features.parameters())


def test_a_feature_loss_by_name_is_nought_between_equal_pictures_and_has_a_gradient() -> None:
    loss = FeatureLoss(feature_network("lite0", (1, 2)), (1.0, 1.0))
    a = torch.randn(1, 3, 64, 64, requires_grad=True)
    assert loss(a, a).item() == 0
    loss(a, torch.zeros_like(a)).backward()
    assert a.grad is not None and a.grad.abs().sum() > 0
