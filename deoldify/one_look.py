"""One look across a folder: taken once from some of its photographs, and kept beside the results for runs to come."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from deoldify.errors import DeOldifyError
from deoldify.imaging import Look

if TYPE_CHECKING:
    from deoldify.folder import Job, Plan

_MEASURED = 24
"""Photos that the look is taken from, spread evenly over the folder; their median moves little with more."""


class OneLook:
    """The look of a folder's results.

    Args:
        folder: of the results, in whose hidden folder ``.deoldify`` the look is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sources: list[Path] = []
        self._kept: Path | None = None

    def begin(self, planned: Plan, job: Job) -> None:
        """Learn which photos there are, before the first one is done."""
        self._sources = sorted(
            task.source for task in (*planned.tasks, *planned.there) if isinstance(task.source, Path)
        )
        self._kept = self._folder / ".deoldify" / f"look-{job.identity}.json"

    def taken(self, measure: Callable[[Path], Look | None]) -> Look | None:
        """The look that an earlier run has kept, or that of the photos, which is kept.

        Args:
            measure: takes a photo's file to the look that it would have by itself.

        Returns:
            None where no photo has a look.

        Raises:
            OSError: the look cannot be kept.
        """
        from deoldify.imaging import common_look
        from deoldify.photo import partial_file

        if self._kept is None:
            return None
        with contextlib.suppress(OSError, ValueError, TypeError):
            kept = json.loads(self._kept.read_bytes())
            return None if kept is None else Look(**kept)
        step = max(1.0, len(self._sources) / _MEASURED)
        some = [self._sources[int(number * step)] for number in range(min(_MEASURED, len(self._sources)))]
        looks = []
        for source in some:
            with contextlib.suppress(DeOldifyError, OSError):  # whatever is wrong with it is said when it is done
                looks.append(measure(source))
        look = common_look([each for each in looks if each is not None])
        self._kept.parent.mkdir(parents=True, exist_ok=True)
        with partial_file(self._kept) as stream:
            stream.write(json.dumps(None if look is None else asdict(look)).encode() + b"\n")
        return look
