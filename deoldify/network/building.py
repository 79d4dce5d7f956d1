"""From a configuration to its network."""

from __future__ import annotations

from dataclasses import replace

from deoldify.network.config import DDColorConfig, NetworkConfig
from deoldify.network.ddcolor import DDColor
from deoldify.network.generator import Generator

AnyGenerator = Generator | DDColor
"""All that map normalised RGB, (N, 3, H, W), to the same."""


def build(config: NetworkConfig, *, spectral: bool = True) -> AnyGenerator:
    """A network with random weights, in training mode.

    Args:
        config: its shape.
        spectral: without it, spectral and weight norm are left out where the config has them. Preparing folds them
            away, and so where only shapes matter there is less to build.
    """
    if isinstance(config, DDColorConfig):
        return DDColor(config, spectral=spectral)
    return Generator(config if spectral else replace(config, spectral=False))
