"""A run's folder: checkpoints that appear whole or not at all, and older ones that step back for them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from deoldify.checkpoints import unwrapped
from deoldify.errors import CheckpointError
from deoldify.network import Generator, GeneratorConfig
from train.errors import TrainingError

LAST = "last.pt"
BOARD = "board"
RECIPE = "recipe.json"
INFLECTION = "inflection.json"
"""What a run's folder holds beside its other checkpoints."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside another, to write to; at the end it takes the other's place, so that no file is ever half-written.

    Where writing fails, what was begun is removed and the file stays what it was.
    """
    beside = path.with_name(path.name + ".part")
    try:
        yield beside
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a small file whole or not at all."""
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8")


def save_atomically(state: dict[str, Any], path: Path) -> None:
    """Write a checkpoint beside its place and rename it, so that a killed run leaves the last one intact.

    Raises:
        TrainingError: it cannot be written; nothing half-written stays.
    """
    try:
        with replacing(path) as beside, beside.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
    except (OSError, RuntimeError) as error:  # torch reports a full disk as a RuntimeError
        raise TrainingError(
            f"{path} cannot be written ({error}); checkpoints written before are intact. "
            f"Free space or choose another --out, and go on with --resume"
        ) from error


def save_rotating(state: dict[str, Any], path: Path, keep: int) -> None:
    """``save_atomically``, and keep what the file was before: ``last.1.pt``, ``last.2.pt``, … up to ``keep`` of them.

    At every moment ``path`` is a whole checkpoint, once it was one.
    """
    older = [path.with_name(f"{path.stem}.{number}{path.suffix}") for number in range(1, keep + 1)]
    beside = path.with_name(path.stem + ".next" + path.suffix)
    save_atomically(state, beside)
    for newer, old in reversed(list(zip(older, older[1:]))):
        if newer.exists():
            os.replace(newer, old)
    if older and path.exists():
        try:
            os.link(path, older[0])
        except OSError:  # a file system without hard links
            shutil.copyfile(path, older[0])
    os.replace(beside, path)


def check_space(folder: Path, wanted: int) -> None:
    """Raise a ``TrainingError`` where a folder's disk has not so many bytes left."""
    free = shutil.disk_usage(folder).free
    if free < wanted:
        raise TrainingError(
            f"{folder} has {free / 2**30:.1f} GiB left, and the run's checkpoints need about {wanted / 2**30:.1f} GiB; "
            f"free space or choose another --out"
        )


def read_run(path: Path) -> dict[str, Any]:
    """A run's checkpoint: tensors and plain data.

    Raises:
        CheckpointError: the file is missing or is no run's checkpoint.
    """
    if not path.is_file():
        raise CheckpointError(f"there is no checkpoint {path}")
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file fails in as many ways as there are bytes
        raise CheckpointError(
            f"{path} is damaged or no checkpoint ({error}); the run's folder may hold an older one, such as last.1.pt"
        ) from error
    if not isinstance(state, dict) or not {"recipe", "averaged"} <= state.keys():
        raise CheckpointError(f"{path} is not the checkpoint of a training run")
    return state


def averaged_state(checkpoint: dict[str, Any]) -> dict[str, Tensor]:
    """The averaged generator's weights out of a run's checkpoint, under the generator's own names."""
    return cast("dict[str, Tensor]", unwrapped(checkpoint["averaged"]))


@dataclass(frozen=True)
class Trained:
    """What a run made, as a file of it tells.

    Attributes:
        generator: float32, in eval mode, on the CPU.
        recipe: the resolved recipe as plain data; empty where the file does not tell.
        seed: of the run.
        step: at which it was saved.
    """

    generator: Generator
    recipe: Mapping[str, Any]
    seed: int
    step: int

    @property
    def render_factor(self) -> int:
        """That of the largest pictures it was trained on."""
        return max(int(stage["size"]) for stage in self.recipe["stages"]) // 16


def read_trained(path: Path) -> Trained:
    """What is in a file that says what it is: a run's checkpoint (its averaged weights), or exported safetensors.

    Raises:
        CheckpointError: the file is missing, damaged, or does not tell its generator.
    """
    if path.suffix != ".safetensors":
        run = read_run(path)
        config, state = GeneratorConfig.from_dict(run["recipe"]["generator"]), averaged_state(run)
        recipe, seed, step = run["recipe"], run["seed"], run["step"]
    else:
        if not path.is_file():
            raise CheckpointError(f"there is no checkpoint {path}")
        try:
            with safe_open(path, framework="pt") as file:
                metadata = file.metadata() or {}
                state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            raise CheckpointError(f"{path} is damaged or no safetensors ({error}); export it again") from error
        if "config" not in metadata:
            raise CheckpointError(f"{path} does not tell its generator; `python -m train export` writes one that does")
        config = GeneratorConfig.from_dict(json.loads(metadata["config"]))
        recipe = json.loads(metadata.get("recipe", "{}"))
        seed, step = (int(metadata.get(name, "0")) for name in ("seed", "step"))
    generator = Generator(config)
    try:
        generator.load_state_dict(state)
    except RuntimeError as error:
        raise CheckpointError(f"{path} does not hold what it says: {error}") from error
    return Trained(generator.eval(), recipe, seed, step)
