"""The command line of training: ``python -m train --help``."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from deoldify.errors import DeOldifyError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)


@app.callback()
def main() -> None:
    """Train and evaluate generators."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")


@app.command()
def colorize(
    recipe: Annotated[str, typer.Option(help="Name of the recipe.")],
    data: Annotated[Path, typer.Option(help="Folder of training images: sub-folders or tar files of them.")],
    out: Annotated[Path, typer.Option(help="The run's folder.")] = Path("runs/colorize"),
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    device: Annotated[str, typer.Option(help="Where to train: cpu, cuda, cuda:1, mps.")] = "cpu",
    workers: Annotated[int, typer.Option(help="Processes that prepare pictures.")] = 1,
    resume: Annotated[bool, typer.Option(help="Go on from the run's last checkpoint.")] = False,
) -> None:
    """Train a colorizer by a recipe."""
    from train.loop import LAST, Training
    from train.recipes import RECIPES

    if recipe not in RECIPES:
        raise typer.BadParameter(f"there is no recipe {recipe!r}; there are: {', '.join(RECIPES)}")
    out.mkdir(parents=True, exist_ok=True)
    if (out / LAST).exists() and not resume:
        raise typer.BadParameter(f"{out} holds a run already; add --resume to go on with it, or name another --out")
    training = Training(RECIPES[recipe], data, out, seed=seed, device=device, workers=workers)
    training.resume()
    training.run()


if __name__ == "__main__":
    try:
        app()
    except DeOldifyError as error:
        sys.exit(f"error: {error}")
