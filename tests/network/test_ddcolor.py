"""DDColor against the reference's outputs, and prepared against plain."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from deoldify.checkpoints import load_recognised
from deoldify.imaging import denormalise, from_cielab, normalise, to_cielab
from deoldify.network import DDCOLOR_TINY, DDColor, Prepared
from deoldify.network.ddcolor_strips import ab_in_strips
from tests.ddcolor import ODD, random_network

CPU = torch.device("cpu")


def network_of(path: Path) -> DDColor:
    """The network in a file, which is recognised as the tiny one."""
    record, network = load_recognised(path)
    assert record.config == DDCOLOR_TINY and record.good_at == "DDColor, tiny"
    assert isinstance(network, DDColor)
    return network


@pytest.fixture(scope="module")
def stand_in_tiny(parity_kit: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ddcolor") / "tiny.pth"
    script = str(parity_kit / "make_checkpoint.py")
    subprocess.run([sys.executable, script, "ddcolor-tiny", str(path)], check=True, timeout=300)
    return path


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


@torch.inference_mode()
def test_16_bits_change_a_picture_by_less_than_a_grey_level_on_average(stand_in_tiny: Path) -> None:
    x = torch.linspace(-2, 2, 128).outer(torch.linspace(0.2, 1, 128)).expand(1, 3, -1, -1).contiguous()
    renders = [
        denormalise(Prepared(network_of(stand_in_tiny), CPU, dtype)(x)).clamp(0, 1).mul(255)
        for dtype in (torch.float32, torch.bfloat16)
    ]
    difference = (renders[0] - renders[1]).abs().mean()
    assert 0 < difference <= 1
    assert renders[0].std(dim=1).mean() > 3  # there is colour
