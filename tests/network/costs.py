"""Costs of renders on the CPU, which several tests compare with."""

from __future__ import annotations

import torch

from deoldify.network import GeneratorConfig
from deoldify.network.cost import Cost, render_cost

CPU = torch.device("cpu")
PLENTY = 1 << 40


def cost_of(config: GeneratorConfig, factor: int, dtype: torch.dtype = torch.float32) -> Cost:
    """What a render at this factor costs."""
    return render_cost(config, CPU, dtype, 16 * factor)
