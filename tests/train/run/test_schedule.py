"""The rate over a stage."""

from __future__ import annotations

import pytest

from train.recipes import Stage
from train.run import rate_at


def test_rates_rise_stay_and_fall() -> None:
    stage = Stage("s", 64, 4, 100, 1.0, rise=0.1, fall=0.5, floor=0.2)
    assert [rate_at(stage, step) for step in (0, 5, 10, 50, 75, 100)] == pytest.approx([0.1, 0.55, 1, 1, 0.6, 0.2])
