"""The benchmark of renders, at a size where it takes moments; no number it measures is judged."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch.utils.flop_counter import FlopCounterMode
from typer.testing import CliRunner

from benchmarks import cases, inference, photo
from deoldify.network import COMPACT, Generator


def test_the_benchmark_writes_a_table_json_and_a_plot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inference, "PRODUCT_SIDE", 64)
    numbers, plot = tmp_path / "numbers.json", tmp_path / "plot.png"
    arguments = ["-m", "compact", "-r", "4", "-r", "6", "-p", "float32", "--rounds", "1", "--no-memory"]
    result = CliRunner().invoke(inference.app, [*arguments, "--json", str(numbers), "--plot", str(plot)])
    assert result.exit_code == 0, result.output
    table = [line.split(" | ") for line in result.stdout.splitlines() if line.startswith("| compact")]
    rows = json.loads(numbers.read_text())["rows"]
    assert [(row["render_factor"], row["way"]) for row in rows] == [
        (4, "plain"), (4, "float32"), (6, "plain"), (6, "float32"),
    ]  # fmt: skip
    assert [float(cells[3]) for cells in table] == [round(row["seconds"], 3) for row in rows]
    assert all(row["speed_up"] == 1 for row in rows if row["way"] == "plain")
    assert all(row["peak_mib"] is None for row in rows)
    with Image.open(plot) as image:
        assert image.width > 100


def test_other_colours_are_timed_beside_a_new_render() -> None:
    rows = photo.adjusting(0.01, 1)
    assert [row["what"] for row in rows] == [
        "a new render", "colours as they are", "saturation and warmth", "a hint", "four hints",
    ]  # fmt: skip
    assert all(row["seconds"] >= 0 and row["megapixels"] == 0.01 for row in rows)


def test_work_is_counted_as_on_the_network_itself() -> None:
    generator = Generator(COMPACT).eval()
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        generator(inference.grey(4))
    assert inference.gflop("compact", 4) == pytest.approx(counter.get_total_flops() / 1e9)


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="resident memory is counted on Linux only")
def test_memory_is_measured_in_a_process_of_its_own() -> None:
    row = inference.Row("compact", 16, "float32", 1, 1, 1, 1, None)
    peak = inference.with_peak(row, torch.device("cpu")).peak_mib
    assert peak is not None
    widest = 48 * 128 * 128 * 4 / 2**20  # MiB: the last map of the decoder, which there must be room for
    assert widest < peak < 40 * widest


def test_an_engine_that_is_not_installed_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    result = CliRunner().invoke(inference.app, ["--engine", "onnxruntime"])
    assert result.exit_code == 2
    words = result.output.replace("│", " ").split()  # the message stands in a box
    assert "pip install onnxruntime onnxscript" in " ".join(words)


@pytest.mark.parametrize(
    ("engine", "needs"), [("onnxruntime", ["onnxruntime", "onnxscript"]), ("openvino", ["openvino"])]
)
def test_an_engine_computes_what_the_prepared_generator_does(engine: str, needs: list[str]) -> None:
    for module in needs:
        pytest.importorskip(module)
    outputs = []
    for way in (engine, "float32"):
        torch.manual_seed(0)
        outputs.append(inference.render_of("compact", way, torch.device("cpu"))(inference.grey(4)))
    torch.testing.assert_close(*outputs, rtol=0, atol=1e-4)


def test_what_a_photo_may_take_is_told_from_what_it_may_not() -> None:
    plain = cases.Cost(0, 0.5, 1.0, 500_000_000, "", ("a.jpg",))
    fine = cases.Cost(1, 5.4, 9.0, 1_499_000_000, "error: a.jpg is damaged", ())
    assert not cases.complaints(fine, plain, 0)
    large = cases.Cost(0, 5.0, 9.0, 3_400_000_000, "", ("a.jpg",))
    assert not cases.complaints(large, plain, 200_000_000) and cases.complaints(large, plain, 10_000_000)
    for wrong in (
        cases.Cost(0, 5.6, 9.0, 0, "", ("a.jpg",)),
        cases.Cost(-9, 0.0, 1.0, 0, "", ()),
        cases.Cost(1, 0.0, 1.0, 0, "x" * 2000, ()),
        cases.Cost(1, 0.0, 1.0, 0, "Traceback (most recent call last)", ()),
        cases.Cost(0, 0.0, 1.0, 0, "", ()),
        cases.Cost(1, 0.0, 1.0, 0, "", ("a.jpg",)),
        cases.Cost(0, 0.0, 1.0, 0, "", ("a.jpg", ".deoldify-0.part")),
    ):
        assert len(cases.complaints(wrong, plain, 0)) == 1
