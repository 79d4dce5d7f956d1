"""From a faded photograph to its restored version."""

from __future__ import annotations

from dataclasses import replace

from PIL import Image

from deoldify import imaging
from deoldify.imaging import Pixels
from deoldify.model import Model, check_render_factor, image_of
from deoldify.photo import Photo, Render, Source, photo_of

DEFADE_STRENGTHS = (0.0, 1.5)
"""From nothing done to half as much again as the model would do."""

_RESTORED_TOLERANCE = 1.7
"""As ``imaging.is_monochrome`` has it, of what a defader makes of a photo. Measured on 120 photographs: nineteen in
twenty black-and-white ones that faded at medium strength stay below, and no colour one that looks grey beforehand."""
_GLANCE_SIDE = 64
"""Pixels of the square on which a photo is judged to be black and white or in colour."""


class Defader(Model):
    """Gives faded photographs their tone and colour back. See ``Model`` for what it is made of."""

    @property
    def label(self) -> str:
        """What a restored photo should say of itself."""
        return f"Restored by DeOldify ({self.checkpoint.name}); tone and colour are a guess by AI"

    def __call__(
        self,
        image: Source,
        *,
        strength: float = 1.0,
        render_factor: int | None = None,
        keep_tone: bool = False,
    ) -> Image.Image:
        """Restore an image.

        Args:
            image: of any mode Pillow knows; or a path, the bytes of a file, or a numpy array (see
                ``photo.photo_of``). It is not changed.
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
            PhotoError: there is no photograph in the file.
            TypeError: ``image`` is nothing that a photograph can be taken from; the message says what is.
        """
        photo = photo_of(image)
        restored = self.defade_photo(photo, strength=strength, render_factor=render_factor, keep_tone=keep_tone)
        return image_of(restored)

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


def is_black_and_white(pixels: Pixels, tolerance: float = 0.9) -> bool:
    """Whether a photograph has no colours of its own; a sepia print has none.

    Args:
        pixels: (H, W, 3) RGB, uint8 or uint16.
        tolerance: see ``imaging.is_monochrome``.
    """
    return imaging.is_monochrome(imaging.colour_square(pixels, _GLANCE_SIDE), tolerance)
