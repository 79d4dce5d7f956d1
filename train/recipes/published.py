"""The recipes that DeOldify was trained by, as published: of 2018, progressively, and of 2019, "NoGAN".

They are for ImageNet and a GPU; batches are what a card of 11 GB held then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from deoldify.network import ARTISTIC, STABLE, GeneratorConfig
from train.recipes.recipe import CriticConfig, Damage, Frozen, Recipe, Stage, Task

# The sources give the first width and the shape of a block. Two halving blocks make a map of scores, one for
# roughly every 50 pixels of context, at every size from 64 to 256.
CRITIC_2018 = CriticConfig(512, 2, attention=(0, 1), dropout=(0.2, 0.5), refine=False, loss="hinge")
CRITIC_2019 = CriticConfig(256, 3, attention=(0,), dropout=(0.075, 0.15), refine=True, loss="bce")


def progressive(name: str, task: Task, damage: Damage, about: str) -> Recipe:
    """The recipe of 2018: adversarial from the first step, pictures growing from 64 to 256 pixels.

    Each new size begins with an "unshock": a short pass at a very low rate with the encoder frozen, so that the
    networks get used to the size before they learn from it.
    """
    stages: list[Stage] = []

    def add(stage: str, size: int, batch: int, share: float, factor: float, frozen: Frozen) -> None:
        stages.append(
            Stage(
                stage, size, batch, 0, 1e-4 * factor, phase="adversarial", share=share, frozen=frozen,
                # Two time scales: the critic learns five times as fast, so that one of its steps per step is enough.
                critic_rate=5e-4 * factor,
                fall=0.08, floor=0.05, encoder_rates=(1e-3, 1e-2), betas=(0.0, 0.9),
                pixel_weight=0.01, feature_weight=1.0, content_weight=100.0, adversarial_weight=1.0,
            )
        )  # fmt: skip

    # Size, batch that an 11 GB card of 2018 held, rate of the unshock, rates of the two passes that follow it.
    sizes = (
        (64, 32, None, 1.0, 1.0),
        (96, 16, 1 / 20, 1 / 2, 1 / 2),
        (128, 12, 1 / 30, 1 / 3, 1 / 3),
        (192, 4, 1 / 80, 1 / 8, 1 / 16),
        (256, 2, 1 / 160, 1 / 16, 1 / 16),
    )
    for size, batch, unshock, frozen_factor, free_factor in sizes:
        if unshock is not None:
            add(f"{size}-unshock", size, batch, 0.1, unshock, "encoder")
        add(f"{size}-frozen", size, batch, 0.25, frozen_factor, "encoder")
        add(f"{size}-free", size, batch, 0.25, free_factor, "nothing")
    return Recipe(
        name=name, task=task, generator=_GENERATOR_2018, stages=tuple(stages), weight_decay=1e-7, clip=None,
        critic=CRITIC_2018, damage=damage, lighting=0.1 if task == "colorize" else 0.0, pixels="l1",
        features="vgg16", layers=(1, 2, 3), layer_weights=(0.2, 0.7, 0.1), about=about,
    )  # fmt: skip


# Width factor 2 on ResNet-34, attention after the third up-sampling block.
_GENERATOR_2018 = replace(
    ARTISTIC, middle_widths=(1024, 512), up_widths=(256, 512, 512, 512), widths=(512, 512, 512, 256),
    convs_per_block=1, attention_block=2,
)  # fmt: skip

# The rates of an unfrozen generator in 2019 spread evenly in the logarithm over its three parts, a thousandfold.
_SPREAD = (1e-3, 10**-1.5)


def nogan(
    name: str,
    generator: GeneratorConfig,
    alone: Sequence[Stage],
    *,
    cycles: int,
    batch: int,
    rate: float,
    content: float,
    share: float,
    fresh_critic: bool,
    follows: str = "",
    about: str,
) -> Recipe:
    """A recipe of 2019 ("NoGAN"): nearly all is learned by the generator alone, then short adversarial cycles.

    Args:
        name: of the recipe.
        generator: the network.
        alone: stages of the generator alone.
        cycles: how often critic alone and both are repeated.
        batch: of the adversarial stages.
        rate: of the generator in them.
        content: weight of feature loss and pixels against 1 for the critic's opinion.
        share: of the data in each adversarial stage; colour is at its best within it.
        fresh_critic: the first cycle begins with a critic that knows nothing, at 128 pixels.
        follows: recipe whose weights it starts from.
        about: one line for a reader.
    """
    stages = list(alone)
    for cycle in range(1, cycles + 1):
        # The critic is shown 8.5 % of the data as the generator renders it now; more it would only learn by heart.
        if cycle == 1 and fresh_critic:
            stages.append(_critic_alone("1-critic-128", 128, 64, passes=6, rate=1e-3))
        stages.append(_critic_alone(f"{cycle}-critic-192", 192, 16, passes=4, rate=1e-4))
        stages.append(
            Stage(
                f"{cycle}-gan-192", 192, batch, 0, rate, phase="adversarial", share=share, betas=(0.0, 0.9),
                critic_rate=5 * rate,  # two time scales
                switch=0.65,  # just below log 2, the loss of a critic that guesses: wait for one that sees
                feature_weight=1.0, content_weight=content, adversarial_weight=1.0,
                snapshots=round(share * 1000),  # one per 0.1 % of the data
            )
        )  # fmt: skip
    return Recipe(
        name=name, task="colorize", generator=generator, stages=tuple(stages), clip=None, critic=CRITIC_2019,
        damage="grey", lighting=0.5, warp=0.25, crop=1 / 1.2**2, pixels="l1", features="vgg16_bn", layers=(3, 4, 5),
        layer_weights=(20.0, 70.0, 10.0),  # the third max-pool's view is textures and small parts: where colour sits
        follows=follows, about=about,
    )  # fmt: skip


def _critic_alone(name: str, size: int, batch: int, *, passes: float, rate: float) -> Stage:
    return Stage(
        name, size, batch, 0, rate, phase="critic", share=0.085, passes=passes, critic_rate=rate, betas=(0.0, 0.9)
    )


def _generator_alone(batches: tuple[int, int, int]) -> tuple[Stage, ...]:
    """Generator alone at 64, 128 and 192 pixels; batches as an 11 GB card holds them."""
    first, second, third = batches

    def stage(name: str, size: int, batch: int, share: float, rate: float, **changes: Any) -> Stage:
        return Stage(
            name, size, batch, 0, rate, share=share, feature_weight=1.0, betas=(0.9, 0.99),
            start=0.04, floor=1e-5, **changes,
        )  # fmt: skip

    # Short rise, long fall: the weights are good already.
    free: dict[str, Any] = {"frozen": "nothing", "encoder_rates": _SPREAD, "rise": 0.01, "fall": 0.99}
    return (
        # A decoder that knows nothing climbs slowly to its rate, over 80 % of the pass.
        stage("64-frozen", 64, first, 1.0, 1e-3, rise=0.8, fall=0.2),
        stage("64-free", 64, first, 1.0, 3e-4, **free),
        stage("128-free", 128, second, 1.0, 1e-4, **free),
        # Half of the data: what is left to learn at this size is sharpness, not what things are.
        stage("192-free", 192, third, 0.5, 5e-5, **free),
    )


COLORIZERS = (
    progressive(
        "progressive-2018", "colorize", "grey", "adversarial from the first step, 64 to 256 px, for ImageNet on a GPU"
    ),
    nogan(
        "artistic", ARTISTIC, _generator_alone((88, 22, 11)), cycles=5, batch=9, rate=1e-5, content=2.0, share=0.03,
        fresh_critic=True, about="NoGAN of 2019, five cycles: the most colourful",
    ),
    nogan(
        "stable", STABLE, _generator_alone((88, 20, 8)), cycles=3, batch=5, rate=2e-5, content=1.5, share=0.03,
        fresh_critic=True, about="NoGAN of 2019, three cycles on a deeper encoder: fewest mistakes",
    ),
    nogan(
        "video", STABLE,
        # Noise that comes and goes must not change colours, or film flickers.
        [replace(_generator_alone((88, 20, 8))[-1], name="192-noise", share=0.25, noise=0.8)],
        cycles=1, batch=5, rate=5e-6, content=1.5, share=0.022,  # where its author stopped
        fresh_critic=False, follows="stable", about="NoGAN of 2019 with noise, from stable's weights: flickers least",
    ),
)  # fmt: skip

DEFADER = progressive(
    "defade", "defade", "fading", "adversarial from the first step on faded photographs, for ImageNet on a GPU"
)
