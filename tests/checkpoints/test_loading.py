"""What is read from files of weights, and what is refused."""

from __future__ import annotations

import dataclasses
import json
import os
import pickle
import re
from pathlib import Path

import pytest

from deoldify import checkpoints
from deoldify.errors import CheckpointError


def test_a_given_path_must_exist(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.pth", tmp_path):
        with pytest.raises(CheckpointError, match=re.escape(str(path))):
            checkpoints.load_generator(checkpoints.find("artistic"), path)


@pytest.mark.parametrize("old_format", [True, False])
def test_a_truncated_file_is_named(tmp_path: Path, old_format: bool) -> None:
    import torch

    whole = tmp_path / "whole.pth"
    torch.save({"a": torch.arange(1000.0)}, whole, _use_new_zipfile_serialization=not old_format)
    content = whole.read_bytes()
    path = tmp_path / "cut.pth"
    for length in (0, 10, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(CheckpointError, match=r"cut\.pth .*download it again"):
            checkpoints.load_generator(checkpoints.find("artistic"), path)


class Trap:
    """Runs code when an unguarded pickle is read."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.mark),)


def test_a_pickle_that_runs_code_is_refused(tmp_path: Path) -> None:
    import torch

    mark = tmp_path / "ran"
    torch.save({"model": Trap(mark)}, tmp_path / "trap.pth")
    (tmp_path / "bare.pth").write_bytes(pickle.dumps(Trap(mark), protocol=2))
    for name in ("trap.pth", "bare.pth"):
        with pytest.raises(CheckpointError, match=name):
            checkpoints.load_generator(checkpoints.find("artistic"), tmp_path / name)
    assert not mark.exists()


def test_a_file_without_a_state_dict_is_refused(tmp_path: Path) -> None:
    import torch

    for content, words in [
        (torch.zeros(3), "no state dict but a Tensor"),
        ({"epoch": 3}, "epoch is not a tensor"),
        ({}, "it is empty"),
    ]:
        torch.save(content, tmp_path / "odd.pth")
        with pytest.raises(CheckpointError, match=words):
            checkpoints.load_generator(checkpoints.find("artistic"), tmp_path / "odd.pth")


def test_own_weights_come_back_in_float32(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    from deoldify.network import COMPACT, Generator

    compact = checkpoints.find("compact")
    state = Generator(COMPACT).state_dict()
    halves = {key: value.half() if value.is_floating_point() else value for key, value in state.items()}
    path = tmp_path / "own.safetensors"
    save_file(halves, path, metadata={"config": json.dumps(COMPACT.to_dict())})
    generator = checkpoints.load_generator(compact, path)
    assert not generator.training
    loaded = generator.state_dict()
    assert set(loaded) == set(state)
    for key, value in loaded.items():
        assert value.dtype == state[key].dtype
        assert torch.equal(value, halves[key].to(value.dtype))

    spoilt = dict(halves)
    first, *_, last = spoilt
    spoilt["stranger"] = torch.zeros(2)
    spoilt[first] = torch.zeros(7)
    del spoilt[last]
    save_file(spoilt, path, metadata={"config": json.dumps(COMPACT.to_dict())})
    with pytest.raises(CheckpointError, match="does not fit") as caught:
        checkpoints.load_generator(compact, path)
    for words in (f"{first} has shape (7,), expected", "stranger is unknown", f"{last} is missing"):
        assert words in str(caught.value)


def test_own_weights_of_another_config_are_refused(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    from deoldify.network import COMPACT

    compact = checkpoints.find("compact")
    other = dataclasses.replace(COMPACT, convs_per_block=2)
    path = tmp_path / "own.safetensors"
    save_file({"a": torch.zeros(1)}, path, metadata={"config": json.dumps(other.to_dict())})
    with pytest.raises(CheckpointError, match="convs_per_block is 2, not 1"):
        checkpoints.load_generator(compact, path)
    save_file({"a": torch.zeros(1)}, path, metadata={"config": '{"depth": 3}'})
    with pytest.raises(CheckpointError, match="does not understand"):
        checkpoints.load_generator(compact, path)
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(CheckpointError, match=r"own\.safetensors .*download it again"):
        checkpoints.load_generator(compact, path)


@pytest.mark.parametrize(
    ("name", "key", "words"),
    [
        ("artistic", "layers.99.weight", r"layers\.0\.0\.weight is missing"),
        ("artistic", "stem.weight", r"stem\.weight is unknown"),
        ("compact", "layers.99.weight", r"layers\.99\.weight is unknown"),
    ],
)
def test_another_architecture_is_refused_with_the_first_keys(tmp_path: Path, name: str, key: str, words: str) -> None:
    import torch

    torch.save({"model": {key: torch.zeros(1)}, "opt": {}}, tmp_path / "other.pth")
    with pytest.raises(CheckpointError, match=rf"other\.pth.*{words}"):
        checkpoints.load_generator(checkpoints.find(name), tmp_path / "other.pth")
