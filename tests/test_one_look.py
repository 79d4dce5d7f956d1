"""One look across a folder: taken once, kept, and gone on with."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from typer.testing import CliRunner

from deoldify.__main__ import app
from deoldify.errors import PhotoError
from deoldify.folder import Plan, Task, job_of, stamp_of
from deoldify.imaging import Look
from deoldify.one_look import OneLook
from deoldify.photo import read_label

JOB = job_of("colorize", "coloured", weights={}, settings={})


def test_a_look_is_taken_once_from_some_photos_and_kept(tmp_path: Path) -> None:
    asked: list[int] = []

    def measure(path: Path) -> Look | None:
        number = int(path.stem)
        asked.append(number)
        if number % 3 == 1:
            raise PhotoError("is damaged")
        return None if number % 3 == 2 else Look(0.1, number / 1e4, 0)

    tasks = [Task(Path(f"{number:04}.jpg"), Path("x.jpg")) for number in range(2400)]
    first = OneLook(tmp_path)
    assert first.taken(measure) is None and not asked  # of a dry run, which has no plan
    first.begin(Plan(tasks=tasks[::-2], there=tasks[::2]), JOB)
    look = first.taken(measure)
    assert asked == list(range(0, 2400, 100))  # spread evenly, whatever the order
    assert look is not None and (look.chroma, look.u) == pytest.approx((0.1, 0.105))
    again = OneLook(tmp_path)
    again.begin(Plan(tasks=tasks[:5]), JOB)
    assert again.taken(measure) == look and len(asked) == 24
    other = OneLook(tmp_path)
    other.begin(Plan(tasks=tasks[:1]), job_of("colorize", "coloured", weights={}, settings={"saturation": 1.2}))
    assert other.taken(measure) == Look(0.1, 0, 0)
    (kept,) = (path for path in (tmp_path / ".deoldify").iterdir() if JOB.identity in path.name)
    kept.write_text("{")
    again.begin(Plan(tasks=tasks[:1]), JOB)
    assert again.taken(measure) == Look(0.1, 0, 0)
    again.begin(Plan(tasks=tasks[2:3]), JOB)
    kept.unlink()
    assert again.taken(measure) is None and json.loads(kept.read_text()) is None


@pytest.fixture
def roll(coffee: npt.NDArray[np.uint8], tmp_path: Path) -> Path:
    folder = tmp_path / "roll"
    folder.mkdir()
    for number in range(3):
        Image.fromarray(coffee[60 * number :, 40 * number :]).resize((96, 64)).convert("L").save(
            folder / f"{number}.png"
        )
    return folder


def colorize(*arguments: object) -> tuple[int, str]:
    quick = ["-r", "8", "--renders", "1", "--device", "cpu", "--precision", "float32"]
    done = CliRunner().invoke(app, ["colorize", *map(str, arguments), *quick])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        return -1, str(done.exception)
    return done.exit_code, done.output


def pixels(path: Path) -> npt.NDArray[np.int_]:
    with Image.open(path) as image:
        return np.asarray(image).astype(int)


def test_a_resumed_run_goes_on_with_the_same_look(roll: Path, tmp_path: Path) -> None:
    usual, one = tmp_path / "usual", tmp_path / "one"
    assert colorize(roll, "-o", usual)[0] == 0
    assert colorize(roll, "-o", one, "--one-look")[0] == 0
    (kept,) = (one / ".deoldify").glob("look-*.json")
    said = kept.read_bytes()
    look = f"look {Look(**json.loads(said))}"
    assert all(look in read_label(one / f"{number}.png") for number in range(3))
    assert any((pixels(one / f"{number}.png") != pixels(usual / f"{number}.png")).any() for number in range(3))
    before = (one / "1.png").read_bytes()
    (one / "1.png").unlink()
    (roll / "3.png").write_bytes((roll / "0.png").read_bytes())
    status, output = colorize(roll, "-o", one, "--one-look")
    assert status == 0 and "2 of 4 photos are done already" in output
    assert (one / "1.png").read_bytes() == before and kept.read_bytes() == said
    assert np.array_equal(pixels(one / "3.png"), pixels(one / "0.png"))
    stamps = [stamp_of(folder / "0.png") for folder in (usual, one)]
    assert all(stamps) and len({stamp.identity for stamp in stamps if stamp}) == 2  # another job


def test_like_takes_the_look_of_a_coloured_photo(roll: Path, coffee: npt.NDArray[np.uint8], tmp_path: Path) -> None:
    Image.fromarray(coffee).save(tmp_path / "like.jpg")
    status, output = colorize(roll / "0.png", "-o", tmp_path / "new.png", "--like", tmp_path / "like.jpg")
    assert status == 0, output
    assert "(compact, look 0." in read_label(tmp_path / "new.png")
    grey = colorize(roll / "0.png", "-o", tmp_path / "grey.png", "--like", roll / "1.png")
    assert grey[0] == 2 and "hardly any colour" in grey[1]
    both = colorize(roll, "-o", tmp_path / "both", "--like", tmp_path / "like.jpg", "--one-look")
    assert both[0] == 2 and "there is one look" in both[1]
    single = colorize(roll / "0.png", "-o", tmp_path / "one.png", "--one-look")
    assert single[0] == 2 and "folder" in single[1]
    gone = colorize(roll, "-o", tmp_path / "gone", "--like", tmp_path / "gone.jpg")
    assert gone[0] == 2 and "Invalid value for --like" in gone[1]
    assert not any((tmp_path / name).exists() for name in ("grey.png", "both", "one.png", "gone"))
