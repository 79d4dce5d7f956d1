"""From a training run's checkpoint to the file that is shipped."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from deoldify.config import GeneratorConfig
from deoldify.errors import CheckpointError
from deoldify.generator import Generator
from train.loop import averaged_state


@dataclass(frozen=True)
class Exported:
    """A file of weights as ``deoldify.checkpoints`` records it."""

    path: Path
    sha256: str
    bytes: int


def read_run(path: Path) -> dict[str, Any]:
    """A run's checkpoint: tensors and plain data.

    Raises:
        CheckpointError: the file is missing or is no run's checkpoint.
    """
    if not path.is_file():
        raise CheckpointError(f"there is no checkpoint {path}")
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(state, dict) or not {"recipe", "averaged"} <= state.keys():
        raise CheckpointError(f"{path} is not the checkpoint of a training run")
    return state


def averaged_generator(run: dict[str, Any]) -> Generator:
    """The averaged generator of a run's checkpoint, in eval mode."""
    generator = Generator(GeneratorConfig.from_dict(run["recipe"]["generator"]))
    generator.load_state_dict(averaged_state(run))
    return generator.eval()


def export(checkpoint: Path, out: Path, origin: dict[str, str]) -> Exported:
    """Write the averaged weights of a run as safetensors, float16, with their generator's config.

    Args:
        checkpoint: what ``train.loop`` saved.
        out: file to write; it appears whole or not at all.
        origin: what to tell about the weights (command, commit, data, ...), kept in the file's metadata.

    Raises:
        CheckpointError: there is no such checkpoint.
    """
    run = read_run(checkpoint)
    state = averaged_generator(run).state_dict()
    halved = {
        name: (tensor.half() if tensor.is_floating_point() else tensor).contiguous() for name, tensor in state.items()
    }
    config = GeneratorConfig.from_dict(run["recipe"]["generator"])
    metadata = {
        "config": json.dumps(config.to_dict()),
        "recipe": json.dumps(run["recipe"]),
        "seed": str(run["seed"]),
        "step": str(run["step"]),
        **origin,
    }
    beside = out.with_name(out.name + ".part")
    save_file(halved, beside, metadata=metadata)
    os.replace(beside, out)
    data = out.read_bytes()
    return Exported(out, hashlib.sha256(data).hexdigest(), len(data))
