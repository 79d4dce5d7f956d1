"""The page's offer of truer colours: one line, a button, progress and a way out; nothing is fetched by itself."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from typing import Any

import gradio as gr

from demo import gpu
from demo.costs import megabytes
from demo.models import downloads
from demo.workbench import LASTING, PRIVATE
from deoldify.checkpoints import Checkpoint, Progress, fetch, find, locate
from deoldify.errors import DeOldifyError
from deoldify.network import choose_device, memory

OFFERED = "ddcolor-artistic"
_NEWS_SECONDS = 0.3
_DECLINED = "() => [window.deoldify.hasDeclined()]"


class _CancelledError(Exception):
    """The visitor wants it no more."""


class Download:
    """A download that a visitor has asked for, in a thread of its own."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.said, self.failed = f"{checkpoint.name}: asking the Hugging Face Hub …", ""
        self._checkpoint = checkpoint
        self._cancelled, self._ended = threading.Event(), threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def cancel(self) -> None:
        """End it as soon as something comes in; what came so far serves the next try."""
        self._cancelled.set()

    def wait(self) -> bool:
        """Wait a moment; whether it has come to an end, or is going to."""
        return self._ended.wait(_NEWS_SECONDS) or self.cancelled

    @property
    def cancelled(self) -> bool:
        """Whether it was to be ended."""
        return self._cancelled.is_set()

    def _run(self) -> None:
        try:
            fetch(self._checkpoint, progress=self._tell)
        except _CancelledError:
            pass
        except DeOldifyError as error:
            self.failed = str(error)
        finally:
            self._ended.set()

    def _tell(self, progress: Progress) -> None:
        if self.cancelled:
            raise _CancelledError
        self.said = str(progress)


_under_way: dict[str, Download] = {}
"""By the model; visitors of one machine share it."""


def offered() -> Checkpoint | None:
    """The model that is offered: where downloads are allowed, it is not here, and memory would hold it."""
    checkpoint = find(OFFERED)
    offline = os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")
    if offline or not downloads.allowed or gpu.ELSEWHERE or locate(checkpoint) is not None:
        return None
    return checkpoint if 2 * checkpoint.bytes <= memory.free_bytes(choose_device("auto")) else None


def sentence(checkpoint: Checkpoint) -> str:
    """What is offered, for how much, from whom and on what terms."""
    return (
        f"Truer colours for {megabytes(checkpoint.bytes)}: **{checkpoint.name}**, from `{checkpoint.repo}` on the "
        f"Hugging Face Hub, under the licence {checkpoint.licence}."
    )


def offer(page: gr.Blocks) -> Any:
    """The line, where something is to be offered and this browser has not declined; the event that it has ended by."""
    with gr.Row(visible=False, elem_id="offer", elem_classes="offer") as row:
        line = gr.Markdown("", elem_id="offer-line")
        take = gr.Button("Download", size="sm", elem_id="offer-take", scale=0, min_width=120)
        cancel = gr.Button("Cancel", size="sm", elem_id="offer-cancel", scale=0, min_width=120, visible=False)
        dismiss = gr.Button("Not now", size="sm", elem_id="offer-dismiss", scale=0, min_width=120)
    declined = gr.Checkbox(False, visible=False)  # what the browser remembers
    shown = [row, line, take, cancel, dismiss]

    def view(said: str, *, busy: bool = False, over: bool = False) -> Any:
        return (
            gr.Row(visible=bool(said)), said, gr.Button(visible=bool(said) and not busy and not over),
            gr.Button(visible=busy), gr.Button("Close" if over else "Not now", visible=bool(said) and not busy),
        )  # fmt: skip

    def standing() -> Any:
        checkpoint = offered()
        return view(sentence(checkpoint) if checkpoint is not None else "")

    def taken() -> Iterator[Any]:
        checkpoint = offered()
        if checkpoint is None:
            yield standing()
            return
        download = _under_way.get(checkpoint.name)
        if download is None or download.cancelled:
            download = _under_way[checkpoint.name] = Download(checkpoint)
        while not download.wait():
            yield view(download.said, busy=True)
        _under_way.pop(checkpoint.name, None)
        if download.failed:
            yield view(f"It did not come: {download.failed}")
        elif download.cancelled:
            yield standing()
        else:
            yield view(f"**{checkpoint.name}** is here, and *auto* uses it from now on.", over=True)

    def cancelled() -> None:
        for download in list(_under_way.values()):
            download.cancel()

    come = take.click(taken, None, shown, **LASTING)
    cancel.click(cancelled, None, None, **PRIVATE)
    dismiss.click(lambda: gr.Row(visible=False), None, row, js="() => { deoldify.decline(); return [] }", **PRIVATE)
    # Where it was declined in this browser, nothing is asked.
    page.load(lambda no: view("") if no else standing(), declined, shown, js=_DECLINED, **PRIVATE)
    return come
