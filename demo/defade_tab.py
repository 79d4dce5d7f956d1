"""The tab that restores faded photos, and its API endpoints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast, get_args

import gradio as gr

from demo.api import Sent, do_one, endpoint, number, one_of, yes_or_no
from demo.choices import model_choices
from demo.component import SentCheckbox, SentChoice, SentNumber
from demo.jobs import Restoring
from demo.models import DEFAULT_MODEL
from demo.uploads import UploadedPhoto
from demo.workbench import PRIVATE, Bench, photos_come_in, photos_of, remember, work_is_done
from deoldify.defader import DEFADE_STRENGTHS
from deoldify.restoring import Colour

_FOLDER = Path(__file__).resolve().parents[1] / "examples" / "faded"
FADED_EXAMPLES = [_FOLDER / f"{name}.jpg" for name in ("astronaut", "cat", "coffee", "photographer", "rocket")]

USUAL = {"strength": 1.0, "keep_tone": False, "colorizer": DEFAULT_MODEL, "colour": "auto"}
"""Settings that need not stand in the address."""

PURPOSE = (
    "For faded photographs, in colour or black and white: gives them their tone and colour back. "
    "Scratches and cracks stay."
)

RESTORED_COMES_BACK = f"""Two values come back: the restored photo, in the format and at the size of the one sent, its
EXIF and ICC profile kept; and how it was restored (model, strength, keep_tone, coloured, renders, width, height,
seconds, monochrome, confidence, left_out). monochrome says whether it was taken for black and white, and confidence how
sure that was, 0.5 to 1; renders tells model, factor and wanted of each, wanted being more than factor if memory ran
short. photo: an image file, of which the first page or picture is taken; left_out tells of others. strength:
{DEFADE_STRENGTHS[0]:g} changes nothing, 1 restores, up to {DEFADE_STRENGTHS[1]:g} overdoes. keep_tone: restore
brightness and contrast alone, so that the colour stays as it is, such as sepia."""
COLOURS: tuple[tuple[str, Colour], ...] = (
    ("if it is black and white", "auto"),
    ("in any case", "always"),
    ("never", "never"),
)
DEFADE_DESCRIPTION = f"Give a faded photograph its tone and colour back. {RESTORED_COMES_BACK}"
RESTORE_DESCRIPTION = (
    f"Give a faded photograph its tone and colour back, and colour it if it is black and white. {RESTORED_COMES_BACK} "
    "colour: auto colours it if it is black and white, always in any case, never not at all."
)


def defade_tab(page: gr.Blocks) -> Bench:
    """Everything about faded photos, and the API endpoints ``/defade`` and ``/restore``; called in ``page``."""
    gr.Markdown(PURPOSE)
    with gr.Row(equal_height=False, elem_classes="bench"):
        with gr.Column(scale=2, min_width=320, elem_classes="asked"):
            first = gr.Column(elem_classes="first")
            with first:
                rest = photos_of(
                    "defade", "Restore", FADED_EXAMPLES,
                    "Or try one of these: fresh photographs, faded on purpose by a simulation",
                )  # fmt: skip
            with gr.Column(elem_classes="settings"):
                strength = gr.Slider(
                    *DEFADE_STRENGTHS, 1.0, step=0.05, label="Strength", elem_id="strength", buttons=[],
                    info="0 leaves the photo as it is, 1 restores it, more overdoes.",
                )  # fmt: skip
                keep_tone = gr.Checkbox(
                    False, label="Keep the tone", elem_id="keep-tone",
                    info="Brightness and contrast come back, the colour stays as it is: sepia stays sepia.",
                )  # fmt: skip
                colour = gr.Radio(COLOURS, value="auto", label="Colour it", elem_id="colour")
                model = gr.Dropdown(
                    model_choices(), value=DEFAULT_MODEL, label="By the model", filterable=False, elem_id="defade-model"
                )
        result = gr.Column(scale=3, min_width=320, elem_id="defade-result", elem_classes="result")
        with first:
            bench = rest(result, "A photo appears here, before and after.", "Take this photo to Colorize")

    colour.change(lambda asked: gr.Dropdown(visible=asked != "never"), colour, model, **PRIVATE)
    settings: dict[str, Any] = {
        "strength": strength, "keep_tone": keep_tone, "colorizer": model, "colour": colour,
    }  # fmt: skip
    for name, element in settings.items():
        usual = json.dumps(USUAL[name])
        element.input(None, element, None, js=remember(name, f"value === {usual} ? '' : value"), **PRIVATE)
    page.load(_from_address, None, list(settings.values()), **PRIVATE)
    photos_come_in(bench)
    work_is_done(bench, list(settings.values()), Restoring)
    _endpoints()
    return bench


def _from_address(request: gr.Request) -> list[Any]:
    """The settings that the page's address names."""
    asked = dict(request.query_params)
    try:
        strength: Any = number(float(asked["strength"]), "strength", *DEFADE_STRENGTHS)
    except (KeyError, ValueError, gr.Error):
        strength = gr.skip()
    colour = asked.get("colour")
    return [
        strength,
        True if asked.get("keep_tone") == "true" else gr.skip(),
        asked["colorizer"] if asked.get("colorizer") in [name for _, name in model_choices()] else gr.skip(),
        gr.Radio(value=colour) if colour in get_args(Colour) else gr.skip(),
    ]


def _endpoints() -> None:
    with gr.Group(visible=False):  # what only API clients meet
        photo = UploadedPhoto(label="photo", type="filepath", image_mode=None)
        strength = SentNumber(1.0, minimum=DEFADE_STRENGTHS[0], maximum=DEFADE_STRENGTHS[1], label="strength")
        keep_tone = SentCheckbox(False, label="keep_tone")
        colour = SentChoice(list(get_args(Colour)), value="auto", label="colour")
    endpoint("defade", DEFADE_DESCRIPTION, _defade, photo, [strength, keep_tone])
    endpoint("restore", RESTORE_DESCRIPTION, _restore, photo, [strength, keep_tone, colour])


def _job(strength: object, keep_tone: object, colour: object) -> Restoring:
    return Restoring(
        number(strength, "strength", *DEFADE_STRENGTHS),
        yes_or_no(keep_tone, "keep_tone"),
        DEFAULT_MODEL,
        cast(Colour, one_of(colour, "colour", get_args(Colour))),
    )


def _defade(
    photo: Sent,
    strength: float = 1.0,
    keep_tone: bool = False,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> tuple[str, dict[str, Any]]:
    return do_one(_job(strength, keep_tone, "never"), photo, progress)


def _restore(
    photo: Sent,
    strength: float = 1.0,
    keep_tone: bool = False,
    colour: Colour = "auto",
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> tuple[str, dict[str, Any]]:
    return do_one(_job(strength, keep_tone, colour), photo, progress)
