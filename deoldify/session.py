"""A run of the command line: models that are loaded once, photographs done with them, and what is kept of that."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from deoldify.errors import UsageError
from deoldify.tally import Tally
from deoldify.terminal import is_quiet, say

if TYPE_CHECKING:
    from deoldify.folder import Job, Outcome, Plan, Work
    from deoldify.model import Model
    from deoldify.one_look import OneLook
    from deoldify.record import Book, Gallery

SHORT_RENDER = 0.15
"""Seconds; what surrounds the render of a photo of a few megapixels takes about a third of that on a core."""

Prepare = Callable[[], "tuple[Work, Sequence[Model]]"]
"""Loads models: what is done with them to a photo, and what renders in it."""


@dataclass(frozen=True)
class Wishes:
    """What is asked of a run beside its results.

    Attributes:
        report: file for a row a photo, see ``record.Report``.
        dry_run: whether to do nothing, and tell what would be done.
        gallery: folder of the results, for a page that shows them, see ``record.Gallery``.
        watch: whether to go on with what comes into the folders, until the program is ended.
        look: is told of the first plan, before the first photo.
        ray: the cluster that is to do it, see ``cluster.process_on``; None for this process.
        ray_cores: of a worker of that.
    """

    report: Path | None = None
    dry_run: bool = False
    gallery: Path | None = None
    watch: bool = False
    look: OneLook | None = None
    ray: str | None = None
    ray_cores: int = 1

    def check(self) -> None:
        """Complain before anything is looked at.

        Raises:
            UsageError: the report's name is none for one, there is no folder for a gallery, or a cluster cannot do it.
        """
        if self.gallery is not None:
            from deoldify.folder import is_pipe
            from deoldify.photo import WRITABLE_SUFFIXES

            is_file = self.gallery.suffix.lower() in WRITABLE_SUFFIXES and not self.gallery.is_dir()
            if is_pipe(self.gallery) or is_file:
                raise UsageError(f"a gallery shows a folder of results, and {self.gallery} is none: name a folder")
        if self.ray is not None and (self.gallery is not None or self.watch or self.look is not None):
            raise UsageError("--gallery, --watch and --one-look are for one computer: leave out --ray, or them")
        if self.report is not None:
            from deoldify.record import check_report

            check_report(self.report)


class Session:
    """A run on its way; a context, at whose end what is kept of it is closed.

    Args:
        prepare: is called once, before the first photo.
        job: what is done.
        wishes: what else is asked.
        check: raises where the run is to end.
        render_factor: of the renders; None for the models' own.
        keep_dates: see ``folder.Run``.
        all_pages: see ``folder.Run``.

    Attributes:
        tally: how many photos came to which end so far.
    """

    def __init__(
        self,
        prepare: Prepare,
        job: Job,
        wishes: Wishes,
        *,
        check: Callable[[], None],
        render_factor: int | None,
        keep_dates: bool,
        all_pages: bool,
    ) -> None:
        self._prepare, self._job, self._wishes, self._check = prepare, job, wishes, check
        self._render_factor, self._keep_dates, self._all_pages = render_factor, keep_dates, all_pages
        self._loaded: tuple[Work, Sequence[Model]] | None = None
        self._kept = ExitStack()
        self._books: list[Book] = []
        self._gallery: Gallery | None = None
        self.tally = Tally()

    def __enter__(self) -> Session:
        wishes = self._wishes
        if wishes.report is not None or wishes.gallery is not None:
            from deoldify.record import Gallery, Report

            with ExitStack() as opening:
                if wishes.report is not None:
                    self._books.append(opening.enter_context(Report(wishes.report)))
                if wishes.gallery is not None:
                    self._gallery = opening.enter_context(Gallery(wishes.gallery))
                    self._books.append(self._gallery)
                self._kept = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._kept.close()

    @property
    def workers(self) -> int:
        """Photos in hand at once: one more than there are cores for, so that none of them waits for a disk."""
        import torch

        return torch.get_num_threads() + 1

    def do(self, planned: Plan) -> None:
        """Do what a plan has, and say what it leaves.

        Raises:
            ReportError: the report cannot be written.
        """
        if planned.there:
            whole = len(planned.tasks) + len(planned.there)
            say(f"{len(planned.there)} of {whole} photos are done already; --force does them again.")
        if planned.results:
            say(f"note: {planned.results} results of deoldify {self._job.name} among the photos are left as they are.")
        self.tally.plan(planned)
        for book in self._books:
            from deoldify.record import take_down

            take_down(book, planned, self._job)
        with closing(self.outcomes(planned)) as outcomes:
            for outcome in outcomes:
                self._check()
                if outcome.status != "done" or self._wishes.ray is not None:  # others were announced
                    self._write_down(outcome)
                self.tally.count(outcome, self._job.done)

    def _write_down(self, outcome: Outcome) -> None:
        for book in self._books:
            from deoldify.record import row_of

            book.add(row_of(outcome, self._job))

    def outcomes(self, planned: Plan) -> Generator[Outcome, None, None]:
        """Of all tasks, as they are finished, under a progress bar where there are several."""
        if not planned.tasks:
            return
        several = len(planned.tasks) > 1
        if self._wishes.ray is not None:
            from deoldify.cluster import Share, process_on

            share = Share(self._prepare, self._job, keep_dates=self._keep_dates, all_pages=self._all_pages)
            by_others = process_on(self._wishes.ray, planned.tasks, share, cores=self._wishes.ray_cores)
            with closing(by_others) as outcomes:
                yield from _shown(outcomes, len(planned.tasks))
            return
        if several:
            # Threads of a render that wait for each other leave the core to another photo. Read when torch is imported.
            os.environ.setdefault("OMP_WAIT_POLICY", "passive")
        if self._loaded is None:
            if self._wishes.look is not None:
                self._wishes.look.begin(planned, self._job)
            self._loaded = self._prepare()
        work, models_at_work = self._loaded

        from deoldify.folder import Run, process

        short = False
        if several:
            for model in models_at_work:
                model.render_together(self._render_factor)
            short = _are_short(models_at_work, self._render_factor)
        self._check()
        run = Run(
            work, self._job, keep_dates=self._keep_dates, all_pages=self._all_pages,
            announce=self._write_down if self._books else None,
            look=None if self._gallery is None else self._gallery.look,
        )  # fmt: skip
        with closing(process(planned.tasks, run, workers=self.workers, short=short)) as outcomes:
            yield from _shown(outcomes, len(planned.tasks))


def _shown(outcomes: Iterable[Outcome], total: int) -> Iterable[Outcome]:
    """The same under a progress bar, where there are several."""
    from tqdm import tqdm

    shown = total > 1 and not is_quiet()
    return tqdm(outcomes, total=total, unit="photo", disable=None if shown else True)


def _are_short(models: Iterable[Model], render_factor: int | None) -> bool:
    """Whether renders are short; where memory is too short to try, each photo does with what there is."""
    from deoldify.network import memory

    try:
        return all(model.seconds(render_factor) < SHORT_RENDER for model in models)
    except (MemoryError, RuntimeError) as error:
        if not memory.ran_out(error):
            raise
        return False
