"""The command line: ``deoldify --help``."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deoldify.checkpoints import CHECKPOINTS, fetch, find, find_on_hub, is_repository, models
from deoldify.errors import DeOldifyError, UnknownModelError

if TYPE_CHECKING:
    from deoldify.folder import Work
    from deoldify.imaging import Hint
    from deoldify.model import Model
    from deoldify.photo import Photo

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_SUBSTITUTES = {".heic": ".jpg", ".heif": ".jpg", ".avif": ".jpg"}
"""What is written in place of formats that can only be read; PNG for all others."""


class Transfer(str, Enum):
    """How colour gets from the render back to full size."""

    guided = "guided"
    bilinear = "bilinear"
    none = "none"


class Device(str, Enum):
    """Where to run."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"
    mps = "mps"


class Precision(str, Enum):
    """Floating-point type of the renders."""

    auto = "auto"
    float32 = "float32"
    bfloat16 = "bfloat16"
    float16 = "float16"


@app.callback()
def main() -> None:
    """Colour black-and-white photographs and restore faded ones, on your own computer."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")


PhotosArgument = Annotated[list[Path], typer.Argument(help="Photographs, or folders of them.", show_default=False)]
OutputOption = Annotated[
    Path, typer.Option("--output", "-o", help="A file for one photo; a folder for several.", show_default=False)
]
CheckpointOption = Annotated[
    Path | None, typer.Option(help="A file with weights to use in place of the model's own.", show_default=False)
]
StrengthOption = Annotated[
    float,
    typer.Option("--strength", "-s", min=0, max=1.5, help="0 changes nothing, 1 restores, up to 1.5 overdoes."),
]
KeepToneOption = Annotated[
    bool,
    typer.Option("--keep-tone", help="Restore brightness and contrast alone; the colour stays, such as sepia."),
]
DeviceOption = Annotated[Device, typer.Option(help="Where to run.")]
PrecisionOption = Annotated[Precision, typer.Option(help="Floating-point type of the renders.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Do again what is in the output folder already.")]


@app.command(name="colorize")
def colorize_command(
    photos: PhotosArgument,
    output: OutputOption,
    model: Annotated[
        str, typer.Option("--model", "-m", help="Which model; see `deoldify models`. Or a repository: owner/name.")
    ] = "compact",
    checkpoint: CheckpointOption = None,
    render_factor: Annotated[
        int | None,
        typer.Option(
            "--render-factor", "-r", min=4, max=64, show_default="automatic",
            help="Side of the square that the model sees, in units of 16 pixels. More finds smaller things; "
            "less gives bolder colour.",
        ),
    ] = None,
    transfer: Annotated[
        Transfer,
        typer.Option(help="guided: colour follows the photo's edges; bilinear: as DeOldify; none: the bare render."),
    ] = Transfer.guided,
    saturation: Annotated[
        float, typer.Option(min=0, max=1.5, help="How much colour, of what the model sees; 0 for none.")
    ] = 1.0,
    warmth: Annotated[
        float, typer.Option(min=-1, max=1, help="-1 draws colours towards blue, 1 towards orange; neutrals stay.")
    ] = 0.0,
    liveliness: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, show_default="the model's own",
            help="0 for the model's cautious opinion, 1 for its lively one, where it has two.",
        ),
    ] = None,
    caution: Annotated[
        float, typer.Option(min=0, max=1, help="How much colour is paled where the model guesses, where it tells.")
    ] = 0.0,
    hint: Annotated[
        list[str] | None,
        typer.Option(
            help="What colour a place has, for its surface: 0.4,0.6,#334d80, or none for the colour; shares of width "
            "and height. Repeatable; for one photo.", show_default=False,
        ),
    ] = None,
    device: DeviceOption = Device.auto,
    precision: PrecisionOption = Precision.auto,
    force: ForceOption = False,
) -> None:  # fmt: skip
    """Colour black-and-white photographs.

    One photo goes into a file: `deoldify colorize photo.jpg -o colour.jpg`.
    Several photos or a whole folder go into a folder: `deoldify colorize old/ -o coloured/`. A run that was
    interrupted goes on where it stopped. EXIF, ICC profile and resolution are kept.
    """
    _check_name(model)
    hints = _hints(hint or [], photos)

    def prepare() -> tuple[Work, Sequence[Model]]:
        from deoldify.colorizer import Asked
        from deoldify.loading import load_colorizer

        asked: Asked = {
            "saturation": saturation, "warmth": warmth, "liveliness": liveliness, "caution": caution, "hints": hints,
        }  # fmt: skip
        colorizer = load_colorizer(model, checkpoint=checkpoint, device=device.value, precision=precision.value)

        def work(photo: Photo) -> tuple[Photo, str]:
            coloured = colorizer.colorize_photo(
                photo, render_factor=render_factor, transfer=transfer.value, **asked
            )  # fmt: skip
            return coloured, colorizer.label_with(**asked)

        return work, (colorizer,)

    _process(photos, output, prepare, render_factor=render_factor, done="coloured", force=force)


@app.command(name="defade")
def defade_command(
    photos: PhotosArgument,
    output: OutputOption,
    strength: StrengthOption = 1.0,
    keep_tone: KeepToneOption = False,
    checkpoint: CheckpointOption = None,
    render_factor: Annotated[
        int | None,
        typer.Option(
            "--render-factor", "-r", min=4, max=64, show_default="automatic",
            help="Side of the square that the model sees, in units of 16 pixels.",
        ),
    ] = None,
    device: DeviceOption = Device.auto,
    precision: PrecisionOption = Precision.auto,
    force: ForceOption = False,
) -> None:  # fmt: skip
    """Give faded photographs their tone and colour back.

    One photo goes into a file: `deoldify defade photo.jpg -o fresh.jpg`.
    Several photos or a whole folder go into a folder, as with `deoldify colorize`.
    """

    def prepare() -> tuple[Work, Sequence[Model]]:
        from deoldify.loading import load

        defader = load("defade", checkpoint=checkpoint, device=device.value, precision=precision.value)

        def work(photo: Photo) -> tuple[Photo, str]:
            restored = defader.defade_photo(
                photo, strength=strength, render_factor=render_factor, keep_tone=keep_tone
            )  # fmt: skip
            return restored, defader.label

        return work, (defader,)

    _process(photos, output, prepare, render_factor=render_factor, done="restored", force=force)


@app.command(name="restore")
def restore_command(
    photos: PhotosArgument,
    output: OutputOption,
    strength: StrengthOption = 1.0,
    keep_tone: KeepToneOption = False,
    model: Annotated[
        str, typer.Option("--model", "-m", help="Which model colours what is black and white; see `deoldify models`.")
    ] = "compact",
    device: DeviceOption = Device.auto,
    precision: PrecisionOption = Precision.auto,
    force: ForceOption = False,
) -> None:
    """Restore faded photographs, and colour those that are black and white.

    It is `deoldify defade`, then `deoldify colorize` for what has no colours of its own.
    """
    _check_name(model)

    def prepare() -> tuple[Work, Sequence[Model]]:
        from deoldify.loading import load, load_colorizer
        from deoldify.restoring import restore_photo

        defader = load("defade", device=device.value, precision=precision.value)
        colorizer = load_colorizer(model, device=device.value, precision=precision.value)

        def work(photo: Photo) -> tuple[Photo, str]:
            return restore_photo(photo, defader, colorizer, strength=strength, keep_tone=keep_tone)

        return work, (defader, colorizer)

    _process(photos, output, prepare, render_factor=None, done="restored", force=force)


_SHORT_RENDER = 0.15
"""Seconds; what surrounds the render of a photo of a few megapixels takes about a third of that on a core."""


def _are_short(models: Iterable[Model], render_factor: int | None) -> bool:
    """Whether renders are short; where memory is too short to try, each photo does with what there is."""
    from deoldify.network import memory

    try:
        return all(model.seconds(render_factor) < _SHORT_RENDER for model in models)
    except (MemoryError, RuntimeError) as error:
        if not memory.ran_out(error):
            raise
        return False


def _check_name(model: str) -> None:
    """Complain of an unknown model before anything is loaded; repositories are only known when they are asked for."""
    if not is_repository(model):
        find(model)


def _hints(texts: Sequence[str], photos: Sequence[Path]) -> Sequence[Hint]:
    """Read hints, which belong to one photo.

    Raises:
        typer.BadParameter: one cannot be read, or there is more than one photo.
    """
    if not texts:
        return ()
    if len(photos) > 1 or photos[0].is_dir():
        raise typer.BadParameter("places belong to one photo; name one, and no folder", param_hint="--hint")
    from deoldify.imaging import Hint

    try:
        return [Hint.parse(text) for text in texts]
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--hint") from None


def _process(
    photos: Iterable[Path],
    output: Path,
    prepare: Callable[[], tuple[Work, Sequence[Model]]],
    *,
    render_factor: int | None,
    done: str,
    force: bool,
) -> None:
    """Open, work on and save every photo that is not done already; a bad one does not stop the others.

    Args:
        photos: files and folders.
        output: a file or a folder, see ``_plan``.
        prepare: loads the models, which is only done where a photo is left to do; the work, and what renders
            in it.
        render_factor: of the renders; None for the models' own.
        done: what has become of a photo then, for the messages.
        force: do again what is in the output folder.
    """
    jobs = _plan(photos, output)
    todo = [(source, target) for source, target in jobs if force or len(jobs) == 1 or not target.exists()]
    if len(todo) < len(jobs):
        made = len(jobs) - len(todo)
        typer.echo(f"{made} of {len(jobs)} photos are done already; --force does them again.", err=True)
    if not todo:
        return

    if len(todo) > 1:
        # Threads of a render that wait for each other leave the core to another photo. Read when torch is imported.
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    work, models_at_work = prepare()

    import torch
    from tqdm import tqdm

    from deoldify.folder import process

    failed: dict[Path, str] = {}
    short = False
    if len(todo) > 1:
        for model in models_at_work:
            model.render_together(render_factor)
        short = _are_short(models_at_work, render_factor)
    # A photo more than there are cores for, so that none of them waits for a disk.
    with closing(process(todo, work, workers=torch.get_num_threads() + 1, short=short)) as outcomes:
        for outcome in tqdm(outcomes, total=len(todo), unit="photo", disable=None if len(todo) > 1 else True):
            if outcome.pages > 1:
                note = f"note: {outcome.source} has {outcome.pages} pages; the first one is {done}"
                tqdm.write(note, file=sys.stderr)
            for render in outcome.renders:
                if render.factor < render.wanted:
                    note = f"memory ran short, so {render.model} used render factor {render.factor}"
                    tqdm.write(f"note: {outcome.source}: {note} instead of {render.wanted}", file=sys.stderr)
            if outcome.error is not None:
                failed[outcome.source] = str(outcome.error)
                tqdm.write(f"error: {outcome.error}", file=sys.stderr)
    if failed:
        if len(todo) > 1:
            typer.echo(f"{len(failed)} of {len(todo)} photos could not be {done}:", err=True)
            for source, _ in todo:
                if source in failed:
                    typer.echo(f"  {failed[source]}", err=True)
        raise typer.Exit(1)


def _plan(photos: Iterable[Path], output: Path) -> list[tuple[Path, Path]]:
    """Which file becomes which: pairs of source and target.

    Raises:
        typer.BadParameter: the photos and the output do not go together, or two photos would become one file.
    """
    from deoldify.photo import READABLE_SUFFIXES, WRITABLE_SUFFIXES

    photos = list(photos)
    into_folder = len(photos) > 1 or photos[0].is_dir() or output.is_dir() or not output.suffix
    if not into_folder:
        if output.suffix.lower() not in WRITABLE_SUFFIXES:
            allowed = ", ".join(WRITABLE_SUFFIXES)
            raise typer.BadParameter(f"{output} must end in one of {allowed}", param_hint="--output")
        return [(photos[0], output)]
    if output.is_file():
        raise typer.BadParameter(f"{output} is a file; several photos need a folder", param_hint="--output")
    jobs: dict[Path, Path] = {}
    for photo in photos:
        if photo.is_dir():
            if output.resolve() == photo.resolve():
                raise typer.BadParameter(f"{output} holds the originals; name another folder", param_hint="--output")
            inside = [
                path
                for path in sorted(photo.rglob("*"))
                if path.suffix.lower() in READABLE_SUFFIXES and output not in path.parents and path.is_file()
            ]
            if not inside:
                raise typer.BadParameter(f"there are no photographs in {photo}", param_hint="photos")
        else:
            inside = [photo]
        for path in inside:
            relative = path.relative_to(photo) if photo.is_dir() else Path(path.name)
            target = output / relative
            if target.suffix.lower() not in WRITABLE_SUFFIXES:
                target = target.with_suffix(_SUBSTITUTES.get(target.suffix.lower(), ".png"))
            if target in jobs:
                raise typer.BadParameter(
                    f"{jobs[target]} and {path} would both become {target}; do them one after the other, "
                    f"into two folders",
                    param_hint="photos",
                )
            jobs[target] = path
    return [(source, target) for target, source in jobs.items()]


@app.command(name="models")
def models_command() -> None:
    """List the models: what they are, how large, and whether they are on this computer already."""
    rows = [("name", "task", "size", "licence", "here", "source")]
    for model in models():
        here = "yes" if model.here else "no"
        rows.append((model.name, model.task, f"{model.bytes / 1e6:.0f} MB", model.licence, here, model.source))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)]
        typer.echo("  ".join(cells).rstrip())
    typer.echo()
    for model in models():
        typer.echo(f"{model.name}: {model.good_at}. {model.terms}")


@app.command(name="fetch")
def fetch_command(
    names: Annotated[
        list[str] | None, typer.Argument(help="Models to fetch, or repositories: owner/name.", show_default=False)
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every model there is.")] = False,
) -> None:
    """Download models ahead, to have them when there is no network."""
    if not names and not everything:
        raise typer.BadParameter("name a model, or say --all", param_hint="names")
    named = [find_on_hub(name) if is_repository(name) else find(name) for name in names or []]
    for checkpoint in CHECKPOINTS if everything else named:
        path = fetch(checkpoint)
        typer.echo(f"{checkpoint.name}: {path}")


def run() -> None:
    """The command ``deoldify``: errors become one line and an exit status.

    Exit status 2 is a wrong call, 1 a call that failed.
    """
    try:
        app()
    except UnknownModelError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)
    except (DeOldifyError, ValueError) as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    run()
