"""What the workers of a cluster have in common."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deoldify.folder import Job, Work

if TYPE_CHECKING:
    from deoldify.model import Model


@dataclass(frozen=True)
class Share:
    """What each worker is given beside photos; all of it must be picklable.

    Attributes:
        prepare: loads models: what is done with them to a photo, and what renders in it.
        job: what that is.
        keep_dates: see ``folder.Run``.
        all_pages: see ``folder.Run``.
        folder: that paths which are not absolute begin in.
    """

    prepare: Callable[[], tuple[Work, Sequence[Model]]]
    job: Job
    keep_dates: bool = True
    all_pages: bool = False
    folder: str = field(default_factory=os.getcwd)
