"""Colour spaces against their definitions."""

from __future__ import annotations

import pytest
import torch

from deoldify import imaging


def test_luma_and_chroma_are_those_of_bt601_and_come_back() -> None:
    primaries = torch.eye(3).view(3, 3, 1, 1)
    assert imaging.luma(primaries).flatten().tolist() == pytest.approx([0.299, 0.587, 0.114])
    u, v = imaging.chroma(primaries).flatten(1).T
    assert u.tolist() == pytest.approx([0.492 * (b - y) for b, y in ((0, 0.299), (0, 0.587), (1, 0.114))])
    assert v.tolist() == pytest.approx([0.877 * (r - y) for r, y in ((1, 0.299), (0, 0.587), (0, 0.114))])
    rgb = torch.rand(2, 3, 4, 5)
    torch.testing.assert_close(imaging.from_luma_chroma(imaging.luma(rgb), imaging.chroma(rgb)), rgb)
