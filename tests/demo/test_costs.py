"""What the page says of memory: on the slider, and where it ran short."""

from __future__ import annotations

import dataclasses

import pytest
import torch

import deoldify
from demo.costs import costs, costs_of_awake, standing
from demo.elements import render_factor_of
from demo.jobs import ColourFacts, RestoreFacts
from deoldify.model import rendering_bytes
from deoldify.network import COMPACT, choose_precision, cost, memory
from deoldify.network.cost import MARGIN
from deoldify.photo import Render
from tests.network.costs import CPU, PLENTY


@pytest.fixture
def _plenty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "_paces", {})
    monkeypatch.setattr(memory, "free_bytes", lambda device: PLENTY)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


PHOTO = (1200, 800)


@pytest.mark.usefixtures("_plenty")
def test_the_slider_tells_where_auto_stands_and_what_a_position_costs() -> None:
    taken = rendering_bytes(COMPACT, CPU, choose_precision("auto", CPU), 12, 6) / 1e6
    told = costs("compact", 12, PHOTO)
    assert (told["factor"], told["of"], told["auto"], told["largest"]) == (12, 12, 12, 64)
    assert told["cost"].startswith(f"Takes {taken:.0f} MB of memory. ")
    assert costs("compact", None, (200, 150))["auto"] == 12
    assert costs("compact", None, (0, 0))["auto"] == 12  # no photo yet
    assert costs("artistic", None, (0, 0))["auto"] == 35
    awake = costs_of_awake("compact", 12, PHOTO)["cost"]
    assert awake.startswith(f"Takes {taken:.0f} MB of memory and about ")


@pytest.mark.usefixtures("_plenty")
def test_the_slider_ends_where_memory_does(monkeypatch: pytest.MonkeyPatch) -> None:
    precision = choose_precision("auto", CPU)
    weights = deoldify.checkpoints.find("compact").bytes
    free = int(MARGIN * rendering_bytes(COMPACT, CPU, precision, 20, 6)) + 1 + weights
    monkeypatch.setattr(memory, "free_bytes", lambda device: free)
    told = costs("compact", 35, PHOTO)
    assert (told["largest"], told["factor"], told["of"]) == (20, 20, 35)
    assert "is 20." in told["cost"]
    assert costs("compact", 12, PHOTO)["factor"] == 12
    monkeypatch.setattr(memory, "free_bytes", lambda device: 1_000_000)
    assert "not even the smallest render fits" in costs("compact", 12, PHOTO)["cost"]


@pytest.mark.parametrize(
    ("sent", "factor"),
    [(None, None), (12, 12), ("12", 12), (3, 4), (99, 64), ("", None), ("many", None), (float("nan"), None),
     (float("inf"), None), ([], None), ({}, None)],
)  # fmt: skip
def test_whatever_a_client_says_is_a_render_factor_or_none(sent: object, factor: int | None) -> None:
    assert render_factor_of(sent) == factor


def test_the_page_says_where_memory_ran_short() -> None:
    facts = ColourFacts("compact", 7, 10, True, "guided", 300, 200, 0.5)
    assert "smaller render: factor 7 instead of 10" in str(facts)
    assert "Memory" not in str(dataclasses.replace(facts, render_factor=10))
    renders = (Render("defade", 16, 16), Render("compact", 8, 10))
    restored = RestoreFacts("defade", 1.0, False, True, renders, 300, 200, 0.5)
    assert "so compact made a smaller render: factor 8 instead of 10" in str(restored)
    assert "16" not in str(restored)


def test_the_slider_goes_in_the_steps_of_the_model() -> None:
    assert (standing("ddcolor", PHOTO)["step"], standing("ddcolor", PHOTO)["auto"]) == (2, 32)
    assert (standing("artistic", PHOTO)["step"], standing("artistic", PHOTO)["auto"]) == (1, 35)
    both = standing("artistic+ddcolor", PHOTO)
    assert (both["step"], both["auto"]) == (1, 35)  # each takes its own
