"""Where checkpoints are: in weights folders, in the cache of the Hugging Face Hub, and what published ones say.

A checkpoint is looked for in the folder that ``DEOLDIFY_WEIGHTS`` names, in the ``weights/`` that comes with DeOldify,
in the cache of the Hugging Face Hub, and on the Hub itself. One that anybody has published is told of by the
configuration that lies beside it, on the Hub or in a folder.
"""

from __future__ import annotations

import json
import logging
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from deoldify.checkpoints import hub
from deoldify.checkpoints.hub import HubFile
from deoldify.checkpoints.records import BEST, CHECKPOINTS, Checkpoint, Task, find, is_repository
from deoldify.checkpoints.verifying import digest_of, is_intact
from deoldify.errors import CheckpointError, HubError, UnknownModelError
from deoldify.network import GeneratorConfig

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModelInfo:
    """What a list of models shows.

    Attributes:
        name: what ``deoldify.load`` takes.
        task: ``"colorize"`` or ``"defade"``.
        source: where the weights come from, for a reader.
        bytes: size of the file.
        licence: SPDX identifier of the weights' licence.
        here: whether it can be loaded without a download.
        good_at: what to choose it for.
        terms: on what its weights may be used, beyond their licence.
    """

    name: str
    task: Task
    source: str
    bytes: int
    licence: str
    here: bool
    good_at: str = ""
    terms: str = ""


def models() -> list[ModelInfo]:
    """What there is. Looks on this machine only, asks no network and reads no weights."""
    return [
        ModelInfo(
            name=checkpoint.name,
            task=checkpoint.task,
            source="comes with DeOldify" if checkpoint.repo is None else f"Hugging Face Hub, {checkpoint.repo}",
            bytes=checkpoint.bytes,
            licence=checkpoint.licence,
            here=(path := locate(checkpoint)) is not None and checkpoint.may_have(path.stat().st_size),
            good_at=checkpoint.good_at,
            terms=checkpoint.terms,
        )
        for checkpoint in CHECKPOINTS
    ]


def names_of(model: str | os.PathLike[str]) -> tuple[str, ...]:
    """The models that a name stands for: one, or several that are to agree, as in ``a+b``; each once."""
    name = os.fspath(model)
    return (name,) if os.path.exists(name) else tuple(dict.fromkeys(name.split("+")))


def best_here() -> list[tuple[str, ...]]:
    """The colorizers whose files lie on this machine, the truest first, and those that are to agree; see ``BEST``.

    Asks no network. A file that is not what its record says is passed over.
    """
    sound: dict[str, bool] = {}

    def is_sound(name: str) -> bool:
        if name not in sound:
            checkpoint = find(name)
            path = locate(checkpoint)
            sound[name] = path is not None and is_intact(path, checkpoint)
            if path is not None and not sound[name]:
                _log.warning("%s is not the file of %r, and passed over", path, name)
        return sound[name]

    return [names for names in BEST if all(map(is_sound, names))]


# On this machine


def locate(checkpoint: Checkpoint) -> Path | None:
    """Where the checkpoint's file lies on this machine, unverified: weights folders first, then the Hub's cache.

    Raises:
        CheckpointError: ``DEOLDIFY_WEIGHTS`` does not name a folder.
    """
    path = in_weights(checkpoint)
    file = hub_file(checkpoint)
    return hub.cached(file) if path is None and file is not None else path


def weights_folders() -> list[Path]:
    """Folders to look in. The first is where a user should put a file."""
    package = Path(__file__).resolve().parents[1]
    folders = [folder for folder in (package / "weights", package.parent / "weights") if folder.is_dir()]
    chosen = os.environ.get("DEOLDIFY_WEIGHTS")
    if chosen:
        folder = Path(chosen).expanduser()
        if not folder.is_dir():
            raise CheckpointError(f"DEOLDIFY_WEIGHTS names {chosen}, which is no folder; create it, or unset it")
        folders.insert(0, folder)
    return folders or [package / "weights"]


def in_weights(checkpoint: Checkpoint) -> Path | None:
    """Where the checkpoint's file lies in a weights folder; None where it lies in none."""
    if is_repository(checkpoint.name):  # their files all have the same name
        return None
    folders = [Path()] if Path(checkpoint.file).is_absolute() else weights_folders()
    return next((folder / checkpoint.file for folder in folders if (folder / checkpoint.file).is_file()), None)


def embedded(file: str, sha256: str) -> Path:
    """Where weights lie that come with DeOldify and are no model of their own.

    Args:
        file: its name in a weights folder.
        sha256: what it must hold, in hex.

    Raises:
        CheckpointError: it is missing, or another.
    """
    path = next((folder / file for folder in weights_folders() if (folder / file).is_file()), None)
    if path is None:
        raise CheckpointError(f"{file} comes with DeOldify and is in none of its weights folders; install it again")
    if digest_of(path) != sha256:
        raise CheckpointError(f"{path} is not the file that comes with this version of DeOldify; install it again")
    return path


def hub_file(checkpoint: Checkpoint) -> HubFile | None:
    """What to ask the Hub for; None where the file comes with DeOldify."""
    if checkpoint.repo is None or checkpoint.revision is None:
        return None
    return HubFile(checkpoint.repo, checkpoint.file, checkpoint.revision)


# What anybody has published


CONFIG_FILE, WEIGHTS_FILE = "config.json", "model.safetensors"
"""What a repository holds that `find_on_hub` finds a model in; ``python -m train publish`` writes both."""

_LARGEST_CONFIG = 1 << 20  # bytes
_LARGEST_WEIGHTS = 1 << 31
"""Bytes; the largest generators of 2019 have less than half of it."""
_CONFIG_FIELDS = {
    "model_type", "format", "task", "generator", "render_factor", "licence", "origin", "sha256", "bytes"
}  # fmt: skip


def find_on_hub(repo: str, revision: str | None = None, *, patience: float = hub.PATIENCE_SECONDS) -> Checkpoint:
    """The record of a model that somebody has published with ``python -m train publish``.

    What it is made of, its digest and its licence are what its ``config.json`` says: DeOldify vouches for none of it,
    except that nothing but numbers is read from there. The weights are taken from the very commit that the
    configuration came with. A branch is looked up each time; without the Hub, what the cache holds of it will do.

    Args:
        repo: ``"owner/name"`` on the Hub.
        revision: a commit, 40 hex digits, which is asked for once and never again; a branch; or a tag. ``None`` is
            the branch ``main``.
        patience: seconds that the Hub may deliver nothing.

    Raises:
        HubError: the repository is not in the cache, and the Hub is unreachable, hung, forbidden or has no such file.
        CheckpointError: its configuration is not one of this version of DeOldify.
    """
    revision = revision or "main"
    file = HubFile(repo, CONFIG_FILE, revision)
    path = hub.cached(file)
    if path is None or not re.fullmatch("[0-9a-f]{40}", revision):
        try:
            with hub.alone(file):
                path = hub.download(file, size=_LARGEST_CONFIG, meter=lambda done, speed: None, patience=patience)
        except HubError as error:
            if path is None:
                raise HubError(
                    f"{repo!r} cannot be fetched from {hub.endpoint()}: {error}. It must be a repository that "
                    f"`python -m train publish` made. The model 'compact' needs no download."
                ) from error
            _log.warning("%s is taken from the cache, since the Hub cannot be asked for a newer one: %s", repo, error)
    return _read_config(repo, path)


def find_in_folder(folder: Path) -> Checkpoint:
    """The record of a model in a folder that holds what ``python -m train publish`` lays out.

    It is named after the folder; for the rest see `find_on_hub`.

    Raises:
        CheckpointError: the folder holds no such model, or one that is not of this version of DeOldify.
    """
    folder = folder.resolve()
    for name in (CONFIG_FILE, WEIGHTS_FILE):
        if not (folder / name).is_file():
            raise CheckpointError(
                f"the folder {folder} holds no {name}: it is none that `python -m train publish` laid out. To use the "
                f"weights of a run, name the model that it trained, and its {folder / 'last.pt'} as the checkpoint"
            )
    record = _read_config(folder.name, folder / CONFIG_FILE)
    return replace(record, file=str(folder / WEIGHTS_FILE), repo=None, revision=None)


def find_any(name: str | os.PathLike[str], revision: str | None = None) -> Checkpoint:
    """The record of what users may name: a known model, a folder, or a repository on the Hub, looked for in this order.

    Args:
        name: see `find`, `find_in_folder` and `find_on_hub`; ``"owner/name@revision"`` names both at once.
        revision: of a repository.

    Raises:
        UnknownModelError: it is none of these.
        CheckpointError: what the folder or the repository holds is not sound; see there.
        ValueError: a revision of what is no repository.
    """
    name = os.fspath(name)
    plain, _, commit = name.partition("@")
    if commit and revision is None and is_repository(plain) and not os.path.exists(name):
        name, revision = plain, commit
    is_known = any(checkpoint.name == name for checkpoint in CHECKPOINTS)
    if revision is not None and (is_known or os.path.isdir(name) or not is_repository(name)):
        raise ValueError(f"{name!r} has no revisions; they belong to repositories on the Hub: owner/name")
    if is_known or not (os.path.exists(name) or is_repository(name)):
        return find(name)
    if os.path.isfile(name):
        raise UnknownModelError(
            f"{name!r} is a file, and no model's name: name the model that it was trained as, or 'auto', and the "
            f"file as the checkpoint"
        )
    return find_in_folder(Path(name)) if os.path.isdir(name) else find_on_hub(name, revision)


def _read_config(repo: str, path: Path) -> Checkpoint:
    """The record in a published configuration, which lies in the Hub's cache in a folder named after the commit."""
    try:
        if path.stat().st_size > _LARGEST_CONFIG:
            raise ValueError(f"it has {path.stat().st_size} bytes")
        said = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(said, dict) or said.get("model_type") != "deoldify":
            raise ValueError(f"it is not of a DeOldify model ({path.name} says no model_type deoldify)")
        if said.get("format") != 1:
            raise ValueError(f"its format is {said.get('format')!r}, and this version of DeOldify reads format 1")
        if said.keys() != _CONFIG_FIELDS:
            raise ValueError(f"it has missing or unknown fields: {', '.join(sorted(said.keys() ^ _CONFIG_FIELDS))}")
        sound = {
            "task": said["task"] in get_args(Task),
            "generator": isinstance(said["generator"], dict),
            "render_factor": type(said["render_factor"]) is int,
            "licence": isinstance(said["licence"], str),
            "origin": isinstance(said["origin"], str),
            "sha256": isinstance(said["sha256"], str) and re.fullmatch("[0-9a-f]{64}", said["sha256"]),
            "bytes": type(said["bytes"]) is int and 0 < said["bytes"] <= _LARGEST_WEIGHTS,
        }
        wrong = [f"{key} is {said[key]!r}" for key, is_sound in sound.items() if not is_sound]
        if wrong:
            raise ValueError(", ".join(wrong))
        config = GeneratorConfig.from_dict(said["generator"])
    except (OSError, ValueError, RecursionError, CheckpointError) as error:
        raise CheckpointError(f"{repo!r} cannot be used: the configuration in {path} is not sound: {error}") from error
    return Checkpoint(
        name=repo, task=said["task"], config=config, file=WEIGHTS_FILE, repo=repo, revision=path.parent.name,
        sha256=said["sha256"], bytes=said["bytes"], licence=said["licence"], origin=said["origin"],
        render_factor=said["render_factor"],
    )  # fmt: skip
