"""From a file of weights to a generator."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from deoldify.checkpoints.fetching import fetch
from deoldify.checkpoints.published_ddcolor import MARKS, to_network_state
from deoldify.checkpoints.reading import read_weights
from deoldify.checkpoints.recognising import core, described, recognised
from deoldify.checkpoints.records import Checkpoint, find, is_repository
from deoldify.errors import CheckpointError
from deoldify.network import DDColorConfig, GeneratorConfig, NetworkConfig

if TYPE_CHECKING:
    from torch import Tensor

    from deoldify.network import AnyGenerator

_MISFITS_SHOWN = 5


def load_generator(checkpoint: Checkpoint, path: str | os.PathLike[str] | None = None) -> AnyGenerator:
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
    if path is None and is_repository(checkpoint.name):
        _check_announced(checkpoint)
    path = fetch(checkpoint) if path is None else Path(path)
    weights = read_weights(path)
    if weights.config is not None:
        _check_config(path, weights.config, checkpoint.config)
    return _generator_of(path, core(weights.state), checkpoint.config, repr(checkpoint.name))


def load_recognised(path: str | os.PathLike[str]) -> tuple[Checkpoint, AnyGenerator]:
    """Find out what network a file's weights are of, and build it with them, as `load_generator` does.

    Args:
        path: of weights of DeOldify or DDColor, of any widths, as `read_weights` takes them; or of a training run.

    Returns:
        a record that says what was recognised, under the file's name; its digest, licence and size are not known. And
        the generator.

    Raises:
        CheckpointError: as `load_generator` does, or the weights are of no network that is known.
    """
    path = Path(path)
    weights = read_weights(path)
    state = core(weights.state)
    try:
        config: NetworkConfig
        if weights.config is not None:
            config = _said_config(path, weights.config)
        else:
            config = recognised({key: tuple(tensor.shape) for key, tensor in state.items()})
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from error
    words = described(config)
    record = replace(
        _record_like(config), name=path.name, config=config, file=str(path.resolve()), repo=None, revision=None,
        sha256="", bytes=path.stat().st_size, slack=0, licence="unknown", origin=f"a file; recognised as {words}",
        good_at=words, terms="",
    )  # fmt: skip
    return record, _generator_of(path, state, config, words)


def _record_like(config: NetworkConfig) -> Checkpoint:
    """The record of the same network or, of other widths, of the same kind: it knows how such a one is used."""
    colorizers = ("ddcolor-tiny", "ddcolor", "artistic", "stable", "compact", "defade")
    for name in colorizers:
        if find(name).config == config:
            return find(name)
    if isinstance(config, DDColorConfig):
        return find("ddcolor")
    return find({"rgb": "artistic", "tone": "defade"}.get(config.head, "compact"))


def _generator_of(path: Path, state: dict[str, Tensor], config: NetworkConfig, whose: str) -> AnyGenerator:
    """A generator with the weights of a file, which must be all of its own and no others, and finite."""
    wanted = _wanted_state(config)
    state = _named_as_ours(path, state, config, wanted)
    misfits = _misfits(state, wanted)
    if misfits:
        more = f"; and {len(misfits) - _MISFITS_SHOWN} more" if len(misfits) > _MISFITS_SHOWN else ""
        raise CheckpointError(
            f"{path} does not fit the generator of {whose}: {'; '.join(misfits[:_MISFITS_SHOWN])}{more}. "
            f"Choose the model that it was trained as."
        )
    odd = [key for key, tensor in state.items() if not bool(tensor.isfinite().all())]
    if odd:
        more = f" and {len(odd) - _MISFITS_SHOWN} more" if len(odd) > _MISFITS_SHOWN else ""
        raise CheckpointError(
            f"{path} cannot be used: NaN or infinity is among the numbers of {', '.join(odd[:_MISFITS_SHOWN])}{more}"
        )

    from deoldify.network import build

    generator = build(config)
    generator.load_state_dict(state)
    return generator.float().eval()


def _wanted_state(config: NetworkConfig) -> Mapping[str, Tensor]:
    """What a generator's state looks like, without a generator: shapes take no memory."""
    import torch

    from deoldify.network import build

    with torch.device("meta"):
        return build(config).state_dict()


_HEADER_BYTES = 1 << 20  # of safetensors, with room to spare


def _check_announced(checkpoint: Checkpoint) -> None:
    """Refuse a file that cannot hold this generator by the size that its repository announces, before it is fetched."""
    numbers = sum(tensor.numel() for tensor in _wanted_state(checkpoint.config).values())
    if not numbers <= checkpoint.bytes <= 8 * numbers + _HEADER_BYTES:
        raise CheckpointError(
            f"{checkpoint.name!r} cannot be used: its generator has {numbers} numbers, and its file is said to have "
            f"{checkpoint.bytes} bytes"
        )


def _named_as_ours(
    path: Path, state: dict[str, Tensor], config: NetworkConfig, wanted: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """The weights of a file, named as our networks name them."""
    try:
        if isinstance(config, DDColorConfig):
            if not all(mark in state for mark in MARKS):
                return state
            return to_network_state(state, {key: tuple(tensor.shape) for key, tensor in wanted.items()})
        was_published = all(key.startswith("layers.") for key in state)
        if not was_published or not config.spectral or config.head != "rgb":
            return state

        from deoldify.checkpoints.published import to_generator_state

        return to_generator_state(state, config)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}. It holds weights of {_whose(state)}") from error


def _whose(state: Mapping[str, Tensor]) -> str:
    """Of what network a state seems to be, for a reader whose model it does not fit."""
    try:
        return described(recognised({key: tuple(tensor.shape) for key, tensor in state.items()}))
    except CheckpointError:
        return "no network that is known"


def _said_config(path: Path, said: object) -> GeneratorConfig:
    """What a file says of its generator."""
    try:
        if not isinstance(said, Mapping):
            raise CheckpointError(f"a generator's config is no {type(said).__name__}")
        return GeneratorConfig.from_dict(said)
    except (ValueError, TypeError, RecursionError, CheckpointError) as error:
        raise CheckpointError(f"{path} says of its generator what this version does not understand: {error}") from error


def _check_config(path: Path, said: object, config: NetworkConfig) -> None:
    """Refuse weights of another generator even where all shapes agree."""
    theirs = _said_config(path, said)
    ours = config.to_dict() if isinstance(config, GeneratorConfig) else {}
    differences = [
        f"{key} is {value!r}, not {ours.get(key)!r}"
        for key, value in theirs.to_dict().items()
        if value != ours.get(key)
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
