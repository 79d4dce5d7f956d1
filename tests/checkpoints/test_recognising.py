"""Weights are recognised by their keys and shapes, whatever the file is called and however they are wrapped."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

import deoldify
from deoldify import checkpoints
from deoldify.checkpoints import load_recognised
from deoldify.checkpoints.published import published_key
from deoldify.checkpoints.recognising import recognised
from deoldify.errors import CheckpointError
from deoldify.network import (
    ARTISTIC,
    COMPACT,
    DDCOLOR_LARGE,
    DDCOLOR_TINY,
    DEFADE,
    STABLE,
    DDColor,
    Generator,
    GeneratorConfig,
    NetworkConfig,
    build,
)
from tests.ddcolor import ODD, as_published, random_network
from tests.toys import narrow

State = dict[str, Tensor]
DEEP = dataclasses.replace(ARTISTIC, middle_widths=(24, 16), up_widths=(8, 12, 12, 8), widths=(24, 16, 24, 12))
WIDE = dataclasses.replace(
    STABLE, encoder="resnet34", middle_widths=(16, 24), up_widths=(8, 8, 12, 8), widths=(16, 24, 16, 8)
)
OURS = (narrow(COMPACT), narrow(DEFADE), dataclasses.replace(narrow(COMPACT), convs_per_block=2))


def of_2019(config: GeneratorConfig) -> State:
    """The weights of a generator as a file of 2019 names and shapes them."""
    named = {published_key(key, config): tensor for key, tensor in Generator(config).state_dict().items()}
    pressed = {key: t.squeeze(-1) if ".3." in key and t.dim() == 4 else t for key, t in named.items()}
    return {key: pressed[key] if key.endswith(("_orig", "weight")) else t for key, t in named.items()}


WRAPPERS: dict[str, Callable[[State], Any]] = {
    "bare": lambda state: state,
    "DDColor's": lambda state: {"params": state},
    "fastai's": lambda state: {"model": state, "opt": {"lr": 0.1}},
    "two networks": lambda state: {"net_g": state, "net_d": {"conv.weight": torch.zeros(3)}, "iter": 4},
    "Lightning's, of two networks": lambda state: {
        "epoch": 3,
        "state_dict": {f"net_g.module.{key}": t for key, t in state.items()} | {"net_d.conv.weight": torch.zeros(3)},
    },
    "an average beside": lambda state: {
        **{f"net_g.{key}": torch.zeros_like(t) for key, t in state.items()},
        **{f"net_g_ema.{key}": t for key, t in state.items()},
    },
    "under a name of its own": lambda state: {"colours of 1911": state, "step": 3},
}


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_ddcolor_is_recognised_however_it_is_wrapped(wrapper: str, tmp_path: Path) -> None:
    network = random_network(ODD)
    torch.save(WRAPPERS[wrapper](as_published(network)), tmp_path / "grandmother.bin")
    record, loaded = load_recognised(tmp_path / "grandmother.bin")
    assert (record.config, record.name, record.task) == (ODD, "grandmother.bin", "colorize")
    assert record.good_at == "DDColor, of other widths" and record.render_factor == 32
    assert isinstance(loaded, DDColor) and not loaded.training
    x = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(loaded(x), network(x))


@pytest.mark.parametrize(("config", "wrapper"), [(DEEP, "fastai's"), (WIDE, "two networks")], ids=["deep", "wide"])
def test_the_generators_of_2019_are_recognised_at_any_width(
    config: GeneratorConfig, wrapper: str, tmp_path: Path
) -> None:
    state = of_2019(config)
    torch.save(WRAPPERS[wrapper](state), tmp_path / "x.pth", _use_new_zipfile_serialization=False)
    record, loaded = load_recognised(tmp_path / "x.pth")
    assert record.config == config and record.render_factor == 35
    some = loaded.state_dict()["middle.0.conv.parametrizations.weight.original"]
    assert torch.equal(some, state["layers.3.0.0.weight_orig"])


@pytest.mark.parametrize("config", OURS, ids=["compact", "defade", "deeper"])
def test_our_own_networks_are_recognised_without_being_told(config: GeneratorConfig, tmp_path: Path) -> None:
    save_file(Generator(config).state_dict(), tmp_path / "x.safetensors")
    record, _ = load_recognised(tmp_path / "x.safetensors")
    assert record.config == config
    assert record.task == ("defade" if config.head == "tone" else "colorize")


def test_a_network_of_ddcolor_is_recognised_by_our_names_in_half_precision(tmp_path: Path) -> None:
    state = {key: t.half() if t.is_floating_point() else t for key, t in random_network(ODD).state_dict().items()}
    save_file(state, tmp_path / "x.safetensors")
    record, loaded = load_recognised(tmp_path / "x.safetensors")
    assert record.config == ODD
    assert loaded.state_dict()["colour_decoder.start"].dtype == torch.float32


def test_what_classified_imagenet_is_left_out(tmp_path: Path) -> None:
    head = {"encoder.arch.head_cls.weight": torch.zeros(1000, 11), "encoder.arch.head_cls.bias": torch.zeros(1000)}
    torch.save({"params": as_published(random_network(ODD)) | head}, tmp_path / "x.pth")
    assert load_recognised(tmp_path / "x.pth")[0].config == ODD


def test_a_file_that_is_neither_names_what_was_looked_for(tmp_path: Path) -> None:
    torch.save({"params": nn.Sequential(nn.Conv2d(3, 4, 3), nn.Linear(4, 2)).state_dict()}, tmp_path / "x.pth")
    with pytest.raises(CheckpointError) as caught:
        load_recognised(tmp_path / "x.pth")
    for words in ("x.pth", "no weights of DeOldify or DDColor", "encoder.arch.stages.0.0.gamma",
                  "layers.3.0.0.weight_orig", "bottom_norm.weight", "found 0.weight"):  # fmt: skip
        assert words in str(caught.value)


def test_weights_that_are_ddcolors_in_part_name_the_key(tmp_path: Path) -> None:
    state = as_published(random_network(ODD))
    for key, words in (("encoder.arch.norm2.weight", "norm2.weight is missing"), ("mean", "mean is missing")):
        torch.save({name: tensor for name, tensor in state.items() if name != key}, tmp_path / "x.pth")
        with pytest.raises(CheckpointError, match=rf"x\.pth.*{words}"):
            load_recognised(tmp_path / "x.pth")
    torch.save(state | {"stranger": torch.zeros(2)}, tmp_path / "x.pth")
    with pytest.raises(CheckpointError, match="stranger is not part"):
        load_recognised(tmp_path / "x.pth")
    spoilt = state["encoder.arch.stages.0.0.gamma"].clone()
    spoilt[0] = torch.nan
    torch.save(state | {"encoder.arch.stages.0.0.gamma": spoilt}, tmp_path / "x.pth")
    with pytest.raises(CheckpointError, match="NaN or infinity"):
        load_recognised(tmp_path / "x.pth")


@pytest.mark.parametrize(
    ("layout", "config"),
    [("artistic", ARTISTIC), ("stable", STABLE), ("ddcolor-tiny", DDCOLOR_TINY), ("ddcolor-large", DDCOLOR_LARGE)],
)
def test_the_published_layouts_are_told_apart(layout: str, config: NetworkConfig, parity_kit: Path) -> None:
    shapes = {key: tuple(shape) for key, shape in json.loads((parity_kit / f"{layout}.keys.json").read_text())}
    assert recognised(shapes) == config
    numbers = sum(math.prod(shape) for shape in shapes.values())
    sized = [record for record in checkpoints.CHECKPOINTS if record.config == config and record.repo is not None]
    assert sized
    for record in sized:  # four bytes a number, and the container
        assert 4 * numbers - record.slack <= record.bytes <= 4.01 * numbers + record.slack


def test_a_name_that_does_not_fit_is_told_what_the_file_is(tmp_path: Path) -> None:
    torch.save(as_published(random_network(ODD)), tmp_path / "x.pth")
    with pytest.raises(CheckpointError, match=r"x\.pth.*another architecture.*DDColor, of other widths"):
        checkpoints.load_generator(checkpoints.find("ddcolor-tiny"), tmp_path / "x.pth")
    with pytest.raises(CheckpointError, match="does not fit the generator of 'compact'"):
        checkpoints.load_generator(checkpoints.find("compact"), tmp_path / "x.pth")


def test_auto_takes_any_file_and_colours_with_it(tmp_path: Path) -> None:
    torch.save(as_published(random_network(ODD)), tmp_path / "anything.pth")
    colorizer = deoldify.load("auto", checkpoint=tmp_path / "anything.pth", device="cpu", precision="float32")
    assert isinstance(colorizer, deoldify.Colorizer)
    assert "(anything.pth)" in colorizer.label
    grey = torch.arange(96, dtype=torch.uint8).repeat(64, 1)[..., None].expand(-1, -1, 3).numpy()
    assert colorizer.colorize_pixels(grey, render_factor=5).shape == (64, 96, 3)
    torch.save(build(narrow(DEFADE)).state_dict(), tmp_path / "other.pth")
    assert isinstance(deoldify.load("auto", checkpoint=tmp_path / "other.pth"), deoldify.Defader)


def test_a_run_says_itself_what_it_trained(tmp_path: Path) -> None:
    config = narrow(COMPACT)
    state = Generator(config).state_dict()
    averaged = {"n_averaged": torch.tensor(9), **{f"module.{key}": tensor for key, tensor in state.items()}}
    torch.save({"recipe": {"generator": config.to_dict()}, "averaged": averaged, "step": 9}, tmp_path / "last.pt")
    record, loaded = load_recognised(tmp_path / "last.pt")
    assert (record.name, record.config, record.renders) == ("last.pt", config, checkpoints.find("compact").renders)
    assert torch.equal(loaded.state_dict()["middle.0.conv.weight"], state["middle.0.conv.weight"])
