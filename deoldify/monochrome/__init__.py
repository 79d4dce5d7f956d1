"""Whether a photograph has colours of its own, and how sure that is.

In come a photograph's pixels, (H, W, 3) RGB, uint8 or uint16; out goes a `photo.Verdict`. A print is monochrome where
its colour follows from its tone, a slow change over the picture and a few stains; a colour photograph has things that
differ in hue at the same tone. ``explained`` fits the former and hands on what it leaves over; ``judging`` decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deoldify.doors import handing_on

if TYPE_CHECKING:
    from deoldify.monochrome.explained import unexplained
    from deoldify.monochrome.judging import SIDE, judge, judged, without_colours
else:
    __getattr__, __dir__ = handing_on(
        __name__, explained=("unexplained",), judging=("SIDE", "judge", "judged", "without_colours")
    )

__all__ = ["SIDE", "judge", "judged", "unexplained", "without_colours"]
