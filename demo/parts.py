"""What the tabs share: where a photo comes in, where its result appears, and how the two are connected."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gradio as gr
import PIL.Image
from gradio.utils import get_upload_folder

from demo.jobs import Job, do
from demo.uploads import UploadedPhoto
from deoldify.photo import Photo

PREVIEW_SIDE = 1600  # pixels, of what is compared on the page; the download has all of them

NO_RESULT_YET = "The photo appears here, before and after; drag the handle to compare."

PRIVATE: Any = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
ONE_AT_A_TIME: Any = {"concurrency_id": "generator", "concurrency_limit": 1}

# From a job to what is shown or sent


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


def _preview(photo: Photo, path: Path) -> str:
    """Write ``photo`` as a browser shows it quickly: 8 bits, on white, at most ``PREVIEW_SIDE`` long."""
    image = photo.to_image()
    image.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE), PIL.Image.Resampling.LANCZOS, reducing_gap=2)
    if image.mode == "RGBA":
        image = PIL.Image.alpha_composite(PIL.Image.new("RGBA", image.size, "white"), image).convert("RGB")
    image.save(path, quality=90, icc_profile=photo.icc_profile)
    return str(path)


def for_page(job: Job, photo: str | None, progress: gr.Progress) -> tuple[tuple[str, str], gr.DownloadButton, str]:
    """What a tab shows of a job: before and after, the download, how it was done."""
    with _result_folder() as folder:
        result = do(job, photo, folder, progress)
        pair = _preview(result.before, folder / "before.jpg"), _preview(result.after, folder / "after.jpg")
    button = gr.DownloadButton(f"Download {result.file.name}", value=str(result.file), visible=True)
    return pair, button, str(result.facts)


def for_api(job: Job, photo: str, progress: gr.Progress) -> tuple[str, dict[str, Any]]:
    """What an API client gets of a job."""
    with _result_folder() as folder:
        result = do(job, photo, folder, progress)
    return str(result.file), asdict(result.facts)


def _no_result() -> tuple[None, gr.DownloadButton, str]:
    return None, gr.DownloadButton(visible=False), NO_RESULT_YET


# Elements


def photo_and_examples(prefix: str, examples: list[Path], label: str) -> UploadedPhoto:
    """Where a tab's photo comes in. ``prefix`` keeps the elements of the tabs apart, here and below."""
    photo = UploadedPhoto(
        label="Your photo", type="filepath", image_mode=None, sources=["upload", "clipboard"], buttons=[],
        height=300, elem_id=f"{prefix}photo", placeholder="Drop a photo here\n– or –\nclick to choose one",
        alt_text="Your photo",
    )  # fmt: skip
    gr.Examples([[str(path)] for path in examples], [photo], label=label, elem_id=f"{prefix}examples")
    return photo


def before_and_after(prefix: str) -> list[Any]:
    """Where a tab's result appears: what ``for_page`` fills."""
    comparison = gr.ImageSlider(
        label="Before and after", interactive=False, buttons=["fullscreen"], max_height=640,
        elem_id=f"{prefix}comparison",
    )  # fmt: skip
    facts = gr.Markdown(NO_RESULT_YET, elem_id=f"{prefix}facts")
    download = gr.DownloadButton("Download", visible=False, variant="primary", elem_id=f"{prefix}download")
    return [comparison, download, facts]


def connect(
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


def endpoint(name: str, description: str, work: Callable[..., Any], inputs: list[Any]) -> None:
    """An API endpoint, by elements of which nothing is seen on the page."""
    with gr.Group(visible=False):
        photo, facts, trigger = gr.File(label="photo"), gr.JSON(label="facts"), gr.Button()
    trigger.click(work, inputs, [photo, facts], api_name=name, api_description=description, **ONE_AT_A_TIME)
