"""The tab that colours photos, and its API endpoints."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import gradio as gr

from demo.adjusting import adjustments_of
from demo.api import Sent, album_endpoint, do_many, do_one, endpoint, failure, one_in_turn, one_of, whole, yes_or_no
from demo.choices import about_model, is_colorizer, model_choices
from demo.component import SentCheckbox, SentChoice, SentNumber
from demo.costs import costs, costs_of_awake
from demo.elements import render_factor_of, render_size
from demo.jobs import Colouring, sentence
from demo.models import DEFAULT_MODEL, records_of
from demo.offer import offer
from demo.uploads import UploadedPhoto
from demo.versions import send_versions
from demo.workbench import PRIVATE, Bench, photos_come_in, photos_of, remember, work_is_done
from deoldify.checkpoints import locate
from deoldify.imaging import Transfer
from deoldify.model import FACTOR_PIXELS, RENDER_FACTORS

TRANSFERS: tuple[tuple[str, Transfer], ...] = (
    ("follow the edges of the photo", "guided"),
    ("plain enlargement, as in 2019", "bilinear"),
    ("show the render itself", "none"),
)

_FOLDER = Path(__file__).resolve().parents[1] / "examples"
EXAMPLES = [_FOLDER / f"{name}.jpg" for name in ("astronaut", "cat", "coffee", "photographer", "rocket")]

PURPOSE = "For black-and-white photographs: gives them colour, and leaves their light as it is."

_HOW = f"""model: one of the names listed, or several with a plus between them, for what they agree on; auto is the
truest that is here. render_factor: side of the square that the model sees, in units of
{FACTOR_PIXELS} pixels, {RENDER_FACTORS[0]} to {RENDER_FACTORS[-1]}; none chooses it by the photo and what is free of
memory. transfer: how colour gets to full size, guided, bilinear or none. saturation: 0 for no colour to 1.5. warmth:
-1 for cooler to 1 for warmer. liveliness: 0 for the model's cautious opinion to 1 for its lively one, none for what it
is used at. caution: 0 to 1, how much colour is paled where the model guesses."""
COLORIZE_DESCRIPTION = f"""Colour a black-and-white photograph. Two values come back: the coloured photo, in the format
and at the size of the one sent, its EXIF and ICC profile kept; and how it was coloured (model, render_factor,
wanted_factor, automatic, transfer, width, height, seconds, adjustments, monochrome, confidence, left_out), where
wanted_factor is more than render_factor if memory ran short, and monochrome says whether it was taken for black and
white: colours of its own are replaced. photo: an image file, of which the first page or picture is taken; left_out
tells of others. {_HOW} hints: colours of places, such as ["0.4,0.6,#334d80"]: x and y as shares of width and height,
and the colour, or none."""
ALBUM_DESCRIPTION = f"""Colour many black-and-white photographs. Two values come back: a ZIP archive of the coloured
ones, under their names and folders; and for each photo what `/colorize` tells of it, or the error, or why it was left.
photos: image files and ZIP archives of image files. {_HOW} recolour: do those as well that have colours of their own,
which are left otherwise."""

VARIANTS_DESCRIPTION = f"""Colour a black-and-white photograph in four versions, to choose from: the usual colours,
other likely colours where the model tells them, other render sizes, other models that are here. Two values come back:
the photos, the one that the others agree with most first, each in the format and at the size of the one sent; and for
each about, likely (0, or which of other likely colours), model, factor, wanted, count and certainty of its renders.
photo: an image file. {_HOW.partition("transfer:")[0]}"""


def colorize_tab(page: gr.Blocks) -> Bench:
    """Everything about colouring photos, and the API endpoints ``/colorize`` and ``/album``; called in ``page``."""
    gr.Markdown(PURPOSE)
    come = offer(page)
    with gr.Row(equal_height=False, elem_classes="bench"):
        with gr.Column(scale=2, min_width=320, elem_classes="asked"):
            first = gr.Column(elem_classes="first")
            with first:
                rest = photos_of("colorize", "Colorize", EXAMPLES, "Or try one of these:")
            with gr.Column(elem_classes="settings"):
                factor = render_size("")
                model = gr.Dropdown(
                    model_choices(), value=DEFAULT_MODEL, label="Model", info=about_model(DEFAULT_MODEL),
                    filterable=False, elem_id="model",
                )  # fmt: skip
                recolour = gr.Checkbox(
                    False, label="Recolour photos that have colours", elem_id="recolour",
                    info="Of several photos, those that have colours of their own are left out otherwise.",
                )  # fmt: skip
                with gr.Accordion("Details", open=False):
                    transfer = gr.Radio(TRANSFERS, value="guided", label="How colour gets to full size")
        result = gr.Column(scale=3, min_width=320, elem_id="result", elem_classes="result")
        with first:
            bench = rest(result, "A photo appears here, before and after.", "Take this photo to Defade")

    def size_of(request: gr.Request) -> tuple[int, int]:
        album = bench.album(request)
        entry = album.entries.get(album.chosen or "")
        return entry.size if entry is not None else (0, 0)

    def moved(request: gr.Request, name: str, chosen: int | None) -> dict[str, Any]:
        return costs(name, chosen, size_of(request))

    def awake(request: gr.Request, name: str, chosen: int | None) -> Any:
        if any(locate(record) is None for record in records_of(name)):
            return gr.skip()
        return costs_of_awake(name, chosen, size_of(request))

    def named(name: str) -> Any:
        return gr.Dropdown(model_choices(name), info=about_model(name))

    setting = [model, factor]
    # One after the other: an answer about what stood there before must not overtake what the address names.
    addressed = page.load(_from_address, None, [*setting, transfer, recolour], **PRIVATE)
    addressed.then(named, model, model, **PRIVATE).then(moved, setting, factor, **PRIVATE)
    model.input(named, model, model, js=remember("model"), **PRIVATE)
    gr.on([model.change, factor.input], moved, setting, factor, trigger_mode="always_last", **PRIVATE)
    bench.photos.change(moved, setting, factor, trigger_mode="always_last", **PRIVATE)
    photos_come_in(bench)
    done = work_is_done(bench, [*setting, transfer, recolour], _colouring)
    come.then(named, model, model, **PRIVATE).then(moved, setting, factor, **PRIVATE)
    done.then(named, model, model, **PRIVATE).then(awake, setting, factor, **PRIVATE)
    _endpoints()
    transfer.input(None, transfer, None, js=remember("transfer", "value === 'guided' ? '' : value"), **PRIVATE)
    recolour.input(None, recolour, None, js=remember("recolour", "value || ''"), **PRIVATE)
    return bench


def _colouring(model: str, render_factor: int | None, transfer: Transfer, recolour: bool) -> Colouring:
    return Colouring(model, render_factor, transfer, recolour=recolour)


def _from_address(request: gr.Request) -> tuple[Any, ...]:
    """The settings that the page's address names."""
    asked = dict(request.query_params)
    transfer = asked.get("transfer")
    way = transfer if transfer in [value for _, value in TRANSFERS] else gr.skip()
    recolour = True if asked.get("recolour") == "true" else gr.skip()
    name = asked.get("model")
    chosen = name if name is not None and is_colorizer(name) else DEFAULT_MODEL
    factor = render_factor_of(asked.get("factor"))
    if name != chosen and factor is None:
        return gr.skip(), gr.skip(), way, recolour
    model = gr.Dropdown(model_choices(chosen), value=chosen, info=about_model(chosen))
    return model, costs(chosen, factor, (0, 0)), way, recolour


def _endpoints() -> None:
    with gr.Group(visible=False):  # what only API clients meet
        photo = UploadedPhoto(label="photo", type="filepath", image_mode=None)
        model = SentChoice(model_choices(), value=DEFAULT_MODEL, label="model")
        low, high = RENDER_FACTORS[0], RENDER_FACTORS[-1]
        factor = SentNumber(None, precision=0, minimum=low, maximum=high, label="render_factor")
        transfer = SentChoice([value for _, value in TRANSFERS], value="guided", label="transfer")
        saturation, warmth = SentNumber(1.0, label="saturation"), SentNumber(0.0, label="warmth")
        liveliness, caution = SentNumber(None, label="liveliness"), SentNumber(0.0, label="caution")
        hints = gr.JSON([], label="hints")
    options = [model, factor, transfer, saturation, warmth, liveliness, caution]
    endpoint("colorize", COLORIZE_DESCRIPTION, _colorize, photo, [*options, hints])
    with gr.Group(visible=False):
        recolour = SentCheckbox(False, label="recolour")
    album_endpoint(ALBUM_DESCRIPTION, _album, [*options, recolour])
    endpoint("variants", VARIANTS_DESCRIPTION, _variants, photo, [model, factor], several=True)


def _job(model: object, render_factor: object, transfer: object, **told: object) -> Colouring:
    try:
        adjustments = adjustments_of(told)
    except ValueError as error:
        raise failure(sentence(error)) from error
    if not is_colorizer(model):
        one_of(model, "model", tuple(name for _, name in model_choices()))
    return Colouring(
        cast(str, model),
        whole(render_factor, "render_factor", RENDER_FACTORS),
        cast(Transfer, one_of(transfer, "transfer", tuple(value for _, value in TRANSFERS))),
        adjustments,
    )


def _colorize(
    photo: Sent,
    model: str = DEFAULT_MODEL,
    render_factor: int | None = None,
    transfer: Transfer = "guided",
    saturation: float = 1.0,
    warmth: float = 0.0,
    liveliness: float | None = None,
    caution: float = 0.0,
    hints: list[Any] | None = None,
    progress: gr.Progress = gr.Progress(),  # noqa: B008  (this is how Gradio hands it in)
) -> tuple[str, dict[str, Any]]:
    job = _job(
        model, render_factor, transfer, saturation=saturation, warmth=warmth, liveliness=liveliness, caution=caution,
        hints=hints,
    )  # fmt: skip
    return do_one(job, photo, progress)


def _album(
    photos: list[Sent],
    model: str = DEFAULT_MODEL,
    render_factor: int | None = None,
    transfer: Transfer = "guided",
    saturation: float = 1.0,
    warmth: float = 0.0,
    liveliness: float | None = None,
    caution: float = 0.0,
    recolour: bool = False,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> tuple[str, list[dict[str, Any]]]:
    job = _job(
        model, render_factor, transfer, saturation=saturation, warmth=warmth, liveliness=liveliness, caution=caution
    )
    return do_many(replace(job, recolour=yes_or_no(recolour, "recolour")), photos, progress)


def _variants(
    photo: Sent,
    model: str = DEFAULT_MODEL,
    render_factor: int | None = None,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> tuple[list[str], list[dict[str, Any]]]:
    job = _job(model, render_factor, "guided")
    with one_in_turn(photo) as (path, name):
        files, facts = send_versions(job, path, name, lambda doing, share: progress(share, desc=doing))
    return [str(file) for file in files], facts
