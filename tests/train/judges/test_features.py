"""The networks that features are compared with."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data
from torchvision.models import vgg

from train.judges import (
    FeatureLoss,
    LiteFeatures,
    VggFeatures,
    depthwise_in_float32,
    feature_network,
    frozen,
    lite_classifier,
)
from train.recipes import LiteName


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


@pytest.mark.parametrize("name", ["lite0", "lite1", "lite2"])
def test_a_classifier_knows_a_cat(name: LiteName) -> None:
    cat = Image.fromarray(data.chelsea()).resize((224, 224))  # type: ignore[no-untyped-call]
    x = torch.from_numpy(np.array(cat)).permute(2, 0, 1).unsqueeze(0).float() / 255
    with torch.inference_mode():
        scores = lite_classifier(name)((x - 0.5) / 0.5)
    assert int(scores.argmax()) in (281, 282, 285)  # tabby, tiger cat, Egyptian cat
    assert float(scores.softmax(dim=1).max()) > 0.2


def test_a_frozen_network_computes_the_same_and_is_part_of_nothing_that_is_trained_or_saved() -> None:
    network = LiteFeatures("lite1", (1, 2), pretrained=False)
    x = torch.randn(1, 3, 32, 32)
    before = network(x)
    after = frozen(network)
    assert all(torch.equal(a, b) for a, b in zip(before, after(x), strict=True))
    assert not list(after.parameters()) and not after.state_dict()
    assert [part.shape[1] for part in before] == network.channels
    assert after.to(torch.float64)(x.double())[0].dtype == torch.float64


def test_depthwise_convolutions_work_in_float32_and_the_others_as_autocast_has_it() -> None:
    torch.manual_seed(0)
    depthwise = torch.nn.Conv2d(8, 8, 3, groups=8)
    network = torch.nn.Sequential(depthwise, torch.nn.Conv2d(8, 4, 1))
    x = torch.randn(1, 8, 6, 6, requires_grad=True)
    exact = torch.nn.functional.conv2d(x, depthwise.weight, depthwise.bias, groups=8)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = network[0](x)
        depthwise_in_float32(network)
        found, out = network[0](x), network(x)
    assert torch.equal(found, exact) and not torch.equal(rounded.float(), exact)
    assert out.dtype == torch.bfloat16
    with torch.autocast("cpu", torch.bfloat16):  # what comes in 16 bits goes out in 16 bits
        assert network[0](x.bfloat16()).dtype == torch.bfloat16
    out.sum().backward()
    assert x.grad is not None and x.grad.abs().sum() > 0
