"""``deoldify models`` and ``deoldify fetch``: what there is to work with, and how to have it ahead."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from deoldify.checkpoints import CHECKPOINTS, fetch, find_any, models, names_of
from deoldify.choice import announce
from deoldify.options import model_names
from deoldify.terminal import say


def models_command(
    as_json: Annotated[bool, typer.Option("--json", help="For programs: all that is known of each.")] = False,
) -> None:
    """List the models: what they are, how large, and whether they are on this computer already."""
    if as_json:
        typer.echo(json.dumps([asdict(model) for model in models()], indent=2))
        return
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


def fetch_command(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Models to fetch, or repositories: owner/name.", show_default=False, autocompletion=model_names
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every model there is.")] = False,
) -> None:
    """Download models ahead, to have them when there is no network."""
    if not names and not everything:
        raise typer.BadParameter("name a model, or say --all", param_hint="names")
    named = [find_any(each) for name in names or [] for each in names_of(name)]
    for checkpoint in CHECKPOINTS if everything else named:
        announce(checkpoint.name)
        path = fetch(checkpoint)
        typer.echo(f"{checkpoint.name}: {path}")
        model = "" if checkpoint.task == "defade" else f" --model {checkpoint.name}"
        say(f"Use it with: deoldify {checkpoint.task} photo.jpg -o new.jpg{model}")
