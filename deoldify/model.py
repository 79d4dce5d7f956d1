"""A generator ready to run on photographs: what colorizers and defaders share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from numbers import Integral
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from deoldify import imaging
from deoldify.checkpoints import Checkpoint
from deoldify.errors import OutOfMemoryError
from deoldify.imaging import Pixels
from deoldify.network import AnyGenerator, NetworkConfig, Prepared, choose_device, choose_precision, cost, memory
from deoldify.photo import Photo, Render

Made = TypeVar("Made")

FACTOR_PIXELS = 16
"""Pixels of the render's side per unit of render factor, as DeOldify counts."""

RENDER_FACTORS = range(4, 65)
"""Render factors that can be asked for. A network whose sides come in larger steps takes the next below."""

MOST_RENDERS = 32
"""Renders that a photo can be made of; measured, more than 14 agree no better."""

_LEAST_AUTOMATIC = 14
"""Smaller photos are enlarged to be rendered: measured, 100 pixels are coloured best at 14 × 16."""

_MOST_TOGETHER = 8
"""Renders made at once; more would only wait for photographs to be decoded."""


class Model:
    """A generator ready to run on photographs; what colorizers and defaders share.

    Args:
        checkpoint: what the generator is.
        generator: in eval mode, with the checkpoint's weights. It is used up, see ``Prepared``.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        precision: ``auto``, ``float32``, ``bfloat16`` or ``float16``.

    Attributes:
        generator: the network, ImageNet-normalised (N, 3, H, W) float32 to the same, whatever ``precision`` is.
        device: where renders are made.
        precision: the torch dtype they are made in.

    Raises:
        ValueError: no such device or precision here.
    """

    def __init__(
        self, checkpoint: Checkpoint, generator: AnyGenerator, *, device: str = "auto", precision: str = "auto"
    ) -> None:
        self.checkpoint = checkpoint
        self.device = choose_device(device)
        self.precision = choose_precision(precision, self.device)
        memory.keep_heap_small()
        self._prepared = Prepared(generator, self.device, self.precision)
        self.generator = self._prepared.generator

    def __repr__(self) -> str:
        precision = str(self.precision).removeprefix("torch.")
        return f"{type(self).__name__}({self.checkpoint.name!r}, {self.device}, {precision})"

    def auto_render_factor(self, width: int, height: int) -> int:
        """The render factor used for a photo of this size when none is asked for.

        It is the model's best, or less where the photo itself has no more pixels to look at, or where no more fits
        into the memory that is free now.

        Args:
            width: of the photo in pixels.
            height: of the photo in pixels.

        Raises:
            OutOfMemoryError: not even the smallest render fits.
        """
        return self._fitting(self._best_render_factor(width, height), self.checkpoint.renders)

    def seconds(self, render_factor: int | None = None, renders: int | None = None) -> float:
        """Seconds that rendering is going to take here, by a short one that is made the first time this is asked.

        Args:
            render_factor: of the render; None for the model's own.
            renders: of the photo; None for as many as the model is used with.

        Raises:
            ValueError: ``render_factor`` or ``renders`` is out of range; the message names the range.
        """
        render_factor = self.checkpoint.render_factor if render_factor is None else render_factor
        check_render_factor(render_factor)
        render_factor = stepped(self.generator.config, render_factor)
        cost.calibrate(self._prepared)
        seconds = rendering_seconds(*self._kind, render_factor, self._renders(renders))
        assert seconds is not None
        return seconds

    def render_together(self, render_factor: int | None = None) -> None:
        """From now on, let renders that wait for their turn be made at once, as many as fit into what is free now.

        On a CPU this does nothing: one render keeps it busy, and several only take more memory.

        Args:
            render_factor: of the renders to come; None for the model's own.
        """
        if self.device.type != "cpu":
            side = (render_factor or self.checkpoint.render_factor) * FACTOR_PIXELS
            needed = cost.render_cost(*self._kind, side).bytes * cost.MARGIN
            self._prepared.most = max(1, min(_MOST_TOGETHER, int(memory.free_bytes(self.device) // needed)))

    @property
    def _kind(self) -> tuple[NetworkConfig, torch.device, torch.dtype]:
        """What the cost of a render depends on, beside its side."""
        return self.generator.config, self.device, self.precision

    def _best_render_factor(self, width: int, height: int) -> int:
        """The render factor for a photo of this size where memory is plenty."""
        return best_render_factor(self.checkpoint, width, height)

    def _renders(self, renders: int | None) -> int:
        """How many renders a photo is made of: those asked for, or the model's own."""
        renders = self.checkpoint.renders if renders is None else renders
        check_renders(renders)
        return renders

    def _fitting(self, factor: int, renders: int = 1) -> int:
        """This render factor, or the largest below it that fits into the memory that is free now."""
        with self._prepared.turn:  # no other render takes any of it then
            free = memory.free_bytes(self.device)
        fitting = largest_render_factor(*self._kind, free, at_most=factor, renders=renders)
        if fitting is None:
            raise self._out_of_memory(renders)
        return fitting

    def _within_memory(
        self, pixels: Pixels, render_factor: int | None, work: Callable[[int], Made], renders: int = 1
    ) -> tuple[Made, Render]:
        """Do work that includes a render at the factor wanted, or where memory runs short at the largest that fits.

        Args:
            pixels: (H, W, 3), of the photo.
            render_factor: asked for; None chooses it.
            work: takes the side of the square in pixels.
            renders: that ``work`` makes, of sizes around that.

        Returns:
            what ``work`` did, and the render that it was done with.

        Raises:
            OutOfMemoryError: not even the smallest render fits.
            ValueError: ``render_factor`` is out of range.
        """
        height, width = pixels.shape[:2]
        wanted = self._best_render_factor(width, height) if render_factor is None else render_factor
        check_render_factor(wanted)
        wanted = stepped(self.generator.config, wanted)
        factor = self._fitting(wanted, renders)
        while True:
            try:
                return work(factor * FACTOR_PIXELS), Render(self.checkpoint.name, factor, wanted, renders)
            except (MemoryError, RuntimeError) as error:
                if not memory.ran_out(error):
                    raise
            # Only out here is the error gone, and with it everything that the interrupted work held.
            memory.give_back(self.device)
            if factor == RENDER_FACTORS[0]:
                raise self._out_of_memory(renders)
            factor = stepped(self.generator.config, factor * 4 // 5)  # two thirds of the pixels

    def _out_of_memory(self, renders: int) -> OutOfMemoryError:
        side = RENDER_FACTORS[0] * FACTOR_PIXELS
        needed = rendering_bytes(*self._kind, RENDER_FACTORS[0], renders)
        free = memory.free_bytes(self.device)
        return OutOfMemoryError(
            f"there is not enough memory for this photo: the smallest render of {self.checkpoint.name} "
            f"({side} × {side} pixels) takes {needed / 1e6:.0f} MB, and {free / 1e6:.0f} MB are free on the device "
            f"{self.device.type}. Close other programs, take a smaller model or photo, or another device"
        )

    def _render(self, square: npt.NDArray[np.uint8]) -> Tensor:
        """What the generator makes of a square: (1, 3, side, side) RGB in 0 to 1."""
        x = imaging.normalise(imaging.to_tensor(square))
        return imaging.denormalise(self._prepared(x)).clamp(0, 1)


def image_of(photo: Photo) -> Image.Image:
    """A photo as an image whose ``info`` says what it was made with.

    That is ``render_factor``, ``renders`` and, where they tell, ``certainty``; and ``coloured``, with ``monochrome``
    and ``confidence``, what it was taken for and how sure that was.
    """
    image = photo.to_image()
    image.info["coloured"] = photo.coloured
    if photo.verdict is not None:
        image.info.update(asdict(photo.verdict))
    if photo.renders:
        made = photo.renders[-1]
        image.info |= {"render_factor": made.factor, "renders": made.count}
        if made.certainty is not None:
            image.info["certainty"] = made.certainty
    return image


def best_render_factor(checkpoint: Checkpoint, width: int, height: int) -> int:
    """The render factor that a model chooses for a photo of this size where memory is plenty."""
    enough = -(-max(width, height) // FACTOR_PIXELS)
    best = max(min(checkpoint.render_factor, enough), min(_LEAST_AUTOMATIC, checkpoint.render_factor))
    return stepped(checkpoint.config, best)


def factor_step(config: NetworkConfig) -> int:
    """Render factors from one size of squares that a network takes to the next."""
    return max(1, config.side_step // FACTOR_PIXELS)


def stepped(config: NetworkConfig, factor: int) -> int:
    """The largest render factor that a network takes and that is no larger than this one; at least the smallest."""
    return max(RENDER_FACTORS[0], factor - factor % factor_step(config))


def sizes(config: NetworkConfig, factor: int, renders: int) -> tuple[int, ...]:
    """The render factors that a photo's renders are made at; see ``imaging.spread``."""
    step = factor_step(config)
    return tuple(max(step, size - size % step) for size in imaging.spread(factor, renders))


def largest_render_factor(
    config: NetworkConfig,
    device: torch.device,
    dtype: torch.dtype,
    free: int,
    *,
    at_most: int = RENDER_FACTORS[-1],
    renders: int = 1,
) -> int | None:
    """The largest render factor whose render fits, with a margin; None where not even the smallest does.

    Args:
        config: of the generator.
        device: where it runs.
        dtype: what it runs in.
        free: bytes that may be taken, see ``memory.free_bytes``.
        at_most: the largest factor of interest.
        renders: of the photo, of sizes around the factor; the largest of them, and its mirror, must fit together.
    """
    factors = range(RENDER_FACTORS[0], at_most + 1, factor_step(config))
    sides = [sizes(config, factor, renders)[-1] * FACTOR_PIXELS for factor in factors]
    side = cost.largest_fitting(config, device, dtype, sides, free, _batch(renders))
    return None if side is None else factors[sides.index(side)]


def rendering_seconds(
    config: NetworkConfig, device: torch.device, dtype: torch.dtype, factor: int, renders: int = 1
) -> float | None:
    """Seconds that a photo's renders are going to take, of sizes around a factor; see ``cost.render_seconds``."""
    each = [cost.render_seconds(config, device, dtype, size * FACTOR_PIXELS) for size in sizes(config, factor, renders)]
    return None if None in each else _batch(renders) * sum(filter(None, each))


def rendering_bytes(
    config: NetworkConfig, device: torch.device, dtype: torch.dtype, factor: int, renders: int = 1
) -> int:
    """Most memory that a photo's renders take at any moment, of sizes around a factor; see ``cost.render_cost``."""
    side = sizes(config, factor, renders)[-1] * FACTOR_PIXELS
    return cost.render_cost(config, device, dtype, side, _batch(renders)).bytes


def _batch(renders: int) -> int:
    """Pictures in a batch: where there are several renders, each size is rendered mirrored, too."""
    return 1 if renders == 1 else 2


def _check_whole(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise ValueError(f"{name} must be a whole number, not {value!r}")


def check_renders(renders: int) -> None:
    """Raise a ``ValueError`` that says what there may be, where a photo cannot be made of so many renders."""
    _check_whole("renders", renders)
    if renders != 1 and (renders % 2 or not 1 < renders <= MOST_RENDERS):
        raise ValueError(f"renders {renders} is neither 1 nor an even number of at most {MOST_RENDERS}")


def check_render_factor(factor: int) -> None:
    """Raise a ``ValueError`` that names the range where a render factor is outside it."""
    _check_whole("render_factor", factor)
    if factor not in RENDER_FACTORS:
        low, high = RENDER_FACTORS[0], RENDER_FACTORS[-1]
        raise ValueError(
            f"render_factor {factor} is outside {low} to {high} "
            f"(squares of {low * FACTOR_PIXELS} to {high * FACTOR_PIXELS} pixels)"
        )
