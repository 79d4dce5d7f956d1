"""A worker of a cluster: it prepares its models once, and does batches of photos as one machine would."""

from __future__ import annotations

import contextlib
import os
import pickle
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import ray
import torch

from deoldify.cluster.ledger import MOST_DEATHS
from deoldify.cluster.share import Share
from deoldify.errors import OutOfMemoryError
from deoldify.folder import Outcome, Place, Run, Task, Work, process
from deoldify.photo import Photo

Columns = Mapping[str, npt.NDArray[Any]]


class Hands:
    """Does batches: columns ``number`` and ``task`` in, ``number`` and ``outcome`` out, the latter pickled.

    A photo that was in hand when a worker died is done alone, so that there is no doubt about what kills; one that has
    killed two is not begun with.

    Args:
        share: what is to be done.
        ledger: handle of the actor that is a ``Ledger``.
        threads: of a render on the CPU.
    """

    def __init__(self, share: Share, ledger: Any, threads: int) -> None:
        with contextlib.suppress(OSError):  # weights that were named by a path lie where they lie for the driver
            os.chdir(share.folder)
        torch.set_num_threads(threads)
        self._ledger, self._threads = ledger, threads
        work, _ = share.prepare()
        self._run = Run(
            _never_smaller(work), share.job, keep_dates=share.keep_dates, all_pages=share.all_pages,
            announce=_nobody, begin=self._begin,
        )  # fmt: skip
        self._numbers: dict[Place, int] = {}  # by where the results go, which no two photos share

    def __call__(self, batch: Columns) -> dict[str, npt.NDArray[Any]]:
        """Do a batch; Ray gives it again, to another worker, where this one dies."""
        tasks: list[Task] = [pickle.loads(task) for task in batch["task"]]
        numbers = [int(number) for number in batch["number"]]
        self._numbers = {task.target: number for task, number in zip(tasks, numbers, strict=True)}
        deaths: list[int] = ray.get(self._ledger.deaths.remote(numbers))
        outcomes = list(self._outcomes(tasks, deaths))
        pickled = np.empty(len(outcomes), object)
        pickled[:] = [pickle.dumps(outcome) for outcome in outcomes]
        return {"number": np.array([self._numbers[each.target] for each in outcomes], np.int64), "outcome": pickled}

    def _outcomes(self, tasks: Sequence[Task], deaths: Sequence[int]) -> Iterator[Outcome]:
        fresh = [task for task, count in zip(tasks, deaths, strict=True) if not count]
        yield from self._done(fresh, workers=self._threads + 1)  # one more, so that no core waits for a store
        for task, count in zip(tasks, deaths, strict=True):
            if count >= MOST_DEATHS:
                reason = f"it has killed {count} workers, for want of memory or by a fault of a decoder"
                yield Outcome(task.source, task.target, "skipped", reason)
            elif count:
                yield from self._done([task], workers=1)

    def _done(self, tasks: Sequence[Task], workers: int) -> Iterator[Outcome]:
        if not tasks:
            return
        for outcome in process(tasks, self._run, workers=workers):
            self._ledger.end.remote(self._numbers[outcome.target])
            yield outcome

    def _begin(self, task: Task) -> None:
        ray.get(self._ledger.begin.remote(self._numbers[task.target]))  # nothing is done before that is known


def _never_smaller(work: Work) -> Work:
    """Work that fails where memory would make a render smaller, so that results are the same wherever they are made."""

    def as_large(photo: Photo) -> tuple[Photo, str]:
        result, label = work(photo)
        for render in result.renders:
            if render.factor < render.wanted:
                raise OutOfMemoryError(
                    f"a render at factor {render.wanted} does not fit into the memory of a worker, {render.factor} "
                    f"does: ask for --render-factor {render.factor} for the whole run, or for more memory"
                )
        return result, label

    return as_large


def _nobody(outcome: Outcome) -> None:
    """Is told of results, so that their digests are taken; the driver writes them down."""
