"""What renders cost, against what they take."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from deoldify.network import ARTISTIC, COMPACT, DEFADE, STABLE, Generator, Opinions, Prepared, choose_precision, cost
from tests.network.costs import CPU, PLENTY, cost_of
from tests.page import environment

ROOT = Path(__file__).parents[2]
CONFIGS = {"compact": COMPACT, "defade": DEFADE, "artistic": ARTISTIC, "stable": STABLE}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the most memory that was resident")
@pytest.mark.parametrize(
    ("name", "precision", "factors"),
    [
        ("compact", "float32", "10,40"),
        ("defade", "bfloat16", "24"),
        ("artistic", "float32", "10"),
        # Emulated, kernels take a weight as it lies: the copy that is foretold is not made.
        pytest.param(
            "stable",
            "bfloat16",
            "10",
            marks=pytest.mark.skipif(
                choose_precision("auto", CPU) != torch.bfloat16, reason="this CPU emulates bfloat16"
            ),
        ),
        ("ddcolor-tiny", "float32", "16"),
    ],
)
def test_predicted_memory_is_within_15_percent_of_measured(name: str, precision: str, factors: str) -> None:
    command = [sys.executable, "-m", "benchmarks.memory"]
    options = ["--models", name, "--precisions", precision, "--factors", factors]
    done = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True, env=environment())
    assert done.stdout.count("MiB") == 2 * len(factors.split(",")), done.stderr
    for row in json.loads(done.stdout.splitlines()[-1]):
        # Of a render of ten megabytes, what kernels and the heap add cannot be foretold that well.
        assert row["predicted"] == pytest.approx(row["measured"], rel=0.15, abs=2 << 20), done.stdout


def test_arithmetic_is_what_the_layers_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Against a count in the plain generator's layers, by hand."""
    generator = Generator(COMPACT).eval()
    counted = 0

    def count(module: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        nonlocal counted
        assert isinstance(module, nn.Conv2d)
        per_value = module.in_channels // module.groups * module.kernel_size[0] * module.kernel_size[1]
        counted += 2 * output.numel() * per_value

    for module in generator.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(count)
    side = 96
    with torch.inference_mode():
        generator.opinions(torch.zeros(1, 3, side, side))
    channels, places = COMPACT.widths[COMPACT.attention_block], (side // 8) ** 2
    counted += 2 * places**2 * (channels // 8 + channels)
    # Where strips meet, prepared generators up-sample a row twice.
    assert counted <= cost_of(COMPACT, side // 16).flop <= 1.05 * counted


def test_the_ledger_holds_what_is_alive_and_written() -> None:
    ledger = cost._Ledger("cpu", [])
    with ledger:
        a = torch.ones(1000)  # 4000 bytes
        b = a.view(10, 100) + 1
        assert ledger.peak == 8000
        del a
        c = torch.empty(10, 100)  # not written, so not there
        b.add_(1)
        assert ledger.peak == 8000
        c[:2] = b[:2]
        c[8:] = b[8:]
        c[1:3] = 0  # half of it for the second time
        d = torch.zeros(750)
        assert ledger.peak == 4000 + 2000 + 3000
        del b, c, d
        torch.ones(2250)
        assert ledger.peak == 9000


def test_weights_are_not_counted_but_their_copies_are() -> None:
    conv = nn.Conv2d(8, 16, 3, padding=1, bias=False)
    ledger = cost._Ledger("cpu", conv.parameters())
    x = torch.zeros(1, 8, 4, 4)
    with torch.no_grad(), ledger:
        conv(x)
    # Outputs, the weights in another layout, and the kernel.
    assert ledger.peak == 4 * (16 * 4 * 4 + 16 * 8 * 9) + cost._KERNEL_BYTES
    assert ledger.flop == 2 * 16 * 4 * 4 * 8 * 9


@pytest.mark.parametrize("name", CONFIGS)
def test_the_bound_is_never_less_than_the_cost(name: str) -> None:
    for factor in (4, 10, 24):
        assert cost.render_bound(CONFIGS[name], CPU, 16 * factor) >= cost_of(CONFIGS[name], factor).bytes


def test_the_largest_that_fits_is_that_of_a_search_one_by_one() -> None:
    sides = [16 * factor for factor in range(4, 13)]
    costs = {side: cost.render_cost(COMPACT, CPU, torch.float32, side).bytes for side in sides}
    for free in (0, *(int(each * cost.MARGIN) + 1 for each in costs.values()), PLENTY):
        fitting = [side for side in sides if costs[side] * cost.MARGIN <= free]
        found = cost.largest_fitting(COMPACT, CPU, torch.float32, sides, free)
        assert found == (max(fitting) if fitting else None)


def test_seconds_are_known_once_a_short_render_was_made(monkeypatch: pytest.MonkeyPatch) -> None:
    config = dataclasses.replace(COMPACT, widths=(32, 32, 32, 16), up_widths=(16, 16, 16, 16), middle_widths=(32, 32))
    prepared = Prepared(Generator(config).eval(), CPU, torch.float32)
    kind = config, CPU, torch.float32
    renders = []
    judged = Prepared.judged

    def counted(self: Prepared, x: torch.Tensor) -> Opinions:
        renders.append(x.shape[-1])
        return judged(self, x)

    monkeypatch.setattr(Prepared, "judged", counted)
    assert cost.render_seconds(*kind, 256) is None
    for _ in range(3):
        cost.calibrate(prepared)
    assert renders == [cost.CALIBRATION_SIDE] * 3  # the two of the calibration, and one of shapes alone
    seconds = [cost.render_seconds(*kind, side) for side in (cost.CALIBRATION_SIDE, 512, 1024)]
    flop = [cost.render_cost(*kind, side).flop for side in (cost.CALIBRATION_SIDE, 512, 1024)]
    assert seconds[0] is not None and seconds[0] > 0
    assert seconds == pytest.approx([seconds[0] * count / flop[0] for count in flop])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
@pytest.mark.parametrize("name", CONFIGS)
def test_cuda_takes_no_more_than_predicted(name: str, record_property: Callable[[str, object], None]) -> None:
    cuda, dtype = torch.device("cuda"), torch.float16
    prepared = Prepared(Generator(dataclasses.replace(CONFIGS[name], spectral=False)).eval(), cuda, dtype)
    for factor in (10, 35):
        prepared(torch.zeros(1, 3, 64, 64))
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        prepared(torch.zeros(1, 3, 16 * factor, 16 * factor))
        measured = torch.cuda.max_memory_allocated() - before
        predicted = cost.render_cost(CONFIGS[name], cuda, dtype, 16 * factor).bytes
        record_property(f"{name} at {factor}: predicted, measured", (predicted, measured))
        assert measured <= predicted * cost.MARGIN
