"""The key layout of DDColor's files, mapped onto ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from deoldify.errors import CheckpointError
from deoldify.network import DDColorConfig

if TYPE_CHECKING:
    from torch import Tensor

Shapes = Mapping[str, tuple[int, ...]]

MARKS = ("encoder.arch.stages.0.0.gamma", "decoder.color_decoder.query_feat.weight", "refine_net.0.0.weight_orig")
"""Keys that no other network's file has together."""

_UNUSED = re.compile(r"encoder\.arch\.(norm|head_cls)\.(weight|bias)")
"""What classified ImageNet, and has no part in colouring."""

_NORM_PARTS = {"original": "weight_orig", "0._u": "weight_u", "0._v": "weight_v"}
"""What ``torch.nn.utils.parametrizations`` calls the parts of a weight under spectral norm, and what the files do."""

_QUERIES = "decoder.color_decoder."
_LAYER = r"^colour_decoder\.layers\.(\d+)\."
_RULES = (
    (r"^encoder\.norms\.(\d)\.", r"encoder.arch.norm\1."),
    (r"^encoder\.(downsample_layers|stages)\.", r"encoder.arch.\1."),
    (r"^pixel_decoder\.blocks\.(\d)\.up\.conv\.", r"decoder.layers.\1.shuf.conv.0."),
    (r"^pixel_decoder\.blocks\.(\d)\.up\.norm\.", r"decoder.layers.\1.shuf.conv.1."),
    (r"^pixel_decoder\.blocks\.(\d)\.skip_norm\.", r"decoder.layers.\1.bn."),
    (r"^pixel_decoder\.blocks\.(\d)\.convs\.0\.conv\.", r"decoder.layers.\1.conv.0."),
    (r"^pixel_decoder\.blocks\.(\d)\.convs\.0\.norm\.", r"decoder.layers.\1.conv.2."),
    (r"^pixel_decoder\.last\.", r"decoder.last_shuf.conv.0."),
    (r"^colour_decoder\.start$", rf"{_QUERIES}query_feat.weight"),
    (r"^colour_decoder\.positions$", rf"{_QUERIES}query_embed.weight"),
    (r"^colour_decoder\.level$", rf"{_QUERIES}level_embed.weight"),
    (r"^colour_decoder\.projections\.", rf"{_QUERIES}input_proj."),
    (rf"{_LAYER}cross_attention\.into\.", rf"{_QUERIES}transformer_cross_attention_layers.\1.multihead_attn.in_proj_"),
    (rf"{_LAYER}cross_attention\.out\.", rf"{_QUERIES}transformer_cross_attention_layers.\1.multihead_attn.out_proj."),
    (rf"{_LAYER}self_attention\.into\.", rf"{_QUERIES}transformer_self_attention_layers.\1.self_attn.in_proj_"),
    (rf"{_LAYER}self_attention\.out\.", rf"{_QUERIES}transformer_self_attention_layers.\1.self_attn.out_proj."),
    (rf"{_LAYER}(cross|self)_attention\.norm\.", rf"{_QUERIES}transformer_\2_attention_layers.\1.norm."),
    (rf"{_LAYER}feed_forward\.0\.", rf"{_QUERIES}transformer_ffn_layers.\1.linear1."),
    (rf"{_LAYER}feed_forward\.2\.", rf"{_QUERIES}transformer_ffn_layers.\1.linear2."),
    (rf"{_LAYER}norm\.", rf"{_QUERIES}transformer_ffn_layers.\1.norm."),
    (r"^colour_decoder\.norm\.", rf"{_QUERIES}decoder_norm."),
    (r"^colour_decoder\.colour\.(\d)\.", lambda m: f"{_QUERIES}color_embed.layers.{int(m[1]) // 2}."),
    (r"^refine\.", r"refine_net.0.0."),
    (r"^(mean|std)$", r"\1"),
)


def published_key(ours: str) -> str:
    """The name in DDColor's files of one of our network's tensors."""
    key = re.sub(r"parametrizations\.weight\.(.+)$", lambda m: _NORM_PARTS[m[1]], ours)
    for pattern, replacement in _RULES:
        key, count = re.subn(pattern, replacement, key)
        if count:
            return key
    raise KeyError(ours)


def config_of(shapes: Shapes) -> DDColorConfig:
    """The network whose weights have these shapes.

    Args:
        shapes: by key, as DDColor's files name them; `MARKS` are among them.

    Raises:
        CheckpointError: they are DDColor's in part; says which key was looked for.
    """

    def length(key: str, dimension: int = 0) -> int:
        if len(shapes.get(key, ())) <= dimension:
            raise CheckpointError(f"these are weights of DDColor, but {key} is missing or of another shape")
        return shapes[key][dimension]

    def count(pattern: str) -> int:
        return len({match[1] for key in shapes if (match := re.match(pattern, key))})

    levels = range(4)
    widths = [length(f"encoder.arch.norm{level}.weight") for level in levels]
    depths = [count(rf"encoder\.arch\.stages\.{level}\.(\d+)\.gamma$") for level in levels]
    return DDColorConfig(
        encoder_widths=(widths[0], widths[1], widths[2], widths[3]),
        encoder_depths=(depths[0], depths[1], depths[2], depths[3]),
        width=length("decoder.layers.0.conv.0.weight_orig"),
        queries=length(f"{_QUERIES}query_feat.weight"),
        query_width=length(f"{_QUERIES}query_feat.weight", 1),
        feed_forward_width=length(f"{_QUERIES}transformer_ffn_layers.0.linear1.weight"),
        scales=length(f"{_QUERIES}level_embed.weight"),
        layers=count(r"decoder\.color_decoder\.transformer_ffn_layers\.(\d+)\.norm\.weight$"),
    )


def to_network_state(published: Mapping[str, Tensor], wanted: Shapes) -> dict[str, Tensor]:
    """Rename the tensors of one of DDColor's files to ours.

    Args:
        published: state dict in the layout of DDColor's files. What only classified ImageNet is left out.
        wanted: shapes of our network's state dict, by key.

    Returns:
        a state dict that the network's ``load_state_dict`` takes, strictly.

    Raises:
        CheckpointError: a tensor is missing, left over or of another shape; names the first ones.
    """
    names = {published_key(name): name for name in wanted}
    problems = [f"{key} is missing" for key in names if key not in published]
    problems += [
        f"{key} is not part of this network" for key in published if key not in names and not _UNUSED.fullmatch(key)
    ]
    state = {name: published[key] for key, name in names.items() if key in published}
    problems += [
        f"{published_key(name)} has shape {tuple(tensor.shape)} instead of {wanted[name]}"
        for name, tensor in state.items()
        if tuple(tensor.shape) != wanted[name]
    ]
    if problems:
        more = f" (and {len(problems) - 5} more)" if len(problems) > 5 else ""
        raise CheckpointError(f"the weights are of another architecture: {'; '.join(problems[:5])}{more}")
    return state
