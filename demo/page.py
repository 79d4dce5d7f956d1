"""The whole page: its tabs, its look, and how many may wait."""

from __future__ import annotations

import gradio as gr

from demo.colorize_tab import colorize_tab
from demo.defade_tab import defade_tab
from demo.elements import WEB
from demo.storage import storage
from demo.visitors import VISITORS
from demo.workbench import PRIVATE, carried

MAX_WAITING = 20  # clients of the API in the queue

TITLE = "DeOldify"
DESCRIPTION = "Old photographs in colour, and faded ones fresh. On your own computer."
INTRODUCTION = """# DeOldify

Gives black-and-white photographs colour, and faded ones their tone and colour back. What comes back is a guess by AI,
not a record of what was there; photos stay on the computer that runs this page."""

CSS = (WEB / "page.css").read_text(encoding="utf-8")
ICON = WEB / "icon.svg"
HEAD = f"""<meta name="description" content="{DESCRIPTION}">
<script>{(WEB / "page.js").read_text(encoding="utf-8")}</script>"""

THEME = gr.themes.Default(
    primary_hue="teal",
    neutral_hue="stone",
    font=[gr.themes.LocalFont("Source Sans Pro", weights=(400, 700)), "system-ui", "sans-serif"],
).set(
    block_info_text_color="*neutral_600",
    body_text_color_subdued="*neutral_600",
    body_text_color_subdued_dark="*neutral_300",
    block_info_text_color_dark="*neutral_300",
    button_primary_background_fill="*primary_700",  # light enough to stand out, dark enough for white letters
    button_primary_background_fill_hover="*primary_800",
    button_primary_background_fill_dark="*primary_700",
    button_primary_background_fill_hover_dark="*primary_800",
)


def build() -> gr.Blocks:
    """The whole page, not yet served."""
    storage()  # before Gradio looks where uploads go
    page: gr.Blocks
    with gr.Blocks(title=TITLE, analytics_enabled=False) as page:
        gr.Markdown(INTRODUCTION, elem_id="introduction")
        with gr.Tabs(elem_id="tabs") as tabs:
            with gr.Tab("Colorize", id="colorize") as first:
                colorize = colorize_tab(page)
            with gr.Tab("Defade", id="defade") as second:
                defade = defade_tab(page)
        own_name = gr.Textbox("", visible=False)  # which the browser's tab keeps when the page is loaded anew
        page.load(_returned, own_name, None, js="() => [deoldify.visitor()]", **PRIVATE)
        carried(colorize, defade, tabs)
        carried(defade, colorize, tabs)
        for tab, name in ((first, ""), (second, "defade")):  # the first is what a bare address shows
            tab.select(None, js=f"() => deoldify.rememberTab('{name}')", **PRIVATE)
        page.load(_tab_in_address, None, tabs, **PRIVATE)
        page.unload(_left)
    page.queue(max_size=MAX_WAITING, default_concurrency_limit=1, api_open=False)
    return page


def _tab_in_address(request: gr.Request) -> gr.Tabs:
    # The first is shown anyway; whoever has gone on to the other meanwhile is not to be called back.
    return gr.Tabs(selected="defade") if request.query_params.get("tab") == "defade" else gr.skip()


def _returned(name: str, request: gr.Request) -> None:
    VISITORS.returned(request.session_hash, name)


def _left(request: gr.Request) -> None:
    VISITORS.leave(request.session_hash)
