"""The command line of training: ``python -m train --help``."""

from __future__ import annotations

import json
import logging
import sys
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from deoldify.errors import DeOldifyError
from deoldify.terminal import QuietOption, VerboseOption, VersionOption, begin, say

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,  # a shell completes for a command's name, and this is a module's
    pretty_exceptions_enable=False,
    help=__doc__,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class TaskName(str, Enum):
    """What a model is for."""

    colorize = "colorize"
    defade = "defade"


@app.callback()
def main(quiet: QuietOption = False, verbose: VerboseOption = False, version: VersionOption = False) -> None:
    """Train and evaluate generators."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    begin(quiet=quiet, verbose=verbose, deoldify=logging.WARNING, train=logging.INFO)
    logging.getLogger("tensorboard").setLevel(logging.WARNING)


RecipeOption = Annotated[str, typer.Option(help="Name of the recipe; see `recipes`.")]
DataOption = Annotated[
    list[str],
    typer.Option(
        help="What to train on: a folder of images, sub-folders or tar files of them; or a pattern of tar files or of "
        "their URLs, which are streamed, such as 'https://host/imagenet-{000000..000146}.tar'. Repeatable."
    ),
]
ImagesOption = Annotated[
    int | None, typer.Option(min=1, help="How many images streamed shards hold; others are counted.")
]
OutOption = Annotated[Path, typer.Option(help="The run's folder.")]
SetOption = Annotated[
    list[str], typer.Option("--set", help="Change a value, such as clip=2, 96px.batch=16, '*.steps=10'. Repeatable.")
]
SeedOption = Annotated[int, typer.Option(help="Of everything random.")]
DeviceOption = Annotated[
    str, typer.Option(help="Where to train: cpu, cuda, cuda:1, mps; auto is CUDA where there is one, else the CPU.")
]
WorkersOption = Annotated[int, typer.Option(help="Processes that prepare pictures.")]
PrecisionOption = Annotated[str, typer.Option(help="Of autocast: float32, bfloat16, float16.")]
MicroBatchOption = Annotated[
    int | None, typer.Option(min=1, help="Most pictures at once; a batch goes through in pieces of this size.")
]
CompileOption = Annotated[bool, typer.Option("--compile", help="Run the networks through torch.compile.")]
InitOption = Annotated[
    Path | None, typer.Option(help="Weights to start from: a run's checkpoint (its averages), or a .safetensors.")
]
BeginOption = Annotated[
    str | None, typer.Option("--from", help="Stage to begin with; those before it are left out. Needs --init.")
]
ValidationOption = Annotated[
    Path | None, typer.Option(help="Folder of photographs to measure on; default: what training does not see.")
]
MeasuredOption = Annotated[
    int, typer.Option(min=0, help="Photographs per set to measure on while training; 0 leaves that for later.")
]
HoldOutOption = Annotated[
    list[str] | None,
    typer.Option(help="Source that training does not see at all, to choose by; default: a hundredth. Repeatable."),
]
TeacherOption = Annotated[
    str | None,
    typer.Option(
        help="A colorizer, or a file of weights, whose colours are blended into the targets of the pixels; by how "
        "much, --set teacher_weight=0.5 says.", show_default=False,
    ),
]  # fmt: skip
ResumeOption = Annotated[bool, typer.Option("--resume", help="Go on from the run's last checkpoint.")]
CommitOption = Annotated[str, typer.Option(help="Commit that trained it.")]
CommandOption = Annotated[str, typer.Option(help="Command line that trained it.")]
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
        images: ImagesOption = None,
        changes: SetOption = [],  # noqa: B006, typer copies it
        seed: SeedOption = 0,
        device: DeviceOption = "auto",
        workers: WorkersOption = 1,
        precision: PrecisionOption = "bfloat16",
        micro_batch: MicroBatchOption = None,
        compiled: CompileOption = False,
        init: InitOption = None,
        first: BeginOption = None,
        validation: ValidationOption = None,
        measured: MeasuredOption = 64,
        hold_out: HoldOutOption = None,
        teacher: TeacherOption = None,
        resume: ResumeOption = False,
        dry_run: DryRunOption = False,
        quiet: QuietOption = False,
        verbose: VerboseOption = False,
    ) -> None:
        settings = Settings(
            images, seed, device, workers, precision, micro_batch, compiled, init, validation, measured, hold_out or []
        )
        taught = [] if teacher is None else [f"teacher={json.dumps(teacher)}"]
        _train(task, recipe, [*changes, *taught], first, data, out, settings, resume, dry_run)


_trains("colorize", "Train a colorizer by a recipe.")
_trains("defade", "Train a restorer of faded photographs by a recipe.")


@dataclass(frozen=True)
class Settings:
    """How to train, beside the recipe; see ``train.run.Training``."""

    images: int | None
    seed: int
    device: str
    workers: int
    precision: str
    micro_batch: int | None
    compiled: bool
    init: Path | None
    validation: Path | None
    measured: int
    hold_out: list[str]


def _train(
    task: str,
    name: str,
    changes: list[str],
    first: str | None,
    data: list[str],
    out: Path,
    settings: Settings,
    resume: bool,
    dry_run: bool,
) -> None:
    from train.folder import LAST
    from train.parallel import leave
    from train.recipes import RECIPES, changed
    from train.run import Training, planned

    names = [known for known, recipe in RECIPES.items() if recipe.task == task]
    if name not in names:
        raise typer.BadParameter(f"there is no recipe {name!r} to {task}; there are: {', '.join(names)}")
    if settings.precision not in ("float32", "bfloat16", "float16"):
        raise typer.BadParameter(f"precision {settings.precision!r} is none of float32, bfloat16, float16")
    recipe = changed(RECIPES[name], changes)
    if first is not None:
        recipe = recipe.beginning_at(first)
        if settings.init is None and not resume and not dry_run:
            raise typer.BadParameter(f"a run that begins with {first!r} needs trained weights: add --init FILE")
    if dry_run:
        from train.data import open_source

        images = open_source(data, settings.images, settings.hold_out).images
        half = settings.precision != "float32"
        typer.echo(planned(recipe, images, micro_batch=settings.micro_batch, half=half))
        return
    if (out / LAST).exists() and not resume:
        raise typer.BadParameter(f"{out} holds a run already; add --resume to go on with it, or name another --out")
    try:
        training = Training(recipe, data, out, **vars(settings))
        training.resume()
        training.run()
    finally:
        leave()
    if training.peers.leads:
        last = out / LAST
        say(
            f"{last} holds what was trained. See how good it is: python -m train evaluate --checkpoint {last} "
            f"--data FOLDER; then make it a file for deoldify: python -m train export --help, or publish --help"
        )


@app.command()
def evaluate(
    data: Annotated[
        list[Path], typer.Option(help="Folder of photographs: sub-folders or tar files, a set each. Repeatable.")
    ],
    model: Annotated[
        str | None, typer.Option(help="Which model; see `deoldify models`. Not needed where the checkpoint tells.")
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Weights to measure: any checkpoint of a run, or exported .safetensors.")
    ] = None,
    task: Annotated[TaskName | None, typer.Option(help="What the model must be for; default: any.")] = None,
    render_factor: Annotated[
        list[int] | None, typer.Option(min=4, max=64, help="Repeatable; default: the model's best.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=2, help="The first so many pictures of each set; default: all.")
    ] = None,
    hold_out: Annotated[
        list[str] | None, typer.Option(help="Only this source, which a run held out as a whole. Repeatable.")
    ] = None,
    held_out: Annotated[
        bool, typer.Option("--held-out", help="Only what training on these data does not see: to choose by.")
    ] = False,
    fid: Annotated[
        bool, typer.Option("--fid", help="Measure FID too; Inception's weights are downloaded the first time.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of the fadings.")] = 0,
    json_path: Annotated[Path | None, typer.Option("--json", help="File to write the numbers to.")] = None,
    sheet: Annotated[
        Path | None, typer.Option(help="Folder for a contact sheet (PNG) of each set at each render factor.")
    ] = None,
) -> None:
    """Measure a colorizer or a defader on photographs whose colours are known."""
    from deoldify.colorizer import Colorizer
    from train.folder import write_text
    from train.measure import load_any, originals, plain_numbers, whole_photographs
    from train.measure.evaluation import STEADIED, evaluate_colorizer, evaluate_defader, evaluate_steadiness

    if model is None and checkpoint is None:
        if task is None:
            raise typer.BadParameter("name a --model or a --checkpoint; or a --task, for the model that is embedded")
        model = {TaskName.colorize: "compact", TaskName.defade: "defade"}[task]
    loaded = load_any(model, checkpoint)
    if task is not None and loaded.checkpoint.task != task.value:
        raise typer.BadParameter(f"this is a model to {loaded.checkpoint.task}", param_hint="--task")
    factors = sorted(set(render_factor or [loaded.checkpoint.render_factor]))
    whole_sources = hold_out or []
    sets = originals(*data, limit=limit, held_out=held_out, hold_out=whole_sources)
    if sheet is not None:
        sheet.mkdir(parents=True, exist_ok=True)
    name = loaded.checkpoint.name
    report: dict[str, Any] = {"model": name, "task": loaded.checkpoint.task, "precision": str(loaded.precision)}
    typer.echo(f"{name} at render factor {', '.join(map(str, factors))}, {loaded.precision}")
    if isinstance(loaded, Colorizer):
        report["render_factors"] = evaluate_colorizer(loaded, factors, sets, typer.echo, with_fid=fid, sheet=sheet)
        whole = whole_photographs(*data, limit=limit or STEADIED, held_out=held_out, hold_out=whole_sources)
        report["steadiness"] = evaluate_steadiness(loaded, whole, typer.echo, sheet=sheet)
    else:
        report |= {
            "seed": seed,
            "render_factors": evaluate_defader(loaded, factors, sets, typer.echo, seed=seed, sheet=sheet),
        }
    if json_path is not None:
        write_text(json_path, json.dumps(plain_numbers(report), indent=2) + "\n")


@app.command()
def export(
    checkpoint: Annotated[Path, typer.Option(help="Checkpoint of a run, such as runs/colorize/last.pt.")],
    out: Annotated[Path, typer.Option(help="File to write, such as weights/compact.safetensors.")],
    commit: CommitOption,
    command: CommandOption,
    data: Annotated[str, typer.Option(help="What it was trained on.")],
    chroma: Annotated[
        float, typer.Option(min=0.5, max=2.0, help="Factor of the colours that a colorizer decides on.")
    ] = 1.0,
    trust: Annotated[
        float, typer.Option(help="Added to a restorer's trust in itself; below 0 harms fewer photos, and helps less.")
    ] = 0.0,
) -> None:
    """Write a run's averaged weights as one small file, as `deoldify` loads it."""
    from train.publish import export as export_run

    origin = {"commit": commit, "command": command, "data": data}
    exported = export_run(checkpoint, out, origin, chroma=chroma, trust=trust)
    typer.echo(f"{exported.path}: {exported.bytes} bytes, SHA-256 {exported.sha256}")
    say(f"Use it with: deoldify COMMAND photo.jpg -o new.jpg --checkpoint {exported.path}")


@app.command()
def monochrome(
    data: Annotated[list[Path], typer.Option(help="Colour photographs: folders of images or tar files. Repeatable.")],
    out: Annotated[Path, typer.Option(help="File to write.")] = Path("weights/monochrome.safetensors"),
    pictures: Annotated[int, typer.Option(min=64, help="Made prints, and as many colour photographs.")] = 6000,
    passes: Annotated[int, typer.Option(min=1, help="How often each is looked at.")] = 30,
    seed: SeedOption = 0,
) -> None:
    """Train what tells black-and-white photographs from those in colour."""
    from deoldify.folder import digest_of
    from train.monochrome import Recipe, train_monochrome

    numbers = train_monochrome(data, out, Recipe(pictures=pictures, passes=passes, seed=seed))
    typer.echo(json.dumps(numbers, indent=2))
    with out.open("rb") as stream:
        typer.echo(f"{out}: {out.stat().st_size} bytes, SHA-256 {digest_of(stream)}")


@app.command()
def publish(
    checkpoint: Annotated[Path, typer.Option(help="Any checkpoint of a run, or exported .safetensors.")],
    repo: Annotated[str, typer.Option(help="Repository on the Hugging Face Hub: owner/name.")],
    data: Annotated[str, typer.Option(help="What it was trained on, and under which terms, for the card.")],
    commit: CommitOption,
    command: CommandOption,
    licence: Annotated[str, typer.Option(help="Of the weights, as the Hub calls it, such as mit or cc-by-nc-4.0.")],
    render_factor: Annotated[
        int | None, typer.Option(min=4, max=64, help="At which it does best; default: that of its largest pictures.")
    ] = None,
    numbers: Annotated[Path | None, typer.Option(help="What `evaluate --json` wrote.")] = None,
    picture: Annotated[
        list[Path] | None, typer.Option(help="Contact sheet or curves for the card. Repeatable.")
    ] = None,
    table: Annotated[list[Path] | None, typer.Option(help="File to lie beside the card. Repeatable.")] = None,
    out: Annotated[Path, typer.Option(help="Folder to lay it out in.")] = Path("publish"),
    private: Annotated[bool, typer.Option("--private", help="A new repository is seen by its owner alone.")] = False,
    really: Annotated[bool, typer.Option("--upload", help="Upload it; without this it is only laid out.")] = False,
) -> None:
    """Publish a model on the Hugging Face Hub, so that `deoldify.load("owner/name")` finds it."""
    from train.publish import Story, stage, upload

    measured = None
    if numbers is not None:
        try:
            measured = json.loads(numbers.read_text())
            measured["render_factors"].items()
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise typer.BadParameter(f"{numbers} is not what `evaluate --json` writes: {error}") from error
    story = Story(licence, data, commit, command, measured, picture or [], table or [])
    files = stage(checkpoint, repo, out, render_factor, story)
    for path in files:
        typer.echo(f"{path}: {path.stat().st_size} bytes")
    if not really:
        typer.echo(f"Nothing was uploaded. Look at {out}, then add --upload to publish it as {repo}.")
        return
    typer.echo(f"{repo} is published at commit {upload(out, repo, files, private=private)}")
    say(f'Load it with: deoldify.load("{repo}")')


@app.command()
def curves(
    run: Annotated[Path, typer.Option(help="The run's folder.")],
    out: Annotated[Path, typer.Option(help="CSV to write, such as curves.csv; a PNG lies beside it.")],
    rows: Annotated[int, typer.Option(min=1, help="About how many; each is a mean over as many steps.")] = 200,
) -> None:
    """Keep a run's TensorBoard scalars as a small table, and draw how its snapshots fared."""
    from train.measure.history import write_history

    for path in write_history(run, out, rows):
        typer.echo(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    try:
        app()
    except DeOldifyError as error:
        sys.exit(f"error: {error}")
