"""Whose network a state dict is of, and which: told by its keys and shapes, whatever the file is called."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deoldify.checkpoints import published_ddcolor
from deoldify.checkpoints.published_ddcolor import Shapes
from deoldify.errors import CheckpointError
from deoldify.network import (
    ARTISTIC,
    COMPACT,
    DDCOLOR_LARGE,
    DDCOLOR_TINY,
    DEFADE,
    STABLE,
    DDColorConfig,
    GeneratorConfig,
    NetworkConfig,
)

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class _Layout:
    """How some program names a network's tensors.

    Attributes:
        whose: the network, for a reader.
        marks: keys that no other layout has together.
        config_of: from shapes by key to the network; raises ``CheckpointError`` where they are the layout's in part.
    """

    whose: str
    marks: tuple[str, ...]
    config_of: Callable[[Shapes], NetworkConfig]


KNOWN: tuple[tuple[NetworkConfig, str], ...] = (
    (DDCOLOR_TINY, "DDColor, tiny"),
    (DDCOLOR_LARGE, "DDColor, large"),
    (ARTISTIC, "DeOldify, deep (as artistic)"),
    (STABLE, "DeOldify, wide (as stable and video)"),
    (COMPACT, "DeOldify, slim (as compact)"),
    (DEFADE, "DeOldify, to restore (as defade)"),
)


def described(config: NetworkConfig) -> str:
    """A network, for a reader."""
    for known, words in KNOWN:
        if config == known:
            return words
    return f"{'DDColor' if isinstance(config, DDColorConfig) else 'DeOldify'}, of other widths"


def core(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of the one network that is known, by its own keys: prefixes off, and with them others' tensors.

    Averages are taken before others. A state dict of no known network is given back as it is.
    """
    for layout in _LAYOUTS:
        prefixes = sorted(_prefixes(state, layout.marks), key=lambda prefix: (not _AVERAGED.search(prefix), prefix))
        if prefixes:
            first = prefixes[0]
            return {key.removeprefix(first): tensor for key, tensor in state.items() if key.startswith(first)}
    return dict(state)


def recognised(shapes: Shapes) -> NetworkConfig:
    """The network whose weights have these shapes.

    Args:
        shapes: by key, as `core` names them.

    Raises:
        CheckpointError: they are no known network's; names what was looked for.
    """
    for layout in _LAYOUTS:
        if all(mark in shapes for mark in layout.marks):
            return layout.config_of(shapes)
    looked = "; ".join(f"for {layout.whose} {', '.join(layout.marks)}" for layout in _LAYOUTS)
    some = ", ".join(list(shapes)[:3])
    raise CheckpointError(
        f"these are no weights of DeOldify or DDColor: looked {looked}; and found {some}"
        f"{f' and {len(shapes) - 3} more' if len(shapes) > 3 else ''}"
    )


_AVERAGED = re.compile("ema|averaged?", re.IGNORECASE)


def _prefixes(keys: Iterable[str], marks: tuple[str, ...]) -> list[str]:
    """What stands before the marks, wherever all of them stand behind the same; the empty text, too."""
    known = set(keys)
    first = marks[0]
    found = (key[: -len(first)] for key in known if key.endswith(first))
    return [
        prefix
        for prefix in found
        if (not prefix or prefix.endswith(".")) and all(prefix + mark in known for mark in marks)
    ]


class _Lengths:
    """Lengths of dimensions, where a missing one is an error that names its key."""

    def __init__(self, shapes: Shapes, whose: str) -> None:
        self._shapes, self._whose = shapes, whose

    def __call__(self, *keys: str) -> int:
        """The first length of the first of some keys that there is."""
        for key in keys:
            if self._shapes.get(key):
                return self._shapes[key][0]
        raise CheckpointError(f"these are weights of {self._whose}, but {keys[0]} is missing or of another shape")


def _config_of_2019(shapes: Shapes) -> GeneratorConfig:
    """The generator of a file in the layout of 2019; see ``published``."""
    length = _Lengths(shapes, "DeOldify")
    convs = 2 if "layers.4.conv1.0.weight_orig" in shapes else 1
    last = "conv2" if convs == 2 else "conv"
    attention = [block for block in range(4) if f"layers.{block + 4}.{last}.3.gamma" in shapes]
    return GeneratorConfig.from_dict({
        "encoder": "resnet101" if "layers.0.4.0.conv3.weight" in shapes else "resnet34",
        "middle_widths": (length("layers.3.0.0.weight_orig"), length("layers.3.1.0.weight_orig")),
        "up_widths": tuple(length(f"layers.{block + 4}.shuf.conv.0.weight_orig") // 4 for block in range(4)),
        "widths": tuple(length(f"layers.{block + 4}.{last}.0.weight_orig") for block in range(4)),
        "convs_per_block": convs,
        "attention_block": attention[0] if attention else 1,
        "head": "rgb",
        "spectral": True,
    })  # fmt: skip


_ENCODERS: tuple[tuple[str, str], ...] = (
    ("encoder.body.conv_stem.weight", "efficientnet_lite0"),
    ("encoder.body.layer1.0.conv3.weight", "resnet101"),
    ("encoder.body.layer1.0.conv1.weight", "resnet34"),
)
_HEADS: tuple[tuple[str, str], ...] = (
    (r"head\.residual\.", "rgb"), (r"head\.likely\.", "distribution"), (r"head\.vote\.", "tone"),
)  # fmt: skip
_NORMALISED = ".parametrizations.weight.original"


def _config_of_ours(shapes: Shapes) -> GeneratorConfig:
    """The generator of a state dict as ``Generator`` itself names it."""
    length = _Lengths(shapes, "DeOldify")

    def width(conv: str) -> int:
        return length(f"{conv}.weight", f"{conv}{_NORMALISED}")

    def count(pattern: str) -> int:
        return len({match[1] for key in shapes if (match := re.match(pattern, key))})

    blocks, convs = count(r"decoder\.(\d+)\.skip_norm\.weight$"), count(r"decoder\.0\.convs\.(\d+)\.norm\.weight$")
    encoder = next((name for key, name in _ENCODERS if key in shapes), None)
    head = next((name for pattern, name in _HEADS if any(re.match(pattern, key) for key in shapes)), None)
    if encoder is None or head is None or not 1 <= blocks <= 4 or not convs:
        lacks = _ENCODERS[0][0] if encoder is None else "head.likely.weight" if head is None else "decoder.0.convs.0"
        raise CheckpointError(f"these are weights of DeOldify, but {lacks} or what may stand in its place is missing")
    attention = [block for block in range(blocks) if f"decoder.{block}.attention.gamma" in shapes]
    return GeneratorConfig.from_dict({
        "encoder": encoder,
        "middle_widths": (width("middle.0.conv"), width("middle.1.conv")),
        "up_widths": tuple(width(f"decoder.{block}.up.conv") // 4 for block in range(blocks)),
        "widths": tuple(width(f"decoder.{block}.convs.{convs - 1}.conv") for block in range(blocks)),
        "convs_per_block": convs,
        "attention_block": attention[0] if attention else 1,
        "head": head,
        "spectral": any(key.endswith(_NORMALISED) for key in shapes),
    })  # fmt: skip


def _config_of_our_ddcolor(shapes: Shapes) -> DDColorConfig:
    """The network of a state dict as ``DDColor`` itself names it."""
    try:
        named = {published_ddcolor.published_key(key): shape for key, shape in shapes.items()}
    except KeyError as error:
        raise CheckpointError(f"these are weights of DDColor, but {error.args[0]} is unknown") from error
    return published_ddcolor.config_of(named)


_LAYOUTS = (
    _Layout("DDColor", published_ddcolor.MARKS, published_ddcolor.config_of),
    _Layout(
        "DeOldify", ("layers.3.0.0.weight_orig", "layers.8.conv.0.weight_g", "layers.11.0.weight_orig"), _config_of_2019
    ),
    _Layout("DeOldify", ("bottom_norm.weight", "middle.0.norm.weight", "decoder.0.skip_norm.weight"), _config_of_ours),
    _Layout("DDColor", ("colour_decoder.start", "pixel_decoder.last.bias", "refine.bias"), _config_of_our_ddcolor),
)
