"""Inverts the photographs of a folder as the command line colours them, for tests that kill it or end it.

Arguments: the folder of the photos, the folder of the results, the file of a report if one is wanted, and any word
more where the folder is to be watched. It takes a while over each.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import typer

from deoldify import console
from deoldify.folder import Job, Work, job_of
from deoldify.photo import Photo
from deoldify.session import Wishes


def job() -> Job:
    return job_of("invert", "inverted", weights={}, settings={})


def prepare() -> tuple[Work, tuple[()]]:
    def invert(photo: Photo) -> tuple[Photo, str]:
        time.sleep(0.03)
        return photo.with_pixels(255 - photo.pixels), "Inverted"

    return invert, ()


def main(old: Path, new: Path, report: Path | None = None, watch: Path | None = None) -> int:
    console.end_by_signals()
    try:
        console.do_photos(
            [old], new, prepare, job, render_factor=None, force=False, keep_dates=True, all_pages=True, after="",
            wishes=Wishes(report, watch=watch is not None),
        )  # fmt: skip
    except typer.Exit as end:
        return end.exit_code
    except console.Ended as end:
        return end.status
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
