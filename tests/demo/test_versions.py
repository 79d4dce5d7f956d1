"""Versions of a photo to choose from, and what of the colours asked for a model can do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from demo import adjusting, versions, working
from demo.adjusting import adjust, finish, possible
from demo.album import Album, Entry
from demo.jobs import Colouring, JobError
from demo.models import tells
from demo.planes import tinted
from demo.storage import Storage
from demo.turns import TURNS
from demo.versions import COUNT, send_versions, show_versions, take_version
from demo.working import take_in, work
from deoldify.folder import stamp_of
from deoldify.imaging import Adjustments, Hint
from deoldify.photo import read_label
from tests.page import commanded, grey_photo


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return grey_photo(tmp_path_factory.mktemp("sent") / "hills.png", 120, 90)


@pytest.fixture
def coloured(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Album, Entry]:
    """An album of one photo that is coloured already, a little pale."""
    storage = Storage(tmp_path / "storage")
    for module in (working, adjusting, versions):
        monkeypatch.setattr(module, "storage", lambda: storage)
    album = Album()
    for _ in take_in(album, [("hills.png", source)]):
        pass
    entry = next(iter(album.entries.values()))
    entry.adjustments = Adjustments(saturation=0.5, caution=0.1)
    for _ in work(album, Colouring("compact", 5, "guided")):
        pass
    return album, entry


def test_a_version_that_is_taken_is_what_the_photo_becomes(coloured: tuple[Album, Entry], tmp_path: Path) -> None:
    album, entry = coloured
    coming = show_versions(album, entry)
    next(coming)
    adjust(album, entry, replace(entry.adjustments, saturation=0.8))  # whoever is impatient loses nothing
    for _ in coming:
        pass
    assert entry.done is not None and entry.done.stale and len(entry.done.versions) == COUNT and not album.running
    made = [version.made for version in entry.done.versions]
    assert all(isinstance(job, Colouring) and job.model == "compact" for job in made)
    assert entry.done.taken is not None and made[entry.done.taken] == entry.done.made
    view = album.result()["done"]
    assert len({version["about"] for version in view["versions"]}) == COUNT
    assert all(Image.open(version["small"]).width == 120 for version in view["versions"])

    def taken(number: int) -> Path:
        take_version(album, entry, number)
        assert entry.done is not None and entry.done.taken == number and entry.done.stale
        assert album.result()["done"]["facts"].startswith(view["versions"][number]["about"])
        finish(album, entry)
        assert not entry.done.stale
        return entry.done.file

    size = next(number for number, job in enumerate(made) if isinstance(job, Colouring) and job.render_factor != 5)
    other = next(number for number, job in enumerate(made) if isinstance(job, Colouring) and job.likely == 1)
    asked = ["--saturation", "0.8", "--caution", "0.1"]
    factor = str(getattr(made[size], "render_factor", None))
    expected = commanded(entry.source, tmp_path / "size.png", "colorize", "-r", factor, *asked)
    first = taken(size).read_bytes()
    assert first == expected.read_bytes()
    file = taken(other)
    assert file.read_bytes() != first and "other likely colours 1" in read_label(file)
    assert stamp_of(file) != stamp_of(expected)
    take_version(album, entry, COUNT)  # there is no such, and nothing happens
    assert entry.done.taken == other


def test_versions_are_not_made_twice_nor_of_what_is_not_coloured_and_stop_when_told(
    coloured: tuple[Album, Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    album, entry = coloured
    assert entry.done is not None
    monkeypatch.setattr(versions, "_variants", None)  # whoever renders now, fails
    album.running = True
    assert list(show_versions(album, entry)) == []
    album.running, done = False, entry.done
    entry.done = replace(done, kept=None)
    assert list(show_versions(album, entry)) == []
    entry.done = done
    with TURNS.take():  # another visitor's photo
        for _ in show_versions(album, entry):
            album.stopping = True
    assert album.status == "Stopped." and not album.running and entry.done is not None and entry.done.versions == ()


def test_a_client_is_sent_files_of_all_versions(coloured: tuple[Album, Entry], source: Path) -> None:
    files, facts = send_versions(Colouring("auto", 5, "guided"), source, "old/hills.png", lambda doing, share: None)
    assert [file.name for file in files] == [f"hills-version{number + 1}.png" for number in range(COUNT)]
    assert len({file.read_bytes() for file in files}) == COUNT
    assert sorted(fact["likely"] for fact in facts) == [0, 0, 1, 2]
    assert {fact["model"] for fact in facts} == {"compact"}
    assert {fact["about"] for fact in facts} > {"The usual colours", "Other likely colours 1", "Other likely colours 2"}


def test_what_a_model_cannot_do_is_left_out_when_a_photo_is_coloured_by_it(
    coloured: tuple[Album, Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tells("compact") == (True, True) and tells("artistic") == (False, False) and tells("nobody") == (True, True)
    hints = (Hint(0.5, 0.1, "#3050c0"),)  # which are kept whatever the model
    asked = Adjustments(0.5, 0.1, 0.7, 0.3, hints)
    assert possible(asked, lively=False, certain=False) == Adjustments(0.5, 0.1, hints=hints)
    assert possible(asked, lively=True, certain=True) == asked
    album, entry = coloured
    entry.adjustments = asked
    used: list[Adjustments] = []

    def do(job: Colouring, *_: object) -> None:
        used.append(job.adjustments)
        raise JobError("enough is known")

    monkeypatch.setattr(working, "tells", lambda model: (False, False))
    monkeypatch.setattr(working, "do", do)
    for _ in work(album, Colouring("compact", 6, "guided")):
        pass
    assert used == [Adjustments(0.5, 0.1, hints=hints)]


def test_the_tint_is_strongest_where_it_guesses_and_tells_nothing_where_all_is_alike() -> None:
    certainty = np.full((20, 20), 0.9, np.float32)
    certainty[:10] = 0.3
    alpha = np.asarray(tinted(certainty))[..., 3]
    assert alpha[:10].min() > 170 and alpha[10:].max() == 0
    same = np.asarray(tinted(np.full((8, 8), 0.2, np.float32)))[..., 3]
    assert np.ptp(same) == 0
