"""What the tabs share: photos come in, the work on them starts and stops, and its results appear."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from demo import elements
from demo.adjusting import adjust, adjustments_of, finish
from demo.album import Album
from demo.jobs import Job, JobError, sentence
from demo.uploads import NOT_UPLOADED, clean_name, uploaded
from demo.versions import show_versions, take_version
from demo.visitors import VISITORS, Tab
from demo.working import news, pack_results, take_in, work
from deoldify.errors import PhotoError

PRIVATE: Any = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
LASTING: Any = {"api_visibility": "private", "show_progress": "hidden", "concurrency_limit": None}
"""For events that tell news more than once; who renders waits for a turn of `demo.turns`, not in Gradio's queue."""


@dataclass(frozen=True)
class Bench:
    """The elements of a tab that show its album."""

    tab: Tab
    verb: str  # on the button
    prefix: str
    photos: gr.HTML
    result: gr.HTML
    button: gr.Button
    examples: tuple[Path, ...]

    @property
    def shown(self) -> list[Any]:
        """What `view` fills."""
        return [self.photos, self.result, self.button]

    def view(self, album: Album) -> tuple[dict[str, Any], dict[str, Any], Any]:
        """What the elements show of an album."""
        label = self.verb
        if album.running:
            label = "Stopping …" if album.stopping else "Stop"
        return album.strip(), album.result(), gr.Button(label, variant="stop" if album.running else "primary")

    def album(self, request: gr.Request) -> Album:
        """The visitor's album on this tab."""
        return VISITORS.album(request.session_hash, self.tab)


def photos_come_in(bench: Bench) -> None:
    """Connect what a visitor does with photos: send, choose, remove, and find again."""

    def sent(event: gr.EventData, request: gr.Request) -> Iterator[Any]:
        album = bench.album(request)
        files = []
        refused = False
        for file in _listed(event, "files"):
            path = uploaded(file.get("path")) if isinstance(file, dict) else None
            if path is None:
                refused = True
                continue
            files.append((clean_name(file.get("name") or path.name), path))
        if refused:
            with album.changing():
                album.status = NOT_UPLOADED
        for _ in take_in(album, files):
            yield bench.view(album)

    def example(event: gr.EventData, request: gr.Request) -> Iterator[Any]:
        album = bench.album(request)
        number = _told(event, "number")
        if isinstance(number, int) and 0 <= number < len(bench.examples):
            path = bench.examples[number]
            for _ in take_in(album, [(path.name, path)]):
                yield bench.view(album)
        yield bench.view(album)

    def choose(event: gr.EventData, request: gr.Request) -> Any:
        album = bench.album(request)
        album.choose(_told(event, "id"))
        return bench.view(album)

    def remove(event: gr.EventData, request: gr.Request) -> Any:
        album = bench.album(request)
        album.remove(_told(event, "id"))
        return bench.view(album)

    def clear(request: gr.Request) -> Any:
        album = bench.album(request)
        album.clear()
        return bench.view(album)

    def again(event: gr.EventData, request: gr.Request) -> Any:
        VISITORS.returned(request.session_hash, _told(event, "name"))  # which the page tells, too, maybe later
        album = VISITORS.known(request.session_hash, bench.tab)
        return (gr.skip(), gr.skip(), gr.skip()) if album is None else bench.view(album)

    def follow(request: gr.Request) -> Iterator[Any]:
        album = bench.album(request)
        for _ in news(album):
            yield bench.view(album)

    bench.photos.upload(sent, None, bench.shown, trigger_mode="multiple", **LASTING)
    bench.photos.example(example, None, bench.shown, trigger_mode="multiple", **LASTING)
    bench.photos.choose(choose, None, bench.shown, trigger_mode="multiple", **PRIVATE)
    bench.photos.remove(remove, None, bench.shown, trigger_mode="multiple", **PRIVATE)
    bench.photos.clear(clear, None, bench.shown, **PRIVATE)
    # Whoever loads the page anew asks for the album without the queue, and is told news only where there is some.
    bench.photos.again(again, None, bench.shown, trigger_mode="multiple", **PRIVATE)
    bench.photos.follow(follow, None, bench.shown, **LASTING)


def work_is_done(bench: Bench, settings: list[Any], job: Callable[..., Job]) -> Any:
    """Connect the button, which starts the work and stops it; the event that ends it.

    Args:
        bench: whose button.
        settings: elements whose values ``job`` takes.
        job: makes the job of them.
    """

    def press(request: gr.Request, *values: Any) -> Iterator[Any]:
        album = bench.album(request)
        if album.running:
            with album.changing():
                album.stopping, album.status = True, "Stopping …"
            yield bench.view(album)
            return
        for _ in work(album, job(*values)):
            yield bench.view(album)
        yield bench.view(album)

    def zipped(request: gr.Request) -> Any:
        album = bench.album(request)
        pack_results(album)
        return bench.view(album)

    def adjusted(event: gr.EventData, request: gr.Request) -> Any:
        album = bench.album(request)
        entry = album.entries.get(str(_told(event, "id")))
        try:
            asked = adjustments_of(event._data if isinstance(event._data, dict) else {})
        except ValueError as error:
            with album.changing():
                album.status = sentence(error)
            return bench.view(album)
        if entry is not None:
            adjust(album, entry, asked)
        return bench.view(album)

    def file(event: gr.EventData, request: gr.Request) -> Any:
        album = bench.album(request)
        entry = album.entries.get(str(_told(event, "id")))
        try:
            if entry is not None:
                finish(album, entry)
        except (JobError, PhotoError) as error:
            with album.changing():
                album.status = str(error) if isinstance(error, JobError) else "The photo could not be written."
        return bench.view(album)

    def versions(event: gr.EventData, request: gr.Request) -> Iterator[Any]:
        album = bench.album(request)
        entry = album.entries.get(str(_told(event, "id")))
        if entry is not None:
            for _ in show_versions(album, entry):
                yield bench.view(album)
        yield bench.view(album)

    def take(event: gr.EventData, request: gr.Request) -> Any:
        album = bench.album(request)
        entry = album.entries.get(str(_told(event, "id")))
        if entry is not None:
            take_version(album, entry, _told(event, "number"))
        return bench.view(album)

    bench.result.versions(versions, None, bench.shown, trigger_mode="multiple", **LASTING)
    bench.result.take(take, None, bench.shown, trigger_mode="always_last", **PRIVATE)
    bench.result.zip(zipped, None, bench.shown, **LASTING)
    bench.result.file(file, None, bench.shown, **LASTING)
    bench.result.adjust(adjusted, None, bench.shown, trigger_mode="always_last", **PRIVATE)
    return bench.button.click(press, settings, bench.shown, trigger_mode="multiple", **LASTING)


def remember(name: str, value: str = "value") -> str:
    """A script for an element's event: its ``value``, or another expression, stands in the address by this name."""
    return f"(value) => {{ deoldify.remember({{{name}: {value}}}); return value }}"


def carried(source: Bench, target: Bench, tabs: gr.Tabs) -> None:
    """Let a photo be taken from one tab to another: what was made of a faded one, of others the photo itself."""

    def carry(request: gr.Request) -> Iterator[Any]:
        entry = (album := source.album(request)).entries.get(album.chosen or "")
        there = target.album(request)
        if entry is not None:
            restored = entry.done.file if entry.done is not None and source.tab == "defade" else entry.source
            for _ in take_in(there, [(entry.name, restored)]):
                yield gr.Tabs(selected=target.tab), *target.view(there)

    source.result.carry(carry, None, [tabs, *target.shown], **LASTING)


def photos_of(tab: Tab, verb: str, examples: list[Path], caption: str) -> Callable[[gr.Column, str, str], Bench]:
    """Where a tab's photos come in, now, and a function that makes the rest: the button where it is called, the result
    in the column given, with the words that stand there at first and those on the button to the other tab.
    """
    prefix = "" if tab == "colorize" else f"{tab}-"
    photos = elements.photos(prefix, examples, caption)

    def rest(column: gr.Column, empty: str, carry: str) -> Bench:
        button = gr.Button(verb, variant="primary", size="lg", elem_id=tab)
        with column:
            result = elements.comparison(prefix, empty, carry)
        return Bench(tab, verb, prefix, photos, result, button, tuple(examples))

    return rest


def _told(event: gr.EventData, name: str) -> Any:
    """What an event of a client says, which may be anything."""
    data = event._data
    return data.get(name) if isinstance(data, dict) else None


def _listed(event: gr.EventData, name: str) -> list[Any]:
    value = _told(event, name)
    return value if isinstance(value, list) else []
