"""From a black-and-white photograph to its coloured version."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image

from deoldify import imaging
from deoldify.imaging import Pixels, Transfer
from deoldify.model import Model, image_of
from deoldify.photo import Photo, Render, Source, photo_of


class Colorizer(Model):
    """Colours photographs. See ``Model`` for what it is made of."""

    @property
    def label(self) -> str:
        """What a coloured photo should say of itself."""
        return f"Coloured by DeOldify ({self.checkpoint.name}); the colours are a guess by AI"

    def __call__(
        self, image: Source, *, render_factor: int | None = None, transfer: Transfer = "guided"
    ) -> Image.Image:
        """Colour an image.

        Args:
            image: of any mode Pillow knows, colour or grey; or a path, the bytes of a file, or a numpy array (see
                ``photo.photo_of``). 16 bits come back as 8, since Pillow has no 16-bit RGB (``colorize_photo``
                keeps all bits). It is not changed.
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
            PhotoError: there is no photograph in the file.
            TypeError: ``image`` is nothing that a photograph can be taken from; the message says what is.
        """
        photo = photo_of(image)
        return image_of(self.colorize_photo(photo, render_factor=render_factor, transfer=transfer))

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
