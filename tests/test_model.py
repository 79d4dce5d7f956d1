"""What models do where memory is short: a smaller render, and they say so."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

import deoldify
from deoldify import __main__, imaging
from deoldify.checkpoints import find, load_generator
from deoldify.errors import OutOfMemoryError
from deoldify.network import COMPACT, Opinions, Prepared, memory, prepared, strips
from deoldify.network.cost import MARGIN
from deoldify.photo import Photo, Render
from deoldify.restoring import restore_photo
from tests.network.costs import CPU, PLENTY, cost_of
from tests.page import environment

ROOT = Path(__file__).parents[1]


def with_one_render() -> deoldify.Colorizer:
    """The embedded one, making a photo of one render; what several take is tested with what they agree on."""
    record = dataclasses.replace(find("compact"), renders=1)
    return deoldify.Colorizer(record, load_generator(record), device="cpu", precision="float32")


@pytest.fixture(scope="module")
def colorizer() -> deoldify.Colorizer:
    return with_one_render()


@pytest.fixture(scope="module")
def grey(coffee: npt.NDArray[np.uint8]) -> Photo:
    return Photo(np.repeat(np.asarray(Image.fromarray(coffee).convert("L"))[..., None], 3, axis=-1))


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
    monkeypatch.setattr(memory, "free_bytes", lambda device: int(MARGIN * cost_of(COMPACT, 7).bytes) + 1)
    assert colorizer.auto_render_factor(4000, 3000) == 7
    for asked in (None, 10):
        wanted = asked or colorizer.checkpoint.render_factor
        assert colorizer.colorize_photo(grey, render_factor=asked).renders == (Render("compact", 7, wanted),)
    image = colorizer(grey.to_image(), render_factor=12)
    assert image.info["render_factor"] == 7
    defader = deoldify.load("defade", device="cpu", precision="float32")
    restored, _ = restore_photo(grey, defader, colorizer)
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

    stem = colorizer.generator.get_submodule("encoder.body.conv_stem")
    return {
        "square": before(imaging, "grey_square", lambda pixels, side: side),
        "encoder": before(stem, "forward", lambda x: x.shape[-1]),
        "attention": before(prepared, "attend", lambda layer, x: x.shape[-1] * 8),
        "strips": before(strips, "_rows_of_up", lambda up, x, height, width: x.shape[-1] * 4),
        "transfer": before(imaging, "transfer_guided", lambda pixels, square, uv: square.shape[0]),
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
colorizer.colorize_photo(photo, render_factor=4, renders=1)
size = next(int(line.split()[1]) << 10 for line in open("/proc/self/status") if line.startswith("VmSize"))
resource.setrlimit(resource.RLIMIT_AS, (size + (240 << 20),) * 2)
result = colorizer.colorize_photo(photo, render_factor=64, renders=1)
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
    other = with_one_render()
    best = colorizer.checkpoint.render_factor
    budget = int(1.9 * cost_of(COMPACT, best).bytes)
    taken, most, guard = 0, 0, threading.Lock()
    judged = Prepared.judged

    def counted(self: Prepared, x: torch.Tensor) -> Opinions:
        nonlocal taken, most
        size = cost_of(COMPACT, x.shape[-1] // 16).bytes
        with guard:
            taken += size
            most = max(most, taken)
        try:
            return judged(self, x)
        finally:
            with guard:
                taken -= size

    monkeypatch.setattr(Prepared, "judged", counted)
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


# What the command line says


def test_the_command_line_tells_of_a_smaller_render(
    coffee: npt.NDArray[np.uint8], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda device: int(MARGIN * cost_of(COMPACT, 6).bytes) + 1)
    source = tmp_path / "old.jpg"
    Image.fromarray(coffee).convert("L").resize((90, 60)).save(source)
    options = ["--device", "cpu", "--precision", "float32"]
    arguments = ["colorize", str(source), "-o", str(tmp_path / "new.jpg"), "-r", "9", "--renders", "1", *options]
    done = CliRunner().invoke(__main__.app, arguments)
    assert done.exit_code == 0, done.output
    assert "old.jpg: memory ran short, so compact used render factor 6 instead of 9" in done.stderr
    assert (tmp_path / "new.jpg").exists()
    monkeypatch.setattr(memory, "free_bytes", lambda device: PLENTY)
    assert "memory ran short" not in CliRunner().invoke(__main__.app, arguments).stderr
    monkeypatch.setattr(memory, "free_bytes", lambda device: 1_000_000)
    (tmp_path / "new.jpg").unlink()
    done = CliRunner().invoke(__main__.app, arguments)
    assert done.exit_code == 1
    assert "not enough memory" in done.stderr
    assert not (tmp_path / "new.jpg").exists()
