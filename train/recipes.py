"""Recipes as data: typed stages, each number beside its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from deoldify.config import COMPACT, DEFADE, GeneratorConfig
from train.data import Task


@dataclass(frozen=True)
class Stage:
    """One stretch of training at one picture size.

    Attributes:
        name: unique within the recipe.
        size: side of the square pictures.
        batch: pictures per optimisation step.
        steps: optimisation steps.
        rate: learning rate of the generator at its height.
        rise: share of the steps over which the rate climbs from a tenth of itself.
        fall: share of the steps over which it comes down again, as a cosine, to ``floor`` times itself.
        floor: see ``fall``.
        shares: how often each source of the data is drawn; empty draws every image alike.
        emphasis: weight of colourful pixels in the chroma loss.
        feature_weight: weight of the feature loss beside the chroma loss; 0 leaves it out.
        feature_layers: weights of the activations at 1/4, 1/8, 1/16 and 1/32 in the feature loss.
        ema: decay per step of the averaged weights, which are what is evaluated and shipped.
    """

    name: str
    size: int
    batch: int
    steps: int
    rate: float
    rise: float = 0.0
    fall: float = 0.0
    floor: float = 1.0
    shares: Mapping[str, float] = field(default_factory=dict)
    emphasis: float = 0.0
    feature_weight: float = 0.0
    feature_layers: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 0.0)
    ema: float = 0.998


@dataclass(frozen=True)
class Recipe:
    """A generator and the stages that train it.

    Attributes:
        name: what the command line calls it.
        task: ``"colorize"`` or ``"defade"``.
        generator: the network.
        stages: in order.
        weight_decay: of AdamW.
        clip: largest norm of the gradient.
    """

    name: str
    task: Task
    generator: GeneratorConfig
    stages: tuple[Stage, ...]
    weight_decay: float = 1e-3
    clip: float = 1.0


# Small pictures come first, where a step is cheap and shows many scenes; tiny.tar is most of the variety.
_SMALL = {"tiny": 0.5, "scenes": 0.17, "faces": 0.13, "photos": 0.12, "people": 0.08}
# Sources of 100 px and less cannot teach detail at 128 px and more, but keep what was learned from them.
_LARGE = {"tiny": 0.25, "scenes": 0.2, "faces": 0.15, "photos": 0.25, "people": 0.15}

RECIPES = {
    "compact": Recipe(
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
            Stage(
                "colour",
                128,
                32,
                400,
                3e-4,
                fall=1.0,
                floor=0.02,
                shares=_LARGE | {"faces": 0.22},
                emphasis=40.0,
                feature_weight=0.12,
                ema=0.99,
            ),
            # Faces then had colour enough, but lips, eyes and hair shared one tone; the deepest activations, which know
            # what a thing is, tell them apart. Faces are drawn more often, since skin is what people look at first.
            Stage(
                "faces",
                128,
                32,
                320,
                2.5e-4,
                fall=1.0,
                floor=0.02,
                shares=_LARGE | {"faces": 0.35},
                emphasis=40.0,
                feature_weight=0.2,
                feature_layers=(1.0, 1.0, 1.5, 3.0),
                ema=0.985,
            ),
            # Faces were done; photographs and scenes were still a little pale.
            Stage(
                "scenes",
                128,
                32,
                160,
                1.5e-4,
                fall=1.0,
                floor=0.02,
                shares={"tiny": 0.1, "scenes": 0.3, "faces": 0.12, "photos": 0.33, "people": 0.15},
                emphasis=100.0,
                feature_weight=0.3,
                feature_layers=(1.0, 1.0, 1.5, 3.0),
                ema=0.97,
            ),
        ),
    ),
    "compact-defade": Recipe(
        name="compact-defade",
        task="defade",
        generator=DEFADE,
        stages=(
            # Fading is a matter of the whole picture, so small pictures teach most of it; the larger ones teach how
            # fine detail, grain and edges look beside it.
            Stage("64px", 64, 64, 700, 1e-3, rise=0.1, shares=_SMALL),
            Stage("96px", 96, 48, 600, 1e-3, fall=0.6, floor=0.4, shares=_SMALL),
            Stage("144px", 144, 20, 300, 4e-4, fall=1.0, floor=0.02, shares=_LARGE),
        ),
    ),
}
