"""What may be wrapped around a state dict, and models that lie in a folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

import deoldify
from deoldify import checkpoints
from deoldify.checkpoints.reading import read_weights, unwrapped
from deoldify.errors import CheckpointError, UnknownModelError
from deoldify.network import COMPACT

PLAIN = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))


def wrapped_states() -> dict[str, Any]:
    """The same state dict as several programs save it."""
    state = PLAIN.state_dict()
    worse = {name: tensor + 1 for name, tensor in state.items()}
    parallel = nn.DataParallel(PLAIN).state_dict()
    compiled = torch.compile(PLAIN).state_dict()  # type: ignore[attr-defined]
    return {
        "plain": state,
        "fastai": {"model": state, "opt": {"lr": 0.1}},
        "Lightning": {"state_dict": state, "epoch": 3, "optimizer_states": []},
        "BasicSR": {"params": worse, "params_ema": state},
        "BasicSR without an average": {"params": state},
        "parallel": parallel,
        "compiled": compiled,
        "both": {f"module.{name}": tensor for name, tensor in compiled.items()},
        "an average": AveragedModel(PLAIN).state_dict(),
        "all of it": {"state_dict": parallel, "iteration": 7},
        "a run": {"recipe": {}, "generator": worse, "averaged": AveragedModel(PLAIN).state_dict(), "step": 3},
    }


@pytest.mark.parametrize("program", wrapped_states())
def test_wrappers_and_prefixes_are_taken_off(program: str, tmp_path: Path) -> None:
    torch.save(wrapped_states()[program], tmp_path / "weights.pth")
    state = read_weights(tmp_path / "weights.pth").state
    expected = PLAIN.state_dict()
    assert list(state) == list(expected)
    assert all(torch.equal(state[name], tensor) for name, tensor in expected.items())


def test_a_prefix_that_not_all_keys_have_is_part_of_their_names() -> None:
    state = {"module.a": torch.zeros(1), "b": torch.zeros(1)}
    assert unwrapped(state) is state
    assert unwrapped(3) == 3


def as_run(state: dict[str, Tensor]) -> dict[str, Any]:
    """What a run saves of these averaged weights, its raw ones being others."""
    averaged = {"n_averaged": torch.tensor(9), **{f"module.{name}": tensor for name, tensor in state.items()}}
    raw = {name: torch.zeros_like(tensor) for name, tensor in state.items()}
    recipe = {"name": "compact", "task": "colorize", "generator": COMPACT.to_dict()}
    return {"recipe": recipe, "seed": 0, "step": 9, "generator": raw, "averaged": averaged}


def embedded() -> dict[str, Tensor]:
    return checkpoints.load_generator(checkpoints.find("compact")).state_dict()


def test_a_runs_checkpoint_colours_with_its_averaged_weights(colorizer: deoldify.Colorizer, tmp_path: Path) -> None:
    torch.save(as_run(embedded()), tmp_path / "last.pt")
    own = deoldify.load("compact", checkpoint=tmp_path / "last.pt", device="cpu", precision="float32")
    pixels = np.tile(np.arange(64, dtype=np.uint8)[:, None, None] * 3, (1, 64, 3))
    expected = colorizer.colorize_pixels(pixels, render_factor=4)
    assert np.array_equal(own.colorize_pixels(pixels, render_factor=4), expected)
    with pytest.raises(CheckpointError, match=r"last\.pt fits another generator.*Choose the model that it was trained"):
        deoldify.load("defade", checkpoint=tmp_path / "last.pt")


def published(folder: Path) -> Path:
    """The embedded colorizer as ``python -m train publish`` lays models out."""
    compact = checkpoints.find("compact")
    config = {
        "model_type": "deoldify", "format": 1, "task": "colorize", "generator": COMPACT.to_dict(),
        "render_factor": 11, "licence": "MIT", "origin": "a test", "sha256": compact.sha256, "bytes": compact.bytes,
    }  # fmt: skip
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "model.safetensors").write_bytes(checkpoints.fetch(compact).read_bytes())
    return folder


@pytest.mark.parametrize("spelled", [str, Path])
def test_a_published_folder_is_loaded_from_disk(spelled: Callable[[Path], Any], tmp_path: Path) -> None:
    loaded = deoldify.load(spelled(published(tmp_path / "mine")), device="cpu", precision="float32")
    assert repr(loaded) == "Colorizer('mine', cpu, float32)"
    assert loaded.checkpoint.render_factor == 11 and loaded.checkpoint.repo is None


def test_a_folder_is_not_taken_for_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    assert checkpoints.find_any(published(tmp_path / "runs" / "x").relative_to(tmp_path)).name == "x"
    (tmp_path / "compact").mkdir()
    assert checkpoints.find_any("compact") == checkpoints.find("compact")


def test_folders_that_hold_no_sound_model_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"holds no config\.json: .*last\.pt as the checkpoint"):
        deoldify.load(tmp_path)
    folder = published(tmp_path / "mine")
    with pytest.raises(ValueError, match="has no revisions"):
        deoldify.load(folder, revision="main")
    weights = folder / "model.safetensors"
    changed = bytearray(weights.read_bytes())
    changed[-1] ^= 1
    weights.write_bytes(changed)
    with pytest.raises(CheckpointError, match=r"model\.safetensors is not the file of 'mine'.*publish it again"):
        deoldify.load(folder)
    (folder / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(CheckpointError, match="not of a DeOldify model"):
        deoldify.load(folder)


def test_what_is_no_model_says_what_to_name(tmp_path: Path) -> None:
    (tmp_path / "last.pt").write_bytes(b"weights")
    with pytest.raises(UnknownModelError, match=r"is a file, .*name the model that it was trained as"):
        deoldify.load(str(tmp_path / "last.pt"))
    with pytest.raises(UnknownModelError, match=r"no model called ''"):
        deoldify.load("")
    with pytest.raises(TypeError, match=r"^load takes the name of a model.*not a ndarray; photographs go to what it"):
        deoldify.load(np.zeros((4, 4, 3), np.uint8))  # type: ignore[call-overload]
