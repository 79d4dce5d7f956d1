"""From a black-and-white photograph to its coloured version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypedDict, get_args

import numpy as np
import numpy.typing as npt
from PIL import Image
from torch import Tensor

from deoldify import imaging
from deoldify.imaging import Adjustments, ColourPlane, Hint, Look, Pixels, Transfer
from deoldify.model import FACTOR_PIXELS, Model, image_of, sizes
from deoldify.monochrome import judged
from deoldify.opinions import colour_planes
from deoldify.photo import Photo, Render, Source, photo_of
from deoldify.variants import Variant, by_agreement, other_sizes

if TYPE_CHECKING:
    from typing_extensions import Unpack


_MOST_VARIANTS = 8


class Asked(TypedDict, total=False):
    """What can be asked of the colours; see ``Adjustments``, whose ranges and meanings these have."""

    saturation: float
    warmth: float
    liveliness: float | None
    caution: float
    hints: Sequence[Hint]
    look: Look | None


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

    def label_with(self, likely: int = 0, **asked: Unpack[Asked]) -> str:
        """What a coloured photo should say of itself where more was asked for than the model's own colours.

        Args:
            likely: which of other likely colours were taken, see ``Variant``.
            **asked: see ``paint``.
        """
        other = f"other likely colours {likely}" if likely else ""
        said = ", ".join(filter(None, [self.checkpoint.name, other, str(Adjustments(**asked))]))
        return f"Coloured by DeOldify ({said}); the colours are a guess by AI"

    def __call__(
        self,
        image: Source,
        *,
        render_factor: int | None = None,
        renders: int | None = None,
        transfer: Transfer = "guided",
        saturation: float = 1.0,
        warmth: float = 0.0,
        liveliness: float | None = None,
        caution: float = 0.0,
        hints: Sequence[Hint] = (),
        look: Look | None = None,
    ) -> Image.Image:
        """Colour an image.

        Args:
            image: of any mode Pillow knows, colour or grey; or a path, the bytes of a file, or a numpy array (see
                ``photo.photo_of``). 16 bits come back as 8, since Pillow has no 16-bit RGB (``colorize_photo``
                keeps all bits). It is not changed.
            render_factor: side of the square that the generator sees, in units of 16 pixels; None chooses it.
            renders: how many the photo is made of: 1, or an even number, of sizes around the render factor, each
                mirrored, too; colour is paled where they disagree. None for as many as the model is used with.
            transfer: how colour gets back to full size. ``"guided"`` follows the photo's own edges,
                ``"bilinear"`` does exactly what DeOldify's filter does; both keep the photo's luminance.
                ``"none"`` returns the render itself, stretched.
            saturation: how much colour, of what the model sees: 0 for none, 1 for all, up to 1.5.
            warmth: −1 draws colours towards blue, 1 towards orange; what is neutral stays so.
            liveliness: 0 for the model's cautious opinion to 1 for its lively one, where it has two; None for what it
                is used at.
            caution: 0 to 1: how much colour is paled where the model guesses, where it tells.
            hints: colours of places, each for the surface around it; they come after all else and in full.
            look: of other photographs, that the colours are drawn to; see ``look_of``.

        Returns:
            RGB, or RGBA where the image has transparency; the same size. ``info["render_factor"]`` says which
            render factor was used: less than asked for where memory ran short; ``info["monochrome"]`` whether it was
            taken for black and white, and ``info["confidence"]`` how sure that was: colours of its own are replaced.

        Raises:
            ValueError: something is out of range, and the message names the range; or liveliness is asked of a model
                that has one opinion, or caution of one that does not tell where it guesses.
            OutOfMemoryError: not even the smallest render fits into the memory that is free.
            PhotoError: there is no photograph in the file.
            TypeError: ``image`` is nothing that a photograph can be taken from; the message says what is.
        """
        photo = photo_of(image)
        coloured = self.colorize_photo(
            photo, render_factor=render_factor, renders=renders, transfer=transfer, saturation=saturation,
            warmth=warmth, liveliness=liveliness, caution=caution, hints=hints, look=look,
        )  # fmt: skip
        return image_of(coloured)

    def colorize_photo(
        self,
        photo: Photo,
        *,
        render_factor: int | None = None,
        renders: int | None = None,
        transfer: Transfer = "guided",
        **asked: Unpack[Asked],
    ) -> Photo:
        """Colour a photograph at its own bit depth; everything but the pixels stays. See ``__call__``.

        Returns:
            the coloured photo, whose ``renders`` tell what it was made with.
        """
        photo = judged(photo)
        pixels, render = self._coloured(photo.pixels, render_factor, renders, transfer, Adjustments(**asked))
        return replace(photo.with_pixels(pixels), renders=(*photo.renders, render), coloured=True)

    def colorize_pixels(
        self,
        pixels: Pixels,
        *,
        render_factor: int | None = None,
        renders: int | None = None,
        transfer: Transfer = "guided",
        **asked: Unpack[Asked],
    ) -> Pixels:
        """Colour pixels: (H, W, 3) RGB, uint8 or uint16, to the same shape and dtype. See ``__call__``."""
        return self._coloured(pixels, render_factor, renders, transfer, Adjustments(**asked))[0]

    def plane(self, pixels: Pixels, *, render_factor: int | None = None, renders: int | None = None) -> ColourPlane:
        """Render a photograph's colours, for ``paint`` to lay on it as often as wanted.

        Args:
            pixels: (H, W, 3) RGB, uint8 or uint16; of the photo, or of a smaller copy that is shown.
            render_factor: side of the square that the generator sees, in units of 16 pixels; None chooses it.
            renders: how many the photo is made of; see ``__call__``.

        Raises:
            ValueError: ``render_factor`` or ``renders`` is out of range; the message names the range.
            OutOfMemoryError: not even the smallest render fits into the memory that is free.
        """
        return self._planes(pixels, render_factor, renders)[0]

    def variants(
        self, image: Source, *, count: int = 4, render_factor: int | None = None, renders: int | None = None
    ) -> list[Variant]:
        """Versions of an image's colours, for somebody to choose one: ``paint`` lays its plane on the photo.

        They are the colours that the model is used at; the picture's other likely colours, one surface at a time,
        where the model knows them; and renders of other sizes.

        Args:
            image: as ``__call__`` takes it. It is not changed.
            count: how many are wanted, 1 to 8; there may be fewer where memory is short.
            render_factor: side of the square that the generator sees, in units of 16 pixels; None chooses it.
            renders: how many each is made of; see ``__call__``.

        Returns:
            the versions, the one that the others agree with most first.

        Raises:
            ValueError: ``count``, ``render_factor`` or ``renders`` is out of range; the message names the range.
            OutOfMemoryError: not even the smallest render fits into the memory that is free.
        """
        if not 1 <= count <= _MOST_VARIANTS:
            raise ValueError(f"count {count} is outside 1 to {_MOST_VARIANTS}")
        pixels = photo_of(image).pixels
        found = self._planes(pixels, render_factor, renders, others=count // 2)
        made = [Variant(plane, number, render_factor) for number, plane in enumerate(found)]
        assert found[0].render is not None
        factors = {found[0].render.factor}
        for factor in other_sizes(found[0].render.factor):
            if len(made) >= count:
                break
            plane = self.plane(pixels, render_factor=factor, renders=renders)
            if plane.render is not None and plane.render.factor not in factors:  # less where memory ran short
                factors.add(plane.render.factor)
                made.append(Variant(plane, render_factor=factor))
        return by_agreement(made[:count])

    def _planes(
        self, pixels: Pixels, render_factor: int | None, renders: int | None, others: int = 0
    ) -> list[ColourPlane]:
        count = self._renders(renders)
        planes, render = self._within_memory(
            pixels, render_factor, lambda side: self._rendered(pixels, side, count, others)[0], count
        )
        return [replace(plane, render=replace(render, certainty=mean_certainty(plane))) for plane in planes]

    def certainty(
        self, image: Source, *, render_factor: int | None = None, renders: int | None = None
    ) -> npt.NDArray[np.float32] | None:
        """How sure the model is of an image's colours, place by place.

        Args:
            image: as ``__call__`` takes it. It is not changed.
            render_factor: side of the square that the generator sees, in units of 16 pixels; None chooses it.
            renders: how many the photo is made of; see ``__call__``.

        Returns:
            (h, w) float32, 0 to 1, for the whole image stretched to that size; None of a single render by a model that
            does not know how likely each colour is.

        Raises:
            ValueError: ``render_factor`` or ``renders`` is out of range; the message names the range.
            OutOfMemoryError: not even the smallest render fits into the memory that is free.
        """
        return self.plane(photo_of(image).pixels, render_factor=render_factor, renders=renders).certainty

    def look_of(self, image: Source, *, render_factor: int | None = None, renders: int | None = None) -> Look | None:
        """The look that an image's colours would have on the whole, for ``look`` of other images to be drawn to it.

        Args:
            image: as ``__call__`` takes it. It is not changed.
            render_factor: side of the square that the generator sees, in units of 16 pixels; None chooses it.
            renders: how many the photo is made of; see ``__call__``.

        Returns:
            None where it would have hardly any colour.

        Raises:
            ValueError: ``render_factor`` or ``renders`` is out of range; the message names the range.
            OutOfMemoryError: not even the smallest render fits into the memory that is free.
        """
        plane = self.plane(photo_of(image).pixels, render_factor=render_factor, renders=renders)
        return imaging.look_of(imaging.adjusted(plane, Adjustments())[0])

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
        photo = judged(photo)
        pixels = imaging.transfer_guided(photo.pixels, plane.grey, uv, change=change)
        made_with = () if plane.render is None else (plane.render,)
        return replace(photo.with_pixels(pixels), renders=(*photo.renders, *made_with), coloured=True)

    def _coloured(
        self,
        pixels: Pixels,
        render_factor: int | None,
        renders: int | None,
        transfer: Transfer,
        adjustments: Adjustments,
    ) -> tuple[Pixels, Render]:
        check_transfer(transfer)
        count = self._renders(renders)

        def coloured(side: int) -> tuple[Pixels, float | None]:
            (plane, *_), render = self._rendered(pixels, side, count)
            return laid(pixels, plane, render, transfer, adjustments), mean_certainty(plane)

        (made, sure), render = self._within_memory(pixels, render_factor, coloured, count)
        return made, replace(render, certainty=sure)

    def _rendered(
        self, pixels: Pixels, side: int, renders: int, others: int = 0
    ) -> tuple[list[ColourPlane], Tensor | None]:
        """What the generator thinks of the colours in a square of this side, and of other colours that are likely.

        And the render, (1, 3, side, side) RGB, where there is just one and it says no more than that.
        """
        if renders == 1 and not self._prepared.has_opinions:
            grey = imaging.grey_square(pixels, side)
            render = self._render(grey)
            return [ColourPlane(grey, imaging.chroma(render))], render
        factors = sizes(self.generator.config, side // FACTOR_PIXELS, renders)
        sides = [factor * FACTOR_PIXELS for factor in factors]
        inside = imaging.inside_mount(pixels) if self.checkpoint.cuts_mounts else None
        seen = pixels if inside is None else inside.of(pixels)
        planes = colour_planes(self._prepared, seen, sides, mirrored=renders > 1, others=others)
        if inside is not None:
            planes = [imaging.in_mount(plane, pixels, inside) for plane in planes]
        return [replace(plane, liveliness=self.checkpoint.liveliness) for plane in planes], None


def check_transfer(transfer: str) -> None:
    """Raise a ``ValueError`` that says what there is, where a way to carry colour to full size is none."""
    if transfer not in get_args(Transfer):
        raise ValueError(f"transfer {transfer!r} is none of {', '.join(get_args(Transfer))}")


def laid(
    pixels: Pixels, plane: ColourPlane, render: Tensor | None, transfer: Transfer, adjustments: Adjustments
) -> Pixels:
    """Colours laid on a photograph's pixels, in one of the ways that ``Colorizer.__call__`` knows.

    Args:
        pixels: (H, W, 3) RGB, uint8 or uint16.
        plane: the colours.
        render: (1, 3, side, side) RGB that the plane is of, if that says no more; None where there is no such one.
        transfer: see there.
        adjustments: what is asked for.

    Returns:
        the shape and dtype of ``pixels``.
    """
    uv, change = imaging.adjusted(plane, adjustments)
    if transfer == "guided":
        return imaging.transfer_guided(pixels, plane.grey, uv, change=change)
    if change is not None:
        uv = uv + change
    if render is None or adjustments != Adjustments():
        luma = imaging.to_tensor(plane.grey)[:, :1] if render is None else imaging.luma(render)
        render = imaging.from_luma_chroma(luma, uv).clamp(0, 1)
    if transfer == "bilinear":
        return imaging.transfer_bilinear(pixels, render)
    stretched = imaging.stretch(render, *pixels.shape[:2])
    return stretched if pixels.dtype == np.uint8 else np.asarray(stretched, np.uint16) * np.uint16(257)


def mean_certainty(plane: ColourPlane) -> float | None:
    """How sure a plane is on the whole; None where it does not tell."""
    return None if plane.certainty is None else float(plane.certainty.mean())
