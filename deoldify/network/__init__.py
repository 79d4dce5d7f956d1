"""The networks, made ready to run, and what a render costs.

In come squares as tensors, (N, 3, H, W) float, RGB normalised with ImageNet's mean and deviation; out come renders of
the same kind. ``config`` says what a generator is made of and needs no torch, ``building`` makes it. DeOldify's U-Net
is ``generator``, its parts ``layers``, ``backbones`` and ``heads``, ``distribution`` the head that knows how likely
each colour is; beside it stands ``ddcolor`` on ``convnext``. ``prepared`` runs either where ``devices`` says, with
norms folded (``folding``) and its largest maps in ``strips`` (``ddcolor_strips``); ``cost`` foretells memory and
seconds, ``memory`` knows what is free.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deoldify.doors import handing_on

if TYPE_CHECKING:
    from deoldify.network import cost, memory
    from deoldify.network.building import AnyGenerator, build
    from deoldify.network.config import (
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
    from deoldify.network.ddcolor import DDColor
    from deoldify.network.devices import choose_device, choose_precision
    from deoldify.network.distribution import DistributionHead, Opinions, annealed_mean, bins, soft_encoded
    from deoldify.network.folding import fold_norms
    from deoldify.network.generator import Generator
    from deoldify.network.layers import SelfAttention
    from deoldify.network.prepared import Prepared
else:
    __getattr__, __dir__ = handing_on(
        __name__,
        cost=("cost",),
        memory=("memory",),
        building=("AnyGenerator", "build"),
        config=(
            "ARTISTIC", "COMPACT", "DDCOLOR_LARGE", "DDCOLOR_TINY", "DEFADE", "STABLE", "DDColorConfig",
            "GeneratorConfig", "NetworkConfig",
        ),
        ddcolor=("DDColor",),
        devices=("choose_device", "choose_precision"),
        distribution=("DistributionHead", "Opinions", "annealed_mean", "bins", "soft_encoded"),
        folding=("fold_norms",),
        generator=("Generator",),
        layers=("SelfAttention",),
        prepared=("Prepared",),
    )  # fmt: skip

__all__ = [
    "ARTISTIC",
    "COMPACT",
    "DDCOLOR_LARGE",
    "DDCOLOR_TINY",
    "DEFADE",
    "STABLE",
    "AnyGenerator",
    "DDColor",
    "DDColorConfig",
    "DistributionHead",
    "Generator",
    "GeneratorConfig",
    "NetworkConfig",
    "Opinions",
    "Prepared",
    "SelfAttention",
    "annealed_mean",
    "bins",
    "build",
    "choose_device",
    "choose_precision",
    "cost",
    "fold_norms",
    "memory",
    "soft_encoded",
]
