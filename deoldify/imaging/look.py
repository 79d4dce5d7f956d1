"""One look for several photographs: how much colour they have on the whole, and which way it leans.

A photograph is drawn to a look by one gain on its chroma and a small shift that fades out at neutral, so that whites,
mounts and all that has no colour stay as they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from torch import Tensor

from deoldify.imaging.adjustments import Look

_NEUTRAL = 0.03
"""Chroma at which a place counts by half as coloured; JPEG's rounding is a tenth of it, faint skin three times."""
_LEAST_COLOURED = 0.01
"""Share of a picture that must be coloured, or there is nothing to go by."""
_GAINS = (0.75, 4 / 3)
_FARTHEST = 0.008
"""Of the shift: about two grey levels. More, and skin beside streets of the same roll lost its colour."""


def look_of(uv: Tensor) -> Look | None:
    """The look of a picture: mean chroma, and mean U and V, of what is coloured in it.

    Args:
        uv: (1, 2, h, w), U and V of ``imaging.chroma``.

    Returns:
        the look; None where hardly anything is coloured.
    """
    magnitude, coloured = _coloured(uv)
    share = float(coloured.mean())
    if share < _LEAST_COLOURED:
        return None
    u, v = ((coloured * uv).mean(dim=(0, 2, 3)) / share).tolist()
    return Look(float((coloured * magnitude).mean()) / share, u, v)


def common_look(looks: Sequence[Look]) -> Look | None:
    """The look of a group: the median of theirs, number by number; None of no look at all."""
    if not looks:
        return None
    return Look(*(median(getattr(look, name) for look in looks) for name in ("chroma", "u", "v")))


def drawn_to(uv: Tensor, look: Look) -> Tensor:
    """The colours of a picture drawn to a look; what is neutral stays so, and a picture without colours as it is.

    They go half of the way, since a part of what sets pictures of one roll apart is what they show.

    Args:
        uv: (1, 2, h, w), U and V.
        look: of another picture or of a group.
    """
    own = look_of(uv)
    if own is None:
        return uv
    gain = min(max(math.sqrt(look.chroma / own.chroma), _GAINS[0]), _GAINS[1])
    shift = 0.5 * uv.new_tensor([look.u - gain * own.u, look.v - gain * own.v]).view(1, 2, 1, 1)
    shift = shift * min(1.0, _FARTHEST / max(float(shift.norm()), 1e-9))
    return gain * uv + _coloured(uv)[1] * shift


def _coloured(uv: Tensor) -> tuple[Tensor, Tensor]:
    """Chroma, and how much each place counts as coloured, 0 to 1; both (1, 1, h, w)."""
    square = uv.square().sum(dim=1, keepdim=True)
    return square.sqrt(), square / (square + _NEUTRAL**2)
