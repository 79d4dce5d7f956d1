"""The whole page: its tabs, its theme, and how many may wait."""

from __future__ import annotations

import gradio as gr

from demo.colorize_tab import colorize_tab
from demo.defade_tab import defade_tab

MAX_WAITING = 20  # visitors in the queue
FILES_ARE_KEPT = (3600, 7200)  # look once an hour, delete after two

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
