"""DDColor against the reference's outputs, and prepared against plain."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from deoldify.checkpoints.published_ddcolor import recognise, to_network_state
from deoldify.imaging import denormalise, from_cielab, normalise, to_cielab
from deoldify.network import DDCOLOR_TINY, DDColor, DDColorConfig, Prepared
from deoldify.network.ddcolor_strips import ab_in_strips

CPU = torch.device("cpu")
ODD = DDColorConfig(
    encoder_widths=(5, 6, 9, 11), encoder_depths=(1, 2, 1, 1), width=14, queries=7, query_width=16,
    feed_forward_width=13, scales=2, layers=3,
)  # fmt: skip


def network_of(path: Path) -> DDColor:
    published = torch.load(path, weights_only=True)["params"]
    config = recognise({key: tuple(tensor.shape) for key, tensor in published.items()})
    assert config == DDCOLOR_TINY
    network = DDColor(config).eval()
    wanted = {key: tuple(tensor.shape) for key, tensor in network.state_dict().items()}
    network.load_state_dict(to_network_state(published, wanted))
    return network


@pytest.fixture(scope="module")
def stand_in_tiny(parity_kit: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ddcolor") / "tiny.pth"
    script = str(parity_kit / "make_checkpoint.py")
    subprocess.run([sys.executable, script, "ddcolor-tiny", str(path)], check=True, timeout=300)
    return path


def random_network(config: DDColorConfig) -> DDColor:
    """A network in which every norm and scale does something."""
    torch.manual_seed(0)
    network = DDColor(config).eval()
    for module in network.modules():
        if isinstance(module, (nn.BatchNorm2d, nn.LayerNorm)):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.2)
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.get_buffer("running_mean"), std=0.2)
            nn.init.uniform_(module.get_buffer("running_var"), 0.5, 2)
        if isinstance(getattr(module, "gamma", None), nn.Parameter):
            nn.init.uniform_(module.gamma, 0.5, 1)  # type: ignore[arg-type]
    return network


@torch.inference_mode()
def test_outputs_agree_with_the_reference_plain_and_prepared(stand_in_tiny: Path, parity_kit: Path) -> None:
    golden = np.load(parity_kit / "golden_ddcolor.npz")
    plain = network_of(stand_in_tiny)
    prepared = Prepared(network_of(stand_in_tiny), CPU, torch.float32).generator
    assert isinstance(prepared, DDColor)
    for side in (64, 160):
        grey = torch.from_numpy(golden[f"tiny_{side}_input"]).float().div(255).expand(1, 3, -1, -1)
        expected = torch.from_numpy(golden[f"tiny_{side}_output"])
        for found in (plain.ab(grey), prepared.ab(grey), ab_in_strips(prepared, grey)):
            assert (found[0] - expected).abs().max() <= 1e-4 * expected.abs().max()


@torch.inference_mode()
def test_the_reference_s_whole_filter_can_be_put_together(stand_in_tiny: Path, parity_kit: Path) -> None:
    golden = np.load(parity_kit / "golden_ddcolor.npz")
    photo = torch.from_numpy(golden["pipeline_photo"]).float().div(255).permute(2, 0, 1).unsqueeze(0)
    lightness = to_cielab(photo)[:, :1]
    small = to_cielab(F.interpolate(photo, (128, 128), mode="bilinear", align_corners=False))[:, :1]
    grey = from_cielab(small, torch.zeros(1, 2, 128, 128))
    ab = F.interpolate(network_of(stand_in_tiny).ab(grey), photo.shape[-2:], mode="nearest")
    picture = from_cielab(lightness, ab).clamp(0, 1)[0].permute(1, 2, 0).mul(255).round().numpy()
    assert np.abs(picture - golden["pipeline_tiny_128"].astype(float)).mean() <= 1


@torch.inference_mode()
def test_a_prepared_network_computes_what_the_plain_one_does() -> None:
    plain, prepared = random_network(ODD), Prepared(random_network(ODD), CPU, torch.float32)
    for height, width in ((64, 96), (100, 112), (33, 47)):
        x = torch.randn(2, 3, height, width)
        expected = plain(x)
        assert plain.ab(denormalise(x)).std() > 1e-3
        torch.testing.assert_close(prepared(x), expected, rtol=0, atol=1e-4)
        torch.testing.assert_close(prepared.generator(x), expected, rtol=0, atol=1e-4)


@torch.inference_mode()
def test_a_render_has_the_grey_s_lightness_and_the_colours_found() -> None:
    network = random_network(ODD)
    grey = torch.rand(1, 1, 64, 64).mul(0.6).add(0.2).expand(1, 3, -1, -1)
    lab = to_cielab(denormalise(network(normalise(grey))))
    torch.testing.assert_close(lab[:, :1], to_cielab(grey)[:, :1], rtol=0, atol=0.05)
    torch.testing.assert_close(lab[:, 1:], network.ab(grey), rtol=0, atol=0.05)
