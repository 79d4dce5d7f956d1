"""What the command line says of photographs that are done, and of all of them at the end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from deoldify.terminal import say

if TYPE_CHECKING:
    from deoldify.folder import Outcome, Place, Plan


@dataclass
class Tally:
    """How many photos of a run came to which end.

    Attributes:
        tried: how many there were to do so far.
        there: how many were done already.
        made: how many are new.
        first: of them.
        left: how many were left as they are, by the reason.
        failed: messages by the photo.
    """

    tried: int = 0
    there: int = 0
    made: int = 0
    first: Place | None = None
    left: Counter[str] = field(default_factory=Counter)
    failed: dict[Place, str] = field(default_factory=dict)
    _start: float = field(default_factory=time.monotonic)

    def plan(self, planned: Plan) -> None:
        """Count what is to be done and what not, and say the latter."""
        again = [task for task in planned.tasks if self.failed.pop(task.source, None) is not None]
        self.tried += len(planned.tasks) + len(planned.troubles) - len(again)
        self.there += len(planned.there)
        for trouble in planned.troubles:
            self.failed[trouble.path] = trouble.message
            say(f"error: {trouble.message}", error=True)

    def count(self, outcome: Outcome, done: str) -> None:
        """Count a photo, and say what there is to say of it."""
        for render in outcome.renders:
            say(f"{outcome.source}: {render.model} at render factor {render.factor}", detail=True)
        for note in _notes(outcome, done):
            say(note)
        if outcome.status == "done":
            self.made += 1
            self.first = self.first or outcome.target
        elif outcome.status == "left":
            self.left[outcome.message] += 1
            say(f"left: {outcome.source}: {outcome.message}")
        else:
            self.failed[outcome.source] = outcome.message
            say(f"error: {outcome.message}", error=True)

    def sum_up(self, done: str, left_after: str) -> None:
        """Say how many were left and how many have failed, for who has not read every line."""
        left = sum(self.left.values())
        if left:
            were = "was left as it is" if left == 1 else "were left as they are"
            reasons = ", ".join(sorted(self.left))
            say(f"{left} of {self.tried} photos {were}: {reasons}" + (f". {left_after}" if left_after else ""))
        if self.failed and self.tried > 1:
            each = "its line above tells why" if len(self.failed) == 1 else "a line above for each tells why"
            say(f"{len(self.failed)} of {self.tried} photos could not be {done}: {each}", error=True)

    def tell_end(self, output: Place, done: str, report: Path | None, after: str = "") -> None:
        """The last line: how many came to which end, how long that took, and where the report is.

        Args:
            output: the folder of the results, or the file.
            done: what has become of a photo, such as "coloured".
            report: its file; None where there is none.
            after: what can be done next.
        """
        if report is None and (not self.tried or (self.tried == 1 and not self.made)):
            return  # all of it has been said
        if self.tried == self.made == 1 and not self.there:
            sentences = [f"{self.first} is {done}"]
        else:
            sentences = [self._counts(output, done) + f"; it took {duration(time.monotonic() - self._start)}"]
        if report is not None:
            sentences.append(f"the report is {report}")
        say("; ".join(sentences) + "." + (f" {after}" if after and self.made else ""))

    def _counts(self, output: Place, done: str) -> str:
        made, failed = self.made, len(self.failed)
        to_do = self.tried - made - failed - sum(self.left.values())
        parts = [f"{made} {'photo' if made == 1 else 'photos'} in {output} {_are(made)} {done}"]
        if self.there:
            parts.append(f"{self.there} {'was' if self.there == 1 else 'were'} there already")
        parts += [f"{count} {_are(count)} left as before ({reason})" for reason, count in sorted(self.left.items())]
        if failed:
            parts.append(f"{failed} failed")
        if to_do:
            parts.append(f"{to_do} {_are(to_do)} still to do")
        return ", ".join(parts)


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def duration(seconds: float) -> str:
    """Seconds for a reader, or hours, minutes and seconds where there are many."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"


def _notes(outcome: Outcome, done: str) -> Iterable[str]:
    """What is to be said of a photo beside that it is done."""
    if outcome.status == "done" and outcome.verdict is not None:
        if done == "restored":
            yield f"{outcome.source}: taken for {outcome.verdict}{', and coloured' if outcome.coloured else ''}"
        elif done == "coloured" and not outcome.verdict.monochrome:
            yield f"note: {outcome.source} was taken for {outcome.verdict}: its own colours are replaced"
    if outcome.status == "done" and outcome.pages > outcome.pages_done:
        rest = outcome.pages - outcome.pages_done
        are = "is" if rest == 1 else "are"
        if outcome.animated:
            yield f"note: {outcome.source} has {outcome.pages} frames; the first one is {done}, {rest} {are} left"
        elif outcome.kind != "TIFF":
            yield f"note: {outcome.source} holds {outcome.pages} pictures; the first one is {done}, {rest} {are} left"
        elif outcome.pages_done > 1:
            yield f"note: {outcome.source} has {outcome.pages} pages; {rest} {are} left as before"
        else:
            yield (
                f"note: {outcome.source} has {outcome.pages} pages; the first one is {done}, {rest} {are} left "
                f"(--pages all takes all)"
            )
    for render in outcome.renders:
        if render.factor < render.wanted:
            yield (
                f"note: {outcome.source}: memory ran short, so {render.model} used render factor {render.factor} "
                f"instead of {render.wanted}"
            )
