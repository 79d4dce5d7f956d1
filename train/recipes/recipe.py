"""What a recipe is made of: stages that train a generator and perhaps a critic, each value typed and explained."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from deoldify.network import GeneratorConfig
from train.errors import RecipeError

Task = Literal["colorize", "defade"]
Damage = Literal["old photograph", "grey", "fading", "jitter-2018"]
Phase = Literal["generator", "critic", "adversarial"]
Frozen = Literal["encoder", "lower encoder", "nothing"]
PixelLoss = Literal["chroma", "psnr", "l1"]
CriticLoss = Literal["hinge", "bce"]
Judged = Literal["picture", "colour"]
LiteName = Literal["lite0", "lite1", "lite2"]
FeatureNetwork = Literal["lite0", "lite1", "lite2", "vgg16", "vgg16_bn"]

VIEWED = 32
"""Sides of pictures that are seen at a smaller size, too, are multiples of this."""


@dataclass(frozen=True)
class CriticConfig:
    """A critic; ``train.judges`` builds it.

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


@dataclass(frozen=True)
class ProjectedCriticConfig:
    """A critic on the features of a frozen network (Sauer et al. 2021); ``train.judges`` builds it.

    Attributes:
        features: the network; another than the one that the generator's encoder or a measure knows.
        width: channels that each of its maps is mixed to, at random and for good.
        loss: see ``CriticConfig``.
        judges: see ``CriticConfig``.
    """

    features: LiteName
    width: int
    loss: CriticLoss = "hinge"
    judges: Judged = "colour"


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
        shares: how often sources of the data are drawn, of 1; the images of the others are drawn alike.
        limits: groups of sources of which one is drawn at most so often, of 1; see ``train.data.drawn_shares``.
        emphasis: weight of colourful pixels in the chroma loss.
        feature_weight: weight of the feature loss beside the loss of the pixels; 0 leaves it out.
        feature_layers: weight of each activation in the feature loss; empty takes the recipe's ``layer_weights``.
        feature_side: larger pictures are made this small before their features are compared; 0 leaves them as they are.
        ema: decay per step of the averaged weights, which are what is evaluated and shipped.
        phase: ``"generator"`` trains it alone, ``"critic"`` the critic alone on renders made when the stage begins,
            ``"adversarial"`` both.
        share: of the training images that a pass takes; ``steps`` 0 needs it. Of the critic alone, it is the share
            of the images that are rendered.
        passes: over that share.
        start: see ``rise``.
        frozen: what does not learn. A frozen encoder's batch norms keep their statistics.
        encoder_rates: rates of the lower and the upper encoder, in units of the generator's.
        still_norms: batch norms keep the statistics that they have, so that small batches serve.
        betas: of Adam, in all networks.
        pixel_weight: weight of the loss of the pixels.
        gradient_weight: weight of the loss of the chroma's gradients; 0 leaves it out.
        distribution_weight: weight of the cross-entropy of how likely chromas are, for a generator that says so, which
            then every stage of the generator trains.
        agreement_weight: weight of the loss that asks half of a batch for the same colours at a smaller size; 0 leaves
            it out.
        stretch_weight: weight of the share of pictures that stretching their channels would have served better; 0
            leaves it out.
        content_weight: weight of pixels, gradients, features, distribution and stretching together.
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
    limits: tuple[tuple[tuple[str, ...], float], ...] = ()
    emphasis: float = 0.0
    feature_weight: float = 0.0
    feature_layers: tuple[float, ...] = ()
    feature_side: int = 0
    ema: float = 0.998
    phase: Phase = "generator"
    share: float = 0.0
    passes: float = 1.0
    start: float = 0.1
    frozen: Frozen = "encoder"
    encoder_rates: tuple[float, float] = (1.0, 1.0)
    still_norms: bool = False
    betas: tuple[float, float] = (0.9, 0.999)
    pixel_weight: float = 1.0
    gradient_weight: float = 0.0
    distribution_weight: float = 0.0
    agreement_weight: float = 0.0
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
        layers: which activations: before the n-th max-pool of VGG-16, or at 1/2ⁿ⁺¹ of the side in an EfficientNet-Lite.
        layer_weights: weight of each in the feature loss, unless a stage has weights of its own.
        pretrained: start the encoder from ImageNet weights.
        teacher: a colorizer, as ``deoldify.load_colorizer`` takes it, or a file of its weights: the targets of the
            pixels' loss are a blend of the originals' colours and its; empty for none.
        teacher_weight: of its colours in that blend.
        follows: recipe whose weights this one starts from (``--init``); empty for none.
        about: one line for a reader.
    """

    name: str
    task: Task
    generator: GeneratorConfig
    stages: tuple[Stage, ...]
    weight_decay: float = 1e-3
    clip: float | None = 1.0
    critic: CriticConfig | ProjectedCriticConfig | None = None
    damage: Damage = "old photograph"
    lighting: float = 0.0
    warp: float = 0.0
    crop: float = 0.5
    pixels: PixelLoss = "chroma"
    features: FeatureNetwork = "lite0"
    layers: tuple[int, ...] = (1, 2, 3, 4)
    layer_weights: tuple[float, ...] = (1.0, 1.0, 1.0, 0.0)
    pretrained: bool = True
    teacher: str = ""
    teacher_weight: float = 0.5
    follows: str = ""
    about: str = ""

    def __post_init__(self) -> None:
        names = [stage.name for stage in self.stages]
        if len(set(names)) < len(names) or not names:
            raise RecipeError(f"recipe {self.name!r} needs stages, each with a name of its own; it has: {names}")
        if len(self.generator.widths) != len(self.generator.up_widths):
            raise RecipeError(f"the generator of {self.name!r} needs as many widths as up_widths")
        if self.teacher and (self.task != "colorize" or not 0 < self.teacher_weight <= 1):
            raise RecipeError(
                f"recipe {self.name!r} has a teacher, which only a colorizer can have, and with a teacher_weight above "
                f"0 and of 1 at most"
            )
        for stage in self.stages:
            if stage.phase != "generator" and self.critic is None:
                raise RecipeError(f"stage {stage.name!r} of {self.name!r} needs a critic, and the recipe has none")
            distributed = self.generator.head == "distribution" and stage.phase != "critic"
            if distributed != (stage.distribution_weight > 0):
                raise RecipeError(
                    f"stage {stage.name!r} of {self.name!r} needs a distribution_weight above 0 where a generator with "
                    f"a distribution learns, and of 0 elsewhere"
                )
            if not stage.steps and not stage.share:
                raise RecipeError(f"stage {stage.name!r} of {self.name!r} has neither steps nor a share of the images")
            if stage.agreement_weight and stage.size % VIEWED:
                raise RecipeError(
                    f"stage {stage.name!r} of {self.name!r} needs a multiple of {VIEWED} as its size to see pictures "
                    f"smaller, too: {stage.size} is none"
                )
            if stage.feature_layers and len(stage.feature_layers) != len(self.layers):
                raise RecipeError(f"stage {stage.name!r} of {self.name!r} needs as many feature_layers as layers")
        if len(self.layers) != len(self.layer_weights):
            raise RecipeError(f"recipe {self.name!r} needs as many layer_weights as layers")

    def beginning_at(self, name: str) -> Recipe:
        """The recipe without the stages before the one of that name, for a run that starts from trained weights.

        Raises:
            RecipeError: there is no such stage.
        """
        names = [stage.name for stage in self.stages]
        if name not in names:
            raise RecipeError(f"{self.name!r} has no stage {name!r}; it has: {', '.join(names)}")
        return replace(self, stages=self.stages[names.index(name) :])

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
