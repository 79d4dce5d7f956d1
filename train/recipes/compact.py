"""The recipes of the networks that come with DeOldify, sized so that two CPU cores train them.

Each colorizer begins with the weights of the one before it, and each stage answers what was measured after the last.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from deoldify.network import COMPACT, DEFADE
from train.recipes.recipe import CriticConfig, Recipe, Stage

# As narrow as a CPU asks for; no dropout, since a narrow critic does not learn pictures by heart.
# Inputs are aged on their way in, and a critic would soon learn that originals have no grain: it is to judge colour.
CRITIC_COMPACT = CriticConfig(48, 3, attention=(1,), dropout=(0.0, 0.0), refine=False, loss="hinge", judges="colour")

# Small pictures come first, where a step is cheap and shows many scenes; tiny.tar is most of the variety.
_SMALL = {"tiny": 0.5, "scenes": 0.17, "faces": 0.13, "photos": 0.12, "people": 0.08}
# Sources of 100 px and less cannot teach detail at 128 px and more, but keep what was learned from them.
_LARGE = {"tiny": 0.25, "scenes": 0.2, "faces": 0.15, "photos": 0.25, "people": 0.15}

# Weights of EfficientNet-Lite0's activations that ask what a thing is before they ask for texture.
_DEEP = (1.0, 1.0, 1.5, 3.0)


def _last_touch(name: str, steps: int, rate: float, **changes: Any) -> Stage:
    """A short stage at 128 px that ends at rest."""
    return Stage(name, 128, 32, steps, rate, fall=1.0, floor=0.02, **changes)


_COMPACT = Recipe(
    name="compact",
    task="colorize",
    generator=COMPACT,
    stages=(
        # Batch norm and Adam are content with 64; the encoder stays frozen in all stages, since freeing its
        # upper half halved the speed and gained next to nothing.
        Stage("64px", 64, 64, 1800, 1e-3, rise=0.05, shares=_SMALL, emphasis=8.0),
        Stage("96px", 96, 48, 2200, 1e-3, fall=0.5, floor=0.5, shares=_SMALL, emphasis=8.0),
        # The feature loss asks for colour that looks right where the mean of all guesses would be grey.
        Stage("128px", 128, 32, 500, 5e-4, fall=0.5, floor=0.5, shares=_LARGE, emphasis=8.0, feature_weight=0.03),
        # Measured after 96 px: more PSNR than colour, so the last stage weighs colourful pixels more.
        Stage(
            "176px", 176, 16, 350, 2.5e-4, fall=1.0, floor=0.02, shares=_LARGE, emphasis=12.0, feature_weight=0.03
        ),
        # After that, scenes had two thirds of the colour of the originals, since the middle of all guesses is dull;
        # this stage pays for colour with PSNR, of which there was enough. So short a stage needs a shorter average.
        _last_touch("colour", 400, 3e-4, shares=_LARGE | {"faces": 0.22}, emphasis=40.0, feature_weight=0.12, ema=0.99),
        # Faces then had colour enough, but lips, eyes and hair shared one tone; the deepest activations, which know
        # what a thing is, tell them apart. Faces are drawn more often, since skin is what people look at first.
        _last_touch(
            "faces", 320, 2.5e-4, shares=_LARGE | {"faces": 0.35}, emphasis=40.0, feature_weight=0.2,
            feature_layers=_DEEP, ema=0.985,
        ),
        # Faces were done; photographs and scenes were still a little pale.
        _last_touch(
            "scenes", 160, 1.5e-4, shares={"tiny": 0.1, "scenes": 0.3, "faces": 0.12, "photos": 0.33, "people": 0.15},
            emphasis=100.0, feature_weight=0.3, feature_layers=_DEEP, ema=0.97,
        ),
    ),
    about="the embedded colorizer's generator alone, sized for a CPU",
)  # fmt: skip


# The critic first learns what is wrong with the renders as they are.
_COMPACT_CRITIC = Stage(
    "critic-96", 96, 64, 300, 2.5e-4, phase="critic", shares=_LARGE, betas=(0.0, 0.9), critic_rate=2.5e-4
)


def _compact_gan_stage(name: str, size: int, batch: int, steps: int, rate: float, **changes: Any) -> Stage:
    settings: dict[str, Any] = {
        "shares": _LARGE,
        # What compact ended with, so that its colour is kept while the critic has its say.
        "emphasis": 40.0,
        # Measured at the start: gradients of length 7 from chroma, 6 from features, 13 × this from the critic. Where
        # the critic's was as long as the others', blotches grew on lawns.
        "adversarial_weight": 0.15,
        # Adversarial weights wander: average some 200 steps.
        "ema": 0.995,
    }
    return Stage(
        name, size, batch, steps, rate, phase="adversarial", betas=(0.0, 0.9), critic_rate=5 * rate,
        feature_weight=0.2, feature_layers=_DEEP, **settings | changes,
    )  # fmt: skip


COLORIZERS = (
    _COMPACT,
    replace(
        _COMPACT,
        name="compact-gan",
        critic=CRITIC_COMPACT,
        follows="compact",
        about="the embedded colorizer made livelier: critic alone, then both, from compact's weights",
        stages=(
            _COMPACT_CRITIC,
            # Ten times NoGAN's rates brought life and blotches; half of them with averaged weights is where we begin.
            _compact_gan_stage("gan-96", 96, 32, 1200, 5e-5, rise=0.05, snapshots=12),
            # Larger pictures teach it where colours end; the rate comes down so that the average settles.
            _compact_gan_stage("gan-128", 128, 24, 900, 3e-5, fall=0.7, floor=0.1, snapshots=9),
            # Measured after that: renders nearer to photographs, but photographs and scenes had lost a twentieth of
            # their colour to the losses that pull towards the mean, and PSNR was more than enough. So the critic and
            # colourful pixels weigh more.
            _compact_gan_stage(
                "gan-colour", 128, 24, 480, 4e-5, rise=0.05, fall=0.6, floor=0.05, emphasis=80.0,
                adversarial_weight=0.25, snapshots=6,
                shares={"tiny": 0.2, "scenes": 0.22, "faces": 0.13, "photos": 0.3, "people": 0.15},
            ),
            # Photographs came out nearest to photographs at twice the size that it was trained at, faces no longer:
            # one short stage at that size, with faces.
            _compact_gan_stage(
                "gan-192", 192, 12, 240, 3e-5, fall=1.0, floor=0.03, emphasis=60.0, adversarial_weight=0.2, ema=0.985,
                snapshots=3, shares={"tiny": 0.05, "scenes": 0.2, "faces": 0.3, "photos": 0.3, "people": 0.15},
            ),
        ),
    ),
    replace(
        _COMPACT,
        name="compact-even",
        critic=CRITIC_COMPACT,
        follows="compact-gan",
        about="the embedded colorizer's last touch: colour that keeps still on a surface, from compact-gan's weights",
        stages=(
            _COMPACT_CRITIC,
            # Colour wandered over lawns and tables. The loss of gradients keeps it still but pales scenes, so that
            # colourful pixels weigh more than ever.
            _compact_gan_stage(
                "gan-even", 160, 14, 1000, 4e-5, rise=0.05, fall=0.7, floor=0.03, emphasis=130.0, gradient_weight=8.0,
                adversarial_weight=0.25, ema=0.99, snapshots=5,
                shares={"tiny": 0.08, "scenes": 0.27, "faces": 0.22, "photos": 0.3, "people": 0.13},
            ),
            # What still wandered did so slowly, and at the sizes that photographs are rendered at.
            _compact_gan_stage(
                "gan-even-192", 192, 10, 700, 3e-5, rise=0.05, fall=0.7, floor=0.03, emphasis=160.0,
                gradient_weight=8.0, adversarial_weight=0.2, ema=0.985, snapshots=4,
                shares={"tiny": 0.04, "scenes": 0.27, "faces": 0.22, "photos": 0.32, "people": 0.15},
            ),
            # Measured after that: colour kept still, and had lost an eighth; faces came out further from photographs.
            _compact_gan_stage(
                "gan-life", 192, 10, 450, 3e-5, rise=0.05, fall=0.7, floor=0.03, emphasis=160.0,
                gradient_weight=4.0, adversarial_weight=0.3, ema=0.985, snapshots=3,
                shares={"tiny": 0.03, "scenes": 0.27, "faces": 0.36, "photos": 0.24, "people": 0.1},
            ),
        ),
    ),
    replace(
        _COMPACT,
        name="compact-settled",
        critic=CRITIC_COMPACT,
        follows="compact-even",
        about="the embedded colorizer's end: what its head settles on surfaces it learns to allow for",
        stages=(
            _COMPACT_CRITIC,
            # At 192 px colour still wandered at render factor 16. A head that settles what strays keeps it still with
            # less help from gradients, which pale it, and faces had come out further from photographs.
            _compact_gan_stage(
                "gan-settled", 256, 6, 1100, 4e-5, rise=0.05, fall=0.7, floor=0.03, emphasis=200.0,
                gradient_weight=3.0, adversarial_weight=0.3, ema=0.99, snapshots=5,
                shares={"tiny": 0.02, "scenes": 0.28, "faces": 0.36, "photos": 0.24, "people": 0.1},
            ),
        ),
    ),
)  # fmt: skip

# Photographs of all kinds, as albums hold them.
_FADED = {"tiny": 0.45, "scenes": 0.13, "faces": 0.1, "photos": 0.2, "people": 0.12}
# The same for larger pictures, of which only photographs and people have the pixels.
_FADED_LARGE = {"tiny": 0.3, "scenes": 0.15, "faces": 0.12, "photos": 0.26, "people": 0.17}

DEFADER = Recipe(
    name="compact-defade",
    task="defade",
    generator=DEFADE,
    damage="fading",
    pixels="psnr",
    stages=(
        # Fading is a matter of the whole picture, so small pictures teach most of it; what has faded how is drawn
        # anew each time, and the more of it is seen, the better.
        Stage("64px", 64, 64, 4000, 1e-3, rise=0.02, shares=_FADED),
        Stage("96px", 96, 64, 5000, 1e-3, fall=1.0, floor=0.01, shares=_FADED),
        # Pixels enough to see where the tones end, which tells whether black and white survived. Photographs are
        # drawn more often: the small pictures were scaled down by others, and their ends with them.
        Stage("160px", 160, 48, 3000, 6e-4, rise=0.02, fall=0.98, floor=0.01, shares=_FADED_LARGE),
        # Measured after that: better than stretching by 2 dB on average, and worse on three photographs of ten. Of
        # what it changes beyond that, it learns to leave what helps less often than it harms.
        Stage(
            "160px-stretch", 160, 48, 2400, 5e-4, rise=0.02, fall=0.98, floor=0.01, shares=_FADED_LARGE,
            stretch_weight=30.0,
        ),
        # Such photographs were still getting fewer. So short a stage needs a shorter average.
        Stage(
            "160px-careful", 160, 48, 900, 3e-4, rise=0.02, fall=0.98, floor=0.01, shares=_FADED_LARGE,
            stretch_weight=80.0, ema=0.995,
        ),
    ),
    about="the embedded restorer of faded photographs, sized for a CPU",
)  # fmt: skip
