"""After the render, without a new one: saturation, warmth and the rest, and colours that the visitor names."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from demo.album import Album, Done, Entry
from demo.jobs import Colouring, asked_of, open_for, write
from demo.planes import Kept, read_plane
from demo.previews import write_previews
from demo.storage import storage
from deoldify.colorizer import Colorizer
from deoldify.imaging import Adjustments, Hint
from deoldify.photo import open_photo

MOST_HINTS = 50


def adjustments_of(told: dict[str, Any]) -> Adjustments:
    """Adjustments out of what a client sends.

    Args:
        told: saturation, warmth, liveliness, caution, all of which may be missing or None, and hints: a list of texts
            such as ``0.4,0.6,#334d80``, or of records of x, y and colour.

    Raises:
        ValueError: something is of another type or out of range; the message says what it must be.
    """
    usual = Adjustments()
    values: dict[str, Any] = {}
    for name in ("saturation", "warmth", "liveliness", "caution"):
        value = told.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, float, type(None))):
            raise ValueError(f"{name} must be a number")
        values[name] = getattr(usual, name) if value is None else float(value)
    hints = told.get("hints") or []
    if not isinstance(hints, list) or len(hints) > MOST_HINTS:
        raise ValueError(f"hints must be a list of at most {MOST_HINTS}")
    return Adjustments(**values, hints=[_hint(hint) for hint in hints])


def _hint(told: object) -> Hint:
    if isinstance(told, str):
        return Hint.parse(told)
    if not isinstance(told, dict):
        raise ValueError("a hint must be a text such as 0.4,0.6,#334d80, or a record of x, y and colour")
    x, y, colour = (told.get(name) for name in ("x", "y", "colour"))
    if not isinstance(colour, (str, type(None))) or any(
        isinstance(share, bool) or not isinstance(share, (int, float)) for share in (x, y)
    ):
        raise ValueError("x and y of a hint must be numbers, and its colour a text such as #334d80, or nothing")
    return Hint(float(cast(float, x)), float(cast(float, y)), colour)


def possible(adjustments: Adjustments, *, lively: bool, certain: bool) -> Adjustments:
    """What can be done of it: liveliness takes a render of two opinions, caution one that tells where it guesses."""
    return replace(
        adjustments,
        liveliness=adjustments.liveliness if lively else None,
        caution=adjustments.caution if certain else 0.0,
    )


def possible_of(adjustments: Adjustments, kept: Kept) -> Adjustments:
    """What can be done of it to the colours that were kept."""
    return possible(adjustments, lively=kept.liveliness is not None, certain=kept.guesses is not None)


def adjust(album: Album, entry: Entry, adjustments: Adjustments, taken: int | None = None) -> None:
    """Show a photo with other colours, at once and at the size that is shown; its file waits for `finish`.

    Args:
        album: that is shown.
        entry: the photo.
        adjustments: what is asked for.
        taken: the number of the version whose colours it shall have; None leaves them those that it has.
    """
    before = entry.done
    if before is None or entry.shown is None:
        return
    after = _with_version(before, taken)
    if after.kept is None or not isinstance(after.made, Colouring):
        return
    asked = asked_of(possible_of(adjustments, after.kept))
    painted = Colorizer.paint(open_photo(entry.shown.large), read_plane(after.kept.file), **asked)
    previews = write_previews(painted, storage().new_folder(), "result")
    with album.changing():
        entry.adjustments = adjustments
        if entry.done is not None and entry.done.kept == before.kept:  # versions may have come to it meanwhile
            entry.done = replace(_with_version(entry.done, taken), shown=previews, stale=True)
            album.archive = None
    for old in (before.shown.large, before.shown.small):
        old.unlink(missing_ok=True)


def _with_version(done: Done, taken: int | None) -> Done:
    """What has become of a photo if it has the colours of one of its versions."""
    if taken is None:
        return done
    version = done.versions[taken]
    return replace(done, made=version.made, kept=version.kept, facts=version.facts, taken=taken)


def finish(album: Album, entry: Entry) -> None:
    """Write a photo's file anew, where its colours were changed since.

    Raises:
        JobError: it cannot be read or written.
    """
    done = entry.done
    if done is None or not done.stale or done.kept is None or not isinstance(done.made, Colouring):
        return
    job = replace(done.made, adjustments=possible_of(entry.adjustments, done.kept))
    photo = open_for(entry.source, entry.name)
    painted = Colorizer.paint(photo, read_plane(done.kept.file), **asked_of(job.adjustments))
    write(painted, done.file, job, job.label, entry.source)
    with album.changing():
        if entry.done is done:
            entry.done = replace(done, stale=False)
