"""Many photographs on many machines: the tasks of a `Plan`, done by the workers of a Ray cluster.

In come tasks and how a worker prepares itself, out comes one `Outcome` a photo. ``driving`` reaches a cluster, hands
out batches of tasks and takes in outcomes; ``share`` is what every worker is given, ``hands`` is a worker, with one
prepared model; ``ledger`` knows which photos have been begun, so that one that kills its workers is found out. Ray is
imported when a run begins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deoldify.doors import handing_on

if TYPE_CHECKING:
    from deoldify.cluster.driving import process_on
    from deoldify.cluster.share import Share
else:
    # The ledger's process comes in by this door, too, and needs neither PyTorch nor the decoders.
    __getattr__, __dir__ = handing_on(__name__, driving=("process_on",), share=("Share",))

__all__ = ["Share", "process_on"]
