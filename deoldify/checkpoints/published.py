"""The key layout of the files published in 2019, mapped onto ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from deoldify.errors import CheckpointError
from deoldify.network import Generator, GeneratorConfig

_NORM_PARTS = {
    "original": "weight_orig",
    "0._u": "weight_u",
    "0._v": "weight_v",
    "original0": "weight_g",
    "original1": "weight_v",
}
"""What ``torch.nn.utils.parametrizations`` calls the parts of a normalised weight, and what torch of 2019 did."""


def published_key(ours: str, config: GeneratorConfig) -> str:
    """The 2019 name of one of our generator's tensors."""

    def block_conv(number: int) -> str:
        return f"conv{number + 1}" if config.convs_per_block > 1 else "conv"

    key = re.sub(r"parametrizations\.weight\.(.+)$", lambda m: _NORM_PARTS[m[1]], ours)
    last_conv = block_conv(config.convs_per_block - 1)
    rules: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
        (r"^encoder\.body\.conv1\.", lambda m: "layers.0.0."),
        (r"^encoder\.body\.bn1\.", lambda m: "layers.0.1."),
        (r"^encoder\.body\.layer(\d)\.", lambda m: f"layers.0.{int(m[1]) + 3}."),
        (r"^bottom_norm\.", lambda m: "layers.1."),
        (r"^middle\.(\d)\.conv\.", lambda m: f"layers.3.{m[1]}.0."),
        (r"^middle\.(\d)\.norm\.", lambda m: f"layers.3.{m[1]}.2."),
        (r"^decoder\.(\d)\.up\.conv\.", lambda m: f"layers.{int(m[1]) + 4}.shuf.conv.0."),
        (r"^decoder\.(\d)\.up\.norm\.", lambda m: f"layers.{int(m[1]) + 4}.shuf.conv.1."),
        (r"^decoder\.(\d)\.skip_norm\.", lambda m: f"layers.{int(m[1]) + 4}.bn."),
        (r"^decoder\.(\d)\.convs\.(\d)\.conv\.", lambda m: f"layers.{int(m[1]) + 4}.{block_conv(int(m[2]))}.0."),
        (r"^decoder\.(\d)\.convs\.(\d)\.norm\.", lambda m: f"layers.{int(m[1]) + 4}.{block_conv(int(m[2]))}.2."),
        (r"^decoder\.(\d)\.attention\.", lambda m: f"layers.{int(m[1]) + 4}.{last_conv}.3."),
        (r"^head\.up\.conv\.", lambda m: "layers.8.conv.0."),
        (r"^head\.residual\.conv(\d)\.", lambda m: f"layers.10.layers.{int(m[1]) - 1}.0."),
        (r"^head\.out\.", lambda m: "layers.11.0."),
    )
    for pattern, replacement in rules:
        key, count = re.subn(pattern, replacement, key)
        if count:
            return key
    raise KeyError(ours)


def to_generator_state(published: Mapping[str, Tensor], config: GeneratorConfig) -> dict[str, Tensor]:
    """Rename the tensors of a published file to those of ``Generator(config)``.

    Args:
        published: state dict in the layout of 2019.
        config: ``ARTISTIC`` or ``STABLE``, or another with ResNet encoder, spectral norm and RGB head.

    Returns:
        a state dict that ``Generator(config).load_state_dict`` takes, strictly.

    Raises:
        CheckpointError: a tensor is missing, left over or of another shape; names the first ones.
    """
    with torch.device("meta"):
        wanted = {name: tensor.shape for name, tensor in Generator(config).state_dict().items()}
    names = {published_key(name, config): name for name in wanted}
    problems = [f"{key} is missing" for key in names if key not in published]
    problems += [f"{key} is not part of this generator" for key in published if key not in names]
    state = {}
    for key, name in names.items():
        if key not in published:
            continue
        tensor, shape = published[key], wanted[name]
        if tensor.ndim == 3 and len(shape) == 4:  # self-attention was 1-d convolutions over flattened positions
            tensor = tensor.unsqueeze(-1)
        if tensor.shape != shape:
            problems.append(f"{key} has shape {tuple(published[key].shape)} instead of {tuple(shape)}")
        state[name] = tensor
    if problems:
        more = f" (and {len(problems) - 5} more)" if len(problems) > 5 else ""
        raise CheckpointError(f"the weights are of another architecture: {'; '.join(problems[:5])}{more}")
    return state
