"""What a render costs: ``python -m benchmarks.inference --help``.

Measures, alternating in one process, the plain generator as it is loaded (eager, float32, contiguous, norms not
folded: what the reference costs) against the prepared one in each precision, and the machine's own matrix product in
the same precisions, which says how far from its best the machine is. Weights are random: time and memory do not
depend on their values.
"""

from __future__ import annotations

import ctypes
import importlib.util
import json
import platform
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from enum import Enum
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import torch
import typer
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.memory import CONFIGS
from benchmarks.resident import TELLS, resident, start_peak_anew
from deoldify.model import FACTOR_PIXELS
from deoldify.network import (
    AnyGenerator,
    Prepared,
    build,
    fold_norms,
    memory,
)

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
PLAIN = "plain"
ENGINES = {"onnxruntime": "onnxruntime onnxscript", "openvino": "openvino"}
"""Other libraries that run the folded generator in float32 on the CPU, and what to install for them."""
PRODUCT_SIDE = 4096
"""Rows and columns of the matrices whose product stands for what the machine can do."""

Render = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Row:
    """What one way to run one generator costs at one render factor.

    Attributes:
        model: name of the generator.
        render_factor: side of the square in units of 16 pixels.
        way: ``plain``, the precision of the prepared generator, or the name of another engine.
        seconds: median over the rounds, from a tensor on the CPU to one on the CPU.
        speed_up: plain ÷ this, median over the rounds.
        gflop: multiplications and additions of the plain generator, 10⁹.
        share: GFLOP a second ÷ that of the matrix product in the same precision, median over the rounds.
        peak_mib: most memory above the loaded program and its weights; None where it was not measured.
    """

    model: str
    render_factor: int
    way: str
    seconds: float
    speed_up: float
    gflop: float
    share: float
    peak_mib: float | None


def render_of(model: str, way: str, device: torch.device) -> Render:
    """The generator with random weights, ready to map (N, 3, H, W) float32 on the CPU to the same."""
    generator = build(CONFIGS[model]).eval()
    if way in ENGINES:
        start = {"onnxruntime": onnxruntime_of, "openvino": openvino_of}[way]
        folded = fold_norms(generator).requires_grad_(False)
        engine: Render | None = None

        def render_by_engine(x: Tensor) -> Tensor:
            nonlocal engine
            engine = engine or start(folded, x)  # the first call's size is the one that it is built for
            return engine(x)

        return render_by_engine
    if way != PLAIN:
        memory.keep_heap_small()  # as the package does
        return Prepared(generator, device, DTYPES[way])
    generator.to(device)

    @torch.inference_mode()
    def render(x: Tensor) -> Tensor:
        return generator(x.to(device)).cpu()  # type: ignore[no-any-return]

    return render


def onnxruntime_of(generator: AnyGenerator, x: Tensor) -> Render:
    """The generator in ONNX Runtime, for inputs of the size of ``x``."""
    import onnxruntime

    with TemporaryDirectory() as folder:
        file = Path(folder) / "generator.onnx"
        torch.onnx.export(generator, (x,), file, dynamo=True, verbose=False)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda x: torch.from_numpy(session.run(None, {name: x.numpy()})[0])


def openvino_of(generator: AnyGenerator, x: Tensor) -> Render:
    """The generator in OpenVINO, for inputs of the size of ``x``."""
    import openvino

    model = openvino.convert_model(generator, example_input=x, input=[list(x.shape)])
    options = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": torch.get_num_threads()}
    compiled = openvino.compile_model(model, "CPU", options)
    return lambda x: torch.from_numpy(compiled(x.numpy())[0])


def grey(render_factor: int) -> Tensor:
    """Noise as a generator's input: (1, 3, side, side), three equal channels."""
    side = render_factor * FACTOR_PIXELS
    return torch.randn(1, 1, side, side).clamp(-2, 2).expand(1, 3, side, side).contiguous()


def gflop(model: str, render_factor: int) -> float:
    """Multiplications and additions of the plain generator for one square, 10⁹; nothing is computed."""
    with torch.device("meta"):  # where spectral norm, which takes next to nothing, does not run
        generator, x = build(CONFIGS[model], spectral=False).eval(), grey(render_factor)
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        generator(x)
    return float(counter.get_total_flops()) / 1e9


def product_of(precision: str, device: torch.device) -> Callable[[], float]:
    """A matrix product in a precision, as a function that returns its GFLOP a second."""
    a, b = (torch.randn(PRODUCT_SIDE, PRODUCT_SIDE, device=device, dtype=DTYPES[precision]) for _ in range(2))

    def rate() -> float:
        return 2 * PRODUCT_SIDE**3 / 1e9 / seconds(lambda: (a @ b)[0, 0].item())  # the number waits for the device

    return rate


def seconds(run: Callable[[], object]) -> float:
    """Wall-clock time of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def time_ways(
    model: str, render_factors: Iterable[int], ways: Sequence[str], device: torch.device, rounds: int
) -> list[Row]:
    """Time one generator, plain and in other ways; rounds alternate between them. Memory is left out."""
    products = {name: product_of(name, device) for name in DTYPES if name in ("float32", *ways)}
    renders = {way: render_of(model, way, device) for way in (PLAIN, *ways) if way not in ENGINES}
    rows = []
    for factor in render_factors:
        x, work = grey(factor), gflop(model, factor)
        renders |= {way: render_of(model, way, device) for way in ways if way in ENGINES}
        for render in renders.values():
            render(x)  # the first call plans and allocates
        taken: dict[str, list[float]] = {way: [] for way in renders}
        shares: dict[str, list[float]] = {way: [] for way in renders}
        for _ in range(rounds):
            rates = {precision: rate() for precision, rate in products.items()}
            for way, render in renders.items():
                taken[way].append(seconds(partial(render, x)))
                shares[way].append(work / taken[way][-1] / rates[way if way in DTYPES else "float32"])
        for way in renders:
            speed_up = median(plain / this for plain, this in zip(taken[PLAIN], taken[way]))
            rows.append(Row(model, factor, way, median(taken[way]), speed_up, work, median(shares[way]), None))
    return rows


def peak_memory(model: str, way: str, render_factor: int, device_name: str, threads: int) -> float | None:
    """Most memory above weights and program that renders take, in MiB; in a process of its own, which it must own.

    On a CPU this is resident memory, by Linux's count (None elsewhere), libraries' own buffers included; on CUDA what
    PyTorch's allocator handed out.
    """
    torch.set_num_threads(threads)
    device = torch.device(device_name)
    render = render_of(model, way, device)
    x = grey(render_factor)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        render(x)
        return (torch.cuda.max_memory_allocated(device) - before) / 2**20
    if not TELLS:
        return None
    ctypes.CDLL(None).malloc_trim(0)  # what preparing has freed must not count as there already
    start_peak_anew()
    before = resident("VmRSS")
    for _ in range(2):  # what the first leaves behind, the second does not get back
        render(x)
    return (resident("VmHWM") - before) / 2**20


def with_peak(row: Row, device: torch.device) -> Row:
    """The same row with its memory measured, in a new process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        arguments = row.model, row.way, row.render_factor, str(device), torch.get_num_threads()
        return replace(row, peak_mib=process.submit(peak_memory, *arguments).result())


def as_markdown(rows: Iterable[Row]) -> str:
    """Rows as a Markdown table."""
    lines = [
        "| model | render factor | | seconds | plain ÷ this | GFLOP | share of the product's rate | peak MiB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        peak = "not measured" if row.peak_mib is None else f"{row.peak_mib:.0f}"
        lines.append(
            f"| {row.model} | {row.render_factor} | {row.way} | {row.seconds:.3f} | {row.speed_up:.2f} "
            f"| {row.gflop:.0f} | {row.share:.0%} | {peak} |"
        )
    return "\n".join(lines)


def draw(rows: Sequence[Row], path: Path) -> None:
    """Plot time and memory against render factor, one column of panels a model."""
    from matplotlib.figure import Figure

    models = list(dict.fromkeys(row.model for row in rows))
    figure = Figure(figsize=(4 * len(models), 7), layout="constrained")
    panels = figure.subplots(2, len(models), squeeze=False, sharex=True)
    for column, model in enumerate(models):
        time_panel, memory_panel = panels[0][column], panels[1][column]
        for way in dict.fromkeys(row.way for row in rows):
            points = [row for row in rows if (row.model, row.way) == (model, way)]
            factors = [row.render_factor for row in points]
            time_panel.plot(factors, [row.seconds for row in points], marker="o", label=way)
            memory_panel.plot(factors, [row.peak_mib for row in points], marker="o", label=way)
        time_panel.set(title=model, ylabel="seconds", ylim=(0, None))
        memory_panel.set(xlabel="render factor", ylabel="peak MiB above the weights", ylim=(0, None))
        time_panel.legend()
    figure.savefig(path, dpi=100)


def machine(device: torch.device, products: dict[str, float]) -> dict[str, Any]:
    """Where the numbers come from, as plain data; ``products`` are the matrix product's GFLOP a second."""
    cuda = device.type == "cuda"
    return {
        "device": torch.cuda.get_device_name(device) if cuda else _cpu_name(),
        "capability": torch.cuda.get_device_capability(device) if cuda else torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "product_gflop_per_second": products,
    }


def _cpu_name() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    return next((line.split(": ")[1] for line in lines if line.startswith("model name")), platform.processor())


class Device(str, Enum):
    """Where to measure."""

    cpu = "cpu"
    cuda = "cuda"


class ModelName(str, Enum):
    """Generators, of which video has the shape of stable, and DDColor's artistic and paper that of ddcolor."""

    compact = "compact"
    defade = "defade"
    artistic = "artistic"
    stable = "stable"
    ddcolor_tiny = "ddcolor-tiny"
    ddcolor = "ddcolor"


class Engine(str, Enum):
    """Another library that runs the generator."""

    onnxruntime = "onnxruntime"
    openvino = "openvino"


class Precision(str, Enum):
    """Floating-point type of the prepared generator."""

    float32 = "float32"
    bfloat16 = "bfloat16"
    float16 = "float16"


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__.split("\n\n", 1)[1])
def main(
    models: Annotated[list[ModelName], typer.Option("--model", "-m", help="Repeatable.")] = list(ModelName),  # noqa: B006
    render_factors: Annotated[
        list[int], typer.Option("--render-factor", "-r", min=4, max=64, help="Repeatable.")
    ] = [16, 21, 35, 48],  # noqa: B006
    precisions: Annotated[
        list[Precision], typer.Option("--precision", "-p", help="Of the prepared generator. Repeatable.")
    ] = [Precision.float32, Precision.bfloat16],  # noqa: B006
    engines: Annotated[
        list[Engine], typer.Option("--engine", help="Another library to measure, in float32 on the CPU. Repeatable.")
    ] = [],  # noqa: B006
    device: Annotated[Device, typer.Option(help="Where to measure.")] = Device.cpu,
    threads: Annotated[int | None, typer.Option(min=1, show_default="PyTorch's choice")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Timed runs of each; medians are shown.")] = 5,
    memory: Annotated[bool, typer.Option(help="Measure memory too, each number in a process of its own.")] = True,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all numbers to this file.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Write a plot to this file, PNG or SVG.")] = None,
) -> None:  # fmt: skip
    if threads is not None:
        torch.set_num_threads(threads)
    where = torch.device(device.value)
    if where.type == "cuda" and not torch.cuda.is_available():
        raise typer.BadParameter("there is no CUDA device here, or this PyTorch was built without it")
    for engine in engines:
        if importlib.util.find_spec(engine.value) is None:
            raise typer.BadParameter(f"{engine.value} is not installed; pip install {ENGINES[engine.value]}")
    if engines and where.type != "cpu":
        raise typer.BadParameter("other engines are measured on the CPU; leave out --engine")
    ways = [*(precision.value for precision in precisions), *(engine.value for engine in engines)]
    rows: list[Row] = []
    for model in models:
        for row in time_ways(model.value, render_factors, ways, where, rounds):
            rows.append(with_peak(row, where) if memory else row)
            typer.echo(as_markdown(rows[-1:]).splitlines()[-1], err=True)
    rates = {
        name: median(product_of(name, where)() for _ in range(rounds)) for name in DTYPES if name in ("float32", *ways)
    }
    facts = machine(where, rates)
    typer.echo(as_markdown(rows))
    typer.echo(f"\n{json.dumps(facts)}")
    if json_file:
        json_file.write_text(json.dumps({**facts, "rows": [asdict(row) for row in rows]}, indent=1) + "\n")
    if plot:
        draw(rows, plot)


if __name__ == "__main__":
    app()
