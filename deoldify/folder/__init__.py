"""Many photographs: which, what becomes of each, what is done already, and several of them side by side.

In come paths, a `Job` and what is to be done to a `Photo`, out come files and one `Outcome` a photo. ``listing`` finds
the photographs in folders, ``naming`` says what results are called, ``stamps`` what a result was made of and whether
that is still so, ``planning`` decides by these what is to be done, ``running`` does it, ``outcomes`` are what it tells.
``streams`` stand for files; ``places`` are paths and addresses in ``stores``, such as buckets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deoldify.doors import handing_on

if TYPE_CHECKING:
    from deoldify.folder import running
    from deoldify.folder.listing import Found, Trouble, list_photographs
    from deoldify.folder.naming import name_results
    from deoldify.folder.outcomes import Outcome, Status
    from deoldify.folder.places import Place, Url, place_of
    from deoldify.folder.planning import Plan, Task, plan
    from deoldify.folder.running import Run, Work, process
    from deoldify.folder.stamps import Job, Stamp, digest_of, job_of, stamp_of
    from deoldify.folder.stores import is_folder, opened
    from deoldify.folder.streams import is_pipe
else:
    __getattr__, __dir__ = handing_on(
        __name__,
        listing=("Found", "Trouble", "list_photographs"),
        naming=("name_results",),
        outcomes=("Outcome", "Status"),
        places=("Place", "Url", "place_of"),
        planning=("Plan", "Task", "plan"),
        running=("running", "Run", "Work", "process"),
        stamps=("Job", "Stamp", "digest_of", "job_of", "stamp_of"),
        stores=("is_folder", "opened"),
        streams=("is_pipe",),
    )

__all__ = [
    "Found",
    "Job",
    "Outcome",
    "Place",
    "Plan",
    "Run",
    "Stamp",
    "Status",
    "Task",
    "Trouble",
    "Url",
    "Work",
    "digest_of",
    "is_folder",
    "is_pipe",
    "job_of",
    "list_photographs",
    "name_results",
    "opened",
    "place_of",
    "plan",
    "process",
    "running",
    "stamp_of",
]
