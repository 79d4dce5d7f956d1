"""Recipes as data: typed stages, each number beside its reason."""

from __future__ import annotations

import json
import math
import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass, replace
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from deoldify.errors import DeOldifyError
from deoldify.network import ARTISTIC, COMPACT, DEFADE, STABLE, GeneratorConfig
from train.data import Damage, Task

Phase = Literal["generator", "critic", "adversarial"]
Frozen = Literal["encoder", "lower encoder", "nothing"]
PixelLoss = Literal["chroma", "psnr", "l1"]
CriticLoss = Literal["hinge", "bce"]
Judged = Literal["picture", "colour"]
FeatureNetwork = Literal["lite0", "vgg16", "vgg16_bn"]


class RecipeError(DeOldifyError):
    """A recipe, or a change to one, makes no sense."""


@dataclass(frozen=True)
class CriticConfig:
    """A critic; ``train.critic`` builds it.

    Attributes:
        width: channels after the first convolution; every block doubles them.
        blocks: that halve height and width, after the first convolution, which does too.
        attention: indices of the blocks that end in self-attention.
        dropout: after the first convolution, and in every block; whole channels.
        refine: a 3×3 convolution before each halving and before the score, as in 2019.
        loss: ``"hinge"``, or ``"bce"`` on logits.
        judges: ``"picture"`` compares renders with originals as they are. ``"colour"`` shows it the originals'
            colours on the renders' luma, so that nothing but colour tells them apart.
    """

    width: int
    blocks: int
    attention: tuple[int, ...]
    dropout: tuple[float, float]
    refine: bool
    loss: CriticLoss
    judges: Judged = "picture"


# The sources give the first width and the shape of a block. Two halving blocks make a map of scores, one for
# roughly every 50 pixels of context, at every size from 64 to 256.
CRITIC_2018 = CriticConfig(512, 2, attention=(0, 1), dropout=(0.2, 0.5), refine=False, loss="hinge")
CRITIC_2019 = CriticConfig(256, 3, attention=(0,), dropout=(0.075, 0.15), refine=True, loss="bce")
# As narrow as a CPU asks for; no dropout, since a narrow critic does not learn pictures by heart.
# Inputs are aged on their way in, and a critic would soon learn that originals have no grain: it is to judge colour.
CRITIC_COMPACT = CriticConfig(48, 3, attention=(1,), dropout=(0.0, 0.0), refine=False, loss="hinge", judges="colour")


@dataclass(frozen=True)
class Stage:
    """One stretch of training at one picture size.

    Attributes:
        name: unique within the recipe.
        size: side of the square pictures.
        batch: pictures per optimisation step; of the critic alone, half are renders and half originals.
        steps: optimisation steps; 0 takes as many as ``share`` and ``passes`` make.
        rate: learning rate of the generator at its height.
        rise: share of the steps over which the rate climbs from ``start`` times itself.
        fall: share of the steps over which it comes down again, as a cosine, to ``floor`` times itself.
        floor: see ``fall``.
        shares: how often each source of the data is drawn; empty draws every image alike.
        emphasis: weight of colourful pixels in the chroma loss.
        feature_weight: weight of the feature loss beside the loss of the pixels; 0 leaves it out.
        feature_layers: weight of each activation in the feature loss; empty takes the recipe's ``layer_weights``.
        ema: decay per step of the averaged weights, which are what is evaluated and shipped.
        phase: ``"generator"`` trains it alone, ``"critic"`` the critic alone on renders made when the stage begins,
            ``"adversarial"`` both.
        share: of the training images that a pass takes; ``steps`` 0 needs it. Of the critic alone, it is the share
            of the images that are rendered.
        passes: over that share.
        start: see ``rise``.
        frozen: what does not learn. A frozen encoder's batch norms keep their statistics.
        encoder_rates: rates of the lower and the upper encoder, in units of the generator's.
        betas: of Adam, in all networks.
        pixel_weight: weight of the loss of the pixels.
        gradient_weight: weight of the loss of the chroma's gradients; 0 leaves it out.
        stretch_weight: weight of the share of pictures that stretching their channels would have served better; 0
            leaves it out.
        content_weight: weight of pixels, gradients, features and stretching together.
        adversarial_weight: weight of the critic's opinion in the generator's loss.
        critic_rate: learning rate of the critic at its height; it rises and falls with the generator's.
        switch: ``None`` trains both networks on every batch. A number trains one of them on a batch: the generator,
            if the critic's loss on the batch before was under it, else the critic.
        noise: probability of noise on the input's pixels.
        snapshots: weights kept over the stage, to choose the best of.
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
    feature_layers: tuple[float, ...] = ()
    ema: float = 0.998
    phase: Phase = "generator"
    share: float = 0.0
    passes: float = 1.0
    start: float = 0.1
    frozen: Frozen = "encoder"
    encoder_rates: tuple[float, float] = (1.0, 1.0)
    betas: tuple[float, float] = (0.9, 0.999)
    pixel_weight: float = 1.0
    gradient_weight: float = 0.0
    stretch_weight: float = 0.0
    content_weight: float = 1.0
    adversarial_weight: float = 0.0
    critic_rate: float = 0.0
    switch: float | None = None
    noise: float = 0.0
    snapshots: int = 0

    def steps_on(self, images: int) -> int:
        """How many steps the stage takes on so many training images."""
        if self.steps or not self.share:
            return self.steps
        pictures = self.share * self.passes * images * (2 if self.phase == "critic" else 1)
        return max(1, math.ceil(pictures / self.batch))

    def renders_on(self, images: int) -> int:
        """How many renders a critic alone learns from; 0 in the other phases."""
        if self.phase != "critic":
            return 0
        return max(1, math.ceil(self.share * images)) if self.share else self.steps * self.batch // 2


@dataclass(frozen=True)
class Recipe:
    """A generator, perhaps a critic, and the stages that train them.

    Attributes:
        name: what the command line calls it.
        task: ``"colorize"`` or ``"defade"``.
        generator: the network.
        stages: in order.
        weight_decay: of AdamW.
        clip: largest norm of a network's gradient; ``None`` does not clip.
        critic: the network that judges, where a stage needs it.
        damage: what is done to a picture to make the generator's input of it.
        lighting: largest change of brightness and contrast that befalls input and original alike.
        warp: largest shift of a picture's corners, in units of its side; a tilt of the camera.
        crop: the least share of a picture's area that is kept.
        pixels: the loss of the pixels.
        features: network that the feature loss compares activations of.
        layers: which activations: before the n-th max-pool of VGG-16, or at 1/2ⁿ⁺¹ of the side in EfficientNet-Lite0.
        layer_weights: weight of each in the feature loss, unless a stage has weights of its own.
        pretrained: start the encoder from ImageNet weights.
        follows: recipe whose weights this one starts from (``--init``); empty for none.
        about: one line for a reader.
    """

    name: str
    task: Task
    generator: GeneratorConfig
    stages: tuple[Stage, ...]
    weight_decay: float = 1e-3
    clip: float | None = 1.0
    critic: CriticConfig | None = None
    damage: Damage = "old photograph"
    lighting: float = 0.0
    warp: float = 0.0
    crop: float = 0.5
    pixels: PixelLoss = "chroma"
    features: FeatureNetwork = "lite0"
    layers: tuple[int, ...] = (1, 2, 3, 4)
    layer_weights: tuple[float, ...] = (1.0, 1.0, 1.0, 0.0)
    pretrained: bool = True
    follows: str = ""
    about: str = ""

    def __post_init__(self) -> None:
        names = [stage.name for stage in self.stages]
        if len(set(names)) < len(names) or not names:
            raise RecipeError(f"recipe {self.name!r} needs stages, each with a name of its own; it has: {names}")
        if len(self.generator.widths) != len(self.generator.up_widths):
            raise RecipeError(f"the generator of {self.name!r} needs as many widths as up_widths")
        for stage in self.stages:
            if stage.phase != "generator" and self.critic is None:
                raise RecipeError(f"stage {stage.name!r} of {self.name!r} needs a critic, and the recipe has none")
            if not stage.steps and not stage.share:
                raise RecipeError(f"stage {stage.name!r} of {self.name!r} has neither steps nor a share of the images")
            if stage.feature_layers and len(stage.feature_layers) != len(self.layers):
                raise RecipeError(f"stage {stage.name!r} of {self.name!r} needs as many feature_layers as layers")
        if len(self.layers) != len(self.layer_weights):
            raise RecipeError(f"recipe {self.name!r} needs as many layer_weights as layers")

    def resolved(self, images: int | None) -> Recipe:
        """The recipe with every stage's steps as a number.

        Args:
            images: how many there are to train on; ``None`` where nobody has said.

        Raises:
            RecipeError: a stage takes a share of the images, and nobody has said how many there are.
        """
        if images is None:
            if any(not stage.steps or (stage.phase == "critic" and stage.share) for stage in self.stages):
                raise RecipeError(
                    f"stages of {self.name!r} take shares of the data, and streamed shards are not counted: say how "
                    f"many images they hold, such as --images 1281167 for ImageNet"
                )
            return self
        return replace(self, stages=tuple(replace(stage, steps=stage.steps_on(images)) for stage in self.stages))


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


# Small pictures come first, where a step is cheap and shows many scenes; tiny.tar is most of the variety.
_SMALL = {"tiny": 0.5, "scenes": 0.17, "faces": 0.13, "photos": 0.12, "people": 0.08}
# Sources of 100 px and less cannot teach detail at 128 px and more, but keep what was learned from them.
_LARGE = {"tiny": 0.25, "scenes": 0.2, "faces": 0.15, "photos": 0.25, "people": 0.15}

# Photographs of all kinds, as albums hold them.
_FADED = {"tiny": 0.45, "scenes": 0.13, "faces": 0.1, "photos": 0.2, "people": 0.12}

# The same for larger pictures, of which only photographs and people have the pixels.
_FADED_LARGE = {"tiny": 0.3, "scenes": 0.15, "faces": 0.12, "photos": 0.26, "people": 0.17}

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


_RECIPES = (
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
    progressive(
        "defade", "defade", "fading", "adversarial from the first step on faded photographs, for ImageNet on a GPU"
    ),
    Recipe(
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
    ),
)  # fmt: skip

RECIPES = {recipe.name: recipe for recipe in _RECIPES}


# Changes from the command line

AnyConfig = TypeVar("AnyConfig")


def changed(recipe: Recipe, changes: Sequence[str]) -> Recipe:
    """A recipe with values replaced.

    Args:
        recipe: left as it is.
        changes: ``path=value`` each, where the value is JSON or a bare word, and the path is a field of the recipe
            (``clip=2``), one of its generator or critic (``critic.width=64``), one of a stage by its name
            (``96px.batch=16``), or of all stages (``*.steps=10``).

    Raises:
        RecipeError: there is no such field, or the value is not of its type.
    """
    for change in changes:
        path, equals, text = change.partition("=")
        if not equals:
            raise RecipeError(f"--set {change}: write it as field=value, such as clip=2 or 96px.batch=16")
        try:
            value = json.loads(text)
        except json.JSONDecodeError:
            value = text
        head, _, tail = path.partition(".")
        if head == "*" or head in {stage.name for stage in recipe.stages}:
            stages = tuple(_with(s, tail, value, change) if head in ("*", s.name) else s for s in recipe.stages)
            recipe = replace(recipe, stages=stages)
        else:
            recipe = _with(recipe, path, value, change)
    return recipe


def _with(config: AnyConfig, path: str, value: object, change: str) -> AnyConfig:
    assert is_dataclass(config) and not isinstance(config, type)
    head, _, tail = path.partition(".")
    names = [f.name for f in fields(config) if f.name != "stages"]
    if head not in names:
        stages = [stage.name for stage in config.stages] if isinstance(config, Recipe) else []
        raise RecipeError(f"--set {change}: there is no {head!r}; there are: {', '.join([*stages, *names])}")
    if tail:
        inner = getattr(config, head)
        if not is_dataclass(inner):
            raise RecipeError(f"--set {change}: {head!r} has no fields of its own")
        return replace(config, **{head: _with(inner, tail, value, change)})
    hint = get_type_hints(type(config))[head]
    try:
        return replace(config, **{head: _fitted(value, hint)})
    except TypeError:
        raise RecipeError(f"--set {change}: {value!r} is not {_described(hint)}") from None


def _fitted(value: object, hint: Any) -> object:
    """The value as its field's type wants it; ``TypeError`` where it is of another."""
    origin, inside = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        for choice in inside:
            try:
                return _fitted(value, choice)
            except TypeError:
                continue
    elif origin is Literal:
        if value in inside:
            return value
    elif origin is tuple and isinstance(value, (list, tuple)):
        hints = [inside[0]] * len(value) if inside[-1] is Ellipsis else list(inside)
        if len(hints) == len(value):
            return tuple(_fitted(item, item_hint) for item, item_hint in zip(value, hints))
    elif origin is Mapping and isinstance(value, dict):
        return {str(key): _fitted(item, inside[1]) for key, item in value.items()}
    elif hint is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    elif origin is None and isinstance(value, hint) and (hint is bool or not isinstance(value, bool)):
        return value
    raise TypeError


def _described(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(map(repr, get_args(hint)))
    return f"a value of type {getattr(hint, '__name__', hint) if get_origin(hint) is None else hint}"


def to_dict(recipe: Recipe) -> dict[str, Any]:
    """The recipe as plain data that JSON and checkpoints can hold."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(recipe)))
    return plain


def conflicts(theirs: Mapping[str, Any], ours: Mapping[str, Any], step: int) -> list[str]:
    """Why a run of a recipe cannot go on with another: where they differ in more than stages that are still to come.

    Args:
        theirs: the run's, as plain data. What it does not say, since it is older, is as it is by default.
        ours: the other.
        step: of the run.
    """
    begun = sum(sum(stage["steps"] for stage in theirs["stages"][:i]) < step for i in range(len(theirs["stages"])))
    stages = [_defaults(Stage) | stage for stage in theirs["stages"][:begun]]
    return differences({**_defaults(Recipe), **theirs, "stages": stages}, {**ours, "stages": ours["stages"][:begun]})


def _defaults(config: type) -> dict[str, Any]:
    """What a dataclass's fields are by default, as plain data."""
    given = {f.name: f.default for f in fields(config) if f.default is not MISSING}
    made = {f.name: f.default_factory() for f in fields(config) if f.default_factory is not MISSING}
    plain: dict[str, Any] = json.loads(json.dumps(given | made))
    return plain


def differences(theirs: Mapping[str, Any], ours: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Where two recipes as plain data differ, for a reader."""
    found = []
    for key in sorted({*theirs, *ours}):
        a, b = theirs.get(key), ours.get(key)
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            found += differences(a, b, f"{prefix}{key}.")
        elif key == "stages" and isinstance(a, Sequence) and isinstance(b, Sequence) and len(a) == len(b):
            for x, y in zip(a, b):
                found += differences(x, y, f"{x['name']}.")
        elif a != b:
            found.append(f"{prefix}{key} is {b!r}, was {a!r}")
    return found
