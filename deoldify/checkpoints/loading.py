"""From a file of weights to a generator."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from deoldify.checkpoints.fetching import fetch
from deoldify.checkpoints.reading import read_weights
from deoldify.checkpoints.records import Checkpoint, is_repository
from deoldify.errors import CheckpointError
from deoldify.network import GeneratorConfig

if TYPE_CHECKING:
    from torch import Tensor

    from deoldify.network import Generator

_MISFITS_SHOWN = 5


def load_generator(checkpoint: Checkpoint, path: str | os.PathLike[str] | None = None) -> Generator:
    """Build the checkpoint's generator with its weights: in eval mode, on the CPU, in float32.

    Args:
        checkpoint: which one; its config is the generator's.
        path: a file to use in place of the checkpoint's own, such as ``last.pt`` of a training run of your own, whose
            averaged weights are taken; see `read_weights` for what it may be. Its digest is not compared.

    Raises:
        CheckpointError: the file is missing, damaged, holds anything but tensors or numbers that are none (NaN and
            infinity), or fits another generator.
        HubError: see `fetch`.
    """
    wanted = _wanted_state(checkpoint.config)
    if path is None and is_repository(checkpoint.name):
        _check_announced(checkpoint, wanted)
    path = fetch(checkpoint) if path is None else Path(path)
    weights = read_weights(path)
    if weights.config is not None:
        _check_config(path, weights.config, checkpoint.config)
    state = _named_as_ours(path, weights.state, checkpoint.config)

    misfits = _misfits(state, wanted)
    if misfits:
        more = f"; and {len(misfits) - _MISFITS_SHOWN} more" if len(misfits) > _MISFITS_SHOWN else ""
        raise CheckpointError(
            f"{path} does not fit the generator of {checkpoint.name!r}: {'; '.join(misfits[:_MISFITS_SHOWN])}{more}. "
            f"Choose the model that it was trained as."
        )
    odd = [key for key, tensor in state.items() if not bool(tensor.isfinite().all())]
    if odd:
        more = f" and {len(odd) - _MISFITS_SHOWN} more" if len(odd) > _MISFITS_SHOWN else ""
        raise CheckpointError(
            f"{path} cannot be used: NaN or infinity is among the numbers of {', '.join(odd[:_MISFITS_SHOWN])}{more}"
        )

    from deoldify.network import Generator

    generator = Generator(checkpoint.config)
    generator.load_state_dict(state)
    return generator.float().eval()


def _wanted_state(config: GeneratorConfig) -> Mapping[str, Tensor]:
    """What a generator's state looks like, without a generator: shapes take no memory."""
    import torch

    from deoldify.network import Generator

    with torch.device("meta"):
        return Generator(config).state_dict()


_HEADER_BYTES = 1 << 20  # of safetensors, with room to spare


def _check_announced(checkpoint: Checkpoint, wanted: Mapping[str, Tensor]) -> None:
    """Refuse a file that cannot hold this generator by the size that its repository announces, before it is fetched."""
    numbers = sum(tensor.numel() for tensor in wanted.values())
    if not numbers <= checkpoint.bytes <= 8 * numbers + _HEADER_BYTES:
        raise CheckpointError(
            f"{checkpoint.name!r} cannot be used: its generator has {numbers} numbers, and its file is said to have "
            f"{checkpoint.bytes} bytes"
        )


def _named_as_ours(path: Path, state: dict[str, Tensor], config: GeneratorConfig) -> dict[str, Tensor]:
    """The weights of a file, named as `Generator` names them."""
    was_published = all(key.startswith("layers.") for key in state)
    if not was_published or not config.spectral or config.head != "rgb":
        return state

    from deoldify.checkpoints.published import to_generator_state

    try:
        return to_generator_state(state, config)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from error


def _check_config(path: Path, said: object, config: GeneratorConfig) -> None:
    """Refuse weights of another generator even where all shapes agree."""
    try:
        if not isinstance(said, Mapping):
            raise CheckpointError(f"a generator's config is no {type(said).__name__}")
        theirs = GeneratorConfig.from_dict(said)
    except (ValueError, TypeError, RecursionError, CheckpointError) as error:
        raise CheckpointError(f"{path} says of its generator what this version does not understand: {error}") from error
    ours = config.to_dict()
    differences = [
        f"{key} is {value!r}, not {ours[key]!r}" for key, value in theirs.to_dict().items() if value != ours[key]
    ]
    if differences:
        raise CheckpointError(
            f"{path} fits another generator: {'; '.join(differences)}. Choose the model that it was trained as."
        )


def _misfits(state: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> list[str]:
    """What keeps a state from fitting, in the order of the file, then of the generator."""
    misfits = []
    for key, tensor in state.items():
        if key not in wanted:
            misfits.append(f"{key} is unknown")
        elif tensor.shape != wanted[key].shape:
            misfits.append(f"{key} has shape {tuple(tensor.shape)}, expected {tuple(wanted[key].shape)}")
    return misfits + [f"{key} is missing" for key in wanted if key not in state]
