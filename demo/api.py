"""The page's tools for other programs: one photo in, one out; or many, and a ZIP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import Any

import gradio as gr

from demo.album import MAX_ALBUM_BYTES, MAX_FILE_BYTES, MAX_PHOTOS
from demo.archives import is_archive, pack, unpack
from demo.jobs import Job, JobError, do
from demo.storage import storage
from demo.turns import TURNS
from demo.uploads import UploadedFiles
from deoldify.errors import LeftOutError

ONE_AT_A_TIME: Any = {"concurrency_id": "generator", "concurrency_limit": 1}
A_FEW_ALBUMS: Any = {"concurrency_id": "albums", "concurrency_limit": 4}

Sent = tuple[Path, str]
"""A file that was uploaded, and the name that its visitor has for it."""


def failure(message: str) -> gr.Error:
    """An error that a client is told, and nothing of it logged."""
    return gr.Error(message, duration=None, print_exception=False)


@contextmanager
def one_in_turn(photo: Sent | None) -> Iterator[Sent]:
    """A client's photo, when it is its turn; what goes wrong with it is told."""
    if photo is None:
        raise failure("There is no photo yet. Upload one, paste one, or pick an example.")
    try:
        with TURNS.take():
            yield photo
    except JobError as error:
        raise failure(str(error)) from error


def do_one(job: Job, photo: Sent | None, progress: gr.Progress) -> tuple[str, dict[str, Any]]:
    """Do a job on a client's photo: the result's file and the facts."""
    with one_in_turn(photo) as (path, name):
        result = do(job, path, name, storage().new_folder(), lambda doing, share: progress(share, desc=doing))
    return str(result.file), asdict(result.facts) | {"left_out": result.left_out}


def do_many(job: Job, files: list[Sent], progress: gr.Progress) -> tuple[str, list[dict[str, Any]]]:
    """Do a job on a client's photos and ZIP archives, photo by photo in turn with others: a ZIP, and facts of each.

    Those that the job leaves as they are have the reason as ``left`` in their facts.
    """
    photos = _photos_of(files)
    if not photos:
        raise failure("There are no photos. Upload some, or a ZIP archive of some.")
    if (count := sum(path is not None for _, path, _ in photos)) > MAX_PHOTOS:
        raise failure(f"These are {count} photos; {MAX_PHOTOS} are the most.")
    done: list[tuple[str, Path]] = []
    facts: list[dict[str, Any]] = []
    for number, (name, photo, why) in enumerate(photos):
        told: dict[str, Any] = {"photo": name, "error": why or None}
        if photo is not None:
            progress((number, len(photos)), desc=name)
            try:
                with TURNS.take():
                    result = do(job, photo, name, storage().new_folder(), lambda doing, share: None)
            except JobError as error:
                told["error"] = str(error)
            except LeftOutError as reason:
                told["left"] = str(reason)
            else:
                inside = str(PurePosixPath(name).with_name(result.file.name))
                done.append((inside, result.file))
                told |= {"file": inside, "left_out": result.left_out, **asdict(result.facts)}
        facts.append(told)
    target = storage().new_folder() / "deoldify.zip"
    pack(done, target)
    return str(target), facts


def _photos_of(files: list[Sent]) -> list[tuple[str, Path | None, str]]:
    """Name and file of each photo, ZIP archives opened, or why there is none; the limits are those of all together."""
    folder = storage().new_folder()
    photos: list[tuple[str, Path | None, str]] = []
    left = MAX_ALBUM_BYTES
    for path, name in files:
        if not is_archive(path):
            photos.append((name, path, ""))
            left -= path.stat().st_size
            continue
        limits = {"most": max(0, MAX_PHOTOS - len(photos)), "file_bytes": MAX_FILE_BYTES, "all_bytes": max(0, left)}
        for entry in unpack(path, folder, **limits):
            photos.append((entry.name or name, entry.path, entry.why))
            left -= entry.path.stat().st_size if entry.path is not None else 0
    if left < 0:
        raise failure(f"These photos have more than {MAX_ALBUM_BYTES // 10**9} GB together, which is the most.")
    return photos


def endpoint(
    name: str, description: str, work: Callable[..., Any], photo: Any, options: list[Any], *, several: bool = False
) -> None:
    """An API endpoint for one photo, of which one or ``several`` come back; nothing of it is seen on the page."""
    with gr.Group(visible=False):
        result = gr.File(label="photos", file_count="multiple") if several else gr.File(label="photo")
        facts, trigger = gr.JSON(label="facts"), gr.Button()
    trigger.click(work, [photo, *options], [result, facts], api_name=name, api_description=description, **ONE_AT_A_TIME)


def album_endpoint(description: str, work: Callable[..., Any], options: list[Any]) -> None:
    """The API endpoint for many photos."""
    with gr.Group(visible=False):
        files = UploadedFiles(file_count="multiple", label="photos")
        result, facts, trigger = gr.File(label="zip"), gr.JSON(label="facts"), gr.Button()
    trigger.click(
        work, [files, *options], [result, facts], api_name="album", api_description=description, **A_FEW_ALBUMS
    )


def whole(value: object, name: str, allowed: range) -> int | None:
    """A whole number that a client sends, or None; what it is not is said in a sentence."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value or value not in allowed:
        raise failure(f"{name} must be a whole number from {allowed[0]} to {allowed[-1]}, or nothing.")
    return int(value)


def number(value: object, name: str, low: float, high: float) -> float:
    """A number that a client sends, within a range; what it is not is said in a sentence."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise failure(f"{name} must be a number from {low:g} to {high:g}.")
    return float(value)


def yes_or_no(value: object, name: str) -> bool:
    """A truth value that a client sends; what it is not is said in a sentence."""
    if not isinstance(value, bool):
        raise failure(f"{name} must be true or false.")
    return value


def one_of(value: object, name: str, allowed: tuple[str, ...]) -> str:
    """One of some words that a client sends; what it is not is said in a sentence."""
    if not isinstance(value, str) or value not in allowed:
        raise failure(f"{name} must be one of {', '.join(allowed)}.")
    return value
