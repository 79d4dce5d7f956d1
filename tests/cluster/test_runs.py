"""A run on a Ray cluster of two workers: the files of one machine, whoever dies, and what it refuses."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import fsspec
import numpy as np
import psutil
import pytest
from PIL import Image

from deoldify.cluster import Share, process_on
from deoldify.errors import UsageError
from deoldify.folder import Run, Task, Url, job_of, place_of, plan, process
from tests.bucket import bucket
from tests.cluster.toy_work import POISON, prepare

__all__ = ["bucket"]

JOB = job_of("toy", "toyed", weights={}, settings={})
PHOTOS = 200
POISONED = 120  # its number
BUCKET_EACH = 4  # of them, one goes into the bucket, whose requests take longer than the photos


@pytest.fixture(scope="module")
def cluster(bucket: str) -> Iterator[str]:
    """A cluster of two workers, who know the way to the bucket."""
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'deoldify[ray]'")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "disabled")  # it would leave a token in the home folder
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        for attempt in range(5):  # Ray waits for its own processes half a minute, which is little on a busy machine
            try:
                ray.init(
                    address="local", num_cpus=2, num_gpus=0, include_dashboard=False, object_store_memory=80 << 20,
                    log_to_driver=False, runtime_env={"env_vars": {"PYTHONPATH": str(Path(__file__).parents[2])}},
                )  # fmt: skip
                break
            except Exception:
                ray.shutdown()
                if attempt == 4:
                    raise
        yield "local"
        ray.shutdown()


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hundred tiny photos in two folders; one is poisoned."""
    folder = tmp_path_factory.mktemp("photos")
    draw = np.random.default_rng(0)
    for number in range(PHOTOS):
        grey = draw.integers(0, 256, (3, 4), np.uint8) if number != POISONED else np.full((3, 4), POISON, np.uint8)
        path = folder / str(number % 2) / f"{number:03}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(grey).resize((24, 18)).save(path)
    return folder


@pytest.fixture(scope="module")
def alone(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What one machine makes of all but the poisoned one: its files by their names."""
    new = tmp_path_factory.mktemp("alone") / "new"
    tasks = [task for task in plan([photos], new, JOB).tasks if not is_poisoned(task)]
    assert {outcome.status for outcome in process(tasks, Run(prepare()[0], JOB), workers=1)} == {"done"}
    return files_of(new)


def is_poisoned(task: Task) -> bool:
    return task.source.stem == f"{POISONED:03}"


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def kill_a_worker() -> None:
    for process_ in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it has ended meanwhile, or is a zombie
            if "Hands" in " ".join(process_.cmdline()):
                os.kill(process_.pid, signal.SIGKILL)
                return
    pytest.fail("there is no worker")


def test_files_are_those_of_one_machine_though_workers_die(
    cluster: str, photos: Path, alone: dict[str, bytes], tmp_path: Path
) -> None:
    address = f"file://{tmp_path}/new"
    planned = plan([place_of(f"file://{photos}")], place_of(address), JOB)
    outcomes = []
    for outcome in process_on(cluster, planned.tasks, Share(prepare, JOB)):
        outcomes.append(outcome)
        if len(outcomes) == PHOTOS // 4:
            kill_a_worker()
    assert len(outcomes) == PHOTOS and {outcome.source for outcome in outcomes} == {t.source for t in planned.tasks}
    (skipped,) = [outcome for outcome in outcomes if outcome.status != "done"]
    assert skipped.status == "skipped" and skipped.source.stem == f"{POISONED:03}"
    assert skipped.message.startswith("it has killed 2 workers")
    assert all(len(outcome.result_digest) == 64 for outcome in outcomes if outcome is not skipped)
    assert [is_poisoned(task) for task in plan([photos], tmp_path / "new", JOB).tasks] == [True]
    assert files_of(tmp_path / "new") == alone  # what a worker was writing when it died, that plan has swept away


def test_a_run_on_a_bucket_goes_on_where_it_was_broken_off(cluster: str, bucket: str, photos: Path) -> None:
    store = fsspec.filesystem("s3")
    fine = [path for path in sorted(photos.rglob("*.png")) if path.stem != f"{POISONED:03}"][::BUCKET_EACH]
    store.put([str(path) for path in fine], [f"{bucket}/old/{path.relative_to(photos)}" for path in fine])
    planned = plan([place_of(f"{bucket}/old")], place_of(f"{bucket}/new"), JOB)
    assert len(planned.tasks) == len(fine)
    with closing(process_on(cluster, planned.tasks, Share(prepare, JOB), cores=2)) as outcomes:  # so by one worker
        broken_off = [next(outcomes) for _ in range(len(fine) // 4)]
    assert {outcome.status for outcome in broken_off} == {"done"}

    rest = plan([place_of(f"{bucket}/old")], place_of(f"{bucket}/new"), JOB)
    assert len(rest.there) >= len(broken_off) and len(rest.tasks) + len(rest.there) == len(fine)
    assert {outcome.status for outcome in process_on(cluster, rest.tasks, Share(prepare, JOB))} <= {"done"}
    assert not plan([place_of(f"{bucket}/old")], place_of(f"{bucket}/new"), JOB).tasks

    by_one = plan([place_of(f"{bucket}/old")], place_of(f"{bucket}/alone"), JOB).tasks
    assert {outcome.status for outcome in process(by_one, Run(prepare()[0], JOB), workers=2)} == {"done"}
    store.invalidate_cache()
    made, same = (
        {name.partition(f"/{folder}/")[2]: store.cat_file(name) for name in store.find(f"{bucket}/{folder}")}
        for folder in ("new", "alone")
    )
    assert len(made) == len(fine) and made == same


def test_a_render_that_does_not_fit_fails_rather_than_being_made_smaller() -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'deoldify[ray]'")
    from deoldify.cluster.hands import _never_smaller
    from deoldify.errors import OutOfMemoryError
    from deoldify.photo import Photo, Render

    photo = Photo(np.zeros((2, 2, 3), np.uint8), renders=(Render("toy", 20, 35),))
    with pytest.raises(OutOfMemoryError, match="ask for --render-factor 20"):
        _never_smaller(lambda same: (same, "toy"))(photo)


def test_what_only_this_process_sees_is_no_place_for_a_cluster() -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'deoldify[ray]'")
    task = Task(Url("memory", "a.png"), Path("a.png"))
    with pytest.raises(UsageError, match="memory of one process"):
        next(process_on("local", [task], Share(prepare, JOB)))
