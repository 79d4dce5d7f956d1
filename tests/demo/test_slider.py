"""What the page says of memory: on the slider, and where it ran short."""

from __future__ import annotations

import dataclasses
from typing import Any

import gradio as gr
import pytest
import torch

import deoldify
from demo import colorize_tab
from demo.jobs import ColourFacts, RestoreFacts
from deoldify.network import COMPACT, choose_precision, cost, memory
from deoldify.network.cost import MARGIN
from deoldify.photo import Render
from tests.network.costs import CPU, PLENTY, cost_of


@pytest.fixture
def page(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("page")))
    monkeypatch.setattr(cost, "_paces", {})
    monkeypatch.setattr(memory, "free_bytes", lambda device: PLENTY)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    return colorize_tab


def sent(slider: Any) -> dict[str, Any]:
    """What the page changes about its slider."""
    assert slider.get_block_name() == "slider"
    return dict(slider.constructor_args)


def test_the_slider_tells_pixels_memory_and_seconds(page: Any) -> None:
    slider = sent(page._slider("compact", False, 12))
    megabytes = cost_of(COMPACT, 12, choose_precision("auto", CPU)).bytes / 1e6
    label = f"Render factor 12: the model sees 192 × 192 pixels, takes {megabytes:.0f} MB"
    assert spaced(slider["label"]) == label and slider["maximum"] == 64 and "value" not in slider
    awake = spaced(sent(page._slider_of_awake_model("compact", False, 12))["label"])
    assert awake.startswith(f"{label}, about ") and awake.endswith(" s")
    assert page._slider("compact", True, 12) == gr.skip()


def spaced(label: str) -> str:
    return label.replace("\N{NO-BREAK SPACE}", " ")


def test_the_slider_ends_where_memory_does(page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    precision = choose_precision("auto", CPU)
    weights = deoldify.checkpoints.find("compact").bytes
    free = int(MARGIN * cost_of(COMPACT, 20, precision).bytes) + 1 + weights
    monkeypatch.setattr(memory, "free_bytes", lambda device: free)
    slider = sent(page._slider("compact", False, 35))
    assert (slider["maximum"], slider["value"]) == (20, 20)
    assert "320 × 320" in slider["label"] and "is 20." in slider["info"]
    assert "value" not in sent(page._slider("compact", False, 12))
    monkeypatch.setattr(memory, "free_bytes", lambda device: 1_000_000)
    slider = sent(page._slider("compact", False, 12))
    assert not slider["interactive"] and "not even the smallest render fits" in slider["info"]


def test_the_page_says_where_memory_ran_short() -> None:
    facts = ColourFacts("compact", 7, 10, True, "guided", 300, 200, 0.5)
    assert "smaller render: factor 7 instead of 10" in str(facts)
    assert "Memory" not in str(dataclasses.replace(facts, render_factor=10))
    renders = (Render("defade", 16, 16), Render("compact", 8, 10))
    restored = RestoreFacts("defade", 1.0, False, True, renders, 300, 200, 0.5)
    assert "so compact made a smaller render: factor 8 instead of 10" in str(restored)
    assert "16" not in str(restored)
