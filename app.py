"""The demo page: Gradio over the package, nothing else. ``python app.py --help`` tells how to serve it.

A Hugging Face Space runs this same file. What a visitor sends is not trusted: see `UploadedPhoto`.
"""

from __future__ import annotations

import functools
import html
import logging
import shutil
import tempfile
import time
from abc import ABCMeta
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, ClassVar, Literal, Protocol, TypeVar, cast

try:  # ZeroGPU's package patches torch, so it comes before anything that may touch CUDA
    spaces: ModuleType | None = import_module("spaces")
except ImportError:
    spaces = None

import gradio as gr
import PIL.Image
import typer
from gradio.data_classes import ImageData
from gradio.utils import get_upload_folder

import deoldify
from deoldify import checkpoints, memory
from deoldify.errors import DeOldifyError
from deoldify.imaging import Transfer
from deoldify.inference import choose_device, choose_precision
from deoldify.photo import Photo, Render, open_photo, save_photo
from deoldify.pipeline import (
    DEFADE_STRENGTHS,
    FACTOR_PIXELS,
    RENDER_FACTORS,
    Colorizer,
    Defader,
    largest_render_factor,
    load,
    load_colorizer,
    restore_photo,
)

MAX_FILE_SIZE = "200mb"
MAX_PIXELS = 100_000_000
MAX_WAITING = 20  # visitors in the queue
FILES_ARE_KEPT = (3600, 7200)  # look once an hour, delete after two
MODELS_IN_MEMORY = 2
PREVIEW_SIDE = 1600  # pixels, of what is compared on the page; the download has all of them
DEFAULT_MODEL = "compact"
DEFADE_MODEL: Literal["defade"] = "defade"
USUAL_FACTOR = 35  # what users of DeOldify know; where the slider stands when it is first shown

TRANSFERS: tuple[tuple[str, Transfer], ...] = (
    ("follow the edges of the photo", "guided"),
    ("plain enlargement, as in 2019", "bilinear"),
    ("show the render itself", "none"),
)

HERE = Path(__file__).resolve().parent
EXAMPLES = [HERE / "examples" / f"{name}.jpg" for name in ("astronaut", "cat", "coffee", "photographer", "rocket")]
FADED_EXAMPLES = [
    HERE / "examples" / "faded" / f"{name}.jpg" for name in ("astronaut", "cat", "coffee", "photographer", "rocket")
]

log = logging.getLogger("deoldify.app")


# What a visitor sends


class _WithoutStub(type(gr.Image)):  # type: ignore[misc]
    """Gradio's metaclass writes a .pyi file beside the source of every component's subclass; this one does not."""

    def __new__(cls, name: str, bases: tuple[type, ...], attributes: dict[str, Any]) -> type:
        return cast(type, ABCMeta.__new__(cls, name, bases, attributes))


class UploadedPhoto(gr.Image, metaclass=_WithoutStub):
    """``gr.Image`` that hands on the path of an uploaded file and opens nothing else.

    The original reads whatever image file of the server an API client names. This one accepts files inside Gradio's
    upload cache only, where a file's folder is a digest that nobody else can guess, and no ``data:`` URLs, which
    evade the limit on the size of an upload.
    """

    def get_block_name(self) -> str:
        return "image"  # the front end knows no other

    def preprocess(self, payload: ImageData | None) -> str | None:
        """
        Parameters:
            payload: an uploaded photo
        Returns:
            The path of the file, of which nothing has been read yet.
        """
        if payload is None:
            return None
        path = self._path_in_cache(payload)
        if path is None:
            raise gr.Error("This photo was not uploaded here. Upload it, then try again.", print_exception=False)
        return str(path)

    def _path_in_cache(self, payload: ImageData) -> Path | None:
        if not payload.path or (payload.url or "").startswith("data:"):
            return None
        try:
            path = Path(payload.path).resolve(strict=True)
        except (OSError, ValueError):  # the answer for what is missing is that for what is elsewhere: no probing
            return None
        return path if path.is_file() and path.is_relative_to(Path(self.GRADIO_CACHE).resolve()) else None


# From a photo to what is made of it


@dataclass(frozen=True)
class ColourFacts:
    """How a photo was coloured; ``wanted_factor`` is more than ``render_factor`` where memory ran short."""

    model: str
    render_factor: int
    wanted_factor: int
    automatic: bool
    transfer: Transfer
    width: int
    height: int
    seconds: float

    def __str__(self) -> str:
        side = self.render_factor * FACTOR_PIXELS
        return (
            f"Coloured in **{self.seconds:.1f} s** by **{self.model}** at render factor {self.render_factor}"
            f"{', chosen automatically' if self.automatic else ''} ({side} × {side} px). "
            f"{_on_shortage(Render(self.model, self.render_factor, self.wanted_factor))}"
            f"The download has all {self.width} × {self.height} pixels."
        )


@dataclass(frozen=True)
class RestoreFacts:
    """How a photo was restored; ``coloured`` where it was black and white and colour was asked for.

    ``renders`` are what it was made with: the defader's, which strength 0 does without, and the colorizer's.
    """

    model: str
    strength: float
    keep_tone: bool
    coloured: bool
    renders: tuple[Render, ...]
    width: int
    height: int
    seconds: float

    def __str__(self) -> str:
        return (
            f"Restored{' and coloured' if self.coloured else ''} in **{self.seconds:.1f} s** by **{self.model}** at "
            f"strength {self.strength:g}{', tone kept' if self.keep_tone else ''}. "
            f"{_on_shortage(*self.renders)}"
            f"The download has all {self.width} × {self.height} pixels."
        )


def _on_shortage(*renders: Render) -> str:
    """A sentence for each render that had to be smaller than it should be."""
    return "".join(
        f"**Memory ran short**, so {render.model} made a smaller render: factor {render.factor} instead of "
        f"{render.wanted}. "
        for render in renders
        if render.factor < render.wanted
    )


Facts = ColourFacts | RestoreFacts


class Job(Protocol):
    """What a visitor asks to be done with a photo: plain data, so that it can be sent to a GPU's process."""

    doing: ClassVar[str]  # as progress tells it
    suffix: ClassVar[str]  # of the result's file name

    @property
    def models(self) -> tuple[str, ...]:
        """The models that must be here."""
        ...

    def __call__(self, photo: Photo) -> tuple[Photo, str]:
        """What is made of the photo, and the label that says so."""
        ...

    def facts(self, result: Photo, label: str, seconds: float) -> Facts:
        """How it was done."""
        ...


@dataclass(frozen=True)
class Colouring:
    """Colour a photo."""

    model: str
    render_factor: int | None
    transfer: Transfer

    doing: ClassVar[str] = "Colouring"
    suffix: ClassVar[str] = "colour"

    @property
    def models(self) -> tuple[str, ...]:
        return (self.model,)

    def __call__(self, photo: Photo) -> tuple[Photo, str]:
        colorizer = _colorizer(self.model)
        return colorizer.colorize_photo(
            photo, render_factor=self.render_factor, transfer=self.transfer
        ), colorizer.label

    def facts(self, result: Photo, label: str, seconds: float) -> ColourFacts:
        automatic, render = self.render_factor is None, result.renders[-1]
        return ColourFacts(
            self.model, render.factor, render.wanted, automatic, self.transfer, result.width, result.height, seconds
        )


@dataclass(frozen=True)
class Restoring:
    """Give a faded photo its tone and colour back and, where that is asked for, colour what is black and white."""

    strength: float
    keep_tone: bool
    colour: bool

    doing: ClassVar[str] = "Restoring"
    suffix: ClassVar[str] = "restored"

    @property
    def models(self) -> tuple[str, ...]:
        return (DEFADE_MODEL, DEFAULT_MODEL) if self.colour else (DEFADE_MODEL,)

    def __call__(self, photo: Photo) -> tuple[Photo, str]:
        defader = _defader()
        if self.colour:
            return restore_photo(
                photo, defader, _colorizer(DEFAULT_MODEL), strength=self.strength, keep_tone=self.keep_tone
            )
        return defader.defade_photo(photo, strength=self.strength, keep_tone=self.keep_tone), defader.label

    def facts(self, result: Photo, label: str, seconds: float) -> RestoreFacts:
        coloured = label != _defader().label
        return RestoreFacts(
            DEFADE_MODEL, self.strength, self.keep_tone, coloured, result.renders, result.width, result.height, seconds
        )


@dataclass(frozen=True)
class Result:
    before: Photo
    after: Photo
    file: Path
    facts: Facts


Worker = TypeVar("Worker", bound=Callable[..., Any])


def _on_gpu(worker: Worker) -> Worker:
    """``worker``, on a ZeroGPU Space run where the GPU is."""
    return worker if spaces is None else cast(Worker, spaces.GPU(worker))


@functools.lru_cache(maxsize=MODELS_IN_MEMORY)
def _colorizer(model: str) -> Colorizer:
    return load_colorizer(model)


@functools.cache
def _defader() -> Defader:
    return load(DEFADE_MODEL)


def _wake(model: str) -> None:
    """Load a model, if it is not loaded already."""
    if model == DEFADE_MODEL:
        _defader()
    else:
        _colorizer(model)


@_on_gpu
def _render(job: Job, photo: Photo) -> tuple[Photo, str]:
    # The job names its models: a ZeroGPU worker is forked with them in it, and only what is passed is pickled.
    return job(photo)


@contextmanager
def _result_folder() -> Iterator[Path]:
    """A new folder inside the upload cache, from where Gradio serves files and in time deletes them."""
    cache = Path(get_upload_folder())
    cache.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=cache))
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _do(job: Job, source: str | None, folder: Path, progress: gr.Progress) -> Result:
    """Do the job on the photo at ``source``, into ``folder``; what goes wrong is a ``gr.Error`` for the visitor."""
    if source is None:
        raise gr.Error("There is no photo yet. Upload one, paste one, or pick an example.", print_exception=False)
    try:
        progress(0.0, desc="Reading the photo")
        before = open_photo(source, max_pixels=MAX_PIXELS)
        for checkpoint in map(checkpoints.find, job.models):
            if checkpoints.locate(checkpoint) is None:
                checkpoints.fetch(checkpoint, progress=lambda p: progress(p.done / p.total, desc=str(p)))
        start = time.perf_counter()  # a download is not the model's fault
        for model in job.models:
            progress(0.1, desc=f"Waking the model {model}")
            _wake(model)
        progress(0.3, desc=job.doing)
        after, label = _render(job, before)
        progress(0.9, desc="Writing the photo")
        file = folder / f"{Path(source).stem}-{job.suffix}{before.suffix}"
        save_photo(after, file, label=label)
    except DeOldifyError as error:
        message = str(error).replace(source, f"“{Path(source).name}”")  # the visitor knows the file by its name
        message = html.escape(message[:1].upper() + message[1:], quote=False)
        raise gr.Error(message, duration=None, print_exception=False) from error
    except Exception as error:
        log.exception("could not finish %s", source)
        raise gr.Error(
            "Something went wrong with this photo; the log of the program tells what. "
            "A smaller render factor, the model compact or another photo may work.",
            duration=None,
            print_exception=False,
        ) from error
    seconds = round(time.perf_counter() - start, 2)
    return Result(before, after, file, job.facts(after, label, seconds))


def _preview(photo: Photo, path: Path) -> str:
    """Write ``photo`` as a browser shows it quickly: 8 bits, on white, at most ``PREVIEW_SIDE`` long."""
    image = photo.to_image()
    image.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE), PIL.Image.Resampling.LANCZOS, reducing_gap=2)
    if image.mode == "RGBA":
        image = PIL.Image.alpha_composite(PIL.Image.new("RGBA", image.size, "white"), image).convert("RGB")
    image.save(path, quality=90, icc_profile=photo.icc_profile)
    return str(path)


# The page


def _megabytes(amount: int) -> str:
    return f"{amount / 1e6:.0f} MB"


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


def _factor_label(factor: int, *costs: str) -> str:
    side = factor * FACTOR_PIXELS
    kept_together = [cost.replace(" ", "\N{NO-BREAK SPACE}") for cost in costs]
    return ", ".join([f"Render factor {factor}: the model sees {side} × {side} pixels", *kept_together])


def _slider(model: str, automatic: bool, factor: float) -> Any:
    """The slider with what its position costs on this machine, and no longer than what fits into free memory."""
    if automatic:  # then nobody sees it
        return gr.skip()
    if spaces is not None:  # there the GPU is elsewhere, and not ours yet
        return gr.Slider(label=_factor_label(int(factor)))
    checkpoint, device = checkpoints.find(model), choose_device("auto")
    kind = checkpoint.config, device, choose_precision("auto", device)
    free = memory.free_bytes(device)
    if memory.render_seconds(*kind, memory.CALIBRATION_SIDE) is None:  # the model still sleeps
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
    costs = [f"takes {_megabytes(memory.render_cost(*kind, side).bytes)}"]
    seconds = memory.render_seconds(*kind, side)
    if seconds is not None:
        costs.append(f"about {_seconds(seconds)}")
    moved: dict[str, Any] = {} if shown == factor else {"value": shown}  # else it would jump back under the mouse
    return gr.Slider(interactive=True, maximum=largest, label=_factor_label(shown, *costs), info=info, **moved)


def _slider_of_awake_model(model: str, automatic: bool, factor: float) -> Any:
    """The slider, once the model is here and can tell how fast it is."""
    if spaces is None:
        _colorizer(model).seconds(int(factor))
    return _slider(model, automatic, factor)


def _seconds(amount: float) -> str:
    return f"{amount:.1f} s" if amount < 9.95 else f"{amount:.0f} s"


def _for_page(job: Job, photo: str | None, progress: gr.Progress) -> tuple[tuple[str, str], gr.DownloadButton, str]:
    """What a tab shows of a job: before and after, the download, how it was done."""
    with _result_folder() as folder:
        result = _do(job, photo, folder, progress)
        pair = _preview(result.before, folder / "before.jpg"), _preview(result.after, folder / "after.jpg")
    button = gr.DownloadButton(f"Download {result.file.name}", value=str(result.file), visible=True)
    return pair, button, str(result.facts)


def _for_api(job: Job, photo: str, progress: gr.Progress) -> tuple[str, dict[str, Any]]:
    """What an API client gets of a job."""
    with _result_folder() as folder:
        result = _do(job, photo, folder, progress)
    return str(result.file), asdict(result.facts)


def _colorize_for_page(
    photo: str | None,
    model: str,
    automatic: bool,
    render_factor: float,
    transfer: Transfer,
    progress: gr.Progress = gr.Progress(),  # noqa: B008  (this is how Gradio hands it in)
) -> tuple[tuple[str, str], gr.DownloadButton, str]:
    return _for_page(Colouring(model, None if automatic else int(render_factor), transfer), photo, progress)


def _colorize_for_api(
    photo: str,
    model: str = DEFAULT_MODEL,
    render_factor: int | None = None,
    transfer: Transfer = "guided",
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> tuple[str, dict[str, Any]]:
    return _for_api(Colouring(model, render_factor, transfer), photo, progress)


def _restore_for_page(
    photo: str | None,
    strength: float,
    keep_tone: bool,
    colour: bool,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> tuple[tuple[str, str], gr.DownloadButton, str]:
    return _for_page(Restoring(strength, keep_tone, colour), photo, progress)


def _defade_for_api(
    photo: str,
    strength: float = 1.0,
    keep_tone: bool = False,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> tuple[str, dict[str, Any]]:
    return _for_api(Restoring(strength, keep_tone, colour=False), photo, progress)


def _restore_for_api(
    photo: str,
    strength: float = 1.0,
    keep_tone: bool = False,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> tuple[str, dict[str, Any]]:
    return _for_api(Restoring(strength, keep_tone, colour=True), photo, progress)


def _no_result() -> tuple[None, gr.DownloadButton, str]:
    return None, gr.DownloadButton(visible=False), NO_RESULT_YET


ABOUT_FACTORS = "Small factors paint boldly, large ones follow detail."
NO_RESULT_YET = "The photo appears here, before and after; drag the handle to compare."
COLORIZE_DESCRIPTION = f"""Colour a black-and-white photograph. Two values come back: the coloured photo, in the format
and at the size of the one sent, its EXIF and ICC profile kept; and how it was coloured (model, render_factor,
wanted_factor, automatic, transfer, width, height, seconds), where wanted_factor is more than render_factor if memory
ran short. photo: an image file. model: one of the names listed; a model that is not on the server yet is downloaded
first. render_factor: side of the square that the model sees, in units of
{FACTOR_PIXELS} pixels, {RENDER_FACTORS[0]} to {RENDER_FACTORS[-1]}; none chooses it by the photo and what is free of
memory. transfer: how colour gets to full size, guided, bilinear or none."""
RESTORED_COMES_BACK = f"""Two values come back: the restored photo, in the format and at the size of the one sent, its
EXIF and ICC profile kept; and how it was restored (model, strength, keep_tone, coloured, renders, width, height,
seconds), where renders tells model, factor and wanted of each, wanted being more than factor if memory ran short.
photo: an image file. strength: {DEFADE_STRENGTHS[0]:g} changes nothing, 1 restores, up to {DEFADE_STRENGTHS[1]:g}
overdoes. keep_tone: restore brightness and contrast alone, so that the colour stays as it is, such as sepia."""
DEFADE_DESCRIPTION = f"Give a faded photograph its tone and colour back. {RESTORED_COMES_BACK}"
RESTORE_DESCRIPTION = (
    f"Give a faded photograph its tone and colour back, and colour it if it is black and white. {RESTORED_COMES_BACK}"
)

PRIVATE: Any = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
ONE_AT_A_TIME: Any = {"concurrency_id": "generator", "concurrency_limit": 1}


def _photo_and_examples(prefix: str, examples: list[Path], label: str) -> UploadedPhoto:
    """Where a tab's photo comes in. ``prefix`` keeps the elements of the tabs apart, here and below."""
    photo = UploadedPhoto(
        label="Your photo", type="filepath", image_mode=None, sources=["upload", "clipboard"], buttons=[],
        height=300, elem_id=f"{prefix}photo", placeholder="Drop a photo here\n– or –\nclick to choose one",
        alt_text="Your photo",
    )  # fmt: skip
    gr.Examples([[str(path)] for path in examples], [photo], label=label, elem_id=f"{prefix}examples")
    return photo


def _before_and_after(prefix: str) -> list[Any]:
    """Where a tab's result appears: what ``_for_page`` fills."""
    comparison = gr.ImageSlider(
        label="Before and after", interactive=False, buttons=["fullscreen"], max_height=640,
        elem_id=f"{prefix}comparison",
    )  # fmt: skip
    facts = gr.Markdown(NO_RESULT_YET, elem_id=f"{prefix}facts")
    download = gr.DownloadButton("Download", visible=False, variant="primary", elem_id=f"{prefix}download")
    return [comparison, download, facts]


def _connect(
    prefix: str,
    button: gr.Button,
    work: Callable[..., Any],
    photo: UploadedPhoto,
    options: list[Any],
    result: list[Any],
) -> Any:
    """Let the button do the work on the photo, and another photo clear the result; the event that ends it."""
    # On a telephone the result lies below the button; where it is in sight already, this does nothing.
    show = f"() => document.getElementById('{prefix}result').scrollIntoView({{block: 'nearest', behavior: 'smooth'}})"
    photo.change(_no_result, None, result, **PRIVATE)
    button.click(None, js=show)
    done = button.click(
        work, [photo, *options], result, show_progress_on=result[0], api_visibility="private", **ONE_AT_A_TIME
    )
    done.success(None, js=show)
    done.failure(_no_result, None, result, **PRIVATE)
    return done


def _endpoint(name: str, description: str, work: Callable[..., Any], inputs: list[Any]) -> None:
    """An API endpoint, by elements of which nothing is seen on the page."""
    with gr.Group(visible=False):
        photo, facts, trigger = gr.File(label="photo"), gr.JSON(label="facts"), gr.Button()
    trigger.click(work, inputs, [photo, facts], api_name=name, api_description=description, **ONE_AT_A_TIME)


def colorize_tab(page: gr.Blocks) -> None:
    """Everything about colouring a photo, and its API endpoint ``/colorize``; called inside ``page``."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=320):
            photo = _photo_and_examples("", EXAMPLES, "Or try one of these")
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
            result = _before_and_after("")
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
    done = _connect("", button, _colorize_for_page, photo, [*setting, transfer], result)
    done.then(lambda name: gr.Dropdown(_model_choices(), info=_about_model(name)), model, model, **PRIVATE)
    done.success(_slider_of_awake_model, setting, factor, **PRIVATE)
    _endpoint("colorize", COLORIZE_DESCRIPTION, _colorize_for_api, [photo, model, api_factor, transfer])


def defade_tab() -> None:
    """Everything about faded photos, and the API endpoints ``/defade`` and ``/restore``; called inside the page."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=320):
            photo = _photo_and_examples(
                "defade-", FADED_EXAMPLES, "Or try one of these: fresh photographs, faded on purpose by a simulation"
            )
            strength = gr.Slider(
                *DEFADE_STRENGTHS, 1.0, step=0.05, label="Strength", elem_id="strength",
                info="0 leaves the photo as it is, 1 restores it, more overdoes.",
            )  # fmt: skip
            keep_tone = gr.Checkbox(
                False, label="Keep the tone", elem_id="keep-tone",
                info="Brightness and contrast come back, the colour stays as it is: sepia stays sepia.",
            )  # fmt: skip
            colour = gr.Checkbox(False, label="And colour it if it is black and white", elem_id="colour")
            button = gr.Button("Restore", variant="primary", size="lg", elem_id="defade")
        with gr.Column(scale=3, min_width=320, elem_id="defade-result"):
            result = _before_and_after("defade-")

    _connect("defade-", button, _restore_for_page, photo, [strength, keep_tone, colour], result)
    _endpoint("defade", DEFADE_DESCRIPTION, _defade_for_api, [photo, strength, keep_tone])
    _endpoint("restore", RESTORE_DESCRIPTION, _restore_for_api, [photo, strength, keep_tone])


INTRODUCTION = """# DeOldify

Gives black-and-white photographs colour, and faded ones their tone and colour back. What comes back is a guess by AI,
not a record of what was there; photos stay on the computer that runs this page."""

CSS = """
.gradio-container {width: 100% !important; max-width: 1320px !important; margin: 0 auto !important}
.gradio-container footer .divider {visibility: hidden}
"""

THEME = gr.themes.Default(
    primary_hue="teal",
    neutral_hue="stone",
    font=[gr.themes.LocalFont("Source Sans Pro", weights=(400, 700)), "system-ui", "sans-serif"],
).set(
    block_info_text_color="*neutral_600",
    button_primary_background_fill="*primary_700",  # light enough to stand out, dark enough for white letters
    button_primary_background_fill_hover="*primary_800",
    button_primary_background_fill_dark="*primary_700",
    button_primary_background_fill_hover_dark="*primary_600",
)


def build() -> gr.Blocks:
    """The whole page, not yet served."""
    page: gr.Blocks
    with gr.Blocks(title="DeOldify", analytics_enabled=False, delete_cache=FILES_ARE_KEPT) as page:
        gr.Markdown(INTRODUCTION)
        with gr.Tab("Colorize"):
            colorize_tab(page)
        with gr.Tab("Restore faded photos"):
            defade_tab()
    page.queue(max_size=MAX_WAITING, default_concurrency_limit=1, api_open=False)
    return page


demo = build()


def serve(
    host: Annotated[
        str | None,
        typer.Option(
            "--host", "--server-name", envvar="GRADIO_SERVER_NAME", show_default="127.0.0.1",
            help="Address to listen on. 0.0.0.0 lets other computers in your network open the page.",
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            "--port", "--server-port", envvar="GRADIO_SERVER_PORT", min=1, max=65535,
            show_default="the first free one from 7860", help="Port to listen on.",
        ),
    ] = None,
    share: Annotated[
        bool, typer.Option("--share", envvar="GRADIO_SHARE", help="Also open a public link, through Gradio's server.")
    ] = False,
    auth: Annotated[
        list[str] | None,
        typer.Option(
            "--auth", envvar="GRADIO_AUTH", metavar="USER:PASSWORD", show_envvar=True,
            help="Ask visitors for this name and password. May be given several times.",
        ),
    ] = None,
) -> None:  # fmt: skip
    """Serve the DeOldify page: an old photo in, a coloured or restored one out."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    users = [tuple(pair.split(":", 1)) for pair in auth or []]
    if any(len(user) != 2 or not all(user) for user in users):
        raise typer.BadParameter("write it as USER:PASSWORD", param_hint="--auth")
    demo.launch(
        server_name=host,
        server_port=port,
        share=share or None,  # None lets Gradio decide, as it must in a notebook
        auth=cast(list[tuple[str, str]], users) or None,
        max_file_size=MAX_FILE_SIZE,
        strict_cors=True,
        show_error=False,
        enable_monitoring=False,
        run_history=False,
        ssr_mode=False,
        footer_links=["api", "settings"],
        theme=THEME,
        css=CSS,
    )


if __name__ == "__main__":
    typer.run(serve)
