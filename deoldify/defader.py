"""From a faded photograph to its restored version."""

from __future__ import annotations

from dataclasses import replace
from numbers import Real

from PIL import Image

from deoldify import imaging
from deoldify.imaging import Pixels
from deoldify.model import Model, check_render_factor, image_of
from deoldify.monochrome import judged
from deoldify.photo import Photo, Render, Source, photo_of

DEFADE_STRENGTHS = (0.0, 1.5)
"""From nothing done to half as much again as the model would do."""


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
            render factor was used: less than asked for where memory ran short; ``info["monochrome"]`` whether it was
            taken for black and white, and ``info["confidence"]`` how sure that was.

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
        self,
        photo: Photo,
        *,
        strength: float = 1.0,
        render_factor: int | None = None,
        keep_tone: bool = False,
        neutral: bool | None = None,
    ) -> Photo:
        """Restore a photograph at its own bit depth; everything but the pixels stays. See ``__call__``.

        Args:
            photo: is not changed.
            strength: see ``__call__``.
            render_factor: see ``__call__``.
            keep_tone: see ``__call__``.
            neutral: whether it is to come back without colours; None where that is what the photograph tells.

        Returns:
            the restored photo, whose ``renders`` tell what it was made with, nothing at strength 0, and ``verdict``
            what it was taken for.
        """
        photo = judged(photo)
        assert photo.verdict is not None
        neutral = photo.verdict.monochrome if neutral is None else neutral
        pixels, renders = self._restored(photo.pixels, strength, render_factor, neutral and not keep_tone, keep_tone)
        return replace(photo.with_pixels(pixels), renders=(*photo.renders, *renders))

    def defade_pixels(
        self, pixels: Pixels, *, strength: float = 1.0, render_factor: int | None = None, keep_tone: bool = False
    ) -> Pixels:
        """Restore pixels: (H, W, 3) RGB, uint8 or uint16, to the same shape and dtype. See ``__call__``."""
        photo = Photo(pixels)
        return self.defade_photo(
            photo, strength=strength, render_factor=render_factor, keep_tone=keep_tone
        ).pixels  # fmt: skip

    def _restored(
        self, pixels: Pixels, strength: float, render_factor: int | None, neutral: bool, keep_tone: bool
    ) -> tuple[Pixels, tuple[Render, ...]]:
        low, high = DEFADE_STRENGTHS
        if isinstance(strength, bool) or not isinstance(strength, Real):
            raise ValueError(f"strength must be a number, not {strength!r}")
        if not low <= strength <= high:
            raise ValueError(f"strength {strength} is outside {low:g} to {high:g}")
        if render_factor is not None:
            check_render_factor(render_factor)
        if strength == 0:
            return pixels, ()
        see = imaging.sampled_square if self.generator.config.sees_samples else imaging.colour_square

        def restored(side: int) -> Pixels:
            square = see(pixels, side)
            render = self._render(square)
            coefficients = imaging.affine_coefficients(
                imaging.to_tensor(square), render, radius=max(2, side // 64), epsilon=1e-3
            )
            return imaging.transfer_tone(pixels, coefficients, strength, neutral=neutral, keep_tone=keep_tone)

        result, render = self._within_memory(pixels, render_factor, restored)
        return result, (render,)
