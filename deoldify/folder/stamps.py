"""What was done to which file with what: stamped on each result, and read when a run goes on."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from deoldify.errors import PhotoError
from deoldify.folder import stores
from deoldify.folder.places import Place
from deoldify.photo import label_in, read_label

_FORM = re.compile(r"deoldify:([\w-]+) ([0-9a-f]{32}) of sha256:([0-9a-f]{64}), (\d+) bytes(?:, dated (-?\d+))?")
_COARSE_NS = 2_000_000_000  # the dates of some file systems come in steps of two seconds
_FINE_NS = 1_000


@dataclass(frozen=True)
class Job:
    """What is done to photographs.

    Attributes:
        name: of the command, such as "colorize".
        done: what has become of a photo then, such as "coloured".
        identity: 32 hex digits that only the same job with the same weights and settings has; see ``job_of``.
        weights: see ``job_of``; the identity stands for them.
        settings: see ``job_of``; the identity stands for them.
        full_names: see ``job_of``.
    """

    name: str
    done: str
    identity: str
    weights: Mapping[str, str] = field(default_factory=dict, compare=False)
    settings: Mapping[str, object] = field(default_factory=dict, compare=False)
    full_names: Mapping[str, str] = field(default_factory=dict, compare=False)


def job_of(
    name: str,
    done: str,
    *,
    weights: Mapping[str, str],
    settings: Mapping[str, object],
    full_names: Mapping[str, str] | None = None,
) -> Job:
    """A job and its identity.

    Args:
        name: see ``Job``.
        done: see ``Job``.
        weights: of each model that has a part in it, their SHA-256.
        settings: everything else that decides what comes out: values that JSON can hold.
        full_names: of the models, with the version or commit of their weights, for who reads what was used.
    """
    what = json.dumps({"job": name, "weights": dict(weights), "settings": dict(settings)}, sort_keys=True)
    return Job(
        name, done, hashlib.sha256(what.encode()).hexdigest()[:32], dict(weights), dict(settings), full_names or {}
    )


@dataclass(frozen=True)
class Stamp:
    """What a result says of its making.

    Attributes:
        job: its name.
        identity: of the job.
        digest: SHA-256 of the photo's file, in hex.
        size: of that file in bytes.
        modified: its date in nanoseconds since 1970; None where the result has that date itself.
    """

    job: str
    identity: str
    digest: str
    size: int
    modified: int | None = None

    def __str__(self) -> str:
        dated = "" if self.modified is None else f", dated {self.modified}"
        return f"deoldify:{self.job} {self.identity} of sha256:{self.digest}, {self.size} bytes{dated}"


def stamp_of(place: Place) -> Stamp | None:
    """The last stamp of a file; None where it has none, be it that it cannot be read."""
    if isinstance(place, Path):
        return _stamp_of_label(read_label(place))
    with contextlib.suppress(PhotoError), stores.opened(place) as stream:
        return stamp_in(stream)
    return None


def stamp_in(stream: BinaryIO) -> Stamp | None:
    """``stamp_of`` for a file that is open at its beginning, in a format that holds tags."""
    return _stamp_of_label(label_in(stream))


def _stamp_of_label(label: str) -> Stamp | None:
    found = _FORM.findall(label)
    if not found:
        return None
    job, identity, digest, size, modified = found[-1]
    return Stamp(job, identity, digest, int(size), int(modified) if modified else None)


def is_of(stamp: Stamp, result: Place, source: Place) -> bool:
    """Whether a result was made of this very file.

    Size and date tell that without reading the file; where the date differs, its digest does.

    Raises:
        OSError: one of them cannot be read.
        PhotoError: likewise, of a store.
    """
    now = stores.facts_of(source)
    if now.size != stamp.size:
        return False
    then = stores.facts_of(result).modified if stamp.modified is None else stamp.modified
    if now.modified is not None and then is not None:
        coarse = stamp.modified is None and then % 1_000_000_000 == 0
        if abs(now.modified - then) < (_COARSE_NS if coarse else _FINE_NS):
            return True
    with stores.opened(source) as stream:
        return digest_of(stream) == stamp.digest


def digest_of(stream: BinaryIO) -> str:
    """SHA-256 of all that a stream holds, in hex; the stream is at its beginning afterwards."""
    digest = hashlib.sha256()
    stream.seek(0, os.SEEK_SET)
    while block := stream.read(1 << 20):
        digest.update(block)
    stream.seek(0, os.SEEK_SET)
    return digest.hexdigest()
