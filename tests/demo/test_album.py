"""A visitor's photos, and what is done with them; without a model."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import psutil
import pytest

from demo import album as albums
from demo import working
from demo.album import MAX_ALBUM_BYTES, MAX_FILE_BYTES, MAX_PHOTOS, RETURN_SECONDS, Album
from demo.defade_tab import FADED_EXAMPLES
from demo.elements import photos as photos_element
from demo.jobs import MAX_PIXELS as PAGE_PIXELS
from demo.jobs import ColourFacts, Colouring, Facts, JobError, Made, do
from demo.storage import KEPT_SECONDS, Storage
from demo.visitors import Visitors
from demo.working import news, pack_results, take_in, work
from deoldify.folder import Job as FolderJob
from deoldify.folder import job_of
from deoldify.photo import MAX_PIXELS, Photo
from tests.page import grey_photo


@dataclass(frozen=True)
class Inverting:
    """A job that inverts, and fails on photos of a certain width."""

    times: int = 1

    doing: ClassVar[str] = "Inverting"
    suffix: ClassVar[str] = "inverted"
    models: ClassVar[tuple[str, ...]] = ()
    stamped: ClassVar[FolderJob] = job_of("invert", "inverted", weights={}, settings={})

    def __call__(self, photo: Photo) -> Made:
        if photo.width == 13:
            raise RuntimeError("thirteen")
        if photo.width == 14:
            raise OSError(28, "No space left on device")
        return Made(photo.with_pixels(255 - photo.pixels), "inverted")

    def facts(self, result: Photo, label: str, seconds: float) -> Facts:
        return ColourFacts("none", 4, 4, True, "guided", result.width, result.height, seconds)


@dataclass(frozen=True)
class Waiting(Inverting):
    """A job that waits, once it has done its first photos, until it is told to go on."""

    first: ClassVar[int] = 2
    done: ClassVar[list[int]] = []
    go_on: ClassVar[threading.Event] = threading.Event()

    def __call__(self, photo: Photo) -> Made:
        if len(self.done) == self.first:
            assert self.go_on.wait(60)
        self.done.append(photo.width)
        return super().__call__(photo)


@pytest.fixture
def waiting() -> Waiting:
    Waiting.done.clear()
    Waiting.go_on.clear()
    return Waiting()


@pytest.fixture
def storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Storage:
    storage = Storage(tmp_path / "storage")
    monkeypatch.setattr(working, "storage", lambda: storage)
    return storage


def album_of(*photos: Path) -> Album:
    album = Album()
    for _ in take_in(album, [(f"trip/{photo.name}", photo) for photo in photos]):
        pass
    return album


def done(album: Album, job: Inverting) -> None:
    for _ in work(album, job):
        pass


@pytest.mark.usefixtures("storage")
def test_one_bad_photo_stops_nothing_and_says_why(tmp_path: Path) -> None:
    letter = tmp_path / "letter.jpg"
    letter.write_text("Dear photograph")
    widths = (20, 13, 14, 30)
    album = album_of(letter, *(grey_photo(tmp_path / f"{width}.png", width, 16) for width in widths))
    done(album, Inverting())
    assert [entry.state for entry in album.entries.values()] == ["failed", "done", "failed", "failed", "done"]
    why = [entry.why for entry in album.entries.values()]
    assert (
        "“letter.jpg” is not a photograph" in why[0] and "Something went wrong" in why[2] and "disk is full" in why[3]
    )
    assert album.status == "2 of 4 photos done, 2 failed." and not album.running
    assert not any(str(tmp_path) in each for each in why)
    assert [entry.result_name for entry in album.results()] == ["trip/20-inverted.png", "trip/30-inverted.png"]


@pytest.mark.usefixtures("storage")
def test_of_several_photos_those_with_colours_are_left_unless_asked_for(tmp_path: Path) -> None:
    grey = grey_photo(tmp_path / "grey.png", 48, 32)
    colour = FADED_EXAMPLES[2]
    album = album_of(grey, colour)
    job = Colouring("compact", 4, "guided", recolour=False)
    for _ in work(album, job):
        pass
    assert [entry.state for entry in album.entries.values()] == ["done", "left"]
    assert album.status == "1 of 2 photos done, 1 left: has colours."
    assert [photo["why"] for photo in album.strip()["photos"]] == ["", "has colours"]
    for _ in work(album, replace(job, recolour=True)):
        pass
    assert [entry.state for entry in album.entries.values()] == ["done", "done"]
    alone = album_of(colour)
    for _ in work(alone, job):
        pass
    assert "its own colours are replaced" in alone.result()["done"]["facts"]


@pytest.mark.usefixtures("storage")
def test_what_is_shown_belongs_together(tmp_path: Path) -> None:
    first, second = (grey_photo(tmp_path / f"{width}.png", width, 16) for width in (20, 30))
    album = album_of(first)
    done(album, Inverting())
    for _ in take_in(album, [("second.png", second)]):
        pass
    assert album.result()["photo"]["name"] == "second.png" and album.result()["done"] is None
    done(album, Inverting())  # only what is not done yet
    before = [entry.done for entry in album.entries.values()]
    assert album.result()["done"]["name"] == "second-inverted.png"
    done(album, Inverting())  # all is done: the chosen one again
    after = [entry.done for entry in album.entries.values()]
    assert before[0] is after[0] and before[1] is not after[1]
    done(album, Inverting(times=2))  # other settings: all
    assert all(entry.done is not None and entry.done.job == Inverting(2) for entry in album.entries.values())
    album.remove(album.chosen)
    assert album.result()["photo"]["name"] == "trip/20.png" and album.result()["done"]["name"] == "20-inverted.png"
    album.choose("nobody")
    album.remove(None)
    album.clear()
    assert album.result()["photo"] is None and album.strip()["photos"] == []


@pytest.mark.usefixtures("storage")
def test_stopping_keeps_what_is_done(tmp_path: Path, waiting: Waiting) -> None:
    album = album_of(*(grey_photo(tmp_path / f"{width}.png", width, 16) for width in range(20, 26)))
    for _ in work(album, waiting):
        if len(album.results()) == 2 and not album.stopping:
            with album.changing():
                album.stopping = True
            waiting.go_on.set()
    assert album.status == "Stopped. 3 of 6 done; what is done is kept." and not album.running
    assert [entry.state for entry in album.entries.values()] == ["done"] * 3 + ["waiting"] * 3


@pytest.mark.usefixtures("storage")
def test_who_leaves_is_dropped(tmp_path: Path, waiting: Waiting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(albums, "RETURN_SECONDS", 0.0)
    visitors = Visitors()
    album = visitors.album("anna", "colorize")
    other = visitors.album("bert", "colorize")
    assert visitors.album("anna", "colorize") is album and visitors.album("anna", "defade") is not album
    photos = [grey_photo(tmp_path / f"{width}.png", width, 16) for width in range(20, 24)]
    for _ in take_in(album, [(photo.name, photo) for photo in photos]):
        pass
    for _ in work(album, waiting):
        if len(album.results()) == 2:
            visitors.leave("anna")
            waiting.go_on.set()
    assert len(album.results()) == 3 and not album.running
    assert album.gone and not other.gone
    assert not visitors.album("anna", "colorize").gone  # come back


@pytest.mark.usefixtures("storage")
def test_who_loads_the_page_anew_finds_photos_and_work_again(tmp_path: Path, waiting: Waiting) -> None:
    visitors, anna, bert = Visitors(), "a" * 32, "b" * 32
    visitors.returned("first", anna)
    album = visitors.album("first", "colorize")
    for number in range(20, 24):
        for _ in take_in(album, [("photo.png", grey_photo(tmp_path / f"{number}.png", number, 16))]):
            pass
    at_work = work(album, waiting)
    while len(album.results()) < 2:
        next(at_work)
    del at_work  # as the server does when nobody listens any more
    visitors.leave("first")
    assert not album.gone  # for a while
    visitors.album("second", "colorize")  # what a page does while it comes up is no reason to forget
    visitors.returned("second", anna)
    visitors.returned("third", bert)
    visitors.returned("fourth", "guessed")
    visitors.leave("first")  # however late that is heard
    assert visitors.known("second", "colorize") is album and album.left is None
    assert visitors.known("third", "colorize") is None and visitors.known("fourth", "colorize") is None
    waiting.go_on.set()
    for _ in news(album):
        pass
    assert len(album.results()) == 4 and album.status == "4 of 4 photos done."
    dropped = visitors.album("fifth", "colorize")
    dropped.add("new.png", tmp_path / "20.png")
    visitors.returned("fifth", anna)  # what was sent before the page knew who it is, is not lost
    assert visitors.album("fifth", "colorize") is dropped


def test_limits_that_are_told_are_those_that_hold() -> None:
    root = Path(__file__).resolve().parents[2]
    photos, file, together = MAX_PHOTOS, f"{MAX_FILE_BYTES // 1024**2} MB", f"{MAX_ALBUM_BYTES // 10**9} GB together"
    pixels = f"{PAGE_PIXELS // 10**6} megapixels"
    book = " ".join((root / "docs" / "page.md").read_text(encoding="utf-8").split())
    assert f"Up to {photos} photos of {file} and {pixels} each, {together}" in book
    assert f"the ZIP itself may have {file}" in book
    page = str(photos_element("", [], "").html_template)
    assert f"Up to {photos} photos of {file} and {pixels} each, {together}" in page and f"of {file} each" in page
    assert KEPT_SECONDS == 2 * 60 * 60 and "deleted after two hours" in page and "half a minute" in book
    assert RETURN_SECONDS == 30 and f'data-photos="{photos}" data-bytes="{MAX_FILE_BYTES}"' in page
    readme = (root / "README.md").read_text(encoding="utf-8")
    assert f"up to {MAX_PIXELS // 10**6} megapixels ({PAGE_PIXELS // 10**6} on the page)" in readme


@pytest.mark.usefixtures("storage")
def test_no_more_than_the_limit_is_taken(tmp_path: Path) -> None:
    album = Album()
    photo = grey_photo(tmp_path / "a.png", 4, 4)
    for number in range(MAX_PHOTOS):
        album.add(f"{number}.png", photo)
    for _ in take_in(album, [("more.png", photo)]):
        break
    assert "200 photos are the most" in next(reversed(album.entries.values())).why


@pytest.mark.usefixtures("storage")
def test_results_are_packed_once(tmp_path: Path) -> None:
    album = album_of(*(grey_photo(tmp_path / f"{width}.png", width, 16) for width in (20, 30)))
    done(album, Inverting())
    pack_results(album)
    assert album.archive is not None and "ZIP of 2 photos" in album.status
    packed = album.archive
    pack_results(album)
    assert album.archive == packed
    done(album, Inverting(2))
    assert album.archive is None


def test_two_hundred_photos_leave_memory_and_disk_flat(tmp_path: Path, storage: Storage) -> None:
    photo = grey_photo(tmp_path / "a.png", 400, 300)
    process = psutil.Process()

    def some(number: int) -> None:
        for _ in range(number):
            done(album_of(photo), replace(Inverting()))
            storage.sweep(older_than=-10)

    some(50)
    before = process.memory_info().rss
    some(150)
    assert process.memory_info().rss - before < 20_000_000
    assert not [path for path in storage.part.rglob("*") if path.is_file()]
    assert threading.active_count() < 20


def test_a_failure_speaks_of_no_path_of_the_server(tmp_path: Path) -> None:
    with pytest.raises(JobError) as raised:
        do(Inverting(), tmp_path / "gone.jpg", "mine.jpg", tmp_path, lambda doing, share: None)
    assert str(tmp_path) not in str(raised.value) and "“mine.jpg”" in str(raised.value)
