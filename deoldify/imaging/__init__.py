"""Pure functions on pixels: colour, the square that a network sees, and the way from there back to full size.

In come a photograph's pixels, (H, W, 3) RGB, uint8 or uint16, or tensors (N, C, H, W) of float in 0 to 1; out go the
same. ``colour`` and ``cielab`` know spaces and scales, ``square`` what a network sees, ``transfer`` how chroma or tone
get back onto the photograph's own detail, ``rows`` how that is done in strips. ``plane`` holds what a render says of
colours and makes of it what ``adjustments`` ask for, ``consensus`` takes what several renders agree on, ``hints``
spreads colours that were named for places, ``mount`` finds what lies around a photograph,
``look`` draws several to one. Nothing here knows a
file or a network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deoldify.doors import handing_on

if TYPE_CHECKING:
    from deoldify.imaging.adjustments import Adjustments, Hint, Look
    from deoldify.imaging.cielab import from_cielab, to_cielab
    from deoldify.imaging.colour import (
        IMAGENET_MEAN,
        IMAGENET_STD,
        LUMA_WEIGHTS,
        Pixels,
        Triple,
        chroma,
        denormalise,
        from_luma_chroma,
        luma,
        normalise,
        to_tensor,
    )
    from deoldify.imaging.consensus import MODELS_DOUBT, agreed, certainty, doubted, spread, together
    from deoldify.imaging.look import common_look, look_of
    from deoldify.imaging.mount import Inside, in_mount, inside_mount
    from deoldify.imaging.plane import ColourPlane, adjusted
    from deoldify.imaging.square import colour_square, grey_square, sampled, sampled_square
    from deoldify.imaging.transfer import (
        Transfer,
        affine_coefficients,
        guided_coefficients,
        stretch,
        transfer_bilinear,
        transfer_guided,
        transfer_tone,
    )
else:
    __getattr__, __dir__ = handing_on(
        __name__,
        adjustments=("Adjustments", "Hint", "Look"),
        cielab=("from_cielab", "to_cielab"),
        colour=(
            "IMAGENET_MEAN", "IMAGENET_STD", "LUMA_WEIGHTS", "Pixels", "Triple", "chroma", "denormalise",
            "from_luma_chroma", "luma", "normalise", "to_tensor",
        ),
        consensus=("MODELS_DOUBT", "agreed", "certainty", "doubted", "spread", "together"),
        look=("common_look", "look_of"),
        mount=("Inside", "in_mount", "inside_mount"),
        plane=("ColourPlane", "adjusted"),
        square=("colour_square", "grey_square", "sampled", "sampled_square"),
        transfer=(
            "Transfer", "affine_coefficients", "guided_coefficients", "stretch", "transfer_bilinear",
            "transfer_guided", "transfer_tone",
        ),
    )  # fmt: skip

__all__ = [
    "IMAGENET_MEAN",
    "IMAGENET_STD",
    "LUMA_WEIGHTS",
    "MODELS_DOUBT",
    "Adjustments",
    "ColourPlane",
    "Hint",
    "Inside",
    "Look",
    "Pixels",
    "Transfer",
    "Triple",
    "adjusted",
    "affine_coefficients",
    "agreed",
    "certainty",
    "chroma",
    "colour_square",
    "common_look",
    "denormalise",
    "doubted",
    "from_cielab",
    "from_luma_chroma",
    "grey_square",
    "guided_coefficients",
    "in_mount",
    "inside_mount",
    "look_of",
    "luma",
    "normalise",
    "sampled",
    "sampled_square",
    "spread",
    "stretch",
    "to_cielab",
    "to_tensor",
    "together",
    "transfer_bilinear",
    "transfer_guided",
    "transfer_tone",
]
