"""Whether the files that a report tells of are still those that it tells of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from deoldify.errors import PhotoError
from deoldify.folder import digest_of, opened, place_of
from deoldify.record.row import Row

State = Literal["unchanged", "changed", "missing", "unreadable", "unknown"]
"""Of a file, compared with the digest in its row; unknown where that has none."""


@dataclass(frozen=True)
class Change:
    """What has become of a file since its row was written.

    Attributes:
        path: of the file.
        role: whether it is the photo or its result.
        state: see ``State``.
        message: why it cannot be read; empty otherwise.
    """

    path: str
    role: Literal["source", "output"]
    state: State
    message: str = ""


def changes(rows: Iterable[Row]) -> Iterator[Change]:
    """Read the files of rows again, one after the other: of each row its photo and its result, but no pipes.

    Nothing is raised for a file; what is wrong with it is its state.
    """
    for row in rows:
        if row.source_sha256 and row.source != "-":
            yield Change(row.source, "source", *_state_of(row.source, row.source_sha256))
        if row.output not in ("", "-"):
            yield Change(row.output, "output", *_state_of(row.output, row.output_sha256))


def _state_of(path: str, then: str) -> tuple[State, str]:
    try:
        with opened(place_of(path)) as stream:
            now = digest_of(stream)
    except FileNotFoundError:
        return "missing", ""
    except PhotoError as error:  # of a store
        return ("missing", "") if isinstance(error.__cause__, FileNotFoundError) else ("unreadable", str(error))
    except (OSError, ValueError) as error:
        return "unreadable", str(getattr(error, "strerror", None) or error)
    if not then:
        return "unknown", ""
    return ("unchanged" if now == then else "changed"), ""
