"""The checkpoints: one record each, where they are looked for, how they are fetched, verified and loaded.

A checkpoint is looked for in the folder that ``DEOLDIFY_WEIGHTS`` names, in the ``weights/`` that comes with DeOldify,
in the cache of the Hugging Face Hub, and on the Hub itself. Nothing is used before its SHA-256 has been found right.
Only tensors are ever read from a file, never a pickle that could run code.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from deoldify import hub
from deoldify.config import ARTISTIC, COMPACT, DEFADE, STABLE, GeneratorConfig
from deoldify.errors import CheckpointError, HubError, UnknownModelError
from deoldify.hub import HubFile

if TYPE_CHECKING:
    from torch import Tensor

    from deoldify.generator import Generator

__all__ = [
    "CHECKPOINTS",
    "CONFIG_FILE",
    "WEIGHTS_FILE",
    "Checkpoint",
    "ModelInfo",
    "Progress",
    "fetch",
    "find",
    "find_on_hub",
    "is_repository",
    "load_generator",
    "locate",
    "models",
]

Task = Literal["colorize", "defade"]


@dataclass(frozen=True)
class Checkpoint:
    """One set of weights.

    Attributes:
        name: what users call it; of a repository that anybody may have published, ``"owner/name"``.
        task: ``"colorize"`` or ``"defade"``.
        config: the generator that the weights fit.
        file: file name, in ``weights/`` and on the Hub.
        repo: repository on the Hugging Face Hub; ``None`` if the file comes with DeOldify.
        revision: commit of the repository, 40 hex digits, so that a cached file needs no question to the Hub.
        sha256: digest of the file, 64 hex digits.
        bytes: length of the file.
        licence: SPDX identifier of the weights' licence.
        origin: who trained it, on what.
        render_factor: render factor at which it does best on most photos.
    """

    name: str
    task: Task
    config: GeneratorConfig
    file: str
    repo: str | None
    revision: str | None
    sha256: str
    bytes: int
    licence: str
    origin: str
    render_factor: int


COMPACT_SHA256 = "53daf49c3294f9a8567310ff947807db63ec947597f57f05987716406e11c7a2"
COMPACT_BYTES = 14097638

DEFADE_SHA256 = "a2775f1b41a4f504503f18907a6f104367ffbb481505f43629619d1ec3402195"
DEFADE_BYTES = 10829000

PUBLISHED_REPO = "spensercai/DeOldify"
PUBLISHED_REVISION = "448956a51080c3e5fb29a4e0f3e09457afd94eb0"

CHECKPOINTS: tuple[Checkpoint, ...] = (
    Checkpoint(
        name="compact",
        task="colorize",
        config=COMPACT,
        file="compact.safetensors",
        repo=None,
        revision=None,
        sha256=COMPACT_SHA256,
        bytes=COMPACT_BYTES,
        licence="MIT",
        origin="comes with DeOldify; weights/compact.md tells how it was trained",
        render_factor=15,
    ),
    Checkpoint(
        name="artistic",
        task="colorize",
        config=ARTISTIC,
        file="ColorizeArtistic_gen.pth",
        repo=PUBLISHED_REPO,
        revision=PUBLISHED_REVISION,
        sha256="3f750246fa220529323b85a8905f9b49c0e5d427099185334d048fb5b5e22477",
        bytes=255144681,
        licence="MIT",
        origin="trained on ImageNet by the author of DeOldify, 2019; the most colourful",
        render_factor=35,
    ),
    Checkpoint(
        name="stable",
        task="colorize",
        config=STABLE,
        file="ColorizeStable_gen.pth",
        repo=PUBLISHED_REPO,
        revision=PUBLISHED_REVISION,
        sha256="ca9cd7f43fb8b222c9a70f7b292e305a000694b0ff9d2ae4a6747b1a2e1ee5af",
        bytes=874066230,
        licence="MIT",
        origin="trained on ImageNet by the author of DeOldify, 2019; the best on landscapes and portraits",
        render_factor=35,
    ),
    Checkpoint(
        name="video",
        task="colorize",
        config=STABLE,
        file="ColorizeVideo_gen.pth",
        repo=PUBLISHED_REPO,
        revision=PUBLISHED_REVISION,
        sha256="e3d98bb6a222354c79f95485c2f078a89dc724e9183662506d9e0f5aafac83ad",
        bytes=874066230,
        licence="MIT",
        origin="trained on ImageNet with noise by the author of DeOldify, 2019; flickers least",
        render_factor=21,
    ),
    Checkpoint(
        name="defade",
        task="defade",
        config=DEFADE,
        file="defade.safetensors",
        repo=None,
        revision=None,
        sha256=DEFADE_SHA256,
        bytes=DEFADE_BYTES,
        licence="MIT",
        origin="comes with DeOldify; weights/defade.md tells how it was trained",
        render_factor=16,
    ),
)


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
    """

    name: str
    task: Task
    source: str
    bytes: int
    licence: str
    here: bool


@dataclass(frozen=True)
class Progress:
    """How far a download is.

    Attributes:
        name: the checkpoint's name.
        done: bytes received.
        total: bytes of the whole file.
        speed: bytes per second, over the last few seconds.
    """

    name: str
    done: int
    total: int
    speed: float

    def __str__(self) -> str:
        return f"{self.name}: {_megabytes(self.done)} of {_megabytes(self.total)}, {_megabytes(self.speed)}/s"


PATIENCE_SECONDS = 10.0
"""How long the Hub may deliver nothing; with what surrounds it, a hung Hub is reported within 15 seconds."""

CONFIG_FILE, WEIGHTS_FILE = "config.json", "model.safetensors"
"""What a repository holds that `find_on_hub` finds a model in; ``python -m train publish`` writes both."""

_LARGEST_CONFIG = 1 << 20  # bytes
_CONFIG_FIELDS = {
    "model_type", "format", "task", "generator", "render_factor", "licence", "origin", "sha256", "bytes"
}  # fmt: skip
_SETTLED_SECONDS = 2.0  # the coarsest clock of a file system in use, FAT's

_MISFITS_SHOWN = 5

_log = logging.getLogger(__name__)


def _megabytes(amount: float) -> str:
    return f"{amount / 1e6:.1f} MB"


def find(name: str) -> Checkpoint:
    """The record of the checkpoint called ``name``.

    Raises:
        UnknownModelError: there is none; the message lists the names.
    """
    for checkpoint in CHECKPOINTS:
        if checkpoint.name == name:
            return checkpoint
    known = ", ".join(checkpoint.name for checkpoint in CHECKPOINTS)
    raise UnknownModelError(
        f"there is no model called {name!r}; choose one of: {known}; or name a repository on the Hub: owner/name"
    )


def is_repository(name: str) -> bool:
    """Whether a name is that of a repository, ``"owner/name"``, rather than of a model that `find` knows."""
    return re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", name) is not None


def find_on_hub(repo: str, revision: str | None = None, *, patience: float = PATIENCE_SECONDS) -> Checkpoint:
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


def _read_config(repo: str, path: Path) -> Checkpoint:
    """The record in a repository's configuration, which lies in the cache in a folder named after the commit."""
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
            "bytes": type(said["bytes"]) is int and said["bytes"] > 0,
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


def models() -> list[ModelInfo]:
    """What there is. Looks on this machine only, asks no network and reads no weights."""
    return [
        ModelInfo(
            name=checkpoint.name,
            task=checkpoint.task,
            source="comes with DeOldify" if checkpoint.repo is None else f"Hugging Face Hub, {checkpoint.repo}",
            bytes=checkpoint.bytes,
            licence=checkpoint.licence,
            here=(path := locate(checkpoint)) is not None and path.stat().st_size == checkpoint.bytes,
        )
        for checkpoint in CHECKPOINTS
    ]


def locate(checkpoint: Checkpoint) -> Path | None:
    """Where the checkpoint's file lies on this machine, unverified: weights folders first, then the Hub's cache.

    Raises:
        CheckpointError: ``DEOLDIFY_WEIGHTS`` does not name a folder.
    """
    path = _in_weights(checkpoint)
    file = _hub_file(checkpoint)
    return hub.cached(file) if path is None and file is not None else path


def fetch(
    checkpoint: Checkpoint,
    *,
    progress: Callable[[Progress], None] | None = None,
    patience: float = PATIENCE_SECONDS,
) -> Path:
    """The checkpoint's file, verified, downloaded if it is not on this machine.

    A file in the Hub's cache that is truncated or altered is fetched again; one in a weights folder is the user's and
    only reported. Several processes may fetch at once: one downloads, the others wait for it.

    Args:
        checkpoint: what to fetch.
        progress: called some ten times a second while data comes in; without it, a bar appears on a terminal.
        patience: seconds that the Hub may deliver nothing.

    Returns:
        Path of a file whose SHA-256 is the record's.

    Raises:
        HubError: the Hub is unreachable, hung, forbidden by ``HF_HUB_OFFLINE``, lacks the file or delivers another.
        CheckpointError: a file in a weights folder is not the one that the record names, or a file that comes with
            DeOldify is missing.
    """
    path = locate(checkpoint)
    if path is not None and _is_intact(path, checkpoint):
        return path
    if path is not None and path == _in_weights(checkpoint):
        raise CheckpointError(_describe_alien(path, checkpoint))
    file = _hub_file(checkpoint)
    if file is None:
        looked = " and ".join(str(folder) for folder in _weights_folders())
        raise CheckpointError(
            f"{checkpoint.file}, which comes with DeOldify, is missing; looked in {looked}. Install DeOldify again, "
            f"or set DEOLDIFY_WEIGHTS to the folder that holds it."
        )
    try:
        return _download(checkpoint, file, progress, patience)
    except HubError as error:
        by_hand = (
            f", or download {file.url} by hand and put it into {_weights_folders()[0]} (or into any folder that "
            f"DEOLDIFY_WEIGHTS names)"
        )
        raise HubError(
            f"{checkpoint.name!r} ({_megabytes(checkpoint.bytes)}) cannot be fetched from {hub.endpoint()}: {error}. "
            f"Use the model 'compact', which needs no download{'' if is_repository(checkpoint.name) else by_hand}."
        ) from error


def load_generator(checkpoint: Checkpoint, path: str | os.PathLike[str] | None = None) -> Generator:
    """Build the checkpoint's generator with its weights: in eval mode, on the CPU, in float32.

    Args:
        checkpoint: which one; its config is the generator's.
        path: a file to use in place of the checkpoint's own: ``.safetensors``, or ``.pth`` in the format of any
            PyTorch, a plain state dict or one wrapped as ``{"model": ...}``. It may be a training run of your own, so
            its digest is not compared.

    Raises:
        CheckpointError: the file is missing, damaged, holds anything but tensors, or fits another generator.
        HubError: see `fetch`.
    """
    path = fetch(checkpoint) if path is None else Path(path)
    if not path.is_file():
        raise CheckpointError(f"there is no file {path}; leave the path out to use the model's own weights")

    state = _read_state(path, checkpoint.config)

    from deoldify.generator import Generator

    generator = Generator(checkpoint.config)
    misfits = _misfits(state, generator.state_dict())
    if misfits:
        more = f"; and {len(misfits) - _MISFITS_SHOWN} more" if len(misfits) > _MISFITS_SHOWN else ""
        raise CheckpointError(
            f"{path} does not fit the generator of {checkpoint.name!r}: {'; '.join(misfits[:_MISFITS_SHOWN])}{more}. "
            f"Choose the model that it was trained as."
        )
    generator.load_state_dict(state)
    return generator.float().eval()


# Where files lie


def _weights_folders() -> list[Path]:
    """Folders to look in. The first is where a user should put a file."""
    package = Path(__file__).resolve().parent
    folders = [folder for folder in (package / "weights", package.parent / "weights") if folder.is_dir()]
    chosen = os.environ.get("DEOLDIFY_WEIGHTS")
    if chosen:
        folder = Path(chosen).expanduser()
        if not folder.is_dir():
            raise CheckpointError(f"DEOLDIFY_WEIGHTS names {chosen}, which is no folder; create it, or unset it")
        folders.insert(0, folder)
    return folders or [package / "weights"]


def _in_weights(checkpoint: Checkpoint) -> Path | None:
    if is_repository(checkpoint.name):  # their files all have the same name
        return None
    for folder in _weights_folders():
        if (folder / checkpoint.file).is_file():
            return folder / checkpoint.file
    return None


# Verifying


def _is_intact(path: Path, checkpoint: Checkpoint) -> bool:
    """Whether the file is the one that the record names.

    Hashing 874 MB at every start would be felt, so the first time leaves a seal: length, both time stamps and inode,
    any of which a change of the file changes. The change time cannot be set back as the modification time can. A file
    touched moments ago gets no seal, since the clock of its file system might not tell the next change from the last.
    """
    try:
        status = path.stat()
        if status.st_size != checkpoint.bytes:
            return False
        signs = [checkpoint.sha256, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
        seal = _seal(path)
        if seal is not None and _read_seal(seal) == signs:
            return True
        age = time.time() - max(status.st_mtime, status.st_ctime)
        if _digest(path) != checkpoint.sha256:
            return False
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from error
    if seal is not None and age > _SETTLED_SECONDS:
        _write_seal(seal, signs)
    return True


def _seal(path: Path) -> Path | None:
    """Where the seal of a file is kept; ``None`` where nothing can be written."""
    from huggingface_hub import cached_assets_path

    try:
        folder = cached_assets_path(
            "deoldify", namespace="verified", assets_dir=os.environ.get("HF_ASSETS_CACHE") or None
        )
    except (OSError, ValueError):
        return None
    return folder / f"{hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:32]}.json"


def _read_seal(seal: Path) -> object:
    try:
        return json.loads(seal.read_text())
    except (OSError, ValueError):
        return None


def _write_seal(seal: Path, signs: list[Any]) -> None:
    try:
        with tempfile.NamedTemporaryFile("w", dir=seal.parent, suffix=".part", delete=False) as file:
            json.dump(signs, file)
        os.replace(file.name, seal)
    except OSError as error:
        _log.debug("no seal kept: %s", error)


def _digest(path: Path) -> str:
    """SHA-256 of a file in hex, a piece at a time."""
    digest = hashlib.sha256()
    piece = bytearray(1 << 20)
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(piece):
            digest.update(memoryview(piece)[:count])
    return digest.hexdigest()


def _expected(checkpoint: Checkpoint) -> str:
    return f"{checkpoint.bytes} bytes with SHA-256 {checkpoint.sha256}"


def _describe_alien(path: Path, checkpoint: Checkpoint) -> str:
    with path.open("rb") as file:
        if file.read(64).startswith(b"version https://git-lfs"):
            return f"{path} is only a pointer of Git LFS; run `git lfs pull`"
    source = _hub_file(checkpoint)
    cure = "Install DeOldify again" if source is None else f"Remove it, or replace it by {source.url} downloaded whole"
    return (
        f"{path} is not the file of {checkpoint.name!r}: it has {path.stat().st_size} bytes with SHA-256 "
        f"{_digest(path)}, expected {_expected(checkpoint)}. {cure}; to use weights of your own, pass the file's path "
        f"as the checkpoint."
    )


# Downloading


def _hub_file(checkpoint: Checkpoint) -> HubFile | None:
    if checkpoint.repo is None or checkpoint.revision is None:
        return None
    return HubFile(checkpoint.repo, checkpoint.file, checkpoint.revision)


def _download(
    checkpoint: Checkpoint, file: HubFile, progress: Callable[[Progress], None] | None, patience: float
) -> Path:
    """The file in the Hub's cache, verified; fetched if it is not there or damaged, and once more if it comes so."""
    with hub.alone(file):
        path = hub.cached(file)  # while we waited, another process may have brought it
        reason = ""
        for attempt in range(2):
            if path is None:
                try:
                    with _reporting(checkpoint, progress) as meter:
                        path = hub.download(file, size=checkpoint.bytes, meter=meter, patience=patience)
                except hub.IncompleteError:
                    if attempt == 1:
                        raise
                    continue
            if _is_intact(path, checkpoint):
                return path
            reason = f"{path.stat().st_size} bytes with SHA-256 {_digest(path)}, expected {_expected(checkpoint)}"
            _log.warning("%s is truncated or altered, and removed", path)
            hub.discard(path)
            path = None
        raise HubError(f"the file was truncated or altered, twice ({reason})")


@contextmanager
def _reporting(checkpoint: Checkpoint, progress: Callable[[Progress], None] | None) -> Iterator[hub.Meter]:
    """What tells of a download: the caller's function, or else a bar, on a terminal."""
    if progress is not None:
        yield lambda done, speed: progress(Progress(checkpoint.name, done, checkpoint.bytes, speed))
        return
    from tqdm.auto import tqdm

    with tqdm(total=checkpoint.bytes, unit="B", unit_scale=True, desc=checkpoint.name, disable=None) as bar:
        yield lambda done, _: bar.update(done - bar.n)


# Reading


def _read_state(path: Path, config: GeneratorConfig) -> dict[str, Tensor]:
    """The weights in a file, named as `Generator` names them; ours may be stored in float16."""
    state = _read_safetensors(path, config) if path.suffix == ".safetensors" else _read_pickle(path)
    was_published = all(key.startswith("layers.") for key in state)
    if not was_published or not config.spectral or config.head != "rgb":
        return state

    from deoldify.published import to_generator_state

    try:
        return to_generator_state(state, config)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from error


def _read_safetensors(path: Path, config: GeneratorConfig) -> dict[str, Tensor]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise CheckpointError(_damaged(path, error)) from error
    if "config" in metadata:
        _check_config(path, metadata["config"], config)
    return state


def _check_config(path: Path, text: str, config: GeneratorConfig) -> None:
    """Refuse weights of another generator even where all shapes agree."""
    try:
        theirs = GeneratorConfig.from_dict(json.loads(text))
    except (ValueError, TypeError, CheckpointError) as error:
        raise CheckpointError(f"{path} says of its generator what this version does not understand: {error}") from error
    ours = config.to_dict()
    differences = [
        f"{key} is {value!r}, not {ours[key]!r}" for key, value in theirs.to_dict().items() if value != ours[key]
    ]
    if differences:
        raise CheckpointError(
            f"{path} fits another generator: {'; '.join(differences)}. Choose the model that it was trained as."
        )


def _read_pickle(path: Path) -> dict[str, Tensor]:
    import torch

    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (MemoryError, KeyboardInterrupt):
        raise
    except Exception as error:  # a damaged pickle fails in as many ways as there are bytes
        raise CheckpointError(_damaged(path, error)) from error
    state = content["model"] if isinstance(content, Mapping) and isinstance(content.get("model"), Mapping) else content
    if not isinstance(state, Mapping):
        raise CheckpointError(f"{path} holds no state dict but a {type(state).__name__}; save `model.state_dict()`")
    odd = [str(key) for key, value in state.items() if not isinstance(key, str) or not isinstance(value, torch.Tensor)]
    if odd or not state:
        raise CheckpointError(
            f"{path} holds no state dict of a generator: "
            + (f"{', '.join(odd[:_MISFITS_SHOWN])} is not a tensor" if odd else "it is empty")
            + "; save `model.state_dict()`"
        )
    return dict(state)


def _damaged(path: Path, error: Exception) -> str:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    if isinstance(error, PermissionError):
        return f"{path} cannot be read: {error}"
    if "Weights only load failed" in reason:
        return (
            f"{path} is damaged, or holds more than tensors and is refused because such a file can run code; download "
            f"it again, or save `model.state_dict()`"
        )
    return f"{path} is truncated, altered or no checkpoint ({reason}); download it again"


def _misfits(state: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> list[str]:
    """What keeps a state from fitting, in the order of the file, then of the generator."""
    misfits = []
    for key, tensor in state.items():
        if key not in wanted:
            misfits.append(f"{key} is unknown")
        elif tensor.shape != wanted[key].shape:
            misfits.append(f"{key} has shape {tuple(tensor.shape)}, expected {tuple(wanted[key].shape)}")
    return misfits + [f"{key} is missing" for key in wanted if key not in state]
