"""What a file of weights holds, with all that may be wrapped around it taken off before anything looks at its keys.

Only tensors and plain data are ever read, never a pickle that could run code.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deoldify.errors import CheckpointError

if TYPE_CHECKING:
    from torch import Tensor

_STATES = (
    "averaged", "params_ema", "ema_state_dict", "ema", "g_ema", "params", "state_dict", "model_state_dict", "model",
    "net_g", "netG", "generator", "weights",
)  # fmt: skip
"""Under which names files keep a state dict, the best first: a run's averaged weights are better than its raw ones, and
so are those of BasicSR; Lightning and many scripts say ``state_dict``, fastai ``model``, and trainers of two networks
``net_g`` or ``generator``."""

_PREFIXES = ("module.", "_orig_mod.")
"""What ``DataParallel`` and averages, and ``torch.compile``, put before every key."""

_SHOWN = 5
"""Of the keys that are wrong; the first tell enough."""


@dataclass(frozen=True)
class Weights:
    """What a file of weights holds.

    Attributes:
        state: tensors by the names that the network itself gave them, or whoever named them in 2019.
        config: what the file says of its network, as plain data that nobody has checked; None where it says nothing.
    """

    state: dict[str, Tensor]
    config: object = None


def read_weights(path: Path) -> Weights:
    """Read a file of weights: ``.safetensors``, or what ``torch.save`` wrote, of any PyTorch.

    That may be a plain state dict, one that is wrapped (see `unwrapped`), or a training run's checkpoint.

    Raises:
        CheckpointError: the file is missing, damaged, or holds no state dict.
    """
    if not path.is_file():
        raise CheckpointError(f"there is no file {path}; leave the path out to use the model's own weights")
    return _read_safetensors(path) if path.suffix == ".safetensors" else _read_pickle(path)


def unwrapped(content: object) -> object:
    """A state dict out of what is wrapped around it; what holds none is given back as it is.

    Args:
        content: a state dict, a dictionary that holds one under a name of its own or that holds no other, or one
            whose keys have all the prefix that ``DataParallel``, an average of models or ``torch.compile`` gave them.
    """
    while isinstance(content, Mapping):
        inside = _inside(content)
        if inside is None:
            return content
        content = inside
    return content


def _inside(content: Mapping[object, object]) -> object:
    """What a dictionary is wrapped around; None where it is wrapped around nothing."""
    for name in _STATES:
        if isinstance(content.get(name), Mapping):
            return content[name]
    state = {key: value for key, value in content.items() if key != "n_averaged"}  # how many an average is of
    for prefix in _PREFIXES:
        if state and all(isinstance(key, str) and key.startswith(prefix) for key in state):
            return {str(key).removeprefix(prefix): value for key, value in state.items()}
    held = [value for value in content.values() if isinstance(value, Mapping)]
    return held[0] if len(held) == 1 and not _holds_tensors(content) and _holds_tensors(held[0]) else None


def _holds_tensors(content: Mapping[object, object]) -> bool:
    import torch

    return any(isinstance(value, torch.Tensor) for value in content.values())


def _read_safetensors(path: Path) -> Weights:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise CheckpointError(_damaged(path, error)) from error
    config = None
    if "config" in metadata:
        try:
            config = json.loads(metadata["config"])
        except (ValueError, RecursionError) as error:
            raise CheckpointError(f"{path} says of its network what is no JSON: {error}") from error
    return Weights(_as_state(path, state), config)


def _read_pickle(path: Path) -> Weights:
    import torch

    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (MemoryError, KeyboardInterrupt):
        raise
    except Exception as error:  # a damaged pickle fails in as many ways as there are bytes
        raise CheckpointError(_damaged(path, error)) from error
    recipe = content.get("recipe") if isinstance(content, Mapping) else None
    return Weights(_as_state(path, content), recipe.get("generator") if isinstance(recipe, Mapping) else None)


def _as_state(path: Path, content: object) -> dict[str, Tensor]:
    """The state dict in what a file holds, or an error that names what it holds instead."""
    import torch

    state = unwrapped(content)
    if not isinstance(state, Mapping):
        raise CheckpointError(f"{path} holds no state dict but a {type(state).__name__}; save `model.state_dict()`")
    odd = [str(key) for key, value in state.items() if not isinstance(key, str) or not isinstance(value, torch.Tensor)]
    if odd or not state:
        raise CheckpointError(
            f"{path} holds no state dict of a generator: "
            + (f"{', '.join(odd[:_SHOWN])} is not a tensor" if odd else "it is empty")
            + "; save `model.state_dict()`"
        )
    return dict(state)


def _damaged(path: Path, error: Exception) -> str:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    if isinstance(error, PermissionError):
        return f"{path} cannot be read: {error}"
    if "Weights only load failed" in reason:
        return (
            f"{path} is damaged, or holds more than tensors and is refused because such a file can run code; download "
            f"it again, or save `model.state_dict()`"
        )
    return f"{path} is truncated, altered or no checkpoint ({reason}); download it again"
