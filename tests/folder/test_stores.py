"""Photographs that lie in stores: the same plan, the same results, and no file that is not whole."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from fsspec.registry import known_implementations
from PIL import Image

from deoldify.arguments import places_of
from deoldify.errors import UsageError
from deoldify.folder import Outcome, Run, Url, job_of, place_of, plan, process, stamp_of
from deoldify.photo import Photo
from tests.bucket import bucket

__all__ = ["bucket"]

JOB = job_of("invert", "inverted", weights={}, settings={})


def inverted(photo: Photo) -> tuple[Photo, str]:
    return photo.with_pixels(255 - photo.pixels), "Inverted"


def encoded(seed: int, suffix: str = ".png") -> bytes:
    """A small photo's file."""
    noise = np.random.default_rng(seed).integers(0, 256, (6, 9, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, Image.registered_extensions()[suffix])
    return file.getvalue()


def decoded(data: bytes) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(io.BytesIO(data)))


def run(old: str | Path, new: str | Path, **settings: Any) -> list[Outcome]:
    """Do what is planned, the outcomes in order of their sources."""
    made = plan([place_of(old)], place_of(new), JOB, **settings)
    assert not made.troubles
    return sorted(process(made.tasks, Run(inverted, JOB), workers=2), key=lambda outcome: str(outcome.source))


@pytest.fixture
def store() -> Iterator[MemoryFileSystem]:
    """Memory as a store, empty before and after."""
    found = fsspec.filesystem("memory")
    found.store.clear()
    found.pseudo_dirs[:] = [""]
    yield found
    found.store.clear()


@pytest.mark.parametrize("kind", ["memory", "s3"])
def test_a_folder_of_a_store_is_done_and_gone_on_with(kind: str, request: pytest.FixtureRequest) -> None:
    root = f"{request.getfixturevalue('bucket')}/walk" if kind == "s3" else "memory://walk"
    files = fsspec.filesystem(kind)
    request.getfixturevalue("store")
    photos = {"a.png": encoded(0), "b/c d.png": encoded(1), "b/é.png": encoded(2)}
    for name, data in photos.items():
        files.pipe(f"{root}/old/{name}", data)
    for name in ("b/.hidden.png", "@eaDir/a.png", "read.me"):
        files.pipe(f"{root}/old/{name}", encoded(9))

    outcomes = run(f"{root}/old", f"{root}/new")
    assert [outcome.status for outcome in outcomes] == ["done"] * 3
    made = {name.partition("/new/")[2]: files.cat_file(name) for name in files.find(f"{root}/new")}
    assert set(made) == set(photos)
    for name, data in photos.items():
        np.testing.assert_array_equal(decoded(made[name]), 255 - decoded(data))

    assert not plan([place_of(f"{root}/old")], place_of(f"{root}/new"), JOB).tasks
    time.sleep(1.1)  # a bucket's dates are whole seconds, and a change within one of them is seen by no date
    files.pipe(f"{root}/old/a.png", encoded(5))
    files.pipe(f"{root}/old/b/f.png", encoded(6))
    again = run(f"{root}/old/", f"{root}/new/")
    assert [str(outcome.source) for outcome in again] == [f"{root}/old/a.png", f"{root}/old/b/f.png"]
    np.testing.assert_array_equal(decoded(files.cat_file(f"{root}/new/a.png")), 255 - decoded(encoded(5)))


def test_a_store_and_this_computer_give_each_other_the_same_results(store: MemoryFileSystem, tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    for seed, name in enumerate(("a.png", "b.bmp")):
        (old / name).write_bytes(encoded(seed, Path(name).suffix))
    run(old, "memory://there")
    # A store has no hidden folder for what a BMP has no room for.
    assert set(store.find("/there")) == {"/there/a.png", "/there/b.png"}
    outcomes = run("memory://there/a.png", tmp_path / "back.png")
    assert [outcome.status for outcome in outcomes] == ["done"]
    np.testing.assert_array_equal(decoded((tmp_path / "back.png").read_bytes()), decoded(encoded(0)))
    assert not plan([old], Url("memory", "there"), JOB).tasks
    stamp = stamp_of(Url("memory", "there/a.png"))
    assert stamp is not None and stamp.modified == (old / "a.png").stat().st_mtime_ns


def test_results_among_the_photos_of_a_store_are_left(store: MemoryFileSystem) -> None:
    store.pipe("/box/a.png", encoded(0))
    run("memory://box", "memory://box/new")
    store.copy("/box/new/a.png", "/box/copied.png")
    assert len(plan([Url("memory", "box")], Url("memory", "box/new"), JOB).tasks) == 1  # the output is no input
    outcomes = run("memory://box", "memory://other")
    assert {str(outcome.source): (outcome.status, outcome.message) for outcome in outcomes} == {
        "memory://box/a.png": ("done", ""),
        "memory://box/copied.png": ("left", "is a result of deoldify invert itself"),
        "memory://box/new/a.png": ("left", "is a result of deoldify invert itself"),
    }


def test_nothing_is_seen_of_a_file_before_it_is_whole(
    store: MemoryFileSystem, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store.pipe("/old/a.png", encoded(0))
    seen: list[list[str]] = []
    put: Callable[..., Any] = MemoryFileSystem.put_file

    def noting(self: MemoryFileSystem, *arguments: Any, **more: Any) -> None:
        put(self, *arguments, **more)
        seen.append(sorted(name for name in self.find("/new")))

    monkeypatch.setattr(MemoryFileSystem, "put_file", noting)
    run("memory://old", "memory://new")
    ((partial,),) = seen
    assert partial.startswith("/new/.deoldify-") and store.find("/new") == ["/new/a.png"]

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError("quota")

    store.pipe("/old/b.png", encoded(1))
    monkeypatch.setattr(MemoryFileSystem, "mv", refuse)
    (outcome,) = run("memory://old", "memory://new")
    assert outcome.status == "failed" and outcome.message == "memory://new/b.png cannot be written: quota"
    assert store.find("/new") == ["/new/a.png"]


def test_what_lies_in_a_result_s_place_is_not_replaced(store: MemoryFileSystem) -> None:
    store.pipe("/old/a.png", encoded(0))
    store.pipe("/new/a.png", encoded(1))
    with pytest.raises(UsageError, match=r"memory://new/a\.png is there already, and is no result of this program"):
        run("memory://old", "memory://new")
    with pytest.raises(UsageError, match="would be replaced"):
        run("memory://old", "memory://old")
    (outcome,) = run("memory://old", "memory://new", force=True)
    assert outcome.status == "done"


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("https://host/scans", "download it first"),
        ("nowhere://scans", "no stores of the kind 'nowhere'"),
        ("memory://", "names no folder"),
    ],
)
def test_addresses_that_are_of_no_use_are_refused_with_a_reason(address: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        place_of(address)


def test_a_command_does_not_write_where_results_end_with_it() -> None:
    with pytest.raises(UsageError, match="memory://new is gone when the command ends"):
        places_of(["memory://old"], "memory://new")


def test_a_store_without_its_package_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    registered = {"class": "nowhere_at_all.Store", "err": "Please install nowhere-at-all"}
    monkeypatch.setitem(known_implementations, "elsewhere", registered)
    with pytest.raises(UsageError, match="elsewhere://box cannot be reached: Please install nowhere-at-all"):
        place_of("elsewhere://box")


def test_an_address_of_a_file_of_this_computer_is_its_path(tmp_path: Path) -> None:
    assert place_of(f"file://{tmp_path}/a%20b.jpg") == tmp_path / "a%20b.jpg"
    assert place_of("s3:/box") == Path("s3:/box") and place_of(r"C:\scans") == Path(r"C:\scans")
    assert place_of("S3://box/scans/") == Url("s3", "box/scans")


def test_a_bucket_that_is_not_there_is_said(bucket: str) -> None:
    made = plan([place_of(f"{bucket}-of-nobody/old"), place_of(f"{bucket}/none.jpg")], place_of("x"), JOB)
    assert [str(trouble.path) for trouble in made.troubles] == [f"{bucket}-of-nobody/old", f"{bucket}/none.jpg"]
    assert all("does not exist" in trouble.message for trouble in made.troubles)
