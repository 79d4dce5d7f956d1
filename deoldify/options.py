"""Options that several commands of ``deoldify`` have."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from deoldify.checkpoints import AUTO, CHECKPOINTS


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


class Colour(str, Enum):
    """Whether a restored photograph is coloured; see ``restoring.Colour``."""

    auto = "auto"
    always = "always"
    never = "never"


class Pages(str, Enum):
    """Which pages of a TIFF are done."""

    first = "first"
    all = "all"


def model_names() -> list[str]:
    """Names that a shell completes to where a model is asked for."""
    return [checkpoint.name for checkpoint in CHECKPOINTS]


def _colorizer_names() -> list[str]:
    return [AUTO, *(checkpoint.name for checkpoint in CHECKPOINTS if checkpoint.task == "colorize")]


PhotosArgument = Annotated[
    list[str],
    typer.Argument(
        help="Photographs, or folders of them; also in a store, such as s3://box/scans. - is stdin.",
        metavar="PHOTOS...", show_default=False,
    ),
]  # fmt: skip
OutputOption = Annotated[
    str,
    typer.Option(
        "--output", "-o", metavar="PATH", show_default=False,
        help="A file for one photo; a folder for several, here or in a store; - is stdout.",
    ),
]  # fmt: skip
CheckpointOption = Annotated[
    Path | None,
    typer.Option(
        help="A file with weights to use, such as runs/x/last.pt; what network they are of is found out.",
        show_default=False,
    ),
]
StrengthOption = Annotated[
    float,
    typer.Option("--strength", "-s", min=0, max=1.5, help="0 changes nothing, 1 restores, up to 1.5 overdoes."),
]
KeepToneOption = Annotated[
    bool,
    typer.Option("--keep-tone", help="Restore brightness and contrast alone; the colour stays, such as sepia."),
]
ColourOption = Annotated[
    Colour, typer.Option(help="Colour what is black and white, be it toned; always: any photo; never: none.")
]
RecolourOption = Annotated[
    bool, typer.Option("--recolour", help="Of several photos, colour those as well that have colours of their own.")
]
ReportOption = Annotated[
    Path | None,
    typer.Option(
        help="Write down what is done with each photo: a row each in done.csv or done.jsonl.", show_default=False
    ),
]
RayOption = Annotated[
    str | None,
    typer.Option(
        metavar="auto|local|ADDRESS", show_default=False,
        help="Do it on a Ray cluster: the one that this computer belongs to, one of this computer alone, or another.",
    ),
]  # fmt: skip
RayCoresOption = Annotated[
    int, typer.Option(min=1, help="Cores of each worker of a cluster, where it has no GPUs; each keeps a model.")
]
DryRunOption = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Do nothing; list what would be done and what not, and estimate time and memory by trying a few.",
    ),
]
GalleryOption = Annotated[
    bool,
    typer.Option("--gallery", help="Write a page beside the results, gallery.html, that shows them before and after."),
]
WatchOption = Annotated[
    bool, typer.Option("--watch", help="Go on with photos that come into the folder, until Ctrl-C ends it.")
]
RenderFactorOption = Annotated[
    int | None,
    typer.Option(
        "--render-factor", "-r", min=4, max=64, show_default="automatic",
        help="Side of the square that the model sees, in units of 16 pixels. Where it colours, more finds smaller "
        "things, and less gives bolder colour.",
    ),
]  # fmt: skip
DeviceOption = Annotated[Device, typer.Option(help="Where to run.")]
PrecisionOption = Annotated[Precision, typer.Option(help="Floating-point type of the renders.")]
ColorizerOption = Annotated[
    str,
    typer.Option(
        "--model", "-m", autocompletion=_colorizer_names,
        help="Which model colours; see `deoldify models`. auto: the truest that is on this computer, fits its memory "
        "and takes at most a minute; a+b: what several agree on. Or a repository on the Hub, owner/name, or a folder.",
    ),
]  # fmt: skip
ForceOption = Annotated[bool, typer.Option("--force", help="Do again what is in the output folder already.")]
PagesOption = Annotated[Pages, typer.Option(help="Of a TIFF with several pages: the first, or all into one TIFF.")]
DatesOption = Annotated[bool, typer.Option("--keep-dates/--no-keep-dates", help="Results get their photos' dates.")]
RendersOption = Annotated[
    int | None,
    typer.Option(
        min=1, max=32, show_default="the model's own",
        help="Renders that a photo is made of, of sizes around the factor and mirrored: 1 or an even number. "
        "Colour is paled where they disagree.",
    ),
]  # fmt: skip
SaturationOption = Annotated[
    float, typer.Option(min=0, max=1.5, help="How much colour, of what the model sees; 0 for none.")
]
WarmthOption = Annotated[
    float, typer.Option(min=-1, max=1, help="-1 draws colours towards blue, 1 towards orange; neutrals stay.")
]
LivelinessOption = Annotated[
    float | None,
    typer.Option(
        min=0, max=1, show_default="the model's own",
        help="0 for the model's cautious opinion, 1 for its lively one, where it has two.",
    ),
]  # fmt: skip
CautionOption = Annotated[
    float, typer.Option(min=0, max=1, help="How much colour is paled where the model guesses, where it tells.")
]
LikeOption = Annotated[
    Path | None,
    typer.Option(help="Draw colours to those of a coloured photo: as much, leaning the same way.", show_default=False),
]
OneLookOption = Annotated[
    bool,
    typer.Option("--one-look", help="Draw a folder's photos to the look that they have together, taken once and kept."),
]
HintOption = Annotated[
    list[str] | None,
    typer.Option(
        help="What colour a place has, for its surface: 0.4,0.6,#334d80, or none for the colour; shares of width "
        "and height. Repeatable; for one photo.", show_default=False,
    ),
]  # fmt: skip
