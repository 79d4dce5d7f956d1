"""Whether a photograph has colours of its own, and how sure that is.

In come a photograph's pixels, (H, W, 3) RGB, uint8 or uint16; out goes a `photo.Verdict`. A print is monochrome where
its colour follows from its tone, a slow change over the picture and a few stains; a colour photograph has things that
differ in hue at the same tone. ``explained`` fits the former and hands on what it leaves over, ``measuring`` puts that
into numbers, ``head`` is the small network that knows them, and ``judging`` decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deoldify.doors import handing_on

if TYPE_CHECKING:
    from deoldify.monochrome.explained import unexplained
    from deoldify.monochrome.head import VOICES, Head
    from deoldify.monochrome.judging import SIDE, judge, judged, square_of, without_colours
    from deoldify.monochrome.measuring import measures
else:
    __getattr__, __dir__ = handing_on(
        __name__, explained=("unexplained",), head=("VOICES", "Head"), measuring=("measures",),
        judging=("SIDE", "judge", "judged", "square_of", "without_colours"),
    )  # fmt: skip

__all__ = ["SIDE", "VOICES", "Head", "judge", "judged", "measures", "square_of", "unexplained", "without_colours"]
