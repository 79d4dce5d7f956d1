"""A run on a Ray cluster, from the machine that asks for it: batches of tasks go out, outcomes come back.

Ray Data lists, batches and hands out, has a worker's batch done again where it dies, and starts workers anew; there is
no scheduler and no queue here. What passes through the driver is paths and rows.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import signal
import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from deoldify.cluster.share import Share
from deoldify.errors import DeOldifyError, UsageError
from deoldify.folder import Outcome, Place, Task, Url

_LARGEST_BATCH = 32
"""Photos that are done again at most where a worker dies."""

_BATCHES_A_WORKER = 8
"""So that none has much left to do when the others are done."""

_PASSING = 100 << 20
"""Bytes of the store for what passes between processes of a cluster that is started here; paths and rows are small."""


def process_on(address: str, tasks: Sequence[Task], share: Share, *, cores: int = 1) -> Generator[Outcome, None, None]:
    """``folder.process`` on a cluster: the same files, byte for byte, as one machine of that kind makes.

    A worker is an actor with one prepared model. Where the cluster has GPUs, each has one of them; otherwise each has
    ``cores``. Memory never makes a render smaller here: a photo fails whose render does not fit.

    Args:
        address: ``auto`` for the cluster that this machine belongs to, ``local`` for one of this machine alone, which
            is started and ended; or a cluster's own. One that this process is connected to already is used as it is.
        tasks: photos, at paths that all machines see, or in stores.
        share: what is to be done.
        cores: of a worker without a GPU, which are the threads of its renders.

    Yields:
        one outcome a photo, batch by batch. A photo that has killed its worker twice is ``skipped``.

    Raises:
        UsageError: Ray is not installed, there is no such cluster, it has no room for a worker, or photos lie in a
            store that only this process sees.
        DeOldifyError: the cluster has ended the run, such as where workers cannot prepare themselves.
    """
    try:
        import ray
        import ray.data
        from ray.exceptions import RayError
    except ImportError as error:
        raise UsageError(f"--ray needs a package that is not here: pip install 'deoldify[ray]' ({error})") from None

    from deoldify.cluster.hands import Hands
    from deoldify.cluster.ledger import Ledger

    for task in tasks:
        for place in (task.source, task.target):
            if isinstance(place, Url) and place.scheme == "memory":
                raise UsageError(f"{place} lies in the memory of one process, and workers are others")
    with _connected(ray, address):
        count, resources = _workers(ray.cluster_resources(), cores, len(tasks))
        ledger = ray.remote(num_cpus=0)(Ledger).remote()
        batch = max(1, min(_LARGEST_BATCH, len(tasks) // (count * _BATCHES_A_WORKER)))
        rows = [{"number": number, "task": pickle.dumps(_absolute(task))} for number, task in enumerate(tasks)]
        _be_quiet(ray.data.DataContext.get_current())
        photos = ray.data.from_items(rows, override_num_blocks=-(-len(rows) // batch))
        done = photos.map_batches(
            Hands, batch_size=None, compute=ray.data.ActorPoolStrategy(size=count),
            fn_constructor_args=(share, ledger, cores), **resources,
        )  # fmt: skip
        try:
            for row in done.iter_rows():
                task = tasks[int(row["number"])]
                yield replace(pickle.loads(row["outcome"]), source=task.source, target=task.target)
        except RayError as error:
            cause = getattr(error, "cause", None) or error
            last = str(cause).strip().splitlines()[-1] if str(cause).strip() else type(cause).__name__
            raise DeOldifyError(f"the cluster has ended the run: {last}") from error


@contextmanager
def _connected(ray: Any, address: str) -> Iterator[None]:
    """Connected to a cluster, unless this process is already; one that was started here is ended."""
    if ray.is_initialized():
        yield
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported to anybody
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    with contextlib.ExitStack() as kept:
        mine: dict[str, Any] = {}
        if address == "local":
            folder = kept.enter_context(tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True))
            mine = {"include_dashboard": False, "object_store_memory": _PASSING, "_temp_dir": folder}
        try:
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **mine)
        except Exception as error:  # Ray raises what comes
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            way = "" if address == "local" else ": start one by `ray start --head`, or say --ray local"
            raise UsageError(f"no Ray cluster at {address!r} could be reached{way} ({reason})") from error
        try:
            for number, handler in handlers.items():  # Ray puts its own in their place
                with contextlib.suppress(ValueError, TypeError):  # only the main thread has any
                    signal.signal(number, handler)
            yield
        finally:
            ray.shutdown()


def _workers(has: dict[str, float], cores: int, photos: int) -> tuple[int, dict[str, float]]:
    """How many workers there are to be, and what Ray is to keep for each."""
    if has.get("GPU", 0) >= 1:
        count, resources = int(has["GPU"]), {"num_gpus": 1.0, "num_cpus": 1.0}
    else:
        count, resources = int(has.get("CPU", 0) // cores), {"num_cpus": float(cores)}
    if not count:
        raise UsageError(f"the cluster has {has.get('CPU', 0):.0f} cores, too few for a worker of {cores}")
    return min(count, photos), resources


def _absolute(task: Task) -> Task:
    return replace(task, source=_from_root(task.source), target=_from_root(task.target))


def _from_root(place: Place) -> Place:
    return Path(os.path.abspath(place)) if isinstance(place, Path) else place


def _be_quiet(context: Any) -> None:
    """Progress is shown by who asked for the run, and its log is his."""
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    for name in ("ray.data", "ray"):
        logging.getLogger(name).setLevel(logging.ERROR)
