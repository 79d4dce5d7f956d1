"""Whether a file is the one that a record names."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from deoldify.checkpoints.records import Checkpoint
from deoldify.errors import CheckpointError

_log = logging.getLogger(__name__)

_SETTLED_SECONDS = 2.0  # the coarsest clock of a file system in use, FAT's


def is_intact(path: Path, checkpoint: Checkpoint) -> bool:
    """Whether the file is the one that the record names.

    Hashing 874 MB at every start would be felt, so the first time leaves a seal: length, both time stamps and inode,
    any of which a change of the file changes. The change time cannot be set back as the modification time can. A file
    touched moments ago gets no seal, since the clock of its file system might not tell the next change from the last.
    """
    try:
        status = path.stat()
        if not checkpoint.may_have(status.st_size):
            return False
        signs = [checkpoint.sha256, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
        seal = _seal(path)
        if seal is not None and _read_seal(seal) == signs:
            return True
        age = time.time() - max(status.st_mtime, status.st_ctime)
        if digest_of(path) != checkpoint.sha256:
            return False
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from error
    if seal is not None and age > _SETTLED_SECONDS:
        _write_seal(seal, signs)
    return True


def digest_of(path: Path) -> str:
    """SHA-256 of a file in hex, a piece at a time."""
    digest = hashlib.sha256()
    piece = bytearray(1 << 20)
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(piece):
            digest.update(memoryview(piece)[:count])
    return digest.hexdigest()


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
