"""The demo page's API. A browser drives the page in ``tests/browser``."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image
from typer.testing import CliRunner

from demo.choices import model_choices
from demo.defade_tab import FADED_EXAMPLES
from deoldify.__main__ import app
from tests.page import ServedPage, colourfulness, grey_photo


def test_the_api_colours_a_photo_and_keeps_what_came_with_it(client: Client, tmp_path: Path) -> None:
    source = grey_photo(tmp_path / "hills.jpg", 301, 200)
    file, facts = client.predict(
        photo=handle_file(source), model="compact", render_factor=8, transfer="bilinear", api_name="/colorize"
    )
    assert Path(file).name == "hills-colour.jpg"
    with Image.open(file) as coloured, Image.open(source) as grey:
        assert coloured.format == "JPEG"
        assert coloured.size == (301, 200)
        assert coloured.getexif()[0x013B] == "A. Photographer"
        assert coloured.info["icc_profile"] == grey.info["icc_profile"]
        assert colourfulness(coloured) > 3
        difference = np.asarray(coloured.convert("L")).astype(int) - np.asarray(grey.convert("L"))
        assert abs(difference.mean()) < 3
    assert facts.pop("seconds") > 0 and facts.pop("left_out") == ""
    assert facts == {
        "model": "compact",
        "render_factor": 8,
        "wanted_factor": 8,
        "automatic": False,
        "transfer": "bilinear",
        "width": 301,
        "height": 200,
        "adjustments": "",
        "monochrome": True,
        "confidence": facts["confidence"],
    }


def test_only_the_photo_is_needed_and_its_format_is_kept(client: Client, tmp_path: Path) -> None:
    source = grey_photo(tmp_path / "small.png", 96, 64)
    file, facts = client.predict(handle_file(source), api_name="/colorize")
    assert facts["automatic"] and facts["transfer"] == "guided" and facts["model"] == "compact"
    with Image.open(file) as coloured:
        assert (coloured.format, coloured.size) == ("PNG", (96, 64))


def toned_photo(path: Path) -> Path:
    """Write a black-and-white picture of little contrast on yellowed paper."""
    with Image.open(grey_photo(path, 301, 200)) as grey:
        toned = np.asarray(grey) * np.array([0.45, 0.42, 0.35]) + np.array([105, 95, 70])
        Image.fromarray(np.rint(toned).astype(np.uint8)).save(path, exif=grey.getexif(), quality=95)
    return path


def test_the_api_restores_a_photo_and_colours_it_where_asked(client: Client, tmp_path: Path) -> None:
    source = toned_photo(tmp_path / "hills.jpg")
    facts = {}
    for endpoint, arguments in {"/defade": {"strength": 1.0}, "/restore": {}}.items():
        file, facts[endpoint] = client.predict(photo=handle_file(source), **arguments, api_name=endpoint)
        assert Path(file).name == "hills-restored.jpg"
        with Image.open(file) as restored, Image.open(source) as faded:
            assert (restored.format, restored.size) == ("JPEG", (301, 200))
            assert restored.getexif()[0x013B] == "A. Photographer"
            assert np.asarray(restored.convert("L")).std() > 1.2 * np.asarray(faded.convert("L")).std()
            assert (colourfulness(restored) > 3) is (endpoint == "/restore")
    for endpoint, told in facts.items():
        assert told.pop("seconds") > 0 and told.pop("left_out") == ""
        renders = told.pop("renders")
        assert [render["model"] for render in renders] == ["defade", "compact"][: 1 + (endpoint == "/restore")]
        assert all(render["factor"] == render["wanted"] for render in renders)
        assert 0.5 < told.pop("confidence") <= 1
        assert told == {
            "monochrome": True,
            "model": "defade",
            "strength": 1.0,
            "keep_tone": False,
            "coloured": endpoint == "/restore",
            "width": 301,
            "height": 200,
        }


def test_the_api_colours_as_asked_and_says_what_it_took_the_photo_for(client: Client, tmp_path: Path) -> None:
    coloured = {}
    for colour in ("auto", "always", "never"):
        _, facts = client.predict(handle_file(FADED_EXAMPLES[2]), 1.0, False, colour, api_name="/restore")
        assert facts["monochrome"] is False and 0.5 < facts["confidence"] <= 1
        coloured[colour] = facts["coloured"]
    assert coloured == {"auto": False, "always": True, "never": False}
    with pytest.raises(AppError, match="colour must be one of auto, always, never"):
        client.predict(handle_file(FADED_EXAMPLES[2]), 1.0, False, "sometimes", api_name="/restore")


def test_strength_and_tone_are_respected_by_the_api(client: Client, tmp_path: Path) -> None:
    source = toned_photo(tmp_path / "hills.png")
    unchanged, _ = client.predict(handle_file(source), 0, False, api_name="/defade")
    toned, facts = client.predict(handle_file(source), 0.5, True, api_name="/defade")
    assert facts["keep_tone"] and facts["strength"] == 0.5
    with Image.open(source) as before, Image.open(unchanged) as same, Image.open(toned) as after:
        assert np.array_equal(np.asarray(before), np.asarray(same))
        change = np.asarray(after).astype(int) - np.asarray(before)
    assert np.abs(change).mean() > 1
    assert np.ptp(change, axis=-1).max() <= 1


def test_the_api_says_that_the_first_page_was_taken(client: Client, tmp_path: Path) -> None:
    pages = [Image.new("L", (64, 48), 200), Image.new("L", (64, 48), 90)]
    pages[0].save(tmp_path / "pages.tif", save_all=True, append_images=pages[1:])
    pages[0].save(tmp_path / "moving.gif", save_all=True, append_images=pages[1:])
    for name, said in {"pages.tif": "has 2 pages; the first is taken", "moving.gif": "animation of 2 pictures"}.items():
        _, facts = client.predict(handle_file(tmp_path / name), strength=0, api_name="/defade")
        assert said in facts["left_out"]


def test_an_album_comes_back_as_a_zip_with_what_the_command_line_makes(client: Client, tmp_path: Path) -> None:
    first = grey_photo(tmp_path / "hills.jpg", 201, 150)
    second = grey_photo(tmp_path / "more.png", 120, 160)
    broken = tmp_path / "letter.jpg"
    broken.write_text("Dear photograph")
    with zipfile.ZipFile(tmp_path / "trip.zip", "w") as archive:
        archive.write(second, "trip/more.png")
    sent = [handle_file(first), handle_file(broken), handle_file(tmp_path / "trip.zip")]
    archive_file, facts = client.predict(photos=sent, render_factor=8, api_name="/album")
    assert [(told["photo"], told.get("file")) for told in facts] == [
        ("hills.jpg", "hills-colour.jpg"), ("letter.jpg", None), ("trip/more.png", "trip/more-colour.png"),
    ]  # fmt: skip
    assert "“letter.jpg” is not a photograph" in facts[1]["error"] and facts[0]["error"] is None
    out = tmp_path / "out"
    out.mkdir()
    for photo in (first, second):
        done = CliRunner().invoke(app, ["colorize", str(photo), "-o", str(out / photo.name), "--render-factor", "8"])
        assert done.exit_code == 0, done.output
    with zipfile.ZipFile(archive_file) as archive:
        assert archive.namelist() == ["hills-colour.jpg", "trip/more-colour.png"]
        # What the command writes says in its label, besides, which file and which job it was made of.
        for name, photo in (("hills-colour.jpg", first), ("trip/more-colour.png", second)):
            with Image.open(archive.open(name)) as ours, Image.open(out / photo.name) as theirs:
                assert (ours.format, ours.mode, ours.tobytes()) == (theirs.format, theirs.mode, theirs.tobytes())


def test_of_an_album_those_with_colours_are_left_unless_asked_for(client: Client, tmp_path: Path) -> None:
    sent = [handle_file(grey_photo(tmp_path / "hills.jpg", 60, 40)), handle_file(FADED_EXAMPLES[2])]
    for recolour in (False, True):
        archive_file, facts = client.predict(photos=sent, render_factor=4, recolour=recolour, api_name="/album")
        assert [told.get("left") for told in facts] == [None, None if recolour else "has colours"]
        with zipfile.ZipFile(archive_file) as archive:
            assert archive.namelist() == ["hills-colour.jpg", "coffee-colour.jpg"][: 1 + recolour]


def test_the_api_is_documented_and_nothing_else_is_in_it(client: Client) -> None:
    endpoints = client.view_api(print_info=False, return_format="dict")["named_endpoints"]
    assert list(endpoints) == ["/colorize", "/album", "/variants", "/defade", "/restore"]
    for name in ("/defade", "/restore"):
        parameters = {entry["parameter_name"]: entry for entry in endpoints[name]["parameters"]}
        assert {name: entry["python_type"]["type"] for name, entry in parameters.items()} == {
            "photo": "filepath",
            "strength": "float",
            "keep_tone": "bool",
            **({"colour": "Literal['auto', 'always', 'never']"} if name == "/restore" else {}),
        }
        assert parameters["strength"]["parameter_default"] == 1
        assert parameters["keep_tone"]["parameter_default"] is False
        assert "up to 1.5 overdoes" in endpoints[name]["description"].replace("\n", " ")
    variants = {entry["parameter_name"]: entry["python_type"]["type"] for entry in endpoints["/variants"]["parameters"]}
    models = f"Literal[{', '.join(repr(name) for _, name in model_choices())}]"
    assert variants == {"photo": "filepath", "model": models, "render_factor": "int"}
    parameters = {entry["parameter_name"]: entry for entry in endpoints["/colorize"]["parameters"]}
    assert {name: entry["python_type"]["type"] for name, entry in parameters.items()} == {
        "photo": "filepath",
        "model": models,
        "render_factor": "int",
        "transfer": "Literal['guided', 'bilinear', 'none']",
        "saturation": "float",
        "warmth": "float",
        "liveliness": "float",
        "caution": "float",
        "hints": "str | float | bool | list | dict",
    }
    optional = {name: entry["parameter_default"] for name, entry in parameters.items() if name != "photo"}
    assert optional == {
        "model": "auto",
        "render_factor": None,
        "transfer": "guided",
        "saturation": 1,
        "warmth": 0,
        "liveliness": None,
        "caution": 0,
        "hints": [],
    }
    assert "16 pixels, 4 to 64" in endpoints["/colorize"]["description"]


def test_the_api_says_what_is_wrong(client: Client, page_server: ServedPage, tmp_path: Path) -> None:
    photo = grey_photo(tmp_path / "hills.jpg", 64, 48)
    text = tmp_path / "letter.jpg"
    text.write_text("Dear photograph")
    giant = tmp_path / "giant.png"
    Image.new("1", (12_000, 9_000)).save(giant)
    told_before = len(page_server.log.read_text())  # by the server's other visitors
    cases: list[tuple[dict[str, Any], str]] = [
        ({"photo": handle_file(text)}, "“letter.jpg” is not a photograph"),
        ({"photo": handle_file(giant)}, "108 megapixels"),
        ({"photo": handle_file(photo), "render_factor": 65}, "64"),
        ({"photo": handle_file(photo), "render_factor": 3}, "4"),
        ({"photo": handle_file(photo), "model": "colourful"}, "model must be one of auto, compact"),
        ({"photo": handle_file(photo), "transfer": "magic"}, "transfer must be one of guided, bilinear, none"),
        ({"photo": None}, "no photo yet"),
        ({"photo": handle_file(photo), "model": "artistic"}, "The model compact needs no download"),
        ({"photo": handle_file(photo), "render_factor": "many"}, "render_factor must be a whole number from 4 to 64"),
        ({"photo": handle_file(photo), "render_factor": 7.5}, "render_factor must be a whole number"),
        ({"photo": handle_file(photo), "model": ["compact"]}, "model must be one of auto, compact"),
        ({"photo": handle_file(photo), "saturation": 2}, "Saturation 2.0 is outside 0 to 1.5"),
        ({"photo": handle_file(photo), "hints": ["0.4,blue"]}, "is not x,y,colour"),
    ]
    for arguments, expected in cases:
        with pytest.raises(AppError) as raised:
            client.predict(**arguments, api_name="/colorize")
        assert expected in str(raised.value)
        assert str(page_server.cache) not in str(raised.value) and "HF_" not in str(raised.value)
    cases = [
        ({"photo": handle_file(text)}, "“letter.jpg” is not a photograph"),
        ({"photo": handle_file(photo), "strength": 1.6}, "1.5"),
        ({"photo": handle_file(photo), "strength": -0.1}, "0"),
        ({"photo": handle_file(photo), "strength": "very"}, "strength must be a number from 0 to 1.5"),
        ({"photo": handle_file(photo), "keep_tone": "yes"}, "keep_tone must be true or false"),
        ({"photo": None}, "no photo yet"),
    ]
    for endpoint in ("/defade", "/restore"):
        for arguments, expected in cases:
            with pytest.raises(AppError) as raised:
                client.predict(**arguments, api_name=endpoint)
            assert expected in str(raised.value)
            assert str(page_server.cache) not in str(raised.value)
    log = page_server.log.read_text()[told_before:]
    assert "could not finish" not in log and "Traceback" not in log  # none of these took anyone by surprise
    assert "HF_HUB_OFFLINE" in log  # whoever runs the page can read why
