"""The colours of a photograph as a plane of their own: what a render says, and what is made of it afterwards.

So that saturation, warmth, liveliness, caution and hints need no new render.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from deoldify.imaging.adjustments import Adjustments
from deoldify.imaging.hints import change_by_hints
from deoldify.imaging.look import drawn_to
from deoldify.photo import Render

_WARM = (-(0.5**0.5), 0.5**0.5)
"""Direction of orange in U and V."""
_WARMTH = 0.4
"""How far a colour moves that way at a warmth of 1, in units of its own chroma."""


@dataclass(frozen=True, eq=False)
class ColourPlane:
    """What a render says of a photograph's colours, at the size of the render.

    U and V are those of ``imaging.chroma``. What is of another size than ``grey`` is stretched to it.

    Attributes:
        grey: (h, w) uint8, the photo's luma, as the generator saw it.
        cautious: (1, 2, h', w') float32, U and V as the model would have them on the safe side.
        lively: (1, 2, h', w') float32, U and V of its lively opinion; None where it has but one.
        certainty: (h', w') float32, 0 to 1; None where the render does not tell.
        liveliness: 0 to 1, between the two opinions, where nothing else is asked for.
        render: what made it, for the record; None where nothing has.

    Raises:
        ValueError: shapes that are not those.
    """

    grey: npt.NDArray[np.uint8]
    cautious: Tensor
    lively: Tensor | None = None
    certainty: npt.NDArray[np.float32] | None = None
    liveliness: float = 0.0
    render: Render | None = None

    def __post_init__(self) -> None:
        for name, uv in (("cautious", self.cautious), ("lively", self.lively)):
            if uv is not None and (uv.ndim != 4 or uv.shape[:2] != (1, 2)):
                raise ValueError(f"{name} must be (1, 2, h, w), not {tuple(uv.shape)}")
        for name, plane in (("grey", self.grey), ("certainty", self.certainty)):
            if plane is not None and plane.ndim != 2:
                raise ValueError(f"{name} must be (h, w), not {plane.shape}")


def adjusted(plane: ColourPlane, adjustments: Adjustments) -> tuple[Tensor, Tensor | None]:
    """A plane's colours as they are asked for: ready for ``transfer_guided``.

    Args:
        plane: what was rendered; it is not changed.
        adjustments: what is asked for. The usual ones give ``cautious`` of a plane with one opinion back to the bit.

    Returns:
        U and V at the size of ``plane.grey``, (1, 2, h, w) float32; and what hints add to them, of the same shape, or
        None where there are none.

    Raises:
        ValueError: liveliness is asked of a plane with one opinion, or caution of one without certainty.
    """
    if adjustments.liveliness is not None and plane.lively is None:
        raise ValueError(
            f"liveliness {adjustments.liveliness:g} needs a cautious and a lively opinion, and this model has but one: "
            f"leave liveliness out"
        )
    if adjustments.caution and plane.certainty is None:
        raise ValueError(
            f"caution {adjustments.caution:g} needs to know where the render is certain, which this one does not "
            f"tell: leave caution at 0"
        )
    uv = _fitted(plane.cautious, plane.grey)
    liveliness = plane.liveliness if adjustments.liveliness is None else adjustments.liveliness
    if plane.lively is not None and liveliness:
        uv = torch.lerp(uv, _fitted(plane.lively, plane.grey), liveliness)
    if plane.certainty is not None and adjustments.caution:
        certainty = _fitted(torch.from_numpy(plane.certainty)[None, None], plane.grey)
        uv = uv * torch.lerp(torch.ones_like(certainty), certainty, adjustments.caution)
    if adjustments.look is not None:
        uv = drawn_to(uv, adjustments.look)
    if adjustments.saturation != 1:
        uv = uv * adjustments.saturation
    if adjustments.warmth:
        uv = warmed(uv, adjustments.warmth)
    return uv, change_by_hints(uv, plane.grey, adjustments.hints) if adjustments.hints else None


def warmed(uv: Tensor, warmth: float) -> Tensor:
    """Colours drawn towards orange, or towards blue where ``warmth`` is negative.

    Each moves in proportion to its own chroma, so that whites, mounts and all that is neutral stay as they are.

    Args:
        uv: (N, 2, h, w), U and V.
        warmth: −1 to 1.
    """
    direction = torch.tensor(_WARM, dtype=uv.dtype, device=uv.device).view(1, 2, 1, 1)
    return uv + (warmth * _WARMTH) * uv.square().sum(dim=1, keepdim=True).sqrt() * direction


def _fitted(planes: Tensor, grey: npt.NDArray[np.uint8]) -> Tensor:
    """(1, C, h', w') at the size of ``grey``."""
    size = (grey.shape[0], grey.shape[1])
    return planes if planes.shape[-2:] == size else F.interpolate(planes, size, mode="bilinear", antialias=True)
