"""From a black-and-white photograph to its coloured version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypedDict

import numpy as np
from PIL import Image
from torch import Tensor

from deoldify import imaging
from deoldify.imaging import Adjustments, ColourPlane, Hint, Pixels, Transfer
from deoldify.model import Model, image_of
from deoldify.photo import Photo, Render

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Asked(TypedDict, total=False):
    """What can be asked of the colours; see ``Adjustments``, whose ranges and meanings these have."""

    saturation: float
    warmth: float
    liveliness: float | None
    caution: float
    hints: Sequence[Hint]


class Colorizer(Model):
    """Colours photographs. See ``Model`` for what it is made of.

    Colours are a plane of their own, made by ``plane`` and laid on the photo by ``paint``; who keeps the plane can
    change saturation, warmth and the like, or name colours, without a new render:

    >>> plane = colorizer.plane(photo.pixels)
    >>> quiet = colorizer.paint(photo, plane, saturation=0.7)
    >>> blue = colorizer.paint(photo, plane, hints=[Hint(0.4, 0.6, "#334d80")])
    """

    @property
    def label(self) -> str:
        """What a coloured photo should say of itself."""
        return self.label_with()

    def label_with(self, **asked: Unpack[Asked]) -> str:
        """What a coloured photo should say of itself where more was asked for than the model's own colours."""
        said = ", ".join(filter(None, [self.checkpoint.name, str(Adjustments(**asked))]))
        return f"Coloured by DeOldify ({said}); the colours are a guess by AI"

    def __call__(
        self,
        image: Image.Image,
        *,
        render_factor: int | None = None,
        transfer: Transfer = "guided",
        saturation: float = 1.0,
        warmth: float = 0.0,
        liveliness: float | None = None,
        caution: float = 0.0,
        hints: Sequence[Hint] = (),
    ) -> Image.Image:
        """Colour an image.

        Args:
            image: any mode Pillow knows, colour or grey; 16-bit grey is coloured at 8 bits, since Pillow has no
                16-bit RGB (``colorize_photo`` keeps all bits). It is not changed.
            render_factor: side of the square that the generator sees, in units of 16 pixels; None chooses it.
            transfer: how colour gets back to full size. ``"guided"`` follows the photo's own edges,
                ``"bilinear"`` does exactly what DeOldify's filter does; both keep the photo's luminance.
                ``"none"`` returns the render itself, stretched.
            saturation: how much colour, of what the model sees: 0 for none, 1 for all, up to 1.5.
            warmth: −1 draws colours towards blue, 1 towards orange; what is neutral stays so.
            liveliness: 0 for the model's cautious opinion to 1 for its lively one, where it has two; None for what it
                is used at.
            caution: 0 to 1: how much colour is paled where the model guesses, where it tells.
            hints: colours of places, each for the surface around it; they come after all else and in full.

        Returns:
            RGB, or RGBA where the image has transparency; the same size. ``info["render_factor"]`` says which
            render factor was used: less than asked for where memory ran short.

        Raises:
            ValueError: something is out of range, and the message names the range; or liveliness is asked of a model
                that has one opinion, or caution of one that does not tell where it guesses.
            OutOfMemoryError: not even the smallest render fits into the memory that is free.
        """
        photo = Photo.from_image(image)
        coloured = self.colorize_photo(
            photo, render_factor=render_factor, transfer=transfer, saturation=saturation, warmth=warmth,
            liveliness=liveliness, caution=caution, hints=hints,
        )  # fmt: skip
        return image_of(coloured)

    def colorize_photo(
        self,
        photo: Photo,
        *,
        render_factor: int | None = None,
        transfer: Transfer = "guided",
        **asked: Unpack[Asked],
    ) -> Photo:
        """Colour a photograph at its own bit depth; everything but the pixels stays. See ``__call__``.

        Returns:
            the coloured photo, whose ``renders`` tell what it was made with.
        """
        pixels, render = self._coloured(photo.pixels, render_factor, transfer, Adjustments(**asked))
        return replace(photo.with_pixels(pixels), renders=(*photo.renders, render))

    def colorize_pixels(
        self,
        pixels: Pixels,
        *,
        render_factor: int | None = None,
        transfer: Transfer = "guided",
        **asked: Unpack[Asked],
    ) -> Pixels:
        """Colour pixels: (H, W, 3) RGB, uint8 or uint16, to the same shape and dtype. See ``__call__``."""
        return self._coloured(pixels, render_factor, transfer, Adjustments(**asked))[0]

    def plane(self, pixels: Pixels, *, render_factor: int | None = None) -> ColourPlane:
        """Render a photograph's colours, for ``paint`` to lay on it as often as wanted.

        Args:
            pixels: (H, W, 3) RGB, uint8 or uint16; of the photo, or of a smaller copy that is shown.
            render_factor: side of the square that the generator sees, in units of 16 pixels; None chooses it.

        Raises:
            ValueError: ``render_factor`` is out of range; the message names the range.
            OutOfMemoryError: not even the smallest render fits into the memory that is free.
        """
        plane, render = self._within_memory(pixels, render_factor, lambda side: self._rendered(pixels, side)[0])
        return replace(plane, render=render)

    @staticmethod
    def paint(photo: Photo, plane: ColourPlane, **asked: Unpack[Asked]) -> Photo:
        """Lay colours on a photograph at its own bit depth, as ``colorize_photo`` does it, without a new render.

        Args:
            photo: the one whose colours ``plane`` holds, at any size.
            plane: what ``plane`` returned; it is not changed.
            **asked: saturation, warmth, liveliness, caution and hints; see ``__call__``.

        Returns:
            the coloured photo, whose ``renders`` tell what it was made with.

        Raises:
            ValueError: as ``__call__`` does.
        """
        uv, change = imaging.adjusted(plane, Adjustments(**asked))
        pixels = imaging.transfer_guided(photo.pixels, plane.grey, uv, change=change)
        made_with = () if plane.render is None else (plane.render,)
        return replace(photo.with_pixels(pixels), renders=(*photo.renders, *made_with))

    def _coloured(
        self, pixels: Pixels, render_factor: int | None, transfer: Transfer, adjustments: Adjustments
    ) -> tuple[Pixels, Render]:
        if transfer not in ("guided", "bilinear", "none"):
            raise ValueError(f"transfer {transfer!r} is none of guided, bilinear, none")

        def coloured(side: int) -> Pixels:
            plane, render = self._rendered(pixels, side)
            uv, change = imaging.adjusted(plane, adjustments)
            if transfer == "guided":
                return imaging.transfer_guided(pixels, plane.grey, uv, change=change)
            if change is not None:
                uv = uv + change
            if adjustments != Adjustments():
                render = imaging.from_luma_chroma(imaging.luma(render), uv).clamp(0, 1)
            if transfer == "bilinear":
                return imaging.transfer_bilinear(pixels, render)
            stretched = imaging.stretch(render, *pixels.shape[:2])
            return stretched if pixels.dtype == np.uint8 else np.asarray(stretched, np.uint16) * np.uint16(257)

        return self._within_memory(pixels, render_factor, coloured)

    def _rendered(self, pixels: Pixels, side: int) -> tuple[ColourPlane, Tensor]:
        """What the generator says of the colours in a square of this side, and the render, (1, 3, side, side) RGB."""
        grey = imaging.grey_square(pixels, side)
        render = self._render(grey)
        return ColourPlane(grey, imaging.chroma(render)), render
