"""Fetch one file into the Hub's cache, as a process of its own.

``hf_hub_download`` retries a dead server for longer than anybody waits, and a hung one for minutes; nothing inside the
same process can end it. So ``hub.py`` runs this file by its path, listens to what it says, and ends it when it falls
silent. It imports nothing of the package, for the package may import torch.

The request is one JSON object in the first argument: ``repo``, ``file``, ``revision``, ``endpoint``, ``cache``,
``timeout`` (seconds for an answer to a question, not for the file) and ``largest`` (bytes; a larger file is refused by
its announced size, or ended where it turns out larger). The news are JSON objects, one a line, on standard
output: ``{"ready": true}`` before the first question goes out, ``{"done": 4096, "total": 255144681}`` (bytes) while
data comes in, and last ``{"path": ...}`` or ``{"failed": "why", "incomplete": false}``; ``incomplete`` is true where
the file came whole by the server's account but with another length than promised.
"""

from __future__ import annotations

import sys
from os.path import abspath, dirname

if __name__ == "__main__":
    # Python puts a script's own folder first, where our module names would shadow those of other packages.
    sys.path[:] = [folder for folder in sys.path if abspath(folder) != dirname(abspath(__file__))]

import json
import signal
import time
from contextlib import AbstractContextManager
from types import FrameType
from typing import Any, TextIO, cast

CHUNK_BYTES = 16 * 1024  # news of a slow line must come sooner than its listener loses patience
NEWS_SECONDS = 0.1
NEWS_BYTES = 1024 * 1024


class TooLargeError(Exception):
    """A file has more bytes than it can have."""


def main(request: dict[str, Any], news: TextIO) -> int:
    """Fetch what ``request`` names, telling ``news``; the exit status is 0 only if the file is in the cache."""

    def say(**item: object) -> None:
        print(json.dumps(item), file=news, flush=True)

    class Meter(AbstractContextManager["Meter"]):
        """What the client takes for a progress bar."""

        def __init__(self, *, total: int | None = None, initial: int = 0, **_: object) -> None:
            self.done, self.total = initial, total
            self.said, self.said_at = 0, 0.0

        def __exit__(self, *_: object) -> None:
            pass

        def update(self, amount: int) -> None:
            self.done += amount
            if self.done > request["largest"]:
                raise TooLargeError(f"it sends more than the {request['largest']} bytes that the file can have")
            now = time.monotonic()
            if now - self.said_at >= NEWS_SECONDS or self.done - self.said >= NEWS_BYTES or self.done == self.total:
                self.said, self.said_at = self.done, now
                say(done=self.done, total=self.total)

    try:
        from huggingface_hub import constants, get_hf_file_metadata, hf_hub_download, hf_hub_url

        constants.DOWNLOAD_CHUNK_SIZE = CHUNK_BYTES
        where = {"repo_id": request["repo"], "filename": request["file"], "revision": request["revision"]}
        say(ready=True)
        # One question without retries: it fails at once, and with the true reason, where the download would insist.
        answer = get_hf_file_metadata(hf_hub_url(**where, endpoint=request["endpoint"]), timeout=request["timeout"])
        if answer.commit_hash is None:
            raise ConnectionError("what answers there is no Hub; check HF_ENDPOINT, proxy and firewall")
        if (answer.size or 0) > request["largest"]:
            raise TooLargeError(
                f"it announces {answer.size} bytes for {request['file']}, which can have {request['largest']}"
            )
        path = hf_hub_download(
            **where,
            endpoint=request["endpoint"],
            cache_dir=request["cache"],
            etag_timeout=request["timeout"],
            tqdm_class=cast(Any, Meter),
        )
    except Exception as error:  # whatever it is, the listener must hear of it
        why, incomplete = explain(error, request)
        say(failed=why, incomplete=incomplete)
        return 1
    say(path=path)
    return 0


def explain(error: BaseException, request: dict[str, Any]) -> tuple[str, bool]:
    """Why a download failed, for a reader, and whether the file came with another length than promised."""
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    if isinstance(error, LocalEntryNotFoundError) and error.__cause__ is not None:
        error = error.__cause__
    text = (str(error).strip() or type(error).__name__).splitlines()[0]
    match error:
        case OfflineModeIsEnabled():
            return "HF_HUB_OFFLINE forbids downloads, and the file is not in the cache", False
        case GatedRepoError():
            return f"the repository {request['repo']} is there but wants a login; see `hf auth login`", False
        case RepositoryNotFoundError():
            return f"it has no public repository {request['repo']}", False
        case RevisionNotFoundError():
            return f"the repository {request['repo']} has no revision {request['revision']}", False
        case EntryNotFoundError():
            return f"the repository {request['repo']} has no file {request['file']} at {request['revision']}", False
        case HfHubHTTPError():
            return f"it answered with status {error.response.status_code}", False
    # The client's HTTP library has changed twice, its names have not.
    names = {kind.__name__ for kind in type(error).__mro__}
    if "TimeoutException" in names:
        return "it does not answer", False
    if "RemoteProtocolError" in names:
        return f"the connection broke again and again ({text})", False
    if "TransportError" in names:
        return f"it cannot be reached ({text})", False
    if isinstance(error, OSError) and error.errno is not None:
        return f"the file cannot be written into {request['cache']} ({text})", False
    return text, type(error) is OSError


def leave(_signal: int, _frame: FrameType | None) -> None:
    """End by unwinding, so that the client removes what it has half written."""
    sys.exit(1)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, leave)
    channel, sys.stdout = sys.stdout, sys.stderr  # nobody else's output may mix with the news
    sys.exit(main(json.loads(sys.argv[1]), channel))
