"""Versions of one photograph's colours, to choose from: which there are, and which of them the others speak for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch.nn.functional as F

from deoldify.imaging import Adjustments, ColourPlane, adjusted
from deoldify.model import RENDER_FACTORS

_SIDE = 64  # of the squares on which versions are compared
_SIZES = (2 / 3, 3 / 2, 1 / 2, 2.0)
"""Other render sizes in the order in which they are tried, as multiples: a bolder one, a finer one, and so on."""


@dataclass(frozen=True, eq=False)
class Variant:
    """One version of a photograph's colours.

    Attributes:
        plane: its colours, for ``Colorizer.paint``.
        likely: 0 for the colours that the model finds the likeliest; n for the n-th of other likely colours, where one
            surface of the picture has another.
        render_factor: that it was asked for with; None where it was chosen automatically.
    """

    plane: ColourPlane
    likely: int = 0
    render_factor: int | None = None


def by_agreement(variants: Sequence[Variant]) -> list[Variant]:
    """Versions of one photograph sorted so that the one that the others agree with most comes first.

    Agreement is the mean distance of U and V, place by place, to each of the others. Versions that are alike keep their
    order.
    """
    seen = [
        F.interpolate(adjusted(variant.plane, Adjustments())[0], (_SIDE, _SIDE), mode="bilinear", antialias=True)
        for variant in variants
    ]
    apart = [[float((one - other).norm(dim=1).mean()) for other in seen] for one in seen]
    return sorted(variants, key=lambda variant: sum(apart[variants.index(variant)]))


def other_sizes(factor: int) -> Iterator[int]:
    """Render factors that show something else than this one, each once."""
    tried = {factor}
    for times in _SIZES:
        size = min(max(round(factor * times), RENDER_FACTORS[0]), RENDER_FACTORS[-1])
        if size not in tried:
            tried.add(size)
            yield size
