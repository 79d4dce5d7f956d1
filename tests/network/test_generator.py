"""The generator's blocks against naive implementations, and its promises about size and luminance."""

from __future__ import annotations

import dataclasses

import pytest
import torch
import torch.nn.functional as F

from deoldify.errors import CheckpointError
from deoldify.imaging import denormalise, luma, normalise
from deoldify.network import ARTISTIC, COMPACT, DEFADE, STABLE, Generator, GeneratorConfig
from deoldify.network.backbones import CHANNELS, Encoder
from deoldify.network.heads import ToneHead, ends, middle_tones, stretch
from deoldify.network.layers import Blur, PixelShuffleUp, SelfAttention


def test_attention_is_a_softmax_over_the_query_axis_without_scaling() -> None:
    torch.manual_seed(0)
    layer = SelfAttention(16, spectral=False)
    torch.nn.init.constant_(layer.gamma, 0.7)
    x = torch.randn(2, 16, 3, 5)
    query, key, value = (conv(x).flatten(2) for conv in (layer.query, layer.key, layer.value))  # (N, C, HW)
    expected = torch.empty_like(value)
    for n in range(2):
        for j in range(15):
            scores = torch.stack([torch.dot(query[n, :, i], key[n, :, j]) for i in range(15)])
            weights = torch.exp(scores) / torch.exp(scores).sum()
            expected[n, :, j] = sum(weights[i] * value[n, :, i] for i in range(15))
    torch.testing.assert_close(layer(x), 0.7 * expected.view_as(x) + x, rtol=1e-5, atol=1e-5)


def test_blur_averages_each_pixel_with_its_upper_and_left_neighbours() -> None:
    x = torch.arange(12.0).view(1, 1, 3, 4)
    expected = torch.empty_like(x)
    for i in range(3):
        for j in range(4):
            above, left = max(i - 1, 0), max(j - 1, 0)
            expected[0, 0, i, j] = (x[0, 0, i, j] + x[0, 0, above, j] + x[0, 0, i, left] + x[0, 0, above, left]) / 4
    torch.testing.assert_close(Blur()(x), expected)


def test_a_fresh_pixel_shuffle_repeats_pixels() -> None:
    layer = PixelShuffleUp(4, 6, normalised=False, spectral=False)
    x = torch.randn(1, 4, 3, 3)
    shuffled = F.pixel_shuffle(layer.conv(x), 2)
    torch.testing.assert_close(shuffled, F.interpolate(shuffled[:, :, ::2, ::2], scale_factor=2, mode="nearest"))


@pytest.mark.parametrize("name", CHANNELS)
def test_encoders_have_the_channels_and_strides_that_the_decoder_expects(name: str) -> None:
    with torch.device("meta"):
        maps = Encoder(name)(torch.empty(1, 3, 64, 64))  # type: ignore[arg-type]
    assert [tuple(m.shape[1:]) for m in maps] == [
        (channels, 32 >> level, 32 >> level)
        for level, channels in enumerate(CHANNELS[name])  # type: ignore[index]
    ]


@pytest.mark.parametrize("side", [64, 80, 112])
def test_the_slim_generator_keeps_size_and_luma(side: int) -> None:
    torch.manual_seed(0)
    generator = Generator(COMPACT).eval()
    torch.nn.init.normal_(generator.get_parameter("head.out.weight"), std=0.1)
    grey = torch.rand(2, 1, side, side).expand(-1, 3, -1, -1)
    with torch.inference_mode():
        render = denormalise(generator(normalise(grey)))
    assert render.shape == grey.shape
    assert (render[:, 0] - render[:, 2]).abs().mean() > 0.01
    torch.testing.assert_close(luma(render), grey[:, :1], rtol=0, atol=1e-5)


def test_ends_and_middle_tones_are_order_statistics() -> None:
    torch.manual_seed(0)
    rgb = torch.rand(2, 3, 24, 24)
    ordered = rgb.flatten(2).sort(dim=2).values
    dark, bright = ends(rgb, (0.0, 0.01, 0.1))  # of 576 pixels: the first, the sixth and the 58th
    assert torch.equal(dark, ordered[:, :, [0, 5, 57]])
    assert torch.equal(bright, ordered[:, :, [-1, -6, -58]])
    assert torch.equal(middle_tones(rgb, (0.0, 0.5, 1.0)), ordered[:, :, [0, round(0.5 * 575), -1]])


def test_a_tone_head_sees_where_pixels_pile_up_and_how_near_to_the_ends_the_darkest_are() -> None:
    torch.manual_seed(0)
    rgb = 0.25 + 0.6 * torch.rand(1, 3, 40, 40)
    flat = rgb.flatten(2)
    flat[:, :, :320] = 0.2  # a fifth is clipped to one black
    flat[:, 1, 320] = 0.1  # but for a pixel whose green alone is darker: the black is not green's end
    head = ToneHead(8, spectral=False)
    dark, bright = ends(rgb, head.ENDS)
    tails, *piles, distance = head._of_the_ends(rgb, dark, bright)[: 2 + len(head.NEAR)]
    torch.testing.assert_close(tails[0, :, -1], torch.tensor([0.0, 0.4, 0.0]), rtol=0, atol=1e-6)
    for pile in piles:
        shares = 10 ** (4 * pile[0, :, 0])
        torch.testing.assert_close(shares, torch.tensor([0.2, 1 / 1600, 0.2]), rtol=0.02, atol=0)
    torch.testing.assert_close(distance[0, :, 0], torch.tensor([0.0, 0.4, 0.0]), rtol=0, atol=0.15)


def _defader() -> Generator:
    torch.manual_seed(0)
    generator = Generator(DEFADE).eval()
    torch.nn.init.zeros_(generator.get_parameter("head.local.weight"))
    return generator


def test_a_new_tone_head_gives_the_mean_of_a_picture_and_its_stretched_self_as_far_as_it_trusts_itself() -> None:
    generator = _defader()
    for layer in ("whole", "trust"):
        torch.nn.init.zeros_(generator.get_parameter(f"head.{layer}.weight"))
    rgb = 0.3 + 0.4 * torch.rand(2, 3, 64, 80)
    stretched = stretch(rgb, rgb.amin(dim=(2, 3))[:, :, None], rgb.amax(dim=(2, 3))[:, :, None])
    for trust in (1.0, 0.75, 0.0):
        torch.nn.init.constant_(generator.get_parameter("head.trust.bias"), torch.tensor(trust).logit(eps=1e-9).item())
        with torch.inference_mode():
            render = denormalise(generator(normalise(rgb)))
        torch.testing.assert_close(render, stretched + trust * (rgb - stretched) / 2, rtol=0, atol=1e-5)


def test_a_tone_head_decides_alike_at_any_size() -> None:
    generator = _defader()
    torch.nn.init.normal_(generator.get_parameter("head.whole.weight"), std=0.3)
    rgb = F.interpolate(torch.rand(1, 3, 24, 24), (ToneHead.GLANCE, ToneHead.GLANCE), mode="nearest")
    with torch.inference_mode():
        small, large = (
            denormalise(generator(normalise(rgb.repeat_interleave(n, 2).repeat_interleave(n, 3)))) for n in (1, 3)
        )
    assert (small - rgb).abs().mean() > 0.01
    # To half a level of 8 bits, since the head's few darkest pixels are not the same share of both.
    torch.testing.assert_close(large, small.repeat_interleave(3, 2).repeat_interleave(3, 3), rtol=0, atol=0.5 / 255)


def test_a_config_survives_json_and_refuses_what_it_does_not_know() -> None:
    for config in (ARTISTIC, STABLE, COMPACT, DEFADE):
        data = {key: list(v) if isinstance(v, tuple) else v for key, v in config.to_dict().items()}
        assert GeneratorConfig.from_dict(data) == config
    with pytest.raises(CheckpointError, match="depth"):
        GeneratorConfig.from_dict({**dataclasses.asdict(COMPACT), "depth": 3})
