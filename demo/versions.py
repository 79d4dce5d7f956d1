"""Several versions of a photo's colours side by side, of which the visitor takes one: nobody has to guess a size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path, PurePosixPath
from typing import Any

import deoldify
from demo.adjusting import adjust, possible, possible_of
from demo.album import Album, Done, Entry, Version
from demo.gpu import on_gpu
from demo.jobs import Colouring, JobError, Tell, asked_of, explained, open_for, write
from demo.models import bring, colorizer, settled, wake
from demo.planes import keep
from demo.storage import storage
from demo.turns import TURNS, LeftError
from demo.working import followed
from deoldify.checkpoints import names_of
from deoldify.colorizer import Colorizer
from deoldify.model import FACTOR_PIXELS
from deoldify.photo import Photo, open_photo
from deoldify.variants import Variant, by_agreement

COUNT = 4
_OTHER_MODELS = 2  # at most, so that the chosen model has a say, too
_SIDE = 480  # pixels, of what is shown of each


@on_gpu
def _variants(job: Colouring, count: int, photo: Photo) -> list[Variant]:
    return colorizer(job.model).variants(photo, count=count, render_factor=job.render_factor)


def variants_of(job: Colouring, photo: Photo, tell: Tell, left: Callable[[], bool]) -> list[tuple[Colouring, Variant]]:
    """Versions of a photo, by the model of a job and by others that are here: how each is made, and its colours.

    The one that the others agree with most comes first. There are none where they are no longer wanted.
    """
    others = [
        info.name
        for info in deoldify.models()
        if info.task == "colorize" and info.here and info.name not in names_of(job.model)
    ][:_OTHER_MODELS]
    made: dict[Variant, Colouring] = {}
    for number, model in enumerate((job.model, *others)):
        if left():
            return []
        tell(f"Making versions by {model}", number / (1 + len(others)))
        bring(model, lambda progress: tell(str(progress), 0.0))
        wake(model)
        own = replace(job, model=model, render_factor=None if number else job.render_factor)
        for variant in _variants(own, 1 if number else COUNT - len(others), photo):
            made[variant] = replace(own, render_factor=variant.render_factor, likely=variant.likely)
            assert variant.plane.render is not None
            if variant.plane.render.model != model:  # of those that agree, what one would have by itself
                made[variant] = replace(made[variant], model=variant.plane.render.model, likely=0)
    return [(made[variant], variant) for variant in by_agreement(list(made))]


def about(job: Colouring, usual: Colouring) -> str:
    """What is peculiar to a version, beside the usual one."""
    if job.model != usual.model:
        return f"By {job.model}"
    if job.likely:
        return f"Other likely colours {job.likely}"
    if job.render_factor == usual.render_factor or job.render_factor is None:
        return "The usual colours"
    return f"Render size {job.render_factor}"


def show_versions(album: Album, entry: Entry) -> Iterator[None]:
    """Make versions of a photo and show them; yields whenever there is something new to show."""
    with album.changing():
        done = entry.done
        if album.running or done is None or done.kept is None or done.versions or not isinstance(done.made, Colouring):
            return
        album.running, album.stopping = True, False
        album.status, album.share = "Making versions", 0.0
        job = replace(done.made, likely=0)  # of a model that was settled when it was made: none is woken in here
    yield from followed(album, lambda: _show(album, entry, done, job))


def _show(album: Album, entry: Entry, done: Done, job: Colouring) -> None:
    status = "Stopped."

    def left() -> bool:
        return album.gone or album.stopping

    def tell(doing: str, share: float) -> None:
        with album.changing():
            album.status, album.share = f"{doing} …", share

    try:
        with (
            TURNS.take(left=left, tell=lambda ahead: tell(f"Waiting for a turn, {ahead} before you", 0.0)),
            explained(entry.source, entry.name),
        ):
            found = variants_of(job, open_for(entry.source, entry.name), tell, left)
            versions = tuple(_version(how, variant, job, entry) for how, variant in found)
    except LeftError:
        pass
    except JobError as error:
        status = str(error)
    else:
        if versions:
            status = f"{len(versions)} versions: the one that the others agree with most comes first."
        with album.changing():
            if entry.done is not None and entry.done.kept == done.kept:  # it may have been adjusted meanwhile
                usual = next((number for number, version in enumerate(versions) if version.made == job), None)
                entry.done = replace(entry.done, versions=versions, taken=usual)
    finally:
        with album.changing():
            album.running = album.stopping = False
            album.status, album.share = status, 1.0


def _version(job: Colouring, variant: Variant, usual: Colouring, entry: Entry) -> Version:
    """A version, with what shows it written."""
    assert entry.shown is not None and variant.plane.render is not None
    folder, render = storage().new_folder(), variant.plane.render
    kept = keep(variant.plane, folder)
    small = open_photo(entry.shown.large).to_image()
    small.thumbnail((_SIDE, _SIDE))
    asked = asked_of(possible_of(entry.adjustments, kept))
    painted = Colorizer.paint(Photo.from_image(small), variant.plane, **asked)
    painted.to_image().convert("RGB").save(folder / "version.jpg", quality=88)
    told, side = about(job, usual), render.factor * FACTOR_PIXELS
    facts = (
        f"{told}: by {render.model} at render factor {render.factor} ({side} × {side} px). "
        f"The download has all {entry.size[0]} × {entry.size[1]} pixels."
    )
    return Version(job, kept, folder / "version.jpg", told, facts)


def take_version(album: Album, entry: Entry, number: object) -> None:
    """Let a photo have the colours of one of its versions; its file waits for `finish`."""
    if entry.done is not None and isinstance(number, int) and 0 <= number < len(entry.done.versions):
        adjust(album, entry, entry.adjustments, number)


def send_versions(job: Colouring, source: Path, name: str, tell: Tell) -> tuple[list[Path], list[dict[str, Any]]]:
    """Versions of a photo for a client: a file of each, and how it was made.

    Raises:
        JobError: they cannot be made; says why.
    """
    photo, job = open_for(source, name), replace(job, model=settled(job.model))
    files: list[Path] = []
    facts: list[dict[str, Any]] = []
    with explained(source, name):
        for number, (made, variant) in enumerate(variants_of(job, photo, tell, lambda: False)):
            plane = variant.plane
            asked = possible(job.adjustments, lively=plane.lively is not None, certain=plane.certainty is not None)
            own = replace(made, adjustments=asked)
            painted = Colorizer.paint(photo, plane, **asked_of(asked))
            file = storage().new_folder() / f"{PurePosixPath(name).stem}-version{number + 1}{photo.suffix}"
            write(painted, file, own, own.label, source)
            files.append(file)
            assert plane.render is not None
            facts.append({"about": about(made, job), "likely": variant.likely, **asdict(plane.render)})
    return files, facts
