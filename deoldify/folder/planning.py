"""Which file becomes which, and what is done already: looked at before anything is opened or loaded."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from deoldify.errors import PhotoError, UsageError
from deoldify.folder import stores, streams
from deoldify.folder.listing import Found, Identity, Trouble, identity_of, list_photographs
from deoldify.folder.naming import name_results
from deoldify.folder.places import Place, Url
from deoldify.folder.stamps import Job, Stamp, is_of, stamp_of
from deoldify.photo import WRITABLE_SUFFIXES, sweep

_ASKED_AT_ONCE = 32  # results of a store


@dataclass(frozen=True)
class Task:
    """A photograph to do: its file or pipe, and the file or pipe for what becomes of it; here, or in a store.

    ``named`` tells that it was named itself, and not found in a folder.
    """

    source: Place
    target: Place
    named: bool = True


@dataclass
class Plan:
    """What a run is going to do.

    Attributes:
        tasks: what is to be done.
        there: what is done already.
        own: files that were found and are results of such a job themselves, and no photographs.
        troubles: what could not be read.
    """

    tasks: list[Task] = field(default_factory=list)
    there: list[Task] = field(default_factory=list)
    own: list[Place] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)

    @property
    def results(self) -> int:
        """How many files were found that are results of such a job themselves."""
        return len(self.own)


def plan(
    photos: Sequence[Place],
    output: Place,
    job: Job,
    *,
    force: bool = False,
    only: Collection[Place] | None = None,
    clean: bool = True,
    may_be_empty: bool = False,
) -> Plan:
    """Decide which file becomes which.

    A photo whose result is there is done already if that was made of this very file by the same job with the same
    weights and settings.

    Args:
        photos: files and folders, here or in stores, and ``-`` for stdin.
        output: a file for one photo, ``-`` for stdout, a folder for several.
        job: what is to be done.
        force: do again what is done already, and replace what else lies in the results' places.
        only: photos to decide on, of those that are found; one that has changed since it was done is done again. None
            for all of them.
        clean: delete partial files that a killed run has left in the folders concerned.
        may_be_empty: a folder without photographs is no trouble, since some will come.

    Raises:
        UsageError: the photos and the output do not go together; a result would replace one of the photos; or there
            are other files in the results' places, such as another job's results.
    """
    if any(map(streams.is_pipe, (*photos, output))):
        return _piped(photos, output)
    into_folder = len(photos) > 1 or stores.is_folder(photos[0]) or not output.suffix or stores.is_folder(output)
    if not into_folder and output.suffix.lower() not in WRITABLE_SUFFIXES:
        raise UsageError(f"{output} must end in one of {', '.join(WRITABLE_SUFFIXES)}")
    if into_folder and (
        (isinstance(output, Path) and output.is_file())
        or (output.suffix.lower() in WRITABLE_SUFFIXES and not stores.is_folder(output))
    ):
        raise UsageError(f"{output} is named like a file, and several photos need a folder, such as {output.stem}")
    if isinstance(output, Path):
        _check_way(output if into_folder else output.parent)
    found, troubles = list_photographs(photos, output if into_folder else None)
    if may_be_empty:
        troubles = [trouble for trouble in troubles if not trouble.is_empty]
    own = {photo.path for photo in found if not photo.named and _is_result(photo.path, job)}
    todo = [photo for photo in found if photo.path not in own]
    made = Plan(own=sorted(own, key=str), troubles=troubles)
    if not found and not may_be_empty and all(trouble.is_empty for trouble in troubles):
        raise UsageError("; ".join(trouble.message for trouble in troubles))
    targets = name_results(todo, output) if into_folder else [output] * len(todo)
    tasks = [Task(photo.path, target, photo.named) for photo, target in zip(todo, targets, strict=True)]
    _keep_originals(tasks, todo, output, job)
    if only is not None:
        tasks = [task for task in tasks if task.source in only]
    if into_folder and not force:
        made.tasks, made.there = _apart(tasks, output, job, anew=only is not None)
    else:
        made.tasks = tasks
    for folder in {task.target.parent for task in tasks if isinstance(task.target, Path)} if clean else ():
        sweep(folder)
        sweep(folder / ".deoldify")
    return made


def _check_way(folder: Path) -> None:
    """Complain where a folder neither is there nor can be made, since a file stands in its way."""
    for above in (folder, *folder.parents):
        if os.path.lexists(above):
            if not above.is_dir():
                what = "a file" if above.exists() else "a link that leads nowhere"
                raise UsageError(f"{folder} can be no folder for results, since {above} is {what}: name another folder")
            return


def _piped(photos: Sequence[Place], output: Place) -> Plan:
    """The plan for a photo that comes or goes by a pipe."""
    source = photos[0]
    if not isinstance(source, Path) or not isinstance(output, Path):
        raise UsageError("what comes or goes by a pipe goes or comes by a file of this computer, and by no address")
    if len(photos) > 1 or source.is_dir():
        raise UsageError("a pipe takes one photo at a time; name a folder for several, with --output")
    out = streams.is_stdout(output) or streams.is_stream(output)
    if not out and (output.is_dir() or output.suffix.lower() not in WRITABLE_SUFFIXES):
        raise UsageError(f"a photo from a pipe has no name: let --output be - or end in {', '.join(WRITABLE_SUFFIXES)}")
    if streams.is_stdin(source) and (sys.stdin is None or sys.stdin.isatty()):
        raise UsageError("stdin is no photo but a terminal: send one, as in deoldify ... - -o colour.jpg < photo.jpg")
    if streams.is_stdout(output) and (sys.stdout is None or sys.stdout.isatty()):
        raise UsageError("stdout is a terminal, which shows no photo: send it on, as in ... > colour.jpg")
    if source.exists() and output.exists() and not streams.is_stdin(source) and os.path.samefile(source, output):
        raise UsageError(f"{output} is both what is read and what is written")
    if not out:
        sweep(output.parent)
    return Plan(tasks=[Task(source, output)])


def _is_result(path: Place, job: Job) -> bool:
    """Of what lies in a store, only who reads it asks that: there may be millions."""
    if isinstance(path, Url):
        return False
    stamp = stamp_of(path) if path.suffix.lower() in WRITABLE_SUFFIXES else None
    return stamp is not None and stamp.job == job.name


def _keep_originals(tasks: Sequence[Task], photos: Sequence[Found], output: Place, job: Job) -> None:
    """Complain where a result would take the place of a photo."""
    originals: dict[Identity, Place] = {}
    for photo in photos:
        with contextlib.suppress(OSError):
            originals.setdefault(identity_of(photo.path), photo.path)
    for task in tasks:
        with contextlib.suppress(OSError):
            original = originals.get(identity_of(task.target))
            if original is not None:
                folder = output.parent if isinstance(output, Path) and not output.is_dir() else output
                raise UsageError(
                    f"{folder} holds the originals, and {original} would be replaced by what becomes of "
                    f"{'it' if original == task.source else task.source}: name another folder, such as "
                    f"{folder / job.done}"
                )


def _apart(tasks: Sequence[Task], output: Place, job: Job, *, anew: bool) -> tuple[list[Task], list[Task]]:
    """What is to be done, and what is done already; ``anew`` where results of photos that have changed are replaced."""
    todo: list[Task] = []
    there: list[Task] = []
    of_another: Place | None = None
    for task, is_there, stamp in _looked_at(tasks, output):
        if not is_there:
            todo.append(task)
            continue
        if stamp is None or stamp.identity != job.identity:
            raise UsageError(_in_the_way(task.target, stamp, output, job))
        try:
            same = is_of(stamp, task.target, task.source)
        except (OSError, PhotoError):
            todo.append(task)  # opening it will tell why
            continue
        (there if same else todo).append(task)
        of_another = of_another if same else of_another or task.target
    # Where others are done already, the folder is that of these photos, some of which have changed since.
    if of_another is not None and not there and not anew:
        raise UsageError(
            f"{of_another} is there already, made of another photo or of this one before it changed: "
            f"name another folder, such as {_beside(output, job)}, or replace it by --force"
        )
    return todo, there


def _looked_at(tasks: Sequence[Task], output: Place) -> Iterator[tuple[Task, bool, Stamp | None]]:
    """Each task, whether something is in its result's place, and the stamp of that."""
    if isinstance(output, Path):
        for task in tasks:
            is_there = isinstance(task.target, Path) and os.path.lexists(task.target)
            yield task, is_there, stamp_of(task.target) if is_there else None
        return
    there = {str(file) for file in stores.listed(output).values()}
    # A store takes its time for each answer, and gives many at once.
    with ThreadPoolExecutor(_ASKED_AT_ONCE) as asking:
        stamps = asking.map(lambda task: stamp_of(task.target) if str(task.target) in there else None, tasks)
        for task, stamp in zip(tasks, stamps, strict=True):
            yield task, str(task.target) in there, stamp


def _in_the_way(target: Place, stamp: Stamp | None, output: Place, job: Job) -> str:
    if stamp is None:
        what = "and is no result of this program"
    elif stamp.job != job.name:
        what = f"as a result of deoldify {stamp.job}"
    else:
        what = "made with other settings or weights"
    return (
        f"{target} is there already, {what}: name another folder, such as {_beside(output, job)}, "
        "or replace it by --force"
    )


def _beside(output: Place, job: Job) -> Place:
    """A folder to name instead."""
    if isinstance(output, Url):
        return Url(output.scheme, f"{output.path}-{job.done}")
    name = output.name or output.resolve().name
    return output.parent / f"{name}-{job.done}" if output.name else output / job.done
