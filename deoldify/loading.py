"""From a model's name to the model."""

from __future__ import annotations

import logging
from os import PathLike
from pathlib import Path
from typing import Literal, overload

from deoldify.checkpoints import Checkpoint, find_any, load_generator
from deoldify.colorizer import Colorizer
from deoldify.defader import Defader
from deoldify.errors import CheckpointError, UnknownModelError
from deoldify.model import check_render_factor
from deoldify.network import choose_device, choose_precision

_log = logging.getLogger(__name__)


@overload
def load(
    name: Literal["compact", "artistic", "stable", "video"],
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
def load(
    name: str | PathLike[str],
    *,
    revision: str | None = ...,
    checkpoint: str | PathLike[str] | None = ...,
    device: str = ...,
    precision: str = ...,
) -> Colorizer | Defader: ...


def load(
    name: str | PathLike[str],
    *,
    revision: str | None = None,
    checkpoint: str | PathLike[str] | None = None,
    device: str = "auto",
    precision: str = "auto",
) -> Colorizer | Defader:
    """Load a model.

    Args:
        name: what ``models()`` lists: ``compact`` and ``defade`` are embedded, ``artistic``, ``stable`` and ``video``
            are fetched from the Hugging Face Hub the first time. Or ``"owner/name"``, a repository there that
            ``python -m train publish`` made: its task, its best render factor, its licence and its digest are what
            its owner says of it, and not looked after by DeOldify; only tensors are ever read from it. Or the path of
            a folder that holds what such a repository does. ``"compact@1"`` and ``"owner/name@commit"``, as reports
            have them, mean weights that never change.
        revision: of such a repository: a commit, a branch or a tag; None is its newest.
        checkpoint: a file to take the weights from instead: what ``torch.save`` or safetensors wrote of a state dict,
            wrapped or not, or a checkpoint of a training run.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        precision: ``auto``, ``float32``, ``bfloat16`` or ``float16``.

    Returns:
        a ``Defader`` for ``defade`` and repositories of that task, a ``Colorizer`` for the others.

    Raises:
        UnknownModelError: no model has that name.
        CheckpointError: the weights are damaged, of another architecture, or cannot be fetched.
        ValueError: no such device or precision here, or a revision of what is no repository.
        TypeError: ``name`` is no name and no path.
    """
    record = _record(name, revision)
    choose_precision(precision, choose_device(device))  # complain before a long download, not after
    generator = load_generator(record, None if checkpoint is None else Path(checkpoint))
    kind = Colorizer if record.task == "colorize" else Defader
    model = kind(record, generator, device=device, precision=precision)
    _log.info("%r, weights from %s", model, record.file if checkpoint is None else checkpoint)
    return model


def _record(name: str | PathLike[str], revision: str | None) -> Checkpoint:
    if not isinstance(name, str | PathLike):
        raise TypeError(
            f"load takes the name of a model, such as 'compact', a repository, owner/name, or a folder that "
            f"`python -m train publish` laid out, not a {type(name).__name__}; photographs go to what it returns"
        )
    record = find_any(name, revision)
    try:
        check_render_factor(record.render_factor)
    except ValueError as error:
        raise CheckpointError(f"{name!r} cannot be used: its configuration is not sound: {error}") from error
    return record


def load_colorizer(
    name: str | PathLike[str],
    *,
    checkpoint: str | PathLike[str] | None = None,
    device: str = "auto",
    precision: str = "auto",
) -> Colorizer:
    """``load`` for a model that must be a colorizer.

    Raises:
        UnknownModelError: no colorizer has that name; and what ``load`` raises.
    """
    model = load(name, checkpoint=checkpoint, device=device, precision=precision)
    if not isinstance(model, Colorizer):
        raise UnknownModelError(f"{name!r} does not colour photographs; it is a model to {model.checkpoint.task}")
    return model
