"""The command line, called as a user calls it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

import deoldify
from deoldify.checkpoints import CHECKPOINTS
from deoldify.photo import open_photo


def call(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deoldify", *map(str, arguments)]
    # No model lies there, whatever lies on this machine: auto is the embedded one.
    bare = str(Path(tempfile.gettempdir()) / "deoldify-no-models")
    environment = {**os.environ, "COLUMNS": "300", "HF_HUB_CACHE": bare, **variables}
    return subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment, check=False)


@pytest.fixture
def old_photo(coffee: npt.NDArray[np.uint8], tmp_path: Path) -> Path:
    """A grey JPEG lying on its side, as a phone would save it: upright it is 300 × 200."""
    upright = Image.fromarray(coffee).convert("L").resize((300, 200))
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "Grandmother's kitchen"
    path = tmp_path / "old.jpg"
    upright.transpose(Image.Transpose.ROTATE_90).save(path, exif=exif, dpi=(300, 300), quality=95)
    return path


def test_one_photo(old_photo: Path, tmp_path: Path) -> None:
    done = call("colorize", old_photo, "-o", tmp_path / "colour.jpg")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    with Image.open(tmp_path / "colour.jpg") as image:
        assert image.size == (300, 200)
        assert image.mode == "RGB"
        assert image.info["dpi"] == (300, 300)
        assert image.getexif()[0x010E] == "Grandmother's kitchen"
        assert image.getexif().get(0x0112, 1) == 1
        red, green, blue = np.asarray(image).astype(int).transpose(2, 0, 1)
    assert np.abs(red - blue).mean() > 5
    assert np.abs(red - green).mean() > 2


def test_a_folder_goes_on_where_it_stopped_and_survives_a_bad_photo(
    coffee: npt.NDArray[np.uint8], tmp_path: Path
) -> None:
    source, target = tmp_path / "old", tmp_path / "new"
    (source / "1911").mkdir(parents=True)
    Image.fromarray(coffee).resize((90, 60)).convert("L").save(source / "a.png")
    Image.fromarray(coffee).resize((90, 60)).convert("L").save(source / "1911" / "b.tif")
    Image.fromarray(coffee).resize((90, 60)).convert("L").save(source / "c.gif")
    (source / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not much of a photo")
    (source / "notes.txt").write_text("no photo, and nobody said so")

    first = call("colorize", source, "-o", target)
    assert first.returncode == 1
    assert "1 of 4 photos could not be coloured" in first.stderr
    assert first.stderr.count("broken.jpg") == 1  # one bad file is one line
    assert "notes.txt" not in first.stderr
    made = sorted(str(path.relative_to(target)) for path in target.rglob("*") if path.is_file())
    assert made == ["1911/b.tif", "a.png", "c.png"]

    before = {path: path.stat().st_mtime_ns for path in target.rglob("*") if path.is_file()}
    (source / "broken.jpg").unlink()
    second = call("colorize", source, "-o", target)
    assert second.returncode == 0
    assert "3 of 3 photos are done already" in second.stderr
    assert {path: path.stat().st_mtime_ns for path in target.rglob("*") if path.is_file()} == before


def test_colours_are_adjusted_and_named_as_in_python_and_the_label_says_so(
    old_photo: Path, colorizer: deoldify.Colorizer, tmp_path: Path
) -> None:
    target = tmp_path / "colour.png"
    options = ["--saturation", 0.5, "--warmth", 0.2, "--hint", "0.4,0.6,#334D80", "--hint", "0.9,0.1,none"]
    done = call("colorize", old_photo, "-o", target, "--device", "cpu", "--precision", "float32", *options)
    assert done.returncode == 0, done.stderr
    hints = [deoldify.Hint(0.4, 0.6, "#334d80"), deoldify.Hint(0.9, 0.1, None)]
    expected = colorizer.colorize_photo(open_photo(old_photo), saturation=0.5, warmth=0.2, hints=hints)
    assert np.array_equal(pixels_of(target), expected.pixels)
    said = b"(compact, saturation 0.5, warmth 0.2, hint 0.4,0.6,#334d80, hint 0.9,0.1,none)"
    assert said in target.read_bytes()


@pytest.fixture
def faded_photo(coffee: npt.NDArray[np.uint8], tmp_path: Path) -> Path:
    """A colour JPEG of little contrast, yellowed."""
    veiled = np.rint(coffee * 0.45 + np.array([110, 95, 60])).astype(np.uint8)
    path = tmp_path / "faded.jpg"
    Image.fromarray(veiled).resize((300, 200)).save(path, dpi=(300, 300), quality=95)
    return path


def pixels_of(path: Path) -> npt.NDArray[np.int_]:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def test_a_faded_photo_gets_its_contrast_back_as_far_as_asked(faded_photo: Path, tmp_path: Path) -> None:
    faded = pixels_of(faded_photo)
    spreads = [faded.std()]
    for strength in ("0.5", "1"):
        target = tmp_path / f"{strength}.png"
        done = call("defade", faded_photo, "-o", target, "--strength", strength)
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
        spreads.append(pixels_of(target).std())
    assert spreads[0] < spreads[1] < spreads[2]
    with Image.open(tmp_path / "1.png") as image:
        assert image.size == (300, 200)
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    assert b"Restored by DeOldify (defade)" in (tmp_path / "1.png").read_bytes()
    unchanged = tmp_path / "0.png"
    assert call("defade", faded_photo, "-o", unchanged, "-s", "0").returncode == 0
    assert np.array_equal(pixels_of(unchanged), faded)


def test_the_tone_is_kept_where_asked(faded_photo: Path, tmp_path: Path) -> None:
    target = tmp_path / "toned.png"
    assert call("defade", faded_photo, "-o", target, "--keep-tone").returncode == 0
    before, after = pixels_of(faded_photo), pixels_of(target)
    assert np.abs(after - before).mean() > 2
    inside = (after.min(axis=-1) > 0) & (after.max(axis=-1) < 255)
    change = (after - before)[inside]
    assert np.ptp(change, axis=-1).max() <= 1  # of rounding


def test_restore_colours_what_is_black_and_white_and_nothing_else(
    old_photo: Path, faded_photo: Path, tmp_path: Path
) -> None:
    done = call("restore", old_photo, faded_photo, "-o", tmp_path / "new")
    assert done.returncode == 0, done.stderr
    old, faded = (tmp_path / "new" / path.name for path in (old_photo, faded_photo))
    assert np.ptp(pixels_of(old), axis=-1).mean() > 5
    assert b"Restored by DeOldify (defade)" in old.read_bytes() and b"Coloured by DeOldify" in old.read_bytes()
    assert b"Restored by DeOldify (defade)" in faded.read_bytes() and b"Coloured" not in faded.read_bytes()
    defaded = tmp_path / "defaded.jpg"
    assert call("defade", faded_photo, "-o", defaded).returncode == 0
    assert np.array_equal(pixels_of(faded), pixels_of(defaded))


def test_restore_says_what_it_took_a_photo_for_and_colours_as_asked(
    old_photo: Path, faded_photo: Path, tmp_path: Path
) -> None:
    always = call("restore", faded_photo, "-o", tmp_path / "always.jpg", "--colour", "always")
    assert f"{faded_photo}: taken for a colour photograph (" in always.stderr and "and coloured" in always.stderr
    never = call("restore", old_photo, "-o", tmp_path / "never.jpg", "--colour", "never")
    assert f"{old_photo}: taken for black and white (" in never.stderr and "and coloured" not in never.stderr
    assert b"Coloured by" in (tmp_path / "always.jpg").read_bytes()
    assert b"Coloured by" not in (tmp_path / "never.jpg").read_bytes()


def test_of_several_those_with_colours_are_left_unless_asked_for(
    old_photo: Path, faded_photo: Path, tmp_path: Path
) -> None:
    several = call("colorize", old_photo, faded_photo, "-o", tmp_path / "new")
    assert several.returncode == 0, several.stderr
    assert f"left: {faded_photo}: has colours" in several.stderr and "--recolour" in several.stderr
    assert [path.name for path in (tmp_path / "new").iterdir()] == [old_photo.name]
    one = call("colorize", faded_photo, "-o", tmp_path / "one.jpg")
    assert one.returncode == 0 and (tmp_path / "one.jpg").exists()
    assert f"{faded_photo} was taken for a colour photograph (" in one.stderr
    asked = call("colorize", old_photo, faded_photo, "-o", tmp_path / "new", "--recolour")
    assert asked.returncode == 0 and "left:" not in asked.stderr
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted([old_photo.name, faded_photo.name])


def test_folders_are_defaded_as_they_are_coloured(faded_photo: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "old", tmp_path / "new"
    (source / "1973").mkdir(parents=True)
    (source / "1973" / "a.jpg").write_bytes(faded_photo.read_bytes())
    (source / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not much of a photo")
    first = call("defade", source, "-o", target)
    assert first.returncode == 1
    assert "1 of 2 photos could not be restored" in first.stderr
    assert [str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()] == ["1973/a.jpg"]
    (source / "broken.jpg").unlink()
    second = call("defade", source, "-o", target)
    assert second.returncode == 0
    assert "1 of 1 photos are done already" in second.stderr or second.stderr == ""


def test_one_photo_into_a_new_folder_and_a_note_on_pages(old_photo: Path, tmp_path: Path) -> None:
    with Image.open(old_photo) as image:
        page = image.resize((40, 30))
    page.save(tmp_path / "pages.tif", save_all=True, append_images=[page])
    done = call("colorize", tmp_path / "pages.tif", "-o", tmp_path / "new")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "new" / "pages.tif").is_file()
    assert "has 2 pages; the first one is coloured" in done.stderr


@pytest.mark.parametrize("force", [[], ["--force"]])
@pytest.mark.parametrize("command", ["colorize", "defade", "restore"])
def test_the_original_stays(command: str, force: list[str], old_photo: Path) -> None:
    before = old_photo.read_bytes()
    link = old_photo.parent / "link"
    link.symlink_to(old_photo.parent)
    for photo, output in ((old_photo, old_photo.parent), (old_photo, link / old_photo.name), (old_photo.parent, link)):
        refused = call(command, photo, "-o", output, *force)
        assert (refused.returncode, refused.stdout) == (2, "")
        (line,) = refused.stderr.splitlines()
        assert line.startswith("error: ") and "holds the originals" in line and str(old_photo) in line
        assert f"such as {old_photo.parent / 'link' if 'link' in str(output) else old_photo.parent}" in line
    assert old_photo.read_bytes() == before
    assert sorted(path.name for path in old_photo.parent.iterdir()) == ["link", "old.jpg"]


def test_photos_of_one_name_both_come_out(old_photo: Path, faded_photo: Path, tmp_path: Path) -> None:
    """Into the folder above them, where a second run finds nothing left to do, nor another job its place."""
    album = tmp_path / "album" / "scans"
    album.mkdir(parents=True)
    with Image.open(old_photo) as image:
        image.save(album / "a.png")
        image.save(album / "a.gif")
    (album / "b.jpg").write_bytes(faded_photo.read_bytes())
    os.utime(album / "b.jpg", (1_000_000_000, 1_000_000_000))
    for junk in ("._b.jpg", "@eaDir/b.jpg", ".thumbnails/b.jpg"):
        (album / junk).parent.mkdir(exist_ok=True)
        (album / junk).write_bytes(faded_photo.read_bytes())
    before = {path.relative_to(album): path.read_bytes() for path in album.rglob("*") if path.is_file()}
    done = call("colorize", tmp_path / "album" / "scans", "-o", tmp_path / "album", "--recolour")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    made = sorted(path.name for path in (tmp_path / "album").iterdir() if path.is_file())
    assert made == ["a.gif.png", "a.png.png", "b.jpg"]
    assert (tmp_path / "album" / "b.jpg").stat().st_mtime == 1_000_000_000
    again = call("colorize", tmp_path / "album" / "scans", "-o", tmp_path / "album", "--recolour")
    assert (again.returncode, again.stdout) == (0, "")
    assert again.stderr.splitlines() == ["3 of 3 photos are done already; --force does them again."]
    for job in (["defade"], ["colorize", "--render-factor", "8"]):
        other = call(*job, tmp_path / "album" / "scans", "-o", tmp_path / "album")
        assert (other.returncode, other.stdout) == (2, "")
        (line,) = other.stderr.splitlines()
        assert "is there already" in line and f"such as {tmp_path / 'album-'}" in line
    assert {path.relative_to(album): path.read_bytes() for path in album.rglob("*") if path.is_file()} == before


def test_a_photo_goes_through_pipes(old_photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = tmp_path / "there"
    there.mkdir()
    command = [sys.executable, "-m", "deoldify", "colorize", "-", "-o", "-"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(
        command, input=old_photo.read_bytes(), capture_output=True, cwd=there, env=environment, timeout=600, check=False
    )  # fmt: skip
    assert (done.returncode, len(done.stderr.splitlines())) == (0, 1) and done.stderr.startswith(b"auto: compact")
    assert not list(there.iterdir())
    assert call("colorize", old_photo, "-o", tmp_path / "colour.jpg").returncode == 0
    (tmp_path / "piped.jpg").write_bytes(done.stdout)
    assert np.array_equal(pixels_of(tmp_path / "piped.jpg"), pixels_of(tmp_path / "colour.jpg"))


def test_all_pages_of_a_tiff_and_names_that_are_long_or_hostile(old_photo: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "scans", tmp_path / "new"
    source.mkdir()
    with Image.open(old_photo) as image:
        pages = [image.resize((40 + i, 30)) for i in range(3)]
    pages[0].save(source / "pages.tif", save_all=True, append_images=pages[1:])
    names = ["写" * 79 + ".jpg", "😀" * 60 + ".jpg"]
    for name in names:
        pages[0].save(source / name)
    (source / "esc-\x1b[31mred.jpg").write_bytes((source / names[0]).read_bytes()[:200])
    done = call("colorize", source, "-o", target, "--pages", "all", "--no-keep-dates")
    assert (done.returncode, done.stdout) == (1, "")
    assert "\x1b" not in done.stderr and done.stderr.count(r"esc-\x1b[31mred.jpg") == 1
    assert "has 3 pages" not in done.stderr
    assert sorted(path.name for path in target.iterdir()) == sorted([*names, "pages.tif"])
    with Image.open(target / "pages.tif") as image:
        assert getattr(image, "n_frames") == 3  # noqa: B009
        for number in range(3):
            image.seek(number)
            assert image.size == (40 + number, 30)
            assert np.ptp(np.asarray(image).astype(int), axis=-1).mean() > 2


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["colorize"], 2, "Missing argument"),
        (["colorize", "PHOTO", "-o", "x.jpg", "--render-factor", "3"], 2, "--render-factor"),
        (["colorize", "PHOTO", "-o", "x.jpg", "--transfer", "magic"], 2, "'guided', 'bilinear', 'none'"),
        (["colorize", "PHOTO", "-o", "x.jpg", "--model", "vivid"], 2, "artistic"),
        (["colorize", "PHOTO", "-o", "x.docx"], 2, ".jpg"),
        (["colorize", "nowhere.jpg", "-o", "x.jpg"], 1, "nowhere.jpg does not exist"),
        (["colorize", "PHOTO", "-o", "x.jpg", "--checkpoint", "PHOTO"], 1, "old.jpg"),
        (["colorize", "PHOTO", "-o", "x.jpg", "--model", "defade"], 2, "does not colour"),
        (["colorize", "PHOTO", "-o", "x.jpg", "--saturation", "1.6"], 2, "--saturation"),
        (["colorize", "PHOTO", "-o", "x.jpg", "--warmth", "-2"], 2, "--warmth"),
        (["colorize", "PHOTO", "-o", "x.jpg", "--hint", "0.4,0.6"], 2, "0.4,0.6,#334d80"),
        (["colorize", "PHOTO", "-o", "x.jpg", "--hint", "1.4,0.6,none"], 2, "1.4 is outside 0 to 1"),
        (["colorize", "PHOTO", "PHOTO", "-o", "x.d", "--hint", "0.4,0.6,none"], 2, "belong to one photo"),
        (["colorize", "PHOTO", "-o", "x.jpg", "--liveliness", "1.5"], 2, "--liveliness"),
        (["colorize", "PHOTO", "-o", "x.jpg", "--caution", "-1"], 2, "--caution"),
        (["colorize", "PHOTO", "-o", "x.jpg", "--renders", "3"], 2, "neither 1 nor an even number"),
        (["defade"], 2, "Missing argument"),
        (["defade", "PHOTO", "-o", "x.jpg", "--strength", "1.6"], 2, "--strength"),
        (["defade", "PHOTO", "-o", "x.jpg", "--checkpoint", "PHOTO"], 1, "old.jpg"),
        (["restore", "PHOTO", "-o", "x.jpg", "--strength", "-1"], 2, "--strength"),
        (["restore", "PHOTO", "-o", "x.jpg", "--model", "defade"], 2, "does not colour"),
        (["restore", "nowhere.jpg", "-o", "x.jpg"], 1, "nowhere.jpg does not exist"),
        (["colorize", "PHOTO", "-o", "x.jpg", "--device", "cuda"], 1, "there is no cuda device on this machine"),
        (["fetch"], 2, "--all"),
        (["fetch", "vivid"], 2, "artistic"),
    ],
)
def test_errors_are_a_line_and_a_status(
    arguments: list[str], status: int, says: str, old_photo: Path, tmp_path: Path
) -> None:
    named = [str(old_photo) if argument == "PHOTO" else argument for argument in arguments]
    done = call(*[str(tmp_path / a) if a.startswith("x.") else a for a in named])
    assert done.returncode == status, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("x.*"))


def test_models_lists_every_model(tmp_path: Path) -> None:
    done = call("models", HF_HUB_CACHE=str(tmp_path))
    assert done.returncode == 0
    table, _, terms = done.stdout.partition("\n\n")
    assert "compact: quick, works offline" in terms and terms.count("non-commercial") == len(CHECKPOINTS)
    rows = {line.split()[0]: line for line in table.splitlines()[1:]}
    assert rows.keys() == {checkpoint.name for checkpoint in CHECKPOINTS}
    assert " yes " in rows["compact"]
    assert " no " in rows["artistic"]
    assert "255 MB" in rows["artistic"]


def test_models_are_listed_for_programs(tmp_path: Path) -> None:
    done = call("models", "--json", HF_HUB_CACHE=str(tmp_path))
    listed = json.loads(done.stdout)
    assert [model["name"] for model in listed] == [checkpoint.name for checkpoint in CHECKPOINTS]
    assert listed[0] == asdict(deoldify.models()[0])


def test_the_version_is_told() -> None:
    done = call("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"DeOldify {deoldify.__version__}, Python {sys.version.split()[0]}\n"


def test_as_much_is_said_as_is_asked_for(old_photo: Path, tmp_path: Path) -> None:
    target = tmp_path / "colour.jpg"
    options = (old_photo, "-o", target, "-r", "4", "--device", "cpu", "--precision", "float32")
    usual, verbose = call("colorize", *options), call("-v", "colorize", *options)
    last = f"{target} is coloured. Other colours come with another --render-factor or --model.\n"
    chosen = "auto: compact, the truest of the models that are here and quick enough.\n"
    assert usual.stderr == chosen + last
    assert verbose.stderr == (
        f"{chosen}Colorizer('compact', cpu, float32), weights from compact.safetensors\n"
        f"{old_photo}: compact at render factor 4\n{last}"
    )
    for before, after in (["-q"], []), ([], ["--quiet"]):
        target.unlink()
        quiet = call(*before, "colorize", *after, *options)
        assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")
        assert target.is_file()
    assert "nowhere.jpg does not exist" in call("colorize", "-q", "nowhere.jpg", "-o", target).stderr


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("deoldify res", {"restore"}),
        ("deoldify colorize --model st", {"stable"}),
        ("deoldify fetch de", {"defade"}),
        ("deoldify colorize --render-", {"--render-factor"}),
    ],
)
def test_a_shell_completes_commands_options_and_models(line: str, offered: set[str]) -> None:
    code = "import sys; sys.argv = ['deoldify']; from deoldify.__main__ import run; run()"
    asked = {"_DEOLDIFY_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | asked)
    assert set(done.stdout.split()) == offered, done.stderr


def test_help_names_every_option() -> None:
    text = call("colorize", "--help").stdout
    for option in ("--output", "--model", "--checkpoint", "--render-factor", "--transfer", "--device", "--precision"):
        assert option in text
    assert "--no-keep-dates" in text and "--pages" in text
    for option in ("--saturation", "--warmth", "--liveliness", "--caution", "--hint"):
        assert option in text
    text = call("defade", "--help").stdout
    for option in ("--output", "--strength", "--keep-tone", "--checkpoint", "--render-factor", "--device", "--force"):
        assert option in text
