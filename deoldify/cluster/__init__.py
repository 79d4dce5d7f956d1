"""Many photographs on many machines: the tasks of a `Plan`, done by the workers of a Ray cluster.

In come tasks and how a worker prepares itself, out comes one `Outcome` a photo. ``driving`` reaches a cluster, hands
out batches of tasks and takes in outcomes; ``share`` is what every worker is given, ``hands`` is a worker, with one
prepared model; ``ledger`` knows which photos have been begun, so that one that kills its workers is found out. Ray is
imported when a run begins.
"""

from __future__ import annotations

from deoldify.cluster.driving import process_on
from deoldify.cluster.share import Share

__all__ = ["Share", "process_on"]
