"""What has become of a photograph: the record that a run gives of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from deoldify.folder.places import Place
from deoldify.photo import Render, Verdict

Status = Literal["done", "there", "left", "failed", "skipped"]
"""What has become of a photo: its result is new, was there already, is not wanted, or could not be made; or it is not
tried since it has killed the program."""


@dataclass(frozen=True)
class Outcome:
    """What has become of a photo.

    Attributes:
        source: its file, or its address in a store.
        target: that of its result.
        status: see ``Status``.
        message: why it was left or has failed; empty otherwise.
        kind: the file's format by Pillow's name; empty where it could not be opened.
        pages: how many pages or frames the file has; 0 where it could not be opened.
        animated: whether they are frames.
        pages_done: how many of them are in the result.
        renders: what the result was made with.
        verdict: what the photo was taken for, its last page where it has several; None where nobody looked.
        coloured: whether a colorizer gave the result its colours.
        digest: SHA-256 of the photo's file in hex; empty where it could not be read.
        result_digest: that of the result's file; empty where there is none, or nobody asked for it (``Run.announce``).
        warnings: what was warned of while it was read, worked on and saved, such as metadata that did not fit.
        size: of the result in pixels, width and height; zeros where there is none.
        bits: of a sample of the result.
        seconds: that it took, waiting for other photos' renders included.
    """

    source: Place
    target: Place
    status: Status
    message: str = ""
    kind: str = ""
    pages: int = 0
    animated: bool = False
    pages_done: int = 0
    renders: tuple[Render, ...] = ()
    verdict: Verdict | None = None
    coloured: bool = False
    digest: str = ""
    result_digest: str = ""
    warnings: tuple[str, ...] = ()
    size: tuple[int, int] = (0, 0)
    bits: int = 0
    seconds: float = 0.0
