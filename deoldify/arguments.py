"""What is written on the command line, as what it means: places, hints, looks; what cannot be meant is said at once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from deoldify.checkpoints import AUTO, find_any, is_repository, names_of
from deoldify.errors import UsageError

if TYPE_CHECKING:
    from deoldify.folder import Place
    from deoldify.imaging import Hint, Look
    from deoldify.one_look import OneLook


def check_names(model: str) -> None:
    """Complain of an unknown model before anything is loaded; repositories are only known when they are asked for."""
    for name in () if model == AUTO else names_of(model):
        if os.path.exists(name) or not is_repository(name):
            find_any(name)


def look_like(like: Path | None) -> Look | None:
    """The look of a coloured photo.

    Raises:
        typer.BadParameter: it cannot be read, or has no colours.
    """
    if like is None:
        return None
    from deoldify import imaging
    from deoldify.errors import PhotoError
    from deoldify.photo import open_photo

    try:
        photo = open_photo(like)
    except PhotoError as error:
        raise typer.BadParameter(str(error), param_hint="--like") from error
    look = imaging.look_of(imaging.chroma(imaging.to_tensor(imaging.colour_square(photo.pixels, 256))))
    if look is None:
        raise typer.BadParameter(f"{like} has hardly any colour to go by", param_hint="--like")
    return look


def one_look_of(places: Sequence[Place], like: Path | None) -> OneLook:
    """What takes and keeps the look of a folder.

    Raises:
        typer.BadParameter: there is no folder for the results, or another look is asked for, too.
    """
    from deoldify.folder import is_pipe
    from deoldify.one_look import OneLook

    for place in places:
        if not isinstance(place, Path):
            raise typer.BadParameter(f"{place} is not on this computer", param_hint="--one-look")
    output = places[-1]
    assert isinstance(output, Path)

    if like is not None:
        raise typer.BadParameter("there is one look: leave out --like, or --one-look", param_hint="--one-look")
    if is_pipe(output) or (output.suffix and not output.is_dir()):
        raise typer.BadParameter("one look belongs to a folder of results; name one", param_hint="--one-look")
    return OneLook(output)


def places_of(photos: Sequence[str], output: str) -> tuple[list[Place], Place]:
    """Where the photos and the results lie.

    Raises:
        UsageError: a store is of no use, or its package is missing; or it ends with this process, and results with it.
    """
    from deoldify.folder import place_of

    if output.startswith("memory://"):
        raise UsageError(f"{output} is gone when the command ends: name a folder, or an address that lasts")
    return [place_of(photo) for photo in photos], place_of(output)


def are_several(photos: Sequence[Place]) -> bool:
    """Whether more than one photo is named, or a folder of them."""
    from deoldify.folder import is_folder

    return len(photos) > 1 or is_folder(photos[0])


def gallery_of(output: Place, wanted: bool) -> Path | None:
    """The folder that a gallery is of.

    Raises:
        typer.BadParameter: it is not of this computer.
    """
    if not wanted:
        return None
    if not isinstance(output, Path):
        raise typer.BadParameter(f"{output} is no folder of this computer", param_hint="--gallery")
    return output


def hints_for(texts: Sequence[str], photos: Sequence[Place]) -> Sequence[Hint]:
    """Read hints, which belong to one photo.

    Raises:
        typer.BadParameter: one cannot be read, or there is more than one photo.
    """
    if not texts:
        return ()
    if are_several(photos):
        raise typer.BadParameter("places belong to one photo; name one, and no folder", param_hint="--hint")
    from deoldify.imaging import Hint

    try:
        return [Hint.parse(text) for text in texts]
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--hint") from None
