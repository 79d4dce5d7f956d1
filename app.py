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
from typing import Annotated, Any, TypeVar, cast

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
from deoldify import checkpoints
from deoldify.errors import DeOldifyError
from deoldify.imaging import Transfer
from deoldify.photo import Photo, open_photo, save_photo
from deoldify.pipeline import FACTOR_PIXELS, RENDER_FACTORS, Colorizer, load_colorizer

MAX_FILE_SIZE = "200mb"
MAX_PIXELS = 100_000_000
MAX_WAITING = 20  # visitors in the queue
FILES_ARE_KEPT = (3600, 7200)  # look once an hour, delete after two
MODELS_IN_MEMORY = 2
PREVIEW_SIDE = 1600  # pixels, of what is compared on the page; the download has all of them
DEFAULT_MODEL = "compact"
USUAL_FACTOR = 35  # what users of DeOldify know; where the slider stands when it is first shown

TRANSFERS: tuple[tuple[str, Transfer], ...] = (
    ("follow the edges of the photo", "guided"),
    ("plain enlargement, as in 2019", "bilinear"),
    ("show the render itself", "none"),
)

HERE = Path(__file__).resolve().parent
EXAMPLES = [HERE / "examples" / f"{name}.jpg" for name in ("astronaut", "cat", "coffee", "photographer", "rocket")]

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


# From a photo to a coloured one


@dataclass(frozen=True)
class Facts:
    """How a photo was coloured."""

    model: str
    render_factor: int
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
            f"The download has all {self.width} × {self.height} pixels."
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


@_on_gpu
def _render(model: str, photo: Photo, render_factor: int, transfer: Transfer) -> Photo:
    # By name: a ZeroGPU worker is forked with the colorizer in it, and only what is passed is pickled.
    return _colorizer(model).colorize_photo(photo, render_factor=render_factor, transfer=transfer)


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


def _colorize(
    source: str | None, model: str, render_factor: int | None, transfer: Transfer, folder: Path, progress: gr.Progress
) -> Result:
    """Colour the photo at ``source`` into ``folder``; whatever goes wrong becomes a ``gr.Error`` for the visitor."""
    if source is None:
        raise gr.Error("There is no photo yet. Upload one, paste one, or pick an example.", print_exception=False)
    try:
        progress(0.0, desc="Reading the photo")
        before = open_photo(source, max_pixels=MAX_PIXELS)
        checkpoint = checkpoints.find(model)
        if checkpoints.locate(checkpoint) is None:
            checkpoints.fetch(checkpoint, progress=lambda p: progress(p.done / p.total, desc=str(p)))
        start = time.perf_counter()  # a download is not the model's fault
        progress(0.1, desc=f"Waking the model {model}")
        colorizer = _colorizer(model)
        automatic = colorizer.auto_render_factor(before.width, before.height)
        factor = automatic if render_factor is None else render_factor
        progress(0.3, desc=f"Colouring at {factor * FACTOR_PIXELS} pixels")
        after = _render(model, before, factor, transfer)
        progress(0.9, desc="Writing the photo")
        file = folder / f"{Path(source).stem}-colour{before.suffix}"
        save_photo(after, file, label=f"Coloured by DeOldify ({model}); the colours are a guess by AI")
    except DeOldifyError as error:
        message = str(error).replace(source, f"“{Path(source).name}”")  # the visitor knows the file by its name
        message = html.escape(message[:1].upper() + message[1:], quote=False)
        raise gr.Error(message, duration=None, print_exception=False) from error
    except Exception as error:
        log.exception("could not colour %s", source)
        raise gr.Error(
            "Something went wrong while this photo was coloured; the log of the program tells what. "
            "A smaller render factor, the model compact or another photo may work.",
            duration=None,
            print_exception=False,
        ) from error
    seconds = round(time.perf_counter() - start, 2)
    facts = Facts(model, factor, render_factor is None, transfer, before.width, before.height, seconds)
    return Result(before, after, file, facts)


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


def _factor_label(factor: float) -> str:
    side = int(factor) * FACTOR_PIXELS
    return f"Render factor {int(factor)}: the model sees {side} × {side} pixels"


def _colorize_for_page(
    photo: str | None,
    model: str,
    automatic: bool,
    render_factor: float,
    transfer: Transfer,
    progress: gr.Progress = gr.Progress(),  # noqa: B008  (this is how Gradio hands it in)
) -> tuple[tuple[str, str], gr.DownloadButton, str]:
    with _result_folder() as folder:
        result = _colorize(photo, model, None if automatic else int(render_factor), transfer, folder, progress)
        pair = _preview(result.before, folder / "before.jpg"), _preview(result.after, folder / "after.jpg")
    button = gr.DownloadButton(f"Download {result.file.name}", value=str(result.file), visible=True)
    return pair, button, str(result.facts)


def _colorize_for_api(
    photo: str,
    model: str = DEFAULT_MODEL,
    render_factor: int | None = None,
    transfer: Transfer = "guided",
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> tuple[str, dict[str, Any]]:
    with _result_folder() as folder:
        result = _colorize(photo, model, render_factor, transfer, folder, progress)
    return str(result.file), asdict(result.facts)


def _no_result() -> tuple[None, gr.DownloadButton, str]:
    return None, gr.DownloadButton(visible=False), NO_RESULT_YET


NO_RESULT_YET = "The photo appears here, before and after; drag the handle to compare."
API_DESCRIPTION = f"""Colour a black-and-white photograph. Two values come back: the coloured photo, in the format and
at the size of the one sent, its EXIF and ICC profile kept; and how it was coloured (model, render_factor, automatic,
transfer, width, height, seconds). photo: an image file. model: one of the names listed; a model that is not on the
server yet is downloaded first. render_factor: side of the square that the model sees, in units of
{FACTOR_PIXELS} pixels, {RENDER_FACTORS[0]} to {RENDER_FACTORS[-1]}; none chooses it by the photo.
transfer: how colour gets to full size, guided, bilinear or none."""


def colorize_tab(page: gr.Blocks) -> None:
    """Everything about colouring a photo, and its API endpoint ``/colorize``; called inside ``page``."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=320):
            photo = UploadedPhoto(
                label="Your photo", type="filepath", image_mode=None, sources=["upload", "clipboard"], buttons=[],
                height=300, elem_id="photo", placeholder="Drop a photo here\n– or –\nclick to choose one",
                alt_text="Your photo",
            )  # fmt: skip
            gr.Examples([[str(path)] for path in EXAMPLES], [photo], label="Or try one of these", elem_id="examples")
            model = gr.Dropdown(
                _model_choices(), value=DEFAULT_MODEL, label="Model", info=_about_model(DEFAULT_MODEL),
                filterable=False, elem_id="model",
            )  # fmt: skip
            automatic = gr.Checkbox(True, label="Choose the render factor automatically", elem_id="automatic")
            factor = gr.Slider(
                RENDER_FACTORS[0], RENDER_FACTORS[-1], USUAL_FACTOR, step=1, precision=0, visible=False,
                label=_factor_label(USUAL_FACTOR), info="Small factors paint boldly, large ones follow detail.",
                elem_id="factor",
            )  # fmt: skip
            with gr.Accordion("Details", open=False):
                transfer = gr.Radio(TRANSFERS, value="guided", label="How colour gets to full size")
            button = gr.Button("Colorize", variant="primary", size="lg", elem_id="colorize")
        with gr.Column(scale=3, min_width=320, elem_id="result"):
            comparison = gr.ImageSlider(
                label="Before and after", interactive=False, buttons=["fullscreen"], max_height=640,
                elem_id="comparison",
            )  # fmt: skip
            facts = gr.Markdown(NO_RESULT_YET, elem_id="facts")
            download = gr.DownloadButton("Download", visible=False, variant="primary", elem_id="download")

    with gr.Group(visible=False):  # what only API clients meet
        api_factor = gr.Number(
            None, precision=0, minimum=RENDER_FACTORS[0], maximum=RENDER_FACTORS[-1], label="render_factor"
        )
        api_photo, api_facts, api_trigger = gr.File(label="photo"), gr.JSON(label="facts"), gr.Button()

    private: Any = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
    page.load(lambda: gr.Dropdown(_model_choices()), None, model, **private)  # some may be here since the start
    model.change(lambda name: gr.Dropdown(info=_about_model(name)), model, model, **private)
    automatic.change(lambda on: gr.Slider(visible=not on), automatic, factor, **private)
    factor.change(lambda value: gr.Slider(label=_factor_label(value)), factor, factor, **private)
    photo.change(_no_result, None, [comparison, download, facts], **private)
    button.click(None, js=SHOW_RESULT)

    one_at_a_time: Any = {"concurrency_id": "generator", "concurrency_limit": 1}
    coloured = button.click(
        _colorize_for_page, [photo, model, automatic, factor, transfer], [comparison, download, facts],
        show_progress_on=comparison, api_visibility="private", **one_at_a_time,
    )  # fmt: skip
    coloured.success(None, js=SHOW_RESULT)
    coloured.failure(_no_result, None, [comparison, download, facts], **private)
    coloured.then(lambda name: gr.Dropdown(_model_choices(), info=_about_model(name)), model, model, **private)
    api_trigger.click(
        _colorize_for_api, [photo, model, api_factor, transfer], [api_photo, api_facts],
        api_name="colorize", api_description=API_DESCRIPTION, **one_at_a_time,
    )  # fmt: skip


# On a telephone the result lies below the button; where it is in sight already, this does nothing.
SHOW_RESULT = "() => document.getElementById('result').scrollIntoView({block: 'nearest', behavior: 'smooth'})"

INTRODUCTION = """# DeOldify

Gives black-and-white photographs colour. The colours are a guess by AI, not a record of what was there;
photos stay on the computer that runs this page."""

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
        colorize_tab(page)
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
    """Serve the DeOldify page: a photo in, a colour photo out."""
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
