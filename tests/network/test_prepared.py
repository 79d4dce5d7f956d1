"""The prepared generator against the plain one: folding, strips and turns change nothing but time and memory."""

from __future__ import annotations

import copy
import dataclasses
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import numpy.typing as npt
import pytest
import torch
from skimage import data
from torch import nn

from deoldify import imaging
from deoldify.checkpoints import find, load_generator
from deoldify.network import (
    ARTISTIC,
    COMPACT,
    DEFADE,
    STABLE,
    Generator,
    GeneratorConfig,
    Prepared,
    choose_precision,
    fold_norms,
    strips,
)

CPU = torch.device("cpu")


def random_generator(config: GeneratorConfig) -> Generator:
    """A generator in which every norm and the attention do something, small enough to run in a moment."""
    torch.manual_seed(0)
    generator = Generator(config).eval()
    for module in generator.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.2)
            nn.init.normal_(module.get_buffer("running_mean"), std=0.2)
            nn.init.uniform_(module.get_buffer("running_var"), 0.5, 2)
        if isinstance(getattr(module, "gamma", None), nn.Parameter):
            nn.init.constant_(module.gamma, 0.5)  # type: ignore[arg-type]
    return generator


def slimmer(config: GeneratorConfig) -> GeneratorConfig:
    """The same shape with a handful of channels in the decoder."""
    return dataclasses.replace(
        config, encoder="resnet34" if config.spectral else config.encoder,
        middle_widths=(32, 24), up_widths=(16, 24, 24, 20), widths=(32, 32, 24, 17),
    )  # fmt: skip


CONFIGS = {"artistic": ARTISTIC, "stable": STABLE, "compact": COMPACT, "defade": DEFADE}


@pytest.mark.parametrize("name", [*CONFIGS, "distribution"])
def test_a_prepared_generator_computes_what_the_plain_one_does(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    config = dataclasses.replace(COMPACT, head="distribution") if name == "distribution" else CONFIGS[name]
    plain, used_up = (random_generator(slimmer(config)) for _ in range(2))
    prepared = Prepared(used_up, CPU, torch.float32)
    for side in (64, 80, 112, 100):  # in some of them a map has another size than twice the one before
        x = torch.randn(2, 3, side, side + 32).clamp(-2, 2)
        with torch.inference_mode():
            expected = plain(x)
        assert expected.std() > 0.1
        for strip_bytes in (1 << 30, 1 << 17, 1):  # one strip, several, as many as there can be
            monkeypatch.setitem(strips.STRIP_BYTES, "cpu", strip_bytes)
            torch.testing.assert_close(prepared(x), expected, rtol=0, atol=1e-4)
        with torch.inference_mode():
            torch.testing.assert_close(prepared.generator(x), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", CONFIGS)
def test_a_prepared_generator_may_be_called_by_itself_in_every_precision(name: str, dtype: torch.dtype) -> None:
    exact, low = (
        Prepared(random_generator(slimmer(CONFIGS[name])), CPU, precision).generator
        for precision in (torch.float32, dtype)
    )
    x = torch.randn(1, 3, 64, 96).clamp(-2, 2)
    with torch.inference_mode():
        expected, render = exact(x), low(x)
    assert render.dtype == torch.float32
    assert (render - expected).abs().mean() <= (0.2 if dtype == torch.bfloat16 else 0.05)  # as on CUDA, below


def test_folding_leaves_norms_only_where_zeros_are_padded_behind_them() -> None:
    generator = fold_norms(random_generator(slimmer(ARTISTIC)))
    norms = [name for name, module in generator.named_modules() if isinstance(module, nn.BatchNorm2d)]
    assert not any(name.startswith("encoder") or ".up." in name for name in norms)
    assert norms == [
        "bottom_norm", "middle.0.norm",
        "decoder.0.skip_norm", "decoder.0.convs.0.norm",
        "decoder.1.skip_norm", "decoder.1.convs.0.norm", "decoder.1.convs.1.norm",  # attention adds its own input
        "decoder.2.skip_norm", "decoder.2.convs.0.norm",
        "decoder.3.skip_norm", "decoder.3.convs.0.norm",
    ]  # fmt: skip


def test_renders_of_one_device_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    running, most, guard = 0, 0, threading.Lock()

    def forward(self: Prepared, x: torch.Tensor) -> torch.Tensor:
        nonlocal running, most
        with guard:
            running += 1
            most = max(most, running)
        time.sleep(0.02)
        with guard:
            running -= 1
        return x

    monkeypatch.setattr(Prepared, "forward", forward)
    models = [Prepared(random_generator(slimmer(COMPACT)), CPU, torch.float32) for _ in range(2)]
    x = torch.zeros(1, 3, 8, 8)
    threads = [threading.Thread(target=models[i % 2], args=(x,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


@pytest.mark.cuda
@pytest.mark.parametrize("name", CONFIGS)
def test_cuda_computes_what_the_cpu_does(name: str) -> None:
    here = Prepared(random_generator(slimmer(CONFIGS[name])), CPU, torch.float32)
    x = torch.randn(1, 3, 128, 128).clamp(-2, 2)
    for dtype, tolerance in ((torch.float32, 1e-2), (torch.float16, 0.05), (torch.bfloat16, 0.2)):
        there = Prepared(random_generator(slimmer(CONFIGS[name])), torch.device("cuda"), dtype)
        assert (there(x) - here(x)).abs().mean() <= tolerance


def squares(coffee: npt.NDArray[np.uint8], name: str) -> torch.Tensor:
    """Three photographs as the model's generator sees them, (3, 3, 160, 160), normalised."""
    photos = [coffee, np.asarray(data.astronaut()), np.asarray(data.chelsea())]  # type: ignore[no-untyped-call]
    square = imaging.sampled_square if name == "defade" else imaging.grey_square
    return imaging.normalise(torch.cat([imaging.to_tensor(square(photo, 160)) for photo in photos]))


def picture(output: torch.Tensor) -> torch.Tensor:
    """(N, 3, H, W) normalised to grey levels, 0 to 255."""
    return imaging.denormalise(output).clamp(0, 1) * 255


@pytest.mark.parametrize(
    ("device", "dtype"),
    [
        ("cpu", torch.bfloat16),
        pytest.param("cuda", torch.bfloat16, marks=pytest.mark.cuda),
        pytest.param("cuda", torch.float16, marks=pytest.mark.cuda),
    ],
)
@pytest.mark.parametrize("name", CONFIGS)
def test_lower_precision_shows_the_same_photographs(
    name: str, device: str, dtype: torch.dtype, coffee: npt.NDArray[np.uint8], request: pytest.FixtureRequest
) -> None:
    file = None if name in ("compact", "defade") else request.getfixturevalue("stand_in")[name]
    x = squares(coffee, name)
    if file is not None and device == "cpu" and choose_precision("auto", CPU) != dtype:
        x = x[:1]  # where bfloat16 is emulated, a large one takes half a minute
    generator = fold_norms(load_generator(find(name), file))  # parametrised modules cannot be copied
    low = Prepared(copy.deepcopy(generator), torch.device(device), dtype)(x)
    difference = (picture(low) - picture(Prepared(generator, CPU, torch.float32)(x))).abs()
    assert (difference.mean(dim=(1, 2, 3)) <= 1.0).all()
    assert ((difference <= 6).double().mean(dim=(1, 2, 3)) >= 0.999).all()


def test_renders_that_wait_are_made_together_where_they_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = Prepared(random_generator(slimmer(COMPACT)), CPU, torch.float32)
    pictures = [torch.randn(1, 3, 64, 64) for _ in range(5)] + [torch.randn(1, 3, 96, 96)]
    alone = [prepared(x) for x in pictures]
    sizes: list[int] = []
    forward = prepared.forward

    def watched(x: torch.Tensor, largest: int) -> torch.Tensor:
        sizes.append(len(x))
        if len(x) > largest:
            raise RuntimeError("out of memory")
        return forward(x)

    def at_once() -> list[torch.Tensor]:
        """What becomes of the pictures if all have come before the first has its turn."""
        sizes.clear()
        with ThreadPoolExecutor(len(pictures)) as pool:
            with prepared.turn:
                renders = [pool.submit(prepared, x) for x in pictures]
                while len(prepared._waiting) < len(pictures):
                    time.sleep(0.01)
            return [render.result() for render in renders]

    for most, largest, expected in ((1, 9, [1] * 6), (4, 9, [1, 1, 4]), (8, 9, [1, 5]), (8, 1, [1] * 6 + [2, 3, 4, 5])):
        monkeypatch.setattr(prepared, "forward", partial(watched, largest=largest))
        prepared.most = most
        for render, single in zip(at_once(), alone):
            torch.testing.assert_close(render, single, atol=1e-4, rtol=1e-4)
        assert sorted(sizes) == expected
        assert not prepared._waiting
