"""The tab that restores a faded photo, and its API endpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from demo.jobs import Restoring
from demo.parts import before_and_after, connect, endpoint, for_api, for_page, photo_and_examples
from deoldify.defader import DEFADE_STRENGTHS

_FOLDER = Path(__file__).resolve().parents[1] / "examples" / "faded"
FADED_EXAMPLES = [_FOLDER / f"{name}.jpg" for name in ("astronaut", "cat", "coffee", "photographer", "rocket")]
RESTORED_COMES_BACK = f"""Two values come back: the restored photo, in the format and at the size of the one sent, its
EXIF and ICC profile kept; and how it was restored (model, strength, keep_tone, coloured, renders, width, height,
seconds), where renders tells model, factor and wanted of each, wanted being more than factor if memory ran short.
photo: an image file. strength: {DEFADE_STRENGTHS[0]:g} changes nothing, 1 restores, up to {DEFADE_STRENGTHS[1]:g}
overdoes. keep_tone: restore brightness and contrast alone, so that the colour stays as it is, such as sepia."""
DEFADE_DESCRIPTION = f"Give a faded photograph its tone and colour back. {RESTORED_COMES_BACK}"
RESTORE_DESCRIPTION = (
    f"Give a faded photograph its tone and colour back, and colour it if it is black and white. {RESTORED_COMES_BACK}"
)


def defade_tab() -> None:
    """Everything about faded photos, and the API endpoints ``/defade`` and ``/restore``; called inside the page."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=320):
            photo = photo_and_examples(
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
            result = before_and_after("defade-")

    connect("defade-", button, _restore_for_page, photo, [strength, keep_tone, colour], result)
    endpoint("defade", DEFADE_DESCRIPTION, _defade_for_api, [photo, strength, keep_tone])
    endpoint("restore", RESTORE_DESCRIPTION, _restore_for_api, [photo, strength, keep_tone])


def _restore_for_page(
    photo: str | None,
    strength: float,
    keep_tone: bool,
    colour: bool,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> tuple[tuple[str, str], gr.DownloadButton, str]:
    return for_page(Restoring(strength, keep_tone, colour), photo, progress)


def _defade_for_api(
    photo: str,
    strength: float = 1.0,
    keep_tone: bool = False,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> tuple[str, dict[str, Any]]:
    return for_api(Restoring(strength, keep_tone, colour=False), photo, progress)


def _restore_for_api(
    photo: str,
    strength: float = 1.0,
    keep_tone: bool = False,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> tuple[str, dict[str, Any]]:
    return for_api(Restoring(strength, keep_tone, colour=True), photo, progress)
