"""One look: what it is of a picture, and what is drawn to it."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from deoldify import imaging
from deoldify.imaging import Adjustments, ColourPlane, Look, common_look, look_of


def field(u: float, v: float, share: float = 1.0) -> Tensor:
    """One colour, over a share of the picture's rows from above; grey below."""
    uv = torch.zeros(1, 2, 100, 8)
    uv[:, :, : round(100 * share)] = torch.tensor([u, v]).view(1, 2, 1, 1)
    return uv


def drawn(uv: Tensor, look: Look, saturation: float = 1.0) -> Tensor:
    grey = np.zeros(uv.shape[-2:], np.uint8)
    return imaging.adjusted(ColourPlane(grey, uv), Adjustments(look=look, saturation=saturation))[0]


@pytest.mark.parametrize("share", [1.0, 0.5, 0.05])
def test_a_look_is_of_what_is_coloured_however_much_is_not(share: float) -> None:
    look = look_of(field(0.06, -0.08, share))
    assert look is not None
    assert (look.chroma, look.u, look.v) == pytest.approx((0.1, 0.06, -0.08), rel=1e-4)
    assert str(look) == "0.100,0.060,-0.080"


def test_what_has_no_colours_has_no_look_and_stays() -> None:
    for uv in (field(0, 0), field(0.002, 0.001), field(0.1, 0, share=0.005)):
        assert look_of(uv) is None
        assert torch.equal(drawn(uv, Look(0.1, 0.05, 0.05)), uv)


def test_one_gain_and_a_shift_that_is_bounded_and_leaves_neutral_alone() -> None:
    uv = field(0.05, 0, share=0.5)
    same = look_of(uv)
    assert same is not None and torch.allclose(drawn(uv, same), uv, atol=1e-6)
    more = drawn(uv, Look(0.0605, 0.055, 0))  # by chroma half of the way, and no other lean
    assert torch.allclose(more, 1.1 * uv, atol=1e-6)
    for look, gain in ((Look(0.5, 0.5, 0), 4 / 3), (Look(0.01, 0.01, 0), 0.75)):
        coloured = drawn(uv, look)[0, 0, 0, 0].item()
        assert abs(coloured - gain * 0.05) <= 0.008
    turned = drawn(uv, Look(0.05, -0.05, 0))  # the opposite hue: as far as a small shift goes
    weight = 0.05**2 / (0.05**2 + 0.03**2)
    assert turned[0, :, 0, 0].tolist() == pytest.approx([0.05 - 0.008 * weight, 0], abs=1e-6)
    for result in (more, turned):
        assert not result[:, :, 50:].any()  # mounts and whites
    assert torch.allclose(drawn(uv, Look(0.0605, 0.055, 0), saturation=0.5), 0.55 * uv, atol=1e-6)


def test_a_group_comes_nearer_together(coffee: npt.NDArray[np.uint8]) -> None:
    whole = imaging.chroma(imaging.to_tensor(imaging.colour_square(coffee, 96)))
    direction = torch.tensor([0.01, -0.008]).view(1, 2, 1, 1)
    group = [whole * gain + shift * direction for gain, shift in ((0.8, -1), (1.0, 0), (1.1, 1), (1.25, 0.5))]
    looks = [look for uv in group if (look := look_of(uv)) is not None]
    common = common_look(looks)
    assert common is not None and len(looks) == 4
    after = [look for uv in group if (look := look_of(drawn(uv, common))) is not None]

    def spread(name: str, some: list[Look]) -> float:
        values = [getattr(look, name) for look in some]
        return float(max(values) - min(values))

    for name in ("chroma", "u", "v"):
        assert spread(name, after) < 0.75 * spread(name, looks), name


def test_the_look_of_a_group_is_the_median() -> None:
    looks = [Look(0.1, 0.01, 0.03), Look(0.2, 0.02, 0.02), Look(0.9, -0.4, 0.01)]
    assert common_look(looks) == Look(0.2, 0.01, 0.02)
    assert common_look([]) is None
    for chroma in (0.0, -0.1, 1.5, math.nan):
        with pytest.raises(ValueError, match="outside 0 to 1"):
            Look(chroma, 0, 0)
