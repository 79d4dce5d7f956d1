"""DDColor networks of odd widths, and files of them as others write them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from deoldify.checkpoints.published_ddcolor import published_key
from deoldify.network import DDColor, DDColorConfig

ODD = DDColorConfig(
    encoder_widths=(5, 6, 9, 11), encoder_depths=(1, 2, 1, 1), width=14, queries=7, query_width=16,
    feed_forward_width=13, scales=2, layers=3,
)  # fmt: skip


def random_network(config: DDColorConfig, seed: int = 0) -> DDColor:
    """A network in which every norm and scale does something."""
    torch.manual_seed(seed)
    network = DDColor(config).eval()
    for module in network.modules():
        if isinstance(module, (nn.BatchNorm2d, nn.LayerNorm)):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.2)
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.get_buffer("running_mean"), std=0.2)
            nn.init.uniform_(module.get_buffer("running_var"), 0.5, 2)
        if isinstance(getattr(module, "gamma", None), nn.Parameter):
            nn.init.uniform_(module.gamma, 0.5, 1)  # type: ignore[arg-type]
    return network


def as_published(network: DDColor) -> dict[str, Tensor]:
    """A network's weights as DDColor's files name them, with what classified ImageNet."""
    bottom = network.config.encoder_widths[-1]
    unused = {"encoder.arch.norm.weight": torch.ones(bottom), "encoder.arch.norm.bias": torch.zeros(bottom)}
    return {published_key(key): tensor for key, tensor in network.state_dict().items()} | unused
