"""From a photograph to its coloured or restored version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Literal, overload

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from deoldify import imaging, memory
from deoldify.checkpoints import Checkpoint, find, find_on_hub, is_repository, load_generator
from deoldify.config import GeneratorConfig
from deoldify.errors import CheckpointError, OutOfMemoryError, UnknownModelError
from deoldify.generator import Generator
from deoldify.imaging import Pixels, Transfer
from deoldify.inference import Prepared, choose_device, choose_precision
from deoldify.photo import Photo, Render

FACTOR_PIXELS = 16
"""Pixels of the render's side per unit of render factor, as DeOldify counts."""
RENDER_FACTORS = range(4, 65)
"""Render factors that can be asked for."""
_LEAST_AUTOMATIC = 14
"""Smaller photos are enlarged to be rendered: measured, 100 pixels are coloured best at 14 × 16."""
_MOST_TOGETHER = 8
"""Renders made at once; more would only wait for photographs to be decoded."""
DEFADE_STRENGTHS = (0.0, 1.5)
"""From nothing done to half as much again as the model would do."""
_RESTORED_TOLERANCE = 1.7
"""As ``imaging.is_monochrome`` has it, of what a defader makes of a photo. Measured on 120 photographs: nineteen in
twenty black-and-white ones that faded at medium strength stay below, and no colour one that looks grey beforehand."""
_GLANCE_SIDE = 64
"""Pixels of the square on which a photo is judged to be black and white or in colour."""


class Model:
    """A generator ready to run on photographs; what colorizers and defaders share.

    Args:
        checkpoint: what the generator is.
        generator: in eval mode, with the checkpoint's weights. It is used up, see ``Prepared``.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        precision: ``auto``, ``float32``, ``bfloat16`` or ``float16``.

    Attributes:
        generator: the network, ImageNet-normalised (N, 3, H, W) to the same where ``precision`` is float32.
        device: where renders are made.
        precision: the torch dtype they are made in.

    Raises:
        ValueError: no such device or precision here.
    """

    def __init__(
        self, checkpoint: Checkpoint, generator: Generator, *, device: str = "auto", precision: str = "auto"
    ) -> None:
        self.checkpoint = checkpoint
        self.device = choose_device(device)
        self.precision = choose_precision(precision, self.device)
        memory.keep_heap_small()
        self._prepared = Prepared(generator, self.device, self.precision)
        self.generator = self._prepared.generator

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
        return self._fitting(self._best_render_factor(width, height))

    def seconds(self, render_factor: int | None = None) -> float:
        """Seconds that a render is going to take here, by a short one that is made the first time this is asked.

        Args:
            render_factor: of the render; None for the model's own.

        Raises:
            ValueError: ``render_factor`` is out of range; the message names the range.
        """
        render_factor = self.checkpoint.render_factor if render_factor is None else render_factor
        check_render_factor(render_factor)
        memory.calibrate(self._prepared)
        seconds = memory.render_seconds(*self._kind, render_factor * FACTOR_PIXELS)
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
            cost = memory.render_cost(*self._kind, side).bytes * memory.MARGIN
            self._prepared.most = max(1, min(_MOST_TOGETHER, int(memory.free_bytes(self.device) // cost)))

    @property
    def _kind(self) -> tuple[GeneratorConfig, torch.device, torch.dtype]:
        """What the cost of a render depends on, beside its side."""
        return self.generator.config, self.device, self.precision

    def _best_render_factor(self, width: int, height: int) -> int:
        """The render factor for a photo of this size where memory is plenty."""
        enough = -(-max(width, height) // FACTOR_PIXELS)
        return max(min(self.checkpoint.render_factor, enough), min(_LEAST_AUTOMATIC, self.checkpoint.render_factor))

    def _fitting(self, factor: int) -> int:
        """This render factor, or the largest below it that fits into the memory that is free now."""
        with self._prepared.turn:  # no other render takes any of it then
            free = memory.free_bytes(self.device)
        fitting = largest_render_factor(*self._kind, free, at_most=factor)
        if fitting is None:
            raise self._out_of_memory()
        return fitting

    def _within_memory(
        self, pixels: Pixels, render_factor: int | None, work: Callable[[int], Pixels]
    ) -> tuple[Pixels, Render]:
        """Do work that includes a render at the factor wanted, or where memory runs short at the largest that fits.

        Args:
            pixels: (H, W, 3), of the photo.
            render_factor: asked for; None chooses it.
            work: takes the side of the square in pixels.

        Returns:
            what ``work`` did, and the render that it was done with.

        Raises:
            OutOfMemoryError: not even the smallest render fits.
            ValueError: ``render_factor`` is out of range.
        """
        height, width = pixels.shape[:2]
        wanted = self._best_render_factor(width, height) if render_factor is None else render_factor
        check_render_factor(wanted)
        factor = self._fitting(wanted)
        while True:
            try:
                return work(factor * FACTOR_PIXELS), Render(self.checkpoint.name, factor, wanted)
            except (MemoryError, RuntimeError) as error:
                if not memory.ran_out(error):
                    raise
            # Only out here is the error gone, and with it everything that the interrupted work held.
            memory.give_back(self.device)
            if factor == RENDER_FACTORS[0]:
                raise self._out_of_memory()
            factor = max(RENDER_FACTORS[0], factor * 4 // 5)  # two thirds of the pixels

    def _out_of_memory(self) -> OutOfMemoryError:
        side = RENDER_FACTORS[0] * FACTOR_PIXELS
        needed, free = memory.render_cost(*self._kind, side).bytes, memory.free_bytes(self.device)
        return OutOfMemoryError(
            f"there is not enough memory for this photo: the smallest render of {self.checkpoint.name} "
            f"({side} × {side} pixels) takes {needed / 1e6:.0f} MB, and {free / 1e6:.0f} MB are free on the device "
            f"{self.device.type}. Close other programs, take a smaller model or photo, or another device"
        )

    def _render(self, square: npt.NDArray[np.uint8]) -> Tensor:
        """What the generator makes of a square: (1, 3, side, side) RGB in 0 to 1."""
        x = imaging.normalise(imaging.to_tensor(square))
        return imaging.denormalise(self._prepared(x)).clamp(0, 1)


class Colorizer(Model):
    """Colours photographs. See ``Model`` for what it is made of."""

    @property
    def label(self) -> str:
        """What a coloured photo should say of itself."""
        return f"Coloured by DeOldify ({self.checkpoint.name}); the colours are a guess by AI"

    def __call__(
        self, image: Image.Image, *, render_factor: int | None = None, transfer: Transfer = "guided"
    ) -> Image.Image:
        """Colour an image.

        Args:
            image: any mode Pillow knows, colour or grey; 16-bit grey is coloured at 8 bits, since Pillow has no
                16-bit RGB (``colorize_photo`` keeps all bits). It is not changed.
            render_factor: side of the square that the generator sees, in units of 16 pixels; None chooses it.
            transfer: how colour gets back to full size. ``"guided"`` follows the photo's own edges,
                ``"bilinear"`` does exactly what DeOldify's filter does; both keep the photo's luminance.
                ``"none"`` returns the render itself, stretched.

        Returns:
            RGB, or RGBA where the image has transparency; the same size. ``info["render_factor"]`` says which
            render factor was used: less than asked for where memory ran short.

        Raises:
            ValueError: ``render_factor`` or ``transfer`` is out of range; the message names the range.
            OutOfMemoryError: not even the smallest render fits into the memory that is free.
        """
        photo = Photo.from_image(image)
        return _to_image(self.colorize_photo(photo, render_factor=render_factor, transfer=transfer))

    def colorize_photo(self, photo: Photo, *, render_factor: int | None = None, transfer: Transfer = "guided") -> Photo:
        """Colour a photograph at its own bit depth; everything but the pixels stays. See ``__call__``.

        Returns:
            the coloured photo, whose ``renders`` tell what it was made with.
        """
        pixels, render = self._coloured(photo.pixels, render_factor, transfer)
        return replace(photo.with_pixels(pixels), renders=(*photo.renders, render))

    def colorize_pixels(
        self, pixels: Pixels, *, render_factor: int | None = None, transfer: Transfer = "guided"
    ) -> Pixels:
        """Colour pixels: (H, W, 3) RGB, uint8 or uint16, to the same shape and dtype. See ``__call__``."""
        return self._coloured(pixels, render_factor, transfer)[0]

    def _coloured(self, pixels: Pixels, render_factor: int | None, transfer: Transfer) -> tuple[Pixels, Render]:
        if transfer not in ("guided", "bilinear", "none"):
            raise ValueError(f"transfer {transfer!r} is none of guided, bilinear, none")

        def coloured(side: int) -> Pixels:
            grey = imaging.grey_square(pixels, side)
            render = self._render(grey)
            if transfer == "guided":
                return imaging.transfer_guided(pixels, grey, render)
            if transfer == "bilinear":
                return imaging.transfer_bilinear(pixels, render)
            stretched = imaging.stretch(render, *pixels.shape[:2])
            return stretched if pixels.dtype == np.uint8 else np.asarray(stretched, np.uint16) * np.uint16(257)

        return self._within_memory(pixels, render_factor, coloured)


class Defader(Model):
    """Gives faded photographs their tone and colour back. See ``Model`` for what it is made of."""

    @property
    def label(self) -> str:
        """What a restored photo should say of itself."""
        return f"Restored by DeOldify ({self.checkpoint.name}); tone and colour are a guess by AI"

    def __call__(
        self,
        image: Image.Image,
        *,
        strength: float = 1.0,
        render_factor: int | None = None,
        keep_tone: bool = False,
    ) -> Image.Image:
        """Restore an image.

        Args:
            image: any mode Pillow knows. It is not changed.
            strength: 0 gives the photo back unchanged, 1 restores it, between blends, up to 1.5 overdoes.
            render_factor: side of the square that the generator sees, in units of 16 pixels; None chooses it.
            keep_tone: restore brightness and contrast alone and keep the colour as it is, such as the sepia of a
                toned print. Without it a black-and-white photo comes back neutral.

        Returns:
            RGB, or RGBA where the image has transparency; the same size. ``info["render_factor"]`` says which
            render factor was used: less than asked for where memory ran short.

        Raises:
            ValueError: ``strength`` or ``render_factor`` is out of range; the message names the range.
            OutOfMemoryError: not even the smallest render fits into the memory that is free.
        """
        photo = Photo.from_image(image)
        restored = self.defade_photo(photo, strength=strength, render_factor=render_factor, keep_tone=keep_tone)
        return _to_image(restored)

    def defade_photo(
        self, photo: Photo, *, strength: float = 1.0, render_factor: int | None = None, keep_tone: bool = False
    ) -> Photo:
        """Restore a photograph at its own bit depth; everything but the pixels stays. See ``__call__``.

        Returns:
            the restored photo, whose ``renders`` tell what it was made with: nothing at strength 0.
        """
        return self.defade_and_judge(photo, strength=strength, render_factor=render_factor, keep_tone=keep_tone)[0]

    def defade_pixels(
        self, pixels: Pixels, *, strength: float = 1.0, render_factor: int | None = None, keep_tone: bool = False
    ) -> Pixels:
        """Restore pixels: (H, W, 3) RGB, uint8 or uint16, to the same shape and dtype. See ``__call__``."""
        return self._restored(pixels, strength, render_factor, keep_tone)[0]

    def defade_and_judge(
        self, photo: Photo, *, strength: float, render_factor: int | None = None, keep_tone: bool = False
    ) -> tuple[Photo, bool]:
        """``defade_photo``, and whether the photograph turned out to have no colours of its own."""
        pixels, renders, neutral = self._restored(photo.pixels, strength, render_factor, keep_tone)
        return replace(photo.with_pixels(pixels), renders=(*photo.renders, *renders)), neutral

    def _restored(
        self, pixels: Pixels, strength: float, render_factor: int | None, keep_tone: bool
    ) -> tuple[Pixels, tuple[Render, ...], bool]:
        low, high = DEFADE_STRENGTHS
        if not low <= strength <= high:
            raise ValueError(f"strength {strength} is outside {low:g} to {high:g}")
        if render_factor is not None:
            check_render_factor(render_factor)
        grey = is_black_and_white(pixels)
        if strength == 0:
            return pixels, (), grey
        neutral = False
        see = imaging.sampled_square if self.generator.config.sees_samples else imaging.colour_square

        def restored(side: int) -> Pixels:
            nonlocal neutral
            square = see(pixels, side)
            render = self._render(square)
            # Of a badly faded colour photograph little colour is left, but restoring it brings some out.
            neutral = grey and is_black_and_white(imaging.stretch(render, side, side), tolerance=_RESTORED_TOLERANCE)
            coefficients = imaging.affine_coefficients(
                imaging.to_tensor(square), render, radius=max(2, side // 64), epsilon=1e-3
            )
            return imaging.transfer_tone(
                pixels, coefficients, strength, neutral=neutral and not keep_tone, keep_tone=keep_tone
            )

        result, render = self._within_memory(pixels, render_factor, restored)
        return result, (render,), neutral


def _to_image(photo: Photo) -> Image.Image:
    """A photo as an image that says in its ``info`` which render factor it was made with."""
    image = photo.to_image()
    if photo.renders:
        image.info["render_factor"] = photo.renders[-1].factor
    return image


def is_black_and_white(pixels: Pixels, tolerance: float = 0.9) -> bool:
    """Whether a photograph has no colours of its own; a sepia print has none.

    Args:
        pixels: (H, W, 3) RGB, uint8 or uint16.
        tolerance: see ``imaging.is_monochrome``.
    """
    return imaging.is_monochrome(imaging.colour_square(pixels, _GLANCE_SIDE), tolerance)


def restore_photo(
    photo: Photo, defader: Defader, colorizer: Colorizer, *, strength: float = 1.0, keep_tone: bool = False
) -> tuple[Photo, str]:
    """Give a photograph its tone and colour back, and colour where it is black and white.

    Args:
        photo: at its own bit depth; everything but the pixels stays.
        defader: what restores it.
        colorizer: what colours it then.
        strength: of the restoration, see ``Defader.__call__``.
        keep_tone: restore brightness and contrast alone, see ``Defader.__call__``.

    Returns:
        the restored photo, and the label that says what was done.

    Raises:
        ValueError: ``strength`` is out of range; the message names the range.
        OutOfMemoryError: not even the smallest render fits into the memory that is free.
    """
    restored, neutral = defader.defade_and_judge(photo, strength=strength, keep_tone=keep_tone)
    if not neutral:
        return restored, defader.label
    return colorizer.colorize_photo(restored), f"{defader.label}. {colorizer.label}"


def largest_render_factor(
    config: GeneratorConfig,
    device: torch.device,
    dtype: torch.dtype,
    free: int,
    *,
    at_most: int = RENDER_FACTORS[-1],
) -> int | None:
    """The largest render factor whose render fits, with a margin; None where not even the smallest does.

    Args:
        config: of the generator.
        device: where it runs.
        dtype: what it runs in.
        free: bytes that may be taken, see ``memory.free_bytes``.
        at_most: the largest factor of interest.
    """
    factors = range(RENDER_FACTORS[0], at_most + 1)
    sides = [factor * FACTOR_PIXELS for factor in factors]
    side = memory.largest_fitting(config, device, dtype, sides, free)
    return None if side is None else side // FACTOR_PIXELS


def check_render_factor(factor: int) -> None:
    """Raise a ``ValueError`` that names the range where a render factor is outside it."""
    if factor not in RENDER_FACTORS:
        low, high = RENDER_FACTORS[0], RENDER_FACTORS[-1]
        raise ValueError(
            f"render_factor {factor} is outside {low} to {high} "
            f"(squares of {low * FACTOR_PIXELS} to {high * FACTOR_PIXELS} pixels)"
        )


@overload
def load(
    name: Literal["compact", "artistic", "stable", "video"],
    *,
    checkpoint: str | PathLike[str] | None = ...,
    device: str = ...,
    precision: str = ...,
) -> Colorizer: ...


@overload
def load(
    name: Literal["defade"],
    *,
    checkpoint: str | PathLike[str] | None = ...,
    device: str = ...,
    precision: str = ...,
) -> Defader: ...


@overload
def load(
    name: str,
    *,
    revision: str | None = ...,
    checkpoint: str | PathLike[str] | None = ...,
    device: str = ...,
    precision: str = ...,
) -> Colorizer | Defader: ...


def load(
    name: str,
    *,
    revision: str | None = None,
    checkpoint: str | PathLike[str] | None = None,
    device: str = "auto",
    precision: str = "auto",
) -> Colorizer | Defader:
    """Load a model.

    Args:
        name: what ``models()`` lists: ``compact`` and ``defade`` are embedded, ``artistic``, ``stable`` and ``video``
            are fetched from the Hugging Face Hub the first time. Or ``"owner/name"``, a repository there that
            ``python -m train publish`` made: its task, its best render factor, its licence and its digest are what
            its owner says of it, and not looked after by DeOldify; only tensors are ever read from it.
        revision: of such a repository: a commit, a branch or a tag; None is its newest.
        checkpoint: a file to take the weights from instead.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        precision: ``auto``, ``float32``, ``bfloat16`` or ``float16``.

    Returns:
        a ``Defader`` for ``defade`` and repositories of that task, a ``Colorizer`` for the others.

    Raises:
        UnknownModelError: no model has that name.
        CheckpointError: the weights are damaged, of another architecture, or cannot be fetched.
        ValueError: no such device or precision here, or a revision of what is no repository.
    """
    record = _record(name, revision)
    choose_precision(precision, choose_device(device))  # complain before a long download, not after
    generator = load_generator(record, None if checkpoint is None else Path(checkpoint))
    kind = Colorizer if record.task == "colorize" else Defader
    return kind(record, generator, device=device, precision=precision)


def _record(name: str, revision: str | None) -> Checkpoint:
    if not is_repository(name):
        if revision is not None:
            raise ValueError(f"{name!r} has no revisions; they belong to repositories on the Hub: owner/name")
        return find(name)
    record = find_on_hub(name, revision)
    try:
        check_render_factor(record.render_factor)
    except ValueError as error:
        raise CheckpointError(f"{name!r} cannot be used: its configuration is not sound: {error}") from error
    return record


def load_colorizer(
    name: str,
    *,
    checkpoint: str | PathLike[str] | None = None,
    device: str = "auto",
    precision: str = "auto",
) -> Colorizer:
    """``load`` for a model that must be a colorizer.

    Raises:
        UnknownModelError: no colorizer has that name; and what ``load`` raises.
    """
    model = load(name, checkpoint=checkpoint, device=device, precision=precision)
    if not isinstance(model, Colorizer):
        raise UnknownModelError(f"{name!r} does not colour photographs; it is a model to {model.checkpoint.task}")
    return model
