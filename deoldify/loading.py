"""From a model's name to the model."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast, overload

from deoldify.agreement import Agreement, Member
from deoldify.checkpoints import (
    AUTO,
    Checkpoint,
    best_here,
    fetch,
    find,
    find_any,
    load_generator,
    load_recognised,
    names_of,
)
from deoldify.colorizer import Colorizer
from deoldify.defader import Defader
from deoldify.errors import CheckpointError, UnknownModelError
from deoldify.model import check_render_factor, largest_render_factor
from deoldify.network import choose_device, choose_precision, memory

if TYPE_CHECKING:
    import torch

_log = logging.getLogger(__name__)


PATIENCE_SECONDS = 60.0
"""That a photo may take with the model that is chosen here: as long as anybody waits for one."""


@overload
def load(
    name: Literal[
        "auto", "compact", "artistic", "stable", "video", "ddcolor-artistic", "ddcolor", "ddcolor-paper", "ddcolor-tiny"
    ],
    *,
    checkpoint: str | PathLike[str] | None = ...,
    device: str = ...,
    precision: str = ...,
) -> Colorizer: ...


@overload
def load(
    name: Literal["defade"],
    *,
    checkpoint: str | PathLike[str] | None = ...,
    device: str = ...,
    precision: str = ...,
) -> Defader: ...


@overload
def load(name: list[str] | tuple[str, ...], *, device: str = ..., precision: str = ...) -> Colorizer: ...


@overload
def load(
    name: str | PathLike[str],
    *,
    revision: str | None = ...,
    checkpoint: str | PathLike[str] | None = ...,
    device: str = ...,
    precision: str = ...,
) -> Colorizer | Defader: ...


def load(
    name: str | PathLike[str] | Sequence[str],
    *,
    revision: str | None = None,
    checkpoint: str | PathLike[str] | None = None,
    device: str = "auto",
    precision: str = "auto",
) -> Colorizer | Defader:
    """Load a model, or several that are to agree.

    Args:
        name: what ``models()`` lists: ``compact`` and ``defade`` are embedded, the others are fetched from the Hugging
            Face Hub the first time. Or ``"owner/name"``, a repository there that ``python -m train publish`` made: its
            task, its best render factor, its licence and its digest are what its owner says of it, and not looked
            after by DeOldify; only tensors are ever read from it. Or the path of a folder that holds what such a
            repository does. Or a list of such names, or ``"a+b"``: colorizers that colour by what they agree on, in
            whatever order; a list of one is that model. Or ``"auto"``: the truest colorizer that lies on this machine,
            fits its memory and takes no longer than a minute for a photo here. ``"compact@1"`` and
            ``"owner/name@commit"``, as reports have them, mean weights that never change.
        revision: of such a repository: a commit, a branch or a tag; None is its newest.
        checkpoint: a file to take the weights from instead: what ``torch.save`` or safetensors wrote of a state dict,
            wrapped or not, or a checkpoint of a training run. With ``"auto"``, its keys and shapes tell what it is.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        precision: ``auto``, ``float32``, ``bfloat16`` or ``float16``.

    Returns:
        a ``Defader`` for ``defade`` and repositories of that task, a ``Colorizer`` for the others.

    Raises:
        UnknownModelError: no model has that name, or one of those that are to agree does not colour.
        CheckpointError: the weights are damaged, of another architecture, or cannot be fetched.
        ValueError: no such device or precision here, a revision of what is no repository, a checkpoint for several
            models, or no name at all.
        TypeError: ``name`` is no name and no path.
    """
    names = _names(name)
    choose_precision(precision, choose_device(device))  # complain before a long download, not after
    if len(names) > 1:
        if revision is not None or checkpoint is not None:
            raise ValueError(f"a checkpoint or a revision belongs to one model, and not to {', '.join(names)}")
        return _load_agreement(names, device, precision)
    if names == (AUTO,) and revision is None:
        if checkpoint is None:
            return load_best(device=device, precision=precision)
        record, generator = load_recognised(checkpoint)
    else:
        record = _record(names[0], revision)
        generator = load_generator(record, None if checkpoint is None else Path(checkpoint))
    kind = Colorizer if record.task == "colorize" else Defader
    model = kind(record, generator, device=device, precision=precision)
    _log.info("%r, weights from %s", model, record.file if checkpoint is None else checkpoint)
    return model


def _names(name: str | PathLike[str] | Sequence[str]) -> tuple[str, ...]:
    if isinstance(name, str | PathLike):
        return names_of(name)
    if not isinstance(name, list | tuple) or not all(isinstance(each, str | PathLike) for each in name):
        raise TypeError(
            f"load takes the name of a model, such as 'compact', or a list of names, a repository, owner/name, or a "
            f"folder that `python -m train publish` laid out, not a {type(name).__name__}; photographs go to what it "
            f"returns"
        )
    if not name:
        raise ValueError("the list of models is empty; name one, such as 'compact'")
    return tuple(dict.fromkeys(part for each in name for part in names_of(each)))


def _record(name: str, revision: str | None = None) -> Checkpoint:
    record = find_any(name, revision)
    try:
        check_render_factor(record.render_factor)
    except ValueError as error:
        raise CheckpointError(f"{name!r} cannot be used: its configuration is not sound: {error}") from error
    return record


def _load_agreement(names: Sequence[str], device: str, precision: str) -> Agreement:
    """Several colorizers as one; their files are fetched now, and loaded now where memory holds them together."""
    if AUTO in names:
        raise ValueError("auto is chosen by itself; name the models that are to agree")
    records = [_record(name) for name in names]
    for record in records:
        if record.task != "colorize":
            raise UnknownModelError(f"{record.name!r} does not colour photographs; it is a model to {record.task}")
    for record in records:
        fetch(record)

    def member(name: str, record: Checkpoint) -> Member:
        return Member(record, lambda: load_colorizer(name, device=device, precision=precision))

    model = Agreement([member(*each) for each in zip(names, records)], device=device, precision=precision)
    model.wake()
    return model


def load_best(*, device: str = "auto", precision: str = "auto") -> Colorizer:
    """The truest colorizer that lies on this machine, fits its memory, and takes no longer than a minute for a photo.

    Seconds are measured here, by a short render. Without any other it is ``compact``. Nothing is downloaded.

    Raises:
        CheckpointError: the weights are damaged.
        ValueError: no such device or precision here.
    """
    where = choose_device(device)
    dtype = choose_precision(precision, where)
    *others, last = best_here() or [("compact",)]
    for names in others:
        records = [find(name) for name in names]
        if not _fit(records, where, dtype):
            _log.warning("%s does not fit into the memory that is free, and is passed over", "+".join(names))
            continue
        model = load_colorizer(list(names), device=device, precision=precision)
        seconds = model.seconds()
        if seconds <= PATIENCE_SECONDS:
            return model
        _log.warning("%s would take %.0f s for a photo here, and is passed over", model.checkpoint.name, seconds)
        del model
        memory.give_back(where)
    return load_colorizer(list(last), device=device, precision=precision)


def _fit(records: Sequence[Checkpoint], device: torch.device, dtype: torch.dtype) -> bool:
    """Whether models fit into what is free, one at a time, each with its own best render and while it is loaded."""
    free = memory.free_bytes(device)
    return all(
        2 * record.bytes <= free  # what is read and what is made of it
        and record.render_factor
        == largest_render_factor(
            record.config, device, dtype, free - record.bytes, at_most=record.render_factor, renders=record.renders
        )
        for record in records
    )


def load_colorizer(
    name: str | PathLike[str] | Sequence[str],
    *,
    checkpoint: str | PathLike[str] | None = None,
    device: str = "auto",
    precision: str = "auto",
) -> Colorizer:
    """``load`` for a model that must be a colorizer.

    Raises:
        UnknownModelError: no colorizer has that name; and what ``load`` raises.
    """
    # To a type checker, a list is not loaded with a checkpoint; whoever does it all the same is told by ``load``.
    model = load(cast(str, name), checkpoint=checkpoint, device=device, precision=precision)
    if not isinstance(model, Colorizer):
        raise UnknownModelError(f"{name!r} does not colour photographs; it is a model to {model.checkpoint.task}")
    return model
