"""Models that colour a photograph together: what they agree on, paled where they do not.

A model knows what it was trained on, and guesses the rest in its own way. So what several say alike is likely to be
true, and what they disagree on is anybody's guess.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import torch

from deoldify import imaging
from deoldify.checkpoints import Checkpoint
from deoldify.colorizer import Colorizer, check_transfer, laid, mean_certainty
from deoldify.errors import OutOfMemoryError
from deoldify.imaging import Adjustments, ColourPlane, Pixels, Transfer
from deoldify.model import FACTOR_PIXELS, rendering_bytes, sizes
from deoldify.network import choose_device, choose_precision, cost, memory
from deoldify.photo import Render

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Member:
    """One of the models that are to agree.

    Attributes:
        checkpoint: what it is.
        wake: loads it.
    """

    checkpoint: Checkpoint
    wake: Callable[[], Colorizer]


class Agreement(Colorizer):
    """Colours photographs by what several models agree on; used as one ``Colorizer``.

    Each model takes its own best render factor and number of renders where none is asked for. Their order does not
    matter. Where memory does not hold them all, one is held at a time.

    Args:
        members: two models or more, each once.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        precision: ``auto``, ``float32``, ``bfloat16`` or ``float16``.

    Attributes:
        holds_all: whether the models stay in memory together.
    """

    def __init__(self, members: Sequence[Member], *, device: str = "auto", precision: str = "auto") -> None:
        self.device = choose_device(device)
        self.precision = choose_precision(precision, self.device)
        self._members = sorted(members, key=lambda member: member.checkpoint.name)
        self.checkpoint = together([member.checkpoint for member in self._members])
        self._awake: dict[int, Colorizer] = {}
        self._turn = threading.RLock()
        records, free = [member.checkpoint for member in self._members], memory.free_bytes(self.device)
        self.holds_all = (
            together_bound(records, self.device) <= free or together_bytes(records, self.device, self.precision) <= free
        )

    def wake(self) -> None:
        """Load the models now, those that are held together."""
        if self.holds_all:
            self._asked(lambda model: None)

    def seconds(self, render_factor: int | None = None, renders: int | None = None) -> float:
        return sum(self._asked(lambda model: model.seconds(render_factor, renders)))

    def auto_render_factor(self, width: int, height: int) -> int:
        """The largest of the render factors that the models choose; see ``Model.auto_render_factor``."""
        return max(self._asked(lambda model: model.auto_render_factor(width, height)))

    def render_together(self, render_factor: int | None = None) -> None:
        if self.holds_all:
            self._asked(lambda model: model.render_together(render_factor))

    def _planes(
        self, pixels: Pixels, render_factor: int | None, renders: int | None, others: int = 0
    ) -> list[ColourPlane]:
        """What the models agree on; and, as far as others are wanted, what each of them would have."""
        planes = self._asked(lambda model: model.plane(pixels, render_factor=render_factor, renders=renders))
        return [agreed(planes, self.checkpoint.name), *planes[:others]]

    def _coloured(
        self,
        pixels: Pixels,
        render_factor: int | None,
        renders: int | None,
        transfer: Transfer,
        adjustments: Adjustments,
    ) -> tuple[Pixels, Render]:
        check_transfer(transfer)
        (plane,) = self._planes(pixels, render_factor, renders)
        assert plane.render is not None
        try:
            return laid(pixels, plane, None, transfer, adjustments), plane.render
        except (MemoryError, RuntimeError) as error:
            if not memory.ran_out(error):
                raise
            raise OutOfMemoryError(
                "there is not enough memory to lay the colours on this photo. Close other programs, or take a smaller "
                "photo"
            ) from error

    def _asked(self, ask: Callable[[Colorizer], Answer]) -> list[Answer]:
        """What each model answers, in their order; where one is held at a time, the one that is awake comes first."""
        with self._alone():
            answers: dict[int, Answer] = {}
            for number in sorted(range(len(self._members)), key=lambda number: number not in self._awake):
                answers[number] = ask(self._woken(number))
            return [answers[number] for number in range(len(self._members))]

    def _alone(self) -> AbstractContextManager[object]:
        return nullcontext() if self.holds_all and len(self._awake) == len(self._members) else self._turn

    def _woken(self, number: int) -> Colorizer:
        if number not in self._awake:
            if not self.holds_all and self._awake:
                self._awake.clear()
                memory.give_back(self.device)
            self._awake[number] = self._members[number].wake()
        return self._awake[number]


def together(records: Sequence[Checkpoint]) -> Checkpoint:
    """The record of models that agree: what is said of them as one."""
    first = max(records, key=lambda record: record.render_factor)
    return replace(
        first,
        name="+".join(record.name for record in records),
        bytes=sum(record.bytes for record in records),
        licence=" and ".join(dict.fromkeys(record.licence for record in records)),
        origin="; ".join(f"{record.name}: {record.origin}" for record in records),
        renders=1,
        liveliness=0.0,
        good_at="what several models agree on, paled where they do not",
        terms=" ".join(dict.fromkeys(record.terms for record in records if record.terms)),
    )


def together_bytes(records: Sequence[Checkpoint], device: torch.device, precision: torch.dtype) -> int:
    """Memory of models that are held together, while the largest render of any is made; with a margin."""
    renders = [
        rendering_bytes(record.config, device, precision, record.render_factor, record.renders) for record in records
    ]
    return int(sum(record.bytes for record in records) + cost.MARGIN * max(renders))


def together_bound(records: Sequence[Checkpoint], device: torch.device) -> int:
    """More than ``together_bytes``, without counting for seconds."""
    bounds = []
    for record in records:
        side = FACTOR_PIXELS * sizes(record.config, record.render_factor, record.renders)[-1]
        bounds.append(min(record.renders, 2) * cost.render_bound(record.config, device, side))
    return int(sum(record.bytes for record in records) + cost.MARGIN * max(bounds))


def agreed(planes: Sequence[ColourPlane], name: str) -> ColourPlane:
    """What several models' planes of one photograph agree on.

    Args:
        planes: two or more, each as its model is used; at the sizes of their own renders.
        name: of the models together.

    Returns:
        the mean of their chroma, at the size of the largest render, paled where they lie apart, more so than renders
        of one model would be (see ``imaging.MODELS_DOUBT``). It is as certain as the models agree, times how sure
        those that tell are on average.
    """
    largest = max(planes, key=lambda plane: plane.grey.shape)
    size = (largest.grey.shape[0], largest.grey.shape[1])
    chroma = imaging.together([imaging.adjusted(plane, Adjustments())[0] for plane in planes], size)
    mean, variance = imaging.agreed(chroma)
    variance = imaging.MODELS_DOUBT * variance
    certainty = imaging.certainty(mean, variance)
    told = [torch.from_numpy(plane.certainty)[None, None] for plane in planes if plane.certainty is not None]
    if told:
        sure = imaging.together(told, size).mean(dim=(0, 1)).clamp(0, 1)
        certainty = np.asarray(certainty * sure.numpy(), np.float32)
    plane = ColourPlane(largest.grey, imaging.doubted(mean, variance), certainty=certainty)
    return replace(plane, render=replace(_render(planes, name), certainty=mean_certainty(plane)))


def _render(planes: Sequence[ColourPlane], name: str) -> Render:
    """What models together made a photograph with: of the one that ran shortest of memory, or else of the largest."""
    made = [plane.render for plane in planes if plane.render is not None]
    shortest = max(made, key=lambda render: (render.wanted - render.factor, render.factor))
    return replace(shortest, model=name, count=sum(render.count for render in made))
