"""The command line of training: ``python -m train --help``."""

from __future__ import annotations

import json
import logging
import sys
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from deoldify.errors import DeOldifyError

if TYPE_CHECKING:
    from deoldify.pipeline import Colorizer, Defader
    from train.evaluate import Rgb
    from train.evaluate_defade import DefadeMeasures

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)


class TaskName(str, Enum):
    """What a model is for."""

    colorize = "colorize"
    defade = "defade"


@app.callback()
def main() -> None:
    """Train and evaluate generators."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("tensorboard").setLevel(logging.WARNING)


RecipeOption = Annotated[str, typer.Option(help="Name of the recipe; see `recipes`.")]
DataOption = Annotated[Path, typer.Option(help="Folder of training images: sub-folders or tar files of them.")]
OutOption = Annotated[Path, typer.Option(help="The run's folder.")]
SetOption = Annotated[
    list[str], typer.Option("--set", help="Change a value, such as clip=2, 96px.batch=16, '*.steps=10'. Repeatable.")
]
SeedOption = Annotated[int, typer.Option(help="Of everything random.")]
DeviceOption = Annotated[str, typer.Option(help="Where to train: cpu, cuda, cuda:1, mps.")]
WorkersOption = Annotated[int, typer.Option(help="Processes that prepare pictures.")]
PrecisionOption = Annotated[str, typer.Option(help="Of autocast: float32, bfloat16, float16.")]
MicroBatchOption = Annotated[
    int | None, typer.Option(min=1, help="Most pictures at once; a batch goes through in pieces of this size.")
]
CompileOption = Annotated[bool, typer.Option("--compile", help="Run the networks through torch.compile.")]
InitOption = Annotated[
    Path | None, typer.Option(help="Weights to start from: a run's checkpoint (its averages), or a .safetensors.")
]
ValidationOption = Annotated[
    Path | None, typer.Option(help="Folder of photographs to measure on; default: what training does not see.")
]
MeasuredOption = Annotated[
    int, typer.Option(min=0, help="Photographs per set to measure on while training; 0 leaves that for later.")
]
ResumeOption = Annotated[bool, typer.Option("--resume", help="Go on from the run's last checkpoint.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Print every stage and end.")]


@app.command()
def recipes() -> None:
    """List the recipes."""
    from train.recipes import RECIPES

    for recipe in RECIPES.values():
        typer.echo(f"{recipe.name:18}{recipe.task:10}{len(recipe.stages):3} stages  {recipe.about}")


def _trains(task: str, purpose: str) -> None:
    """Add the command that trains for a task."""

    @app.command(task, help=purpose)
    def command(
        recipe: RecipeOption,
        data: DataOption,
        out: OutOption = Path("runs") / task,
        changes: SetOption = [],  # noqa: B006, typer copies it
        seed: SeedOption = 0,
        device: DeviceOption = "cpu",
        workers: WorkersOption = 1,
        precision: PrecisionOption = "bfloat16",
        micro_batch: MicroBatchOption = None,
        compiled: CompileOption = False,
        init: InitOption = None,
        validation: ValidationOption = None,
        measured: MeasuredOption = 64,
        resume: ResumeOption = False,
        dry_run: DryRunOption = False,
    ) -> None:
        settings = Settings(seed, device, workers, precision, micro_batch, compiled, init, validation, measured)
        _train(task, recipe, changes, data, out, settings, resume, dry_run)


_trains("colorize", "Train a colorizer by a recipe.")
_trains("defade", "Train a restorer of faded photographs by a recipe.")


@dataclass(frozen=True)
class Settings:
    """How to train, beside the recipe; see ``train.loop.Training``."""

    seed: int
    device: str
    workers: int
    precision: str
    micro_batch: int | None
    compiled: bool
    init: Path | None
    validation: Path | None
    measured: int


def _train(
    task: str, name: str, changes: list[str], data: Path, out: Path, settings: Settings, resume: bool, dry_run: bool
) -> None:
    from train.loop import LAST, Training
    from train.parallel import leave
    from train.recipes import RECIPES, changed

    names = [known for known, recipe in RECIPES.items() if recipe.task == task]
    if name not in names:
        raise typer.BadParameter(f"there is no recipe {name!r} to {task}; there are: {', '.join(names)}")
    if settings.precision not in ("float32", "bfloat16", "float16"):
        raise typer.BadParameter(f"precision {settings.precision!r} is none of float32, bfloat16, float16")
    recipe = changed(RECIPES[name], changes)
    if dry_run:
        from train.data import index, is_held_out
        from train.plan import plan

        images = sum(not is_held_out(entry) for entry in index(data))
        half = settings.precision != "float32"
        typer.echo(plan(recipe, images, micro_batch=settings.micro_batch, half=half))
        return
    if (out / LAST).exists() and not resume:
        raise typer.BadParameter(f"{out} holds a run already; add --resume to go on with it, or name another --out")
    try:
        training = Training(recipe, data, out, **vars(settings))
        training.resume()
        training.run()
    finally:
        leave()


@app.command()
def evaluate(
    model: Annotated[str, typer.Option(help="Which model; see `deoldify models`.")],
    data: Annotated[Path, typer.Option(help="Folder of colour photographs: sub-folders or tar files, a set each.")],
    task: Annotated[TaskName, typer.Option(help="What the model is for.")] = TaskName.colorize,
    checkpoint: Annotated[Path | None, typer.Option(help="Weights to use in place of the model's own.")] = None,
    render_factor: Annotated[int | None, typer.Option(help="One for all pictures; default: the model's best.")] = None,
    limit: Annotated[
        int | None, typer.Option(min=2, help="The first so many pictures of each set; default: all.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the fadings.")] = 0,
    json_path: Annotated[Path | None, typer.Option("--json", help="File to write the numbers to.")] = None,
    sheet: Annotated[Path | None, typer.Option(help="Folder for a contact sheet (PNG) of each set.")] = None,
) -> None:
    """Measure a colorizer or a defader on photographs whose colours are known."""
    from deoldify.pipeline import Colorizer, load
    from train.evaluate import originals

    loaded = load(model, checkpoint=checkpoint)
    if loaded.checkpoint.task != task.value:
        raise typer.BadParameter(f"{model} is a model to {loaded.checkpoint.task}", param_hint="--task")
    factor = render_factor or loaded.checkpoint.render_factor
    sets = {name: pictures[:limit] for name, pictures in originals(data).items()}
    if sheet is not None:
        sheet.mkdir(parents=True, exist_ok=True)
    report: dict[str, Any] = {"model": model, "render_factor": factor, "precision": str(loaded.precision)}
    typer.echo(f"{model} at render factor {factor}, {loaded.precision}")
    if isinstance(loaded, Colorizer):
        report["sets"] = _evaluate_colorizer(loaded, factor, sets, sheet)
    else:
        report |= {"seed": seed, "sets": _evaluate_defader(loaded, factor, sets, seed, sheet)}
    if json_path is not None:
        from train.runs import write_text

        write_text(json_path, json.dumps(report, indent=2) + "\n")


def _evaluate_colorizer(
    colorizer: Colorizer, factor: int, sets: dict[str, list[Rgb]], sheet: Path | None
) -> dict[str, Any]:
    from train.evaluate import PooledFeatures, contact_sheet, measure, paint_all, table

    features = PooledFeatures()
    results = {}
    for name, pictures in sets.items():
        renders = paint_all(pictures, lambda image: colorizer(image, render_factor=factor))
        results[name] = measure(pictures, renders, features)
        if sheet is not None:
            contact_sheet(pictures[:36], renders[:36]).save(sheet / f"{name}.png")
    typer.echo(table(results))
    return {name: asdict(measures) for name, measures in results.items()}


def _evaluate_defader(
    defader: Defader, factor: int, sets: dict[str, list[Rgb]], seed: int, sheet: Path | None
) -> dict[str, Any]:
    from train.evaluate_defade import (
        STRENGTHS,
        colour_only,
        compare,
        defade_sheet,
        defade_table,
        measure_defade,
        measure_fresh,
    )

    def restore(rgb: Rgb) -> Rgb:
        return cast("Rgb", defader.defade_pixels(rgb, render_factor=factor))

    results: dict[str, dict[str, DefadeMeasures]] = {}
    fresh = {}
    for name, found in sets.items():
        pictures = colour_only(found)
        results[name] = {}
        for strength, amount in STRENGTHS.items():
            compared = compare(pictures, restore, amount, seed)
            measures = results[name][strength] = measure_defade(compared)
            if sheet is not None:
                defade_sheet(compared.first(36), measures.best_baseline).save(sheet / f"{name}-{strength}.png")
        fresh[name] = measure_fresh(pictures, restore)
    typer.echo(defade_table(results, fresh))
    return {
        name: {**{strength: asdict(m) for strength, m in by_strength.items()}, "fresh": asdict(fresh[name])}
        for name, by_strength in results.items()
    }


@app.command()
def export(
    checkpoint: Annotated[Path, typer.Option(help="Checkpoint of a run, such as runs/colorize/last.pt.")],
    out: Annotated[Path, typer.Option(help="File to write, such as weights/compact.safetensors.")],
    commit: Annotated[str, typer.Option(help="Commit that trained it.")],
    command: Annotated[str, typer.Option(help="Command line that trained it.")],
    data: Annotated[str, typer.Option(help="What it was trained on.")],
) -> None:
    """Write a run's averaged weights as one small file, as `deoldify` loads it."""
    from train.publish import export as export_run

    exported = export_run(checkpoint, out, {"commit": commit, "command": command, "data": data})
    typer.echo(f"{exported.path}: {exported.bytes} bytes, SHA-256 {exported.sha256}")


@app.command()
def curves(
    run: Annotated[Path, typer.Option(help="The run's folder.")],
    out: Annotated[Path, typer.Option(help="CSV to write, such as weights/compact-curves.csv; a PNG lies beside it.")],
    rows: Annotated[int, typer.Option(min=1, help="About how many; each is a mean over as many steps.")] = 200,
) -> None:
    """Keep a run's TensorBoard scalars as a small table, and draw how its snapshots fared."""
    from train.history import write_history

    for path in write_history(run, out, rows):
        typer.echo(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    try:
        app()
    except DeOldifyError as error:
        sys.exit(f"error: {error}")
