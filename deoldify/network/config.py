"""What a generator is made of, as plain data: no torch here, so that listing models stays instant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, cast, get_args

from deoldify.errors import CheckpointError

EncoderName = Literal["resnet34", "resnet101", "efficientnet_lite0"]
HeadName = Literal["rgb", "tone", "distribution"]


@dataclass(frozen=True)
class GeneratorConfig:
    """A U-Net generator.

    The pyramid of the encoder has five levels, at 1/2 to 1/32 of the input's side. Decoder blocks climb from 1/32,
    four of them to 1/2; tuples below go in that order.

    Attributes:
        encoder: name of the feature pyramid, as timm calls it.
        middle_widths: channels after each of the two convolutions at 1/32.
        up_widths: channels after each block's up-sampling.
        widths: channels that leave each block.
        convs_per_block: 3×3 convolutions in a block after the skip connection joins.
        attention_block: index of the block that ends in self-attention.
        head: ``"rgb"`` up-samples to full size, sees the input once more and emits normalised RGB through a
            stretched sigmoid; ``"tone"`` emits a colour transform for every place, applied to the input, and content
            with two blocks; ``"distribution"`` emits U and V at half size, put on the input's own luma, and at a
            quarter how likely each of many chromas is.
        spectral: spectral norm on the decoder's convolutions, and weight norm on the last up-sampling.
    """

    encoder: EncoderName
    middle_widths: tuple[int, int]
    up_widths: tuple[int, ...]
    widths: tuple[int, ...]
    convs_per_block: int
    attention_block: int
    head: HeadName
    spectral: bool

    @property
    def sees_samples(self) -> bool:
        """Whether it is given pixels of the photograph as they are, and not means of neighbours (see ``ToneHead``)."""
        return self.head == "tone"

    @property
    def side_step(self) -> int:
        """Pixels that the sides of the squares it is given are to be multiples of."""
        return 16

    def to_dict(self) -> dict[str, Any]:
        """The configuration as JSON-ready plain data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> GeneratorConfig:
        """Build a configuration from what ``to_dict`` gave.

        Raises:
            CheckpointError: a field is missing or unknown, or has a value that no generator can have.
        """
        names = {field.name for field in fields(cls)}
        if set(data) != names:
            wrong = sorted(names ^ set(data))
            raise CheckpointError(f"this generator config has missing or unknown fields: {', '.join(wrong)}")
        values = {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
        blocks = (1, 2, 3, 4) if values["head"] == "tone" else (4,)
        sound = {
            "encoder": values["encoder"] in get_args(EncoderName),
            "middle_widths": _are_widths(values["middle_widths"], (2,)),
            "up_widths": _are_widths(values["up_widths"], blocks),
            "widths": _are_widths(values["widths"], blocks),
            "convs_per_block": _is_within(values["convs_per_block"], 1, 4),
            "attention_block": _is_within(values["attention_block"], 0, 3),
            "head": values["head"] in get_args(HeadName),
            "spectral": isinstance(values["spectral"], bool),
        }
        wrong = [f"{key} is {values[key]!r}" for key, is_sound in sound.items() if not is_sound]
        if not wrong and len(values["widths"]) != len(values["up_widths"]):
            wrong = ["widths and up_widths are not of one length"]
        if wrong:
            raise CheckpointError(f"no generator can be like this: {', '.join(wrong)}")
        return cls(**cast(Any, values))


@dataclass(frozen=True)
class DDColorConfig:
    """A DDColor network (Kang et al. 2023).

    Attributes:
        encoder_widths: channels of the ConvNeXt encoder's maps, at 1/4, 1/8, 1/16 and 1/32 of the input's side.
        encoder_depths: blocks at each of them.
        width: channels that leave the pixel decoder's first two blocks; half of them leave its last.
        queries: colours that are asked for.
        query_width: numbers that make up a query; a multiple of 8, the heads of an attention.
        feed_forward_width: of the perceptron behind each attention.
        scales: of the pixel decoder's maps, from 1/16 up, that the queries look at in turn, 1 to 3.
        layers: of the colour decoder.
    """

    encoder_widths: tuple[int, int, int, int]
    encoder_depths: tuple[int, int, int, int]
    width: int
    queries: int
    query_width: int
    feed_forward_width: int
    scales: int
    layers: int

    @property
    def sees_samples(self) -> bool:
        """As ``GeneratorConfig`` has it."""
        return False

    @property
    def side_step(self) -> int:
        """As ``GeneratorConfig`` has it: where sides are no multiples of 32, maps have to be resized inside."""
        return 32


NetworkConfig = GeneratorConfig | DDColorConfig
"""Of any network that there is."""

_WIDEST = 8192  # twice the widest layer of 2019; a config from elsewhere is not to ask for all memory


def _is_within(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _are_widths(value: object, counts: tuple[int, ...]) -> bool:
    return isinstance(value, tuple) and len(value) in counts and all(_is_within(v, 1, _WIDEST) for v in value)


ARTISTIC = GeneratorConfig(
    encoder="resnet34",
    middle_widths=(1024, 512),
    up_widths=(256, 384, 384, 336),
    widths=(768, 768, 672, 300),
    convs_per_block=2,
    attention_block=1,
    head="rgb",
    spectral=True,
)
"""The deep U-Net of 2019: width follows depth (factor 1.5)."""

STABLE = GeneratorConfig(
    encoder="resnet101",
    middle_widths=(4096, 2048),
    up_widths=(512, 512, 512, 256),
    widths=(512, 512, 512, 256),
    convs_per_block=1,
    attention_block=1,
    head="rgb",
    spectral=True,
)
"""The wide U-Net of 2019: constant width (256 × factor 2). The video checkpoint has the same shape."""

COMPACT = GeneratorConfig(
    encoder="efficientnet_lite0",
    middle_widths=(384, 384),
    up_widths=(192, 112, 96, 48),
    widths=(224, 192, 128, 48),
    convs_per_block=1,
    attention_block=1,
    head="distribution",
    spectral=False,
)
"""The slim U-Net: capacity where it is cheap, at 1/8 and below; half-size chroma at the end."""

DEFADE = GeneratorConfig(
    encoder="efficientnet_lite0",
    middle_widths=(256, 256),
    up_widths=(96, 64),
    widths=(160, 128),
    convs_per_block=1,
    attention_block=1,
    head="tone",
    spectral=False,
)
"""Restores faded photographs: a decoder that ends at 1/8, since tone and colour change slowly over a picture."""

DDCOLOR_TINY = DDColorConfig(
    encoder_widths=(96, 192, 384, 768),
    encoder_depths=(3, 3, 9, 3),
    width=512,
    queries=100,
    query_width=256,
    feed_forward_width=2048,
    scales=3,
    layers=9,
)
"""On ConvNeXt-T."""

DDCOLOR_LARGE = DDColorConfig(
    encoder_widths=(192, 384, 768, 1536),
    encoder_depths=(3, 3, 27, 3),
    width=512,
    queries=100,
    query_width=256,
    feed_forward_width=2048,
    scales=3,
    layers=9,
)
"""On ConvNeXt-L."""
