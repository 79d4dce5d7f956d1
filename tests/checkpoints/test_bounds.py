"""Weights and configurations of strangers: refused by what they announce, before memory or disk is spent on them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from deoldify import checkpoints
from deoldify.checkpoints import finding
from deoldify.checkpoints import hub as client
from deoldify.errors import CheckpointError, HubError
from deoldify.network import Generator
from tests.hub import Hub, hub
from tests.toys import TOY

__all__ = ["hub"]  # the fixture, which only pytest uses

REPO, COMMIT = "somebody/model", "a" * 40


def config(**changes: Any) -> bytes:
    said = {
        "model_type": "deoldify", "format": 1, "task": "colorize", "generator": TOY.to_dict(), "render_factor": 4,
        "licence": "MIT", "origin": "a test", "sha256": "0" * 64, "bytes": 1_000_000,
    }  # fmt: skip
    return json.dumps(said | changes).encode()


def publish(hub: Hub, content: bytes, weights: bytes = b"") -> None:
    hub.branches["main"] = COMMIT
    hub.files[f"{REPO}/resolve/{COMMIT}/config.json"] = content
    hub.files[f"{REPO}/resolve/{COMMIT}/model.safetensors"] = weights


def test_a_configuration_that_announces_too_much_is_not_fetched(hub: Hub) -> None:
    publish(hub, b" " * (1 << 21))
    with pytest.raises(HubError, match=r"it announces 2097152 bytes for config\.json, which can have 1048576"):
        checkpoints.find_on_hub(REPO)
    assert hub.count("GET") == 0


def test_weights_that_announce_more_than_the_record_are_not_fetched(hub: Hub) -> None:
    weights = bytes(3_000_000)
    numbers = sum(tensor.numel() for tensor in Generator(TOY).state_dict().values())
    publish(hub, config(bytes=4 * numbers, sha256=hashlib.sha256(weights).hexdigest()), weights + bytes(4 * numbers))
    record = checkpoints.find_on_hub(REPO)
    before = hub.count("GET")
    with pytest.raises(HubError, match="it announces"):
        checkpoints.load_generator(record)
    assert hub.count("GET") == before


@pytest.mark.parametrize("size", [10, 1_999_999_999])
def test_a_size_that_the_generator_cannot_have_is_refused(hub: Hub, size: int) -> None:
    publish(hub, config(bytes=size), bytes(100))
    record = checkpoints.find_on_hub(REPO)
    before = len(hub.requests)
    with pytest.raises(CheckpointError, match=r"its generator has \d+ numbers, and its file is said to have"):
        checkpoints.load_generator(record)
    assert len(hub.requests) == before


@pytest.mark.parametrize(
    "content", [config(bytes=1 << 40), b"[" * 100_000, config(generator=json.loads("[" * 500 + "]" * 500))]
)
def test_configurations_that_make_no_sense_are_refused(hub: Hub, content: bytes) -> None:
    publish(hub, content)
    with pytest.raises(CheckpointError, match="is not sound"):
        checkpoints.find_on_hub(REPO)


def test_shapes_are_compared_before_a_generator_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vast = dataclasses.replace(TOY, middle_widths=(8192, 8192), up_widths=(8192,) * 4, widths=(8192,) * 4)
    save_file({"a": torch.zeros(1)}, tmp_path / "own.safetensors")
    record = dataclasses.replace(checkpoints.find("compact"), config=vast)
    devices = []
    build = Generator.__init__

    def watched(self: Generator, *arguments: Any) -> None:
        build(self, *arguments)
        devices.append({tensor.device.type for tensor in self.parameters()})

    monkeypatch.setattr(Generator, "__init__", watched)
    with pytest.raises(CheckpointError, match="does not fit"):
        checkpoints.load_generator(record, tmp_path / "own.safetensors")
    assert devices == [{"meta"}]


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_are_none_are_refused_by_name(tmp_path: Path, odd: float) -> None:
    state = Generator(TOY).state_dict()
    key = next(key for key, tensor in state.items() if tensor.is_floating_point() and tensor.dim() > 1)
    state[key].view(-1)[3] = odd
    save_file(state, tmp_path / "own.safetensors")
    record = dataclasses.replace(checkpoints.find("compact"), config=TOY)
    with pytest.raises(CheckpointError, match=rf"NaN or infinity is among the numbers of {key.replace('.', '[.]')}"):
        checkpoints.load_generator(record, tmp_path / "own.safetensors")


def test_deep_nesting_in_a_file_of_weights_is_refused(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(1)}, tmp_path / "own.safetensors", metadata={"config": "[" * 100_000})
    with pytest.raises(CheckpointError, match="what is no JSON"):
        checkpoints.load_generator(checkpoints.find("compact"), tmp_path / "own.safetensors")


def test_what_a_link_leads_to_outside_the_cache_stays(hub: Hub, tmp_path: Path) -> None:
    elsewhere, entry = tmp_path / "photographs.zip", client.cache_folder() / "models--a--b" / "snapshots" / "model"
    elsewhere.write_bytes(b"the only copy")
    entry.parent.mkdir(parents=True)
    entry.symlink_to(elsewhere)
    client.discard(entry)
    assert not entry.is_symlink() and elsewhere.read_bytes() == b"the only copy"
    blob = client.cache_folder() / "models--a--b" / "blobs" / "blob"
    blob.parent.mkdir()
    blob.write_bytes(b"damaged")
    entry.symlink_to(blob)
    client.discard(entry)
    assert not entry.is_symlink() and not blob.exists()


def test_the_names_of_the_files_are_those_that_are_looked_for() -> None:
    assert (finding.CONFIG_FILE, finding.WEIGHTS_FILE) == ("config.json", "model.safetensors")
