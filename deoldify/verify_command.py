"""``deoldify verify``: which files have changed since a report was written."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from deoldify.terminal import QuietOption, VerboseOption, is_quiet, say

_WHAT = {"source": "photo", "output": "result"}


def verify_command(
    report: Annotated[Path, typer.Argument(help="What --report wrote: done.csv or done.jsonl.", show_default=False)],
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Say which photos and results have changed or gone since a report told of them.

    Each of them is a line on stdout. The exit status is 0 where all are as they were, and 1 where not.
    """
    from tqdm import tqdm

    from deoldify.photo import shown
    from deoldify.record import changes, check_report, latest, read_report

    check_report(report)
    rows = latest(read_report(report))
    found: Counter[tuple[str, str]] = Counter()
    for change in tqdm(changes(rows), unit="file", disable=True if is_quiet() else None):
        found[change.role, change.state] += 1
        if change.state not in ("unchanged", "unknown"):
            line = f"{change.state}: {_WHAT[change.role]} {change.path}"
            typer.echo(shown(f"{line}: {change.message}" if change.message else line))
    say(f"{report} tells of {_count(len(rows), 'photo')}: " + "; ".join(_told(found, role) for role in _WHAT))
    if any(state not in ("unchanged", "unknown") for _, state in found):
        raise typer.Exit(1)


def _told(found: Counter[tuple[str, str]], role: str) -> str:
    states = [f"{count} {state}" for (of, state), count in sorted(found.items()) if of == role]
    return f"{_WHAT[role]}s: {', '.join(states) or 'none'}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
