"""The command line: ``deoldify --help``."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from deoldify import console
from deoldify.arguments import are_several, check_names, gallery_of, hints_for, look_like, one_look_of, places_of
from deoldify.checkpoints import AUTO
from deoldify.choice import Choice
from deoldify.errors import DeOldifyError, UnknownModelError, UsageError
from deoldify.model_commands import fetch_command, models_command
from deoldify.options import (
    CautionOption,
    CheckpointOption,
    ColorizerOption,
    Colour,
    ColourOption,
    DatesOption,
    Device,
    DeviceOption,
    DryRunOption,
    ForceOption,
    GalleryOption,
    HintOption,
    KeepToneOption,
    LikeOption,
    LivelinessOption,
    OneLookOption,
    OutputOption,
    Pages,
    PagesOption,
    PhotosArgument,
    Precision,
    PrecisionOption,
    RayCoresOption,
    RayOption,
    RecolourOption,
    RenderFactorOption,
    RendersOption,
    ReportOption,
    SaturationOption,
    StrengthOption,
    Transfer,
    WarmthOption,
    WatchOption,
)
from deoldify.session import Wishes
from deoldify.terminal import QuietOption, VerboseOption, VersionOption, begin
from deoldify.verify_command import verify_command

if TYPE_CHECKING:
    from deoldify.folder import Job, Work
    from deoldify.model import Model
    from deoldify.photo import Photo

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def main(quiet: QuietOption = False, verbose: VerboseOption = False, version: VersionOption = False) -> None:
    """Colour black-and-white photographs and restore faded ones, on your own computer."""
    console.say_warnings()
    begin(quiet=quiet, verbose=verbose, deoldify=logging.WARNING)


@app.command(name="colorize")
def colorize_command(
    photos: PhotosArgument,
    output: OutputOption,
    model: ColorizerOption = AUTO,
    checkpoint: CheckpointOption = None,
    render_factor: RenderFactorOption = None,
    transfer: Annotated[
        Transfer,
        typer.Option(help="guided: colour follows the photo's edges; bilinear: as DeOldify; none: the bare render."),
    ] = Transfer.guided,
    renders: RendersOption = None,
    saturation: SaturationOption = 1.0,
    warmth: WarmthOption = 0.0,
    liveliness: LivelinessOption = None,
    caution: CautionOption = 0.0,
    hint: HintOption = None,
    like: LikeOption = None,
    one_look: OneLookOption = False,
    recolour: RecolourOption = False,
    device: DeviceOption = Device.auto,
    precision: PrecisionOption = Precision.auto,
    force: ForceOption = False,
    pages: PagesOption = Pages.first,
    keep_dates: DatesOption = True,
    report: ReportOption = None,
    dry_run: DryRunOption = False,
    gallery: GalleryOption = False,
    watch: WatchOption = False,
    ray: RayOption = None,
    ray_cores: RayCoresOption = 1,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Colour black-and-white photographs.

    One photo goes into a file: `deoldify colorize photo.jpg -o colour.jpg`.
    Several photos or a whole folder go into a folder: `deoldify colorize old/ -o coloured/`. A run that was
    interrupted goes on where it stopped. EXIF, ICC profile and resolution are kept. Of several, those that have
    colours of their own are left out, unless --recolour is said.
    """
    check_names(model)
    sources, results = places_of(photos, output)
    choice = Choice(model, results, checkpoint=checkpoint, device=device.value, precision=precision.value)
    leave_coloured = not recolour and are_several(sources)
    hints = hints_for(hint or [], sources)
    if renders is not None and renders != 1 and renders % 2:
        raise typer.BadParameter(f"{renders} is neither 1 nor an even number", param_hint="--renders")
    look, common = look_like(like), one_look_of([*sources, results], like) if one_look else None

    def prepare() -> tuple[Work, Sequence[Model]]:
        from deoldify.colorizer import Asked
        from deoldify.monochrome import without_colours

        asked: Asked = {
            "saturation": saturation, "warmth": warmth, "liveliness": liveliness, "caution": caution, "hints": hints,
            "look": look,
        }  # fmt: skip
        colorizer = choice.load()
        if common is not None:
            asked["look"] = common.taken(
                lambda path: colorizer.look_of(path, render_factor=render_factor, renders=renders)
            )

        def work(photo: Photo) -> tuple[Photo, str]:
            if leave_coloured:
                photo = without_colours(photo)
            coloured = colorizer.colorize_photo(
                photo, render_factor=render_factor, renders=renders, transfer=transfer.value, **asked
            )  # fmt: skip
            return coloured, colorizer.label_with(**asked)

        return work, (colorizer,)

    def job() -> Job:
        from deoldify.jobs import colorize_job

        return choice.job(
            lambda name: colorize_job(
                name, checkpoint=checkpoint, render_factor=render_factor, renders=renders, transfer=transfer.value,
                precision=precision.value, pages=pages.value, saturation=saturation, warmth=warmth,
                liveliness=liveliness, caution=caution, hints=hints, look=look, one_look=one_look,
            )
        )  # fmt: skip

    console.do_photos(
        sources, results, prepare, job, render_factor=render_factor, force=force, keep_dates=keep_dates,
        all_pages=pages is Pages.all,
        wishes=Wishes(report, dry_run, gallery_of(results, gallery), watch, common, ray, ray_cores),
        after="Other colours come with another --render-factor or --model.",
        left_after="--recolour colours them, too.",
    )  # fmt: skip


@app.command(name="defade")
def defade_command(
    photos: PhotosArgument,
    output: OutputOption,
    strength: StrengthOption = 1.0,
    keep_tone: KeepToneOption = False,
    checkpoint: CheckpointOption = None,
    render_factor: RenderFactorOption = None,
    device: DeviceOption = Device.auto,
    precision: PrecisionOption = Precision.auto,
    force: ForceOption = False,
    pages: PagesOption = Pages.first,
    keep_dates: DatesOption = True,
    report: ReportOption = None,
    dry_run: DryRunOption = False,
    gallery: GalleryOption = False,
    watch: WatchOption = False,
    ray: RayOption = None,
    ray_cores: RayCoresOption = 1,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Give faded photographs their tone and colour back.

    One photo goes into a file: `deoldify defade photo.jpg -o fresh.jpg`.
    Several photos or a whole folder go into a folder, as with `deoldify colorize`.
    """
    sources, results = places_of(photos, output)

    def prepare() -> tuple[Work, Sequence[Model]]:
        from deoldify.loading import load

        defader = load("defade", checkpoint=checkpoint, device=device.value, precision=precision.value)

        def work(photo: Photo) -> tuple[Photo, str]:
            restored = defader.defade_photo(
                photo, strength=strength, render_factor=render_factor, keep_tone=keep_tone
            )  # fmt: skip
            return restored, defader.label

        return work, (defader,)

    def job() -> Job:
        from deoldify.jobs import defade_job

        return defade_job(
            checkpoint=checkpoint, strength=strength, keep_tone=keep_tone, render_factor=render_factor,
            precision=precision.value, pages=pages.value,
        )  # fmt: skip

    console.do_photos(
        sources, results, prepare, job, render_factor=render_factor, force=force, keep_dates=keep_dates,
        all_pages=pages is Pages.all,
        wishes=Wishes(report, dry_run, gallery_of(results, gallery), watch, None, ray, ray_cores),
        after="More or less of it comes with another --strength.",
    )  # fmt: skip


@app.command(name="restore")
def restore_command(
    photos: PhotosArgument,
    output: OutputOption,
    strength: StrengthOption = 1.0,
    keep_tone: KeepToneOption = False,
    colour: ColourOption = Colour.auto,
    model: ColorizerOption = AUTO,
    device: DeviceOption = Device.auto,
    precision: PrecisionOption = Precision.auto,
    force: ForceOption = False,
    pages: PagesOption = Pages.first,
    keep_dates: DatesOption = True,
    report: ReportOption = None,
    dry_run: DryRunOption = False,
    gallery: GalleryOption = False,
    watch: WatchOption = False,
    ray: RayOption = None,
    ray_cores: RayCoresOption = 1,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Restore faded photographs, and colour those that are black and white.

    It is `deoldify defade`, then `deoldify colorize` for what has no colours of its own, be it toned. What a photo was
    taken for is said; --colour decides otherwise.
    """
    check_names(model)
    sources, results = places_of(photos, output)
    choice = Choice(model, results, checkpoint=None, device=device.value, precision=precision.value)

    def prepare() -> tuple[Work, Sequence[Model]]:
        from deoldify.loading import load
        from deoldify.restoring import restore_photo

        defader = load("defade", device=device.value, precision=precision.value)
        colorizer = choice.load()

        def work(photo: Photo) -> tuple[Photo, str]:
            return restore_photo(
                photo, defader, colorizer, strength=strength, keep_tone=keep_tone, colour=colour.value
            )  # fmt: skip

        return work, (defader, colorizer)

    def job() -> Job:
        from deoldify.jobs import restore_job

        return choice.job(
            lambda name: restore_job(
                name, strength=strength, keep_tone=keep_tone, colour=colour.value, precision=precision.value,
                pages=pages.value,
            )
        )  # fmt: skip

    console.do_photos(
        sources, results, prepare, job, render_factor=None, force=force, keep_dates=keep_dates,
        all_pages=pages is Pages.all,
        wishes=Wishes(report, dry_run, gallery_of(results, gallery), watch, None, ray, ray_cores),
        after="More or less of it comes with another --strength, other colours with another --model.",
    )  # fmt: skip


app.command(name="models")(models_command)
app.command(name="fetch")(fetch_command)
app.command(name="verify")(verify_command)


def run() -> None:
    """The command ``deoldify``: errors become one line and an exit status.

    Exit status 0: all was done or rightly left; 1: something failed; 2: a wrong call, and nothing was done; 130 and
    143: ended by Ctrl-C, and by another program or with the terminal.
    """
    console.end_by_signals()
    try:
        app()
    except console.Ended as end:
        console.leave(end.status, "ended; what is done stays done, and the same command goes on from there")
    except (UnknownModelError, UsageError) as error:
        console.leave(2, f"error: {error}")
    except (DeOldifyError, ValueError) as error:
        console.leave(1, f"error: {error}")


if __name__ == "__main__":
    run()
