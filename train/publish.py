"""From a training run's checkpoint to the file that is shipped."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from safetensors.torch import save_file

from deoldify.config import GeneratorConfig
from train.runs import read_run, replacing, trained_generator

__all__ = ["Exported", "export", "read_run"]


@dataclass(frozen=True)
class Exported:
    """A file of weights as ``deoldify.checkpoints`` records it."""

    path: Path
    sha256: str
    bytes: int


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
    state = trained_generator(checkpoint).state_dict()
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
    with replacing(out) as beside:
        save_file(halved, beside, metadata=metadata)
    data = out.read_bytes()
    return Exported(out, hashlib.sha256(data).hexdigest(), len(data))
