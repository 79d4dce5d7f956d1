"""What renders cost, what is free, and what happens where the one is more than the other."""

from __future__ import annotations

import dataclasses
import importlib
import json
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import numpy as np
import numpy.typing as npt
import psutil
import pytest
import torch
from PIL import Image
from torch import nn
from typer.testing import CliRunner

import deoldify
from deoldify import __main__, imaging, inference, memory
from deoldify.config import ARTISTIC, COMPACT, DEFADE, STABLE, GeneratorConfig
from deoldify.errors import OutOfMemoryError
from deoldify.generator import Generator
from deoldify.inference import Prepared
from deoldify.photo import Photo, Render
from tests.page import environment

ROOT = Path(__file__).parents[1]
CPU = torch.device("cpu")
CONFIGS = {"compact": COMPACT, "defade": DEFADE, "artistic": ARTISTIC, "stable": STABLE}
PLENTY = 1 << 40


@pytest.fixture(scope="module")
def colorizer() -> deoldify.Colorizer:
    return deoldify.load("compact", device="cpu", precision="float32")


@pytest.fixture(scope="module")
def grey(coffee: npt.NDArray[np.uint8]) -> Photo:
    return Photo(np.repeat(np.asarray(Image.fromarray(coffee).convert("L"))[..., None], 3, axis=-1))


def cost(config: GeneratorConfig, factor: int, dtype: torch.dtype = torch.float32) -> memory.Cost:
    return memory.render_cost(config, CPU, dtype, 16 * factor)


# What a render costs


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the most memory that was resident")
@pytest.mark.parametrize(
    ("name", "precision", "factors"),
    [
        ("compact", "float32", "10,40"),
        ("defade", "bfloat16", "24"),
        ("artistic", "float32", "10"),
        ("stable", "bfloat16", "10"),
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
        generator(torch.zeros(1, 3, side, side))
    channels, places = COMPACT.widths[COMPACT.attention_block], (side // 8) ** 2
    counted += 2 * places**2 * (channels // 8 + channels)
    # Where strips meet, prepared generators up-sample a row twice.
    assert counted <= cost(COMPACT, side // 16).flop <= 1.05 * counted


def test_the_ledger_holds_what_is_alive_and_written() -> None:
    ledger = memory._Ledger("cpu", [])
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
    ledger = memory._Ledger("cpu", conv.parameters())
    x = torch.zeros(1, 8, 4, 4)
    with torch.no_grad(), ledger:
        conv(x)
    # Outputs, the weights in another layout, and the kernel.
    assert ledger.peak == 4 * (16 * 4 * 4 + 16 * 8 * 9) + memory._KERNEL_BYTES
    assert ledger.flop == 2 * 16 * 4 * 4 * 8 * 9


@pytest.mark.parametrize("name", CONFIGS)
def test_the_bound_is_never_less_than_the_cost(name: str) -> None:
    for factor in (4, 10, 24):
        assert memory.render_bound(CONFIGS[name], CPU, 16 * factor) >= cost(CONFIGS[name], factor).bytes


def test_the_largest_that_fits_is_that_of_a_search_one_by_one() -> None:
    sides = [16 * factor for factor in range(4, 13)]
    costs = {side: memory.render_cost(COMPACT, CPU, torch.float32, side).bytes for side in sides}
    for free in (0, *(int(cost * memory.MARGIN) + 1 for cost in costs.values()), PLENTY):
        fitting = [side for side in sides if costs[side] * memory.MARGIN <= free]
        found = memory.largest_fitting(COMPACT, CPU, torch.float32, sides, free)
        assert found == (max(fitting) if fitting else None)


def test_seconds_are_known_once_a_short_render_was_made(monkeypatch: pytest.MonkeyPatch) -> None:
    config = dataclasses.replace(COMPACT, widths=(32, 32, 32, 16), up_widths=(16, 16, 16, 16), middle_widths=(32, 32))
    prepared = Prepared(Generator(config).eval(), CPU, torch.float32)
    kind = config, CPU, torch.float32
    renders = []
    forward = Prepared.forward

    def counted(self: Prepared, x: torch.Tensor) -> torch.Tensor:
        renders.append(x.shape[-1])
        return forward(self, x)

    monkeypatch.setattr(Prepared, "forward", counted)
    assert memory.render_seconds(*kind, 256) is None
    for _ in range(3):
        memory.calibrate(prepared)
    assert renders == [memory.CALIBRATION_SIDE] * 3  # the two of the calibration, and one of shapes alone
    seconds = [memory.render_seconds(*kind, side) for side in (memory.CALIBRATION_SIDE, 512, 1024)]
    flop = [memory.render_cost(*kind, side).flop for side in (memory.CALIBRATION_SIDE, 512, 1024)]
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
        predicted = memory.render_cost(CONFIGS[name], cuda, dtype, 16 * factor).bytes
        record_property(f"{name} at {factor}: predicted, measured", (predicted, measured))
        assert measured <= predicted * memory.MARGIN


# What is free


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """A function of the system's available bytes, /proc/self/cgroup and files of groups, to what is free then."""

    def free(available: int, groups: str | None, files: dict[str, Any]) -> int:
        monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=available))
        if groups is not None:
            (tmp_path / "proc" / "self").mkdir(parents=True)
            (tmp_path / "proc" / "self" / "cgroup").write_text(groups)
        for name, content in files.items():
            file = tmp_path / "cgroup" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{content}\n")
        return memory.free_ram(tmp_path / "proc", tmp_path / "cgroup")

    return free


STAT_2 = "anon 700\nfile 300\nshmem 50\ninactive_file 100\nactive_file 40\nslab_reclaimable 7"
STAT_1 = "cache 300\nrss 700\ninactive_file 1\nactive_file 2\ntotal_inactive_file 100\ntotal_active_file 40"


def limits_2(folder: str, limit: Any, usage: int = 900) -> dict[str, Any]:
    prefix = f"{folder}/" if folder else ""
    return {f"{prefix}memory.max": limit, f"{prefix}memory.current": usage, f"{prefix}memory.stat": STAT_2}


def limits_1(folder: str, limit: int, usage: int = 900) -> dict[str, Any]:
    names = {"limit_in_bytes": limit, "usage_in_bytes": usage, "stat": STAT_1}
    return {f"memory/{folder}memory.{name}": value for name, value in names.items()}


@pytest.mark.parametrize(
    ("groups", "files", "expected"),
    [
        (None, {}, 5000),  # no Linux
        ("0::/\n", {}, 5000),  # no limits
        ("0::/\n", limits_2("", 1000), 240),  # a container's own root
        ("0::/\n", limits_2("", "max"), 5000),
        ("0::/app/web\n", {**limits_2("app/web", "max"), **limits_2("app", 1200)}, 440),  # limited from further out
        ("0::/app/web\n", {**limits_2("app/web", 1000), **limits_2("app", 1200)}, 240),
        ("0::/docker/0123\n", limits_2("", 1000), 240),  # the path is the host's, the folders are the container's
        ("0::/../outside\n", limits_2("", 1000), 240),
        ("0::/\n", limits_2("", 800), 40),
        ("0::/\n", limits_2("", 500), 0),  # over the limit already
        ("0::/\n", limits_2("", 9000), 5000),  # the system has less than the group may take
        ("4:memory:/job\n3:cpuset:/job\n0::/\n", limits_1("job/", 1000), 240),
        ("4:cpu,memory:/job\n", {**limits_1("job/", 9223372036854771712), **limits_1("", 1100)}, 340),
        ("4:memory:/docker/0123\n", limits_1("", 1000), 240),
        ("4:memory:/job\n0::/job\n", limits_1("job/", 9223372036854771712), 5000),
        ("5:devices:/job\n", limits_1("job/", 1000), 5000),
    ],
)
def test_what_is_free_keeps_to_the_containers_limits(
    groups: str | None, files: dict[str, Any], expected: int, system: Callable[..., int]
) -> None:
    assert system(5000, groups, files) == expected


def test_what_is_free_here_is_some_of_what_there_is() -> None:
    assert 0 < memory.free_bytes(CPU) <= psutil.virtual_memory().total


# A factor that fits


def test_where_memory_is_plenty_the_photo_and_the_model_decide(
    colorizer: deoldify.Colorizer, grey: Photo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda device: PLENTY)
    best = colorizer.checkpoint.render_factor
    assert colorizer.auto_render_factor(4000, 3000) == best
    assert colorizer.colorize_photo(grey).renders == (Render("compact", best, best),)
    assert colorizer.colorize_photo(grey, render_factor=5).renders == (Render("compact", 5, 5),)


def test_less_memory_means_a_smaller_render_which_the_result_tells(
    colorizer: deoldify.Colorizer, grey: Photo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda device: int(memory.MARGIN * cost(COMPACT, 7).bytes) + 1)
    assert colorizer.auto_render_factor(4000, 3000) == 7
    for asked in (None, 10):
        wanted = asked or colorizer.checkpoint.render_factor
        assert colorizer.colorize_photo(grey, render_factor=asked).renders == (Render("compact", 7, wanted),)
    image = colorizer(grey.to_image(), render_factor=12)
    assert image.info["render_factor"] == 7
    defader = deoldify.load("defade", device="cpu", precision="float32")
    restored, _ = deoldify.pipeline.restore_photo(grey, defader, colorizer)
    assert [render.model for render in restored.renders] == ["defade", "compact"]
    assert restored.renders[0].factor < restored.renders[0].wanted and restored.renders[1].factor == 7
    assert defader.defade_photo(grey, strength=0).renders == ()


def test_where_nothing_fits_the_error_says_what_to_do(
    colorizer: deoldify.Colorizer, grey: Photo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda device: 1_000_000)
    for call in (lambda: colorizer.auto_render_factor(90, 90), lambda: colorizer.colorize_photo(grey)):
        with pytest.raises(OutOfMemoryError, match=r"compact \(64 × 64 pixels\).* 1 MB are free.*Close other programs"):
            call()


# When memory runs out all the same


REFUSED = RuntimeError(
    "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: "
    "you tried to allocate 123456789 bytes. Error code 12 (Cannot allocate memory)"
)
ERRORS = {
    "CUDA": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    "refused": REFUSED,
    "Python's": MemoryError("Unable to allocate 1.00 GiB"),
    "older": RuntimeError("[enforce fail] . DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes."),
    "MPS": RuntimeError("MPS backend out of memory (MPS allocated: 5 GB)"),
    "cuBLAS": RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
}


def test_errors_that_say_that_memory_ran_out_are_told_from_others() -> None:
    assert all(memory.ran_out(error) for error in ERRORS.values())
    others = (RuntimeError("shapes do not match"), ValueError("out of memory"), OSError("Cannot allocate memory"))
    assert not any(memory.ran_out(error) for error in others)


Break = Callable[[Callable[[int], None]], None]


def places(colorizer: deoldify.Colorizer, monkeypatch: pytest.MonkeyPatch) -> dict[str, Break]:
    """Ways to have something called with the side of the square, at different places of the work."""

    def before(owner: Any, name: str, side_of: Callable[..., int]) -> Break:
        original = getattr(owner, name)

        def install(check: Callable[[int], None]) -> None:
            def broken(*args: Any, **options: Any) -> Any:
                check(side_of(*args))
                return original(*args, **options)

            monkeypatch.setattr(owner, name, broken)

        return install

    stem = colorizer.generator.encoder.body.conv_stem
    return {
        "square": before(imaging, "grey_square", lambda pixels, side: side),
        "encoder": before(stem, "forward", lambda x: x.shape[-1]),
        "attention": before(inference, "_attend", lambda layer, x: x.shape[-1] * 8),
        "strips": before(inference, "_rows_of_up", lambda up, x, height, width: x.shape[-1] * 4),
        "transfer": before(imaging, "transfer_guided", lambda pixels, square, render: square.shape[0]),
    }


@pytest.mark.parametrize("place", ["square", "encoder", "attention", "strips", "transfer"])
@pytest.mark.parametrize("kind", ["CUDA", "refused", "Python's"])
def test_memory_that_runs_out_anywhere_makes_the_render_smaller(
    place: str, kind: str, colorizer: deoldify.Colorizer, grey: Photo, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = colorizer.colorize_photo(grey, render_factor=6).pixels
    freed: list[torch.device] = []
    lost: list[weakref.ref[torch.Tensor]] = []

    def give_back(device: torch.device) -> None:
        freed.append(device)
        assert all(reference() is None for reference in lost)  # or there was nothing to give back

    def check(side: int) -> None:
        held = torch.zeros(1000)
        if side > 6 * 16:
            lost.append(weakref.ref(held))
            raise type(ERRORS[kind])(*ERRORS[kind].args)

    monkeypatch.setattr(memory, "give_back", give_back)
    places(colorizer, monkeypatch)[place](check)
    result = colorizer.colorize_photo(grey, render_factor=10)
    assert result.renders == (Render("compact", 6, 10),)  # 10, 8, 6
    assert freed == [CPU] * 2 and len(lost) == 2
    assert np.array_equal(result.pixels, expected)
    assert np.ptp(result.pixels, axis=-1).mean() > 3


@pytest.mark.parametrize("place", ["encoder", "transfer"])
def test_where_even_the_smallest_render_fails_there_is_an_error_and_no_grey_photo(
    place: str, colorizer: deoldify.Colorizer, grey: Photo, monkeypatch: pytest.MonkeyPatch
) -> None:
    sides = []

    def check(side: int) -> None:
        sides.append(side)
        raise REFUSED

    places(colorizer, monkeypatch)[place](check)
    with pytest.raises(OutOfMemoryError, match="Close other programs"):
        colorizer.colorize_photo(grey, render_factor=10)
    assert sides == [160, 128, 96, 64]


def test_other_errors_are_not_taken_for_it(
    colorizer: deoldify.Colorizer, grey: Photo, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(side: int) -> None:
        raise RuntimeError("the shapes do not match")

    places(colorizer, monkeypatch)["encoder"](check)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        colorizer.colorize_photo(grey, render_factor=10)


def test_a_defader_steps_down_too(grey: Photo, monkeypatch: pytest.MonkeyPatch) -> None:
    defader = deoldify.load("defade", device="cpu", precision="float32")
    expected = defader.defade_photo(grey, render_factor=8)
    forward = Prepared.forward

    def refuse(self: Prepared, x: torch.Tensor) -> torch.Tensor:
        if x.shape[-1] > 8 * 16:
            raise REFUSED
        return forward(self, x)

    monkeypatch.setattr(Prepared, "forward", refuse)
    result = defader.defade_photo(grey, render_factor=10)
    assert result.renders == (Render("defade", 8, 10),)
    assert np.array_equal(result.pixels, expected.pixels)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not limit a process's address space")
def test_an_allocation_that_the_system_refuses_makes_the_render_smaller() -> None:
    code = """
import resource
import numpy as np
import torch
import deoldify
from deoldify.photo import Photo
torch.set_num_threads(1)
colorizer = deoldify.load("compact", device="cpu", precision="float32")
photo = Photo(np.tile(np.arange(200, dtype=np.uint8)[:, None, None], (1, 300, 3)))
colorizer.colorize_photo(photo, render_factor=4)
size = next(int(line.split()[1]) << 10 for line in open("/proc/self/status") if line.startswith("VmSize"))
resource.setrlimit(resource.RLIMIT_AS, (size + (90 << 20),) * 2)
result = colorizer.colorize_photo(photo, render_factor=64)
print(result.renders[0].factor, result.renders[0].wanted, np.ptp(result.pixels, axis=-1).max())
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, env=environment())
    assert done.returncode == 0, done.stderr
    factor, wanted, colours = map(int, done.stdout.split())
    assert 4 <= factor < 64 and wanted == 64
    assert colours > 0


# Two at once


def test_requests_at_once_never_add_up_past_the_budget(
    colorizer: deoldify.Colorizer, grey: Photo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every render fits alone and no two fit together; all get what they want, one after the other."""
    other = deoldify.load("compact", device="cpu", precision="float32")
    best = colorizer.checkpoint.render_factor
    budget = int(1.9 * cost(COMPACT, best).bytes)
    taken, most, guard = 0, 0, threading.Lock()
    forward = Prepared.forward

    def counted(self: Prepared, x: torch.Tensor) -> torch.Tensor:
        nonlocal taken, most
        size = cost(COMPACT, x.shape[-1] // 16).bytes
        with guard:
            taken += size
            most = max(most, taken)
        try:
            return forward(self, x)
        finally:
            with guard:
                taken -= size

    monkeypatch.setattr(Prepared, "forward", counted)
    monkeypatch.setattr(memory, "free_bytes", lambda device: budget - taken)
    factors: list[int] = []
    models = (colorizer, other)
    threads = [
        threading.Thread(target=lambda i=i: factors.append(models[i % 2].colorize_photo(grey).renders[0].factor))
        for i in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert factors == [best] * 6
    assert 0 < most <= budget


# What the command line and the page say


def test_the_command_line_tells_of_a_smaller_render(
    coffee: npt.NDArray[np.uint8], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda device: int(memory.MARGIN * cost(COMPACT, 6).bytes) + 1)
    source = tmp_path / "old.jpg"
    Image.fromarray(coffee).convert("L").resize((90, 60)).save(source)
    options = ["--device", "cpu", "--precision", "float32"]
    arguments = ["colorize", str(source), "-o", str(tmp_path / "new.jpg"), "-r", "9", *options]
    done = CliRunner().invoke(__main__.app, arguments)
    assert done.exit_code == 0, done.output
    assert "old.jpg: memory ran short, so compact used render factor 6 instead of 9" in done.stderr
    assert (tmp_path / "new.jpg").exists()
    monkeypatch.setattr(memory, "free_bytes", lambda device: PLENTY)
    assert CliRunner().invoke(__main__.app, arguments).stderr == ""
    monkeypatch.setattr(memory, "free_bytes", lambda device: 1_000_000)
    (tmp_path / "new.jpg").unlink()
    done = CliRunner().invoke(__main__.app, arguments)
    assert done.exit_code == 1
    assert "not enough memory" in done.stderr
    assert not (tmp_path / "new.jpg").exists()


@pytest.fixture
def page(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("page")))
    monkeypatch.setattr(memory, "_paces", {})
    monkeypatch.setattr(memory, "free_bytes", lambda device: PLENTY)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    return importlib.import_module("app")


def sent(slider: Any) -> dict[str, Any]:
    """What the page changes about its slider."""
    assert slider.get_block_name() == "slider"
    return dict(slider.constructor_args)


def test_the_slider_tells_pixels_memory_and_seconds(page: Any) -> None:
    slider = sent(page._slider("compact", False, 12))
    megabytes = cost(COMPACT, 12, inference.choose_precision("auto", CPU)).bytes / 1e6
    label = f"Render factor 12: the model sees 192 × 192 pixels, takes {megabytes:.0f} MB"
    assert spaced(slider["label"]) == label and slider["maximum"] == 64 and "value" not in slider
    awake = spaced(sent(page._slider_of_awake_model("compact", False, 12))["label"])
    assert awake.startswith(f"{label}, about ") and awake.endswith(" s")
    assert page._slider("compact", True, 12) == gr.skip()


def spaced(label: str) -> str:
    return label.replace("\N{NO-BREAK SPACE}", " ")


def test_the_slider_ends_where_memory_does(page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    precision = inference.choose_precision("auto", CPU)
    weights = deoldify.checkpoints.find("compact").bytes
    free = int(memory.MARGIN * cost(COMPACT, 20, precision).bytes) + 1 + weights
    monkeypatch.setattr(memory, "free_bytes", lambda device: free)
    slider = sent(page._slider("compact", False, 35))
    assert (slider["maximum"], slider["value"]) == (20, 20)
    assert "320 × 320" in slider["label"] and "is 20." in slider["info"]
    assert "value" not in sent(page._slider("compact", False, 12))
    monkeypatch.setattr(memory, "free_bytes", lambda device: 1_000_000)
    slider = sent(page._slider("compact", False, 12))
    assert not slider["interactive"] and "not even the smallest render fits" in slider["info"]


def test_the_page_says_where_memory_ran_short(page: Any) -> None:
    facts = page.ColourFacts("compact", 7, 10, True, "guided", 300, 200, 0.5)
    assert "smaller render: factor 7 instead of 10" in str(facts)
    assert "Memory" not in str(dataclasses.replace(facts, render_factor=10))
    renders = (Render("defade", 16, 16), Render("compact", 8, 10))
    restored = page.RestoreFacts("defade", 1.0, False, True, renders, 300, 200, 0.5)
    assert "so compact made a smaller render: factor 8 instead of 10" in str(restored)
    assert "16" not in str(restored)
