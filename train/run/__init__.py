"""A run: a recipe and photographs go in, a folder of checkpoints, snapshots and TensorBoard's files comes out.

``training`` goes through the stages and keeps checkpoints; ``steps`` is one step of each network in plain sight, on
the ``networks`` and with the batches of ``feeding``; ``schedule`` has the rates, ``divergence`` tells when a stage has
gone wrong, ``stopping`` lets a run end kindly. What is seen of it is ``shown`` on the ``board``, and ``snapshots`` are
kept and measured. ``plan`` tells beforehand what a recipe will take.
"""

from train.run.plan import costs, planned
from train.run.schedule import rate_at
from train.run.stopping import StoppedError
from train.run.training import Training

__all__ = ["StoppedError", "Training", "costs", "planned", "rate_at"]
