"""Recipes at toy scale: tiny pictures, narrow networks, a few steps per stage, and runs of them in processes."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from deoldify.network import COMPACT, GeneratorConfig
from train.recipes import RECIPES, CriticConfig, Recipe, Stage, changed

ROOT = Path(__file__).parents[1]
TOY = dataclasses.replace(COMPACT, middle_widths=(16, 16), up_widths=(16, 8, 8, 8), widths=(16, 16, 16, 8))

GAN = Recipe(
    name="gan",
    task="colorize",
    generator=RECIPES["compact"].generator,
    critic=CriticConfig(48, 3, attention=(1,), dropout=(0.0, 0.0), refine=False, loss="hinge", judges="colour"),
    stages=(
        Stage("critic-96", 96, 64, 300, 2.5e-4, phase="critic", betas=(0.0, 0.9), critic_rate=2.5e-4),
        Stage(
            "gan-96", 96, 32, 1200, 5e-5, phase="adversarial", betas=(0.0, 0.9), critic_rate=2.5e-4, emphasis=8.0,
            feature_weight=0.2, feature_layers=(1.0, 1.0, 1.5, 3.0), distribution_weight=0.1, adversarial_weight=0.15,
            snapshots=2,
        ),
    ),
    follows="compact",
)  # fmt: skip
"""A critic alone and then both, from the weights of another recipe."""


def pictures(folder: Path, count: int, seed: int = 0) -> None:
    """Fields of a few colours, as JPEGs in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    for number in range(count):
        field = Image.fromarray(rng.integers(0, 256, (3, 3, 3), dtype=np.uint8)).resize((72, 60))
        field.save(folder / f"{number:03}.jpg")


def narrow(config: GeneratorConfig) -> GeneratorConfig:
    """A generator as narrow as can be, with what else the config has, on the smallest encoder."""
    return dataclasses.replace(
        TOY, head=config.head, spectral=config.spectral, attention_block=config.attention_block,
        convs_per_block=config.convs_per_block,
    )  # fmt: skip


def toy(name: str | Recipe, *, steps: int = 2, size: int = 32, batch: int = 4) -> Recipe:
    """A recipe, or the one of that name, with all its stages, at toy scale."""
    recipe = RECIPES[name] if isinstance(name, str) else name
    critic = recipe.critic and dataclasses.replace(recipe.critic, width=8)
    if isinstance(critic, CriticConfig):
        critic = dataclasses.replace(critic, blocks=1, attention=(0,))
    stages = tuple(
        dataclasses.replace(
            stage, size=size, batch=batch, steps=steps, shares={}, limits=(), snapshots=min(stage.snapshots, 1),
            feature_layers=stage.feature_layers[:1],
        )
        for stage in recipe.stages
    )  # fmt: skip
    return dataclasses.replace(
        recipe, generator=narrow(recipe.generator), critic=critic, stages=stages, features="lite0", layers=(1,),
        layer_weights=(recipe.layer_weights[0],),
    )  # fmt: skip


def toy_stages(recipe: str, steps: int, stages: str, changes: Sequence[str] = ()) -> Recipe:
    """A recipe at toy scale with some of its stages, named in one string, and with values changed."""
    small = toy(recipe, steps=steps)
    kept = tuple(stage for stage in small.stages if stage.name in stages.split())
    return changed(dataclasses.replace(small, stages=kept), changes)


def start(module: str, *arguments: object, launcher: tuple[str, ...] = (), threads: int = 1) -> subprocess.Popen[str]:
    """Run a module in a process of its own, with the repository on its path."""
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, *launcher, "-m", module, *map(str, arguments)]
    return subprocess.Popen(
        command, env=environment, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
