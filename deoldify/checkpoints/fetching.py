"""A checkpoint's file, verified, and downloaded where it is not on this machine."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deoldify.checkpoints import hub
from deoldify.checkpoints.finding import hub_file, in_weights, locate, weights_folders
from deoldify.checkpoints.hub import PATIENCE_SECONDS, HubFile
from deoldify.checkpoints.records import Checkpoint, is_repository
from deoldify.checkpoints.verifying import digest_of, is_intact
from deoldify.errors import CheckpointError, HubError

_log = logging.getLogger(__name__)


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


def _megabytes(amount: float) -> str:
    return f"{amount / 1e6:.1f} MB"


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
    if path is not None and is_intact(path, checkpoint):
        return path
    if path is not None and path == in_weights(checkpoint):
        raise CheckpointError(_describe_alien(path, checkpoint))
    file = hub_file(checkpoint)
    if file is None:
        looked = " and ".join(str(folder) for folder in weights_folders())
        if "@" in checkpoint.name:
            raise CheckpointError(
                f"{checkpoint.name} came with an earlier release: take its file from there, {_expected(checkpoint)}, "
                f"and put it as {checkpoint.file} into a folder that DEOLDIFY_WEIGHTS names; looked in {looked}"
            )
        raise CheckpointError(
            f"{checkpoint.file}, which comes with DeOldify, is missing; looked in {looked}. Install DeOldify again, "
            f"or set DEOLDIFY_WEIGHTS to the folder that holds it."
        )
    try:
        return _download(checkpoint, file, progress, patience)
    except HubError as error:
        by_hand = (
            f", or download {file.url} by hand and put it into {weights_folders()[0]} (or into any folder that "
            f"DEOLDIFY_WEIGHTS names)"
        )
        raise HubError(
            f"{checkpoint.name!r} ({_megabytes(checkpoint.bytes)}) cannot be fetched from {hub.endpoint()}: {error}. "
            f"Use the model 'compact', which needs no download{'' if is_repository(checkpoint.name) else by_hand}."
        ) from error


def _expected(checkpoint: Checkpoint) -> str:
    about = "about " if checkpoint.slack else ""
    return f"{about}{checkpoint.bytes} bytes with SHA-256 {checkpoint.sha256}"


def _describe_alien(path: Path, checkpoint: Checkpoint) -> str:
    with path.open("rb") as file:
        if file.read(64).startswith(b"version https://git-lfs"):
            return f"{path} is only a pointer of Git LFS; run `git lfs pull`"
    source = hub_file(checkpoint)
    cure = "Install DeOldify again" if source is None else f"Remove it, or replace it by {source.url} downloaded whole"
    if Path(checkpoint.file).is_absolute():
        cure = "Copy or publish it again"
    return (
        f"{path} is not the file of {checkpoint.name!r}: it has {path.stat().st_size} bytes with SHA-256 "
        f"{digest_of(path)}, expected {_expected(checkpoint)}. {cure}; to use weights of your own, pass the file's "
        f"path as the checkpoint."
    )


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
                        path = hub.download(
                            file, size=checkpoint.bytes + checkpoint.slack, meter=meter, patience=patience
                        )
                except hub.IncompleteError:
                    if attempt == 1:
                        raise
                    continue
            if is_intact(path, checkpoint):
                return path
            reason = f"{path.stat().st_size} bytes with SHA-256 {digest_of(path)}, expected {_expected(checkpoint)}"
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

    hidden = None if _log.isEnabledFor(logging.WARNING) else True
    with tqdm(total=checkpoint.bytes, unit="B", unit_scale=True, desc=checkpoint.name, disable=hidden) as bar:
        yield lambda done, _: bar.update(done - bar.n)
