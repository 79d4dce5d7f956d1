"""The recipes of the networks that come with DeOldify, sized so that two CPU cores train them."""

from __future__ import annotations

from typing import Any

from deoldify.network import COMPACT, DEFADE
from train.recipes.recipe import ProjectedCriticConfig, Recipe, Stage

# Sources by the kind of thing that they show most of. The data are what could be had, and of a few kinds that is much:
# a network that sees dogs everywhere paints rooms in their colours.
_FACES = ("faces", "portraits", "lfw", "ages", "faces-more", "stars")
_CATS_AND_DOGS = ("imagewoof", "catsdogs", "pets", "stockpets", "webpets", "streetcats", "homework", "pandas", "birds")
_OTHER_ANIMALS = ("animals", "wildlife", "monkeys", "cattle", "insects", "snakes", "pacs")
_ROOMS = ("houses", "tower", "offices")
_SPORT = ("sports", "sports-rest", "sportsmen", "yoga", "athletes")
_OBJECTS = ("imagenette", "caltech101", "caltech-rest")
_FOOD = ("food", "dishes", "stockfood", "grocery", "grocery-rest")
_CLOTHES = ("clothes", "clothes-rest", "streetfashion")
_VEHICLES = ("vehicles", "lorries", "cars", "traffic", "camvid")
_FLOWERS = ("flowers", "flowers-rest")
_KINDS = tuple(
    (kind, 1 / 7)
    for kind in (
        _FACES, _CATS_AND_DOGS, _OTHER_ANIMALS, _ROOMS, _SPORT, _OBJECTS, _FOOD, _CLOTHES, _VEHICLES, _FLOWERS,
    )
)  # fmt: skip
# Sources of 128 px and less teach nothing that is finer. They keep what was learned from them: skin, scenes, and the
# Kodachromes that are what old photographs would have been.
_SMALL = (("faces", "scenes", "kodachrome"), 0.1)

# Weights of EfficientNet-Lite0's activations that ask what a thing is before they ask for texture.
_DEEP = (1.0, 1.0, 1.5, 3.0)


def _stage(name: str, size: int, batch: int, steps: int, rate: float, **changes: Any) -> Stage:
    settings: dict[str, Any] = {
        "limits": _KINDS if size <= 128 else (_SMALL, *_KINDS),
        # Most pixels are nearly grey. 40 to 200 brought colour on the 2,000 photographs that there once were, and brown
        # everywhere; those weights, trained on for 900 steps at 8 on more, went from −0.6 dB over grey to +0.87.
        "emphasis": 8.0,
        # The mean of a blue and a red coat is brown: so how likely each chroma is is learned beside the mean. At this
        # weight 800 steps taught it 3.7 hues a picture, where the mean alone had 2.5.
        "distribution_weight": 0.1,
    }
    return Stage(name, size, batch, steps, rate, **settings | changes)


# Trained weights know more than ImageNet's do of grey pictures, but the decoder leans on them, and the lower encoder's
# edges are what they were: so a tenth and three tenths of its rate.
_FREE: dict[str, Any] = {"frozen": "nothing", "encoder_rates": (0.1, 0.3)}
# What a thing is, said in colours, shows at 96 px as well, at a quarter of the time at 192.
_LOOKED_AT: dict[str, Any] = {"feature_weight": 0.15, "feature_layers": _DEEP, "feature_side": 96}

# Of two cores, some 100 pictures a second at 96 px with the encoder frozen, 25 at 128 px, 10 at 192 and 6 at 224: in
# minutes 15, 80, 250, 145 and 15, so that more than half are spent at 176 px and more. Beyond 224 px the photographs,
# of 192 to 224 on their short side, have nothing to show.
COLORIZER = Recipe(
    name="compact",
    task="colorize",
    generator=COMPACT,
    critic=ProjectedCriticConfig("lite1", width=64),  # the encoder is Lite0, and Lite2 measures
    stages=(
        # A decoder that knows nothing first, while a step is cheap and its gradients would only spoil the encoder.
        _stage("96px", 96, 48, 2000, 1e-3, rise=0.05, fall=0.3, floor=0.5),
        _stage("128px", 128, 24, 5000, 5e-4, rise=0.03, fall=0.3, floor=0.6, **_FREE, **_LOOKED_AT),
        # 151,000 pictures here and 53,000 at 224 px: measured after 14,000 at 128 and 5,000 at 192, truth still grew.
        _stage("192px", 192, 16, 9400, 3e-4, rise=0.02, fall=0.5, floor=0.4, **_FREE, **_LOOKED_AT),
        # Photographs are rendered at 224 px and about; the rate comes to rest.
        _stage("224px", 224, 12, 4400, 1.2e-4, rise=0.02, fall=0.98, floor=0.02, **_FREE, **_LOOKED_AT),
        # Last, short and light, as in NoGAN: 0.3 for 1,400 steps at 128 px made whites cleaner and clothes livelier,
        # cost 0.7 of ΔE and doubled how far colours move from one size to the next. A sixth of that weight for 600
        # steps at 192 px, with the encoder frozen, is a guess that has yet to prove itself; a run that ends before it,
        # at 224px.pt, is sound without. Adam as Sauer et al. (2021) have it; the average is of some 200 steps.
        _stage(
            "192px-critic", 192, 16, 600, 5e-5, rise=0.05, fall=0.7, floor=0.05, phase="adversarial",
            adversarial_weight=0.05, critic_rate=2e-4, betas=(0.0, 0.99), ema=0.995, snapshots=6, **_LOOKED_AT,
        ),
        # Colours that move with the size of a render are no knowledge of the photo. What the network says of a picture
        # teaches it what to say of the same at a smaller size, so that nothing is gained by paling; the losses of
        # before stay, at their weights. Batches this small need norms that keep still, and the lower encoder has
        # nothing to learn of it, which saves a sixth of the time.
        _stage(
            "192px-agreeing", 192, 8, 800, 1e-4, rise=0.05, fall=0.6, floor=0.05, frozen="lower encoder",
            encoder_rates=(0.0, 0.3), still_norms=True, agreement_weight=1.0, ema=0.99, snapshots=4, **_LOOKED_AT,
        ),
    ),
    about="the embedded colorizer, from ImageNet's encoder to the file, sized for a CPU",
)  # fmt: skip

DEFADER = Recipe(
    name="compact-defade",
    task="defade",
    generator=DEFADE,
    damage="fading",
    pixels="psnr",
    stages=(
        # Fading is a matter of the whole picture, so small pictures teach most of it; what has faded how is drawn
        # anew each time, and the more of it is seen, the better.
        Stage("64px", 64, 64, 4000, 1e-3, rise=0.02, limits=_KINDS),
        Stage("96px", 96, 64, 5000, 1e-3, fall=1.0, floor=0.01, limits=_KINDS),
        # Pixels enough to see where the tones end, which tells whether black and white survived. Small pictures were
        # scaled down by others, and their ends with them.
        Stage("160px", 160, 48, 3000, 6e-4, rise=0.02, fall=0.98, floor=0.01, limits=(_SMALL, *_KINDS)),
        # Measured after that: better than stretching by 2 dB on average, and worse on three photographs of ten. Of
        # what it changes beyond that, it learns to leave what helps less often than it harms.
        Stage(
            "160px-stretch", 160, 48, 2400, 5e-4, rise=0.02, fall=0.98, floor=0.01, limits=(_SMALL, *_KINDS),
            stretch_weight=30.0,
        ),
        # Such photographs were still getting fewer. So short a stage needs a shorter average.
        Stage(
            "160px-careful", 160, 48, 900, 3e-4, rise=0.02, fall=0.98, floor=0.01, limits=(_SMALL, *_KINDS),
            stretch_weight=80.0, ema=0.995,
        ),
    ),
    about="the embedded restorer of faded photographs, sized for a CPU",
)  # fmt: skip
