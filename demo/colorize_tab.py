"""The tab that colours a photo, and its API endpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

import deoldify
from demo import gpu
from demo.jobs import DEFAULT_MODEL, Colouring, loaded_colorizer
from demo.parts import PRIVATE, before_and_after, connect, endpoint, for_api, for_page, photo_and_examples
from deoldify import checkpoints
from deoldify.imaging import Transfer
from deoldify.model import FACTOR_PIXELS, RENDER_FACTORS, largest_render_factor
from deoldify.network import choose_device, choose_precision, cost, memory

USUAL_FACTOR = 35  # what users of DeOldify know; where the slider stands when it is first shown
TRANSFERS: tuple[tuple[str, Transfer], ...] = (
    ("follow the edges of the photo", "guided"),
    ("plain enlargement, as in 2019", "bilinear"),
    ("show the render itself", "none"),
)

_FOLDER = Path(__file__).resolve().parents[1] / "examples"
EXAMPLES = [_FOLDER / f"{name}.jpg" for name in ("astronaut", "cat", "coffee", "photographer", "rocket")]

ABOUT_FACTORS = "Small factors paint boldly, large ones follow detail."
COLORIZE_DESCRIPTION = f"""Colour a black-and-white photograph. Two values come back: the coloured photo, in the format
and at the size of the one sent, its EXIF and ICC profile kept; and how it was coloured (model, render_factor,
wanted_factor, automatic, transfer, width, height, seconds), where wanted_factor is more than render_factor if memory
ran short. photo: an image file. model: one of the names listed; a model that is not on the server yet is downloaded
first. render_factor: side of the square that the model sees, in units of
{FACTOR_PIXELS} pixels, {RENDER_FACTORS[0]} to {RENDER_FACTORS[-1]}; none chooses it by the photo and what is free of
memory. transfer: how colour gets to full size, guided, bilinear or none."""


def colorize_tab(page: gr.Blocks) -> None:
    """Everything about colouring a photo, and its API endpoint ``/colorize``; called inside ``page``."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=320):
            photo = photo_and_examples("", EXAMPLES, "Or try one of these")
            model = gr.Dropdown(
                _model_choices(), value=DEFAULT_MODEL, label="Model", info=_about_model(DEFAULT_MODEL),
                filterable=False, elem_id="model",
            )  # fmt: skip
            automatic = gr.Checkbox(True, label="Choose the render factor automatically", elem_id="automatic")
            factor = gr.Slider(
                RENDER_FACTORS[0], RENDER_FACTORS[-1], USUAL_FACTOR, step=1, precision=0, visible=False,
                label=_factor_label(USUAL_FACTOR), info=ABOUT_FACTORS, elem_id="factor",
            )  # fmt: skip
            with gr.Accordion("Details", open=False):
                transfer = gr.Radio(TRANSFERS, value="guided", label="How colour gets to full size")
            button = gr.Button("Colorize", variant="primary", size="lg", elem_id="colorize")
        with gr.Column(scale=3, min_width=320, elem_id="result"):
            result = before_and_after("")
    with gr.Group(visible=False):  # what only API clients meet
        api_factor = gr.Number(
            None, precision=0, minimum=RENDER_FACTORS[0], maximum=RENDER_FACTORS[-1], label="render_factor"
        )

    page.load(lambda: gr.Dropdown(_model_choices()), None, model, **PRIVATE)  # some may be here since the start
    model.change(lambda name: gr.Dropdown(info=_about_model(name)), model, model, **PRIVATE)
    setting = [model, automatic, factor]
    seen = automatic.change(lambda on: gr.Slider(visible=not on), automatic, factor, **PRIVATE)
    seen.then(_slider, setting, factor, **PRIVATE)
    gr.on([model.change, factor.change], _slider, setting, factor, trigger_mode="always_last", **PRIVATE)
    done = connect("", button, _colorize_for_page, photo, [*setting, transfer], result)
    done.then(lambda name: gr.Dropdown(_model_choices(), info=_about_model(name)), model, model, **PRIVATE)
    done.success(_slider_of_awake_model, setting, factor, **PRIVATE)
    endpoint("colorize", COLORIZE_DESCRIPTION, _colorize_for_api, [photo, model, api_factor, transfer])


def _model_choices() -> list[tuple[str, str]]:
    return [
        (info.name if info.here else f"{info.name} · {_megabytes(info.bytes)} download", info.name)
        for info in deoldify.models()
        if info.task == "colorize"
    ]


def _about_model(name: str) -> str:
    info = next(info for info in deoldify.models() if info.name == name)
    origin = checkpoints.find(name).origin
    about = f"{origin[:1].upper()}{origin[1:]}. Licence: {info.licence}."
    if info.here:
        return about
    return f"**Not here yet: *Colorize* first downloads {_megabytes(info.bytes)}** from the {info.source}. {about}"


def _slider(model: str, automatic: bool, factor: float) -> Any:
    """The slider with what its position costs on this machine, and no longer than what fits into free memory."""
    if automatic:  # then nobody sees it
        return gr.skip()
    if gpu.ELSEWHERE:  # there the GPU is elsewhere, and not ours yet
        return gr.Slider(label=_factor_label(int(factor)))
    checkpoint, device = checkpoints.find(model), choose_device("auto")
    kind = checkpoint.config, device, choose_precision("auto", device)
    free = memory.free_bytes(device)
    if cost.render_seconds(*kind, cost.CALIBRATION_SIDE) is None:  # the model still sleeps
        free -= checkpoint.bytes
    largest = largest_render_factor(*kind, free)
    if largest is None:
        shortage = f"{_megabytes(max(free, 0))} of memory are free, and not even the smallest render fits into that."
        return gr.Slider(interactive=False, label=_factor_label(int(factor)), info=shortage)
    info = ABOUT_FACTORS
    if largest < RENDER_FACTORS[-1]:
        info += f" The largest that fits into the memory that is free now ({_megabytes(free)}) is {largest}."
    shown = min(int(factor), largest)
    side = shown * FACTOR_PIXELS
    costs = [f"takes {_megabytes(cost.render_cost(*kind, side).bytes)}"]
    seconds = cost.render_seconds(*kind, side)
    if seconds is not None:
        costs.append(f"about {_seconds(seconds)}")
    moved: dict[str, Any] = {} if shown == factor else {"value": shown}  # else it would jump back under the mouse
    return gr.Slider(interactive=True, maximum=largest, label=_factor_label(shown, *costs), info=info, **moved)


def _slider_of_awake_model(model: str, automatic: bool, factor: float) -> Any:
    """The slider, once the model is here and can tell how fast it is."""
    if not gpu.ELSEWHERE:
        loaded_colorizer(model).seconds(int(factor))
    return _slider(model, automatic, factor)


def _factor_label(factor: int, *costs: str) -> str:
    side = factor * FACTOR_PIXELS
    kept_together = [cost.replace(" ", "\N{NO-BREAK SPACE}") for cost in costs]
    return ", ".join([f"Render factor {factor}: the model sees {side} × {side} pixels", *kept_together])


def _megabytes(amount: int) -> str:
    return f"{amount / 1e6:.0f} MB"


def _seconds(amount: float) -> str:
    return f"{amount:.1f} s" if amount < 9.95 else f"{amount:.0f} s"


def _colorize_for_page(
    photo: str | None,
    model: str,
    automatic: bool,
    render_factor: float,
    transfer: Transfer,
    progress: gr.Progress = gr.Progress(),  # noqa: B008  (this is how Gradio hands it in)
) -> tuple[tuple[str, str], gr.DownloadButton, str]:
    return for_page(Colouring(model, None if automatic else int(render_factor), transfer), photo, progress)


def _colorize_for_api(
    photo: str,
    model: str = DEFAULT_MODEL,
    render_factor: int | None = None,
    transfer: Transfer = "guided",
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> tuple[str, dict[str, Any]]:
    return for_api(Colouring(model, render_factor, transfer), photo, progress)
