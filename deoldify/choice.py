"""Which model the command line uses where none is named: the best that is here, and in a folder the one begun with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from deoldify.checkpoints import AUTO, BEST, CHECKPOINTS, best_here, locate, names_of
from deoldify.errors import UsageError
from deoldify.terminal import say

if TYPE_CHECKING:
    from deoldify.colorizer import Colorizer
    from deoldify.folder import Job, Place


class Choice:
    """The colorizer that a command uses.

    Args:
        model: its name; ``auto`` chooses.
        output: the command's, a file, a folder or ``-``. Where it is a folder that holds results of the same command
            with the same settings, made with a model that ``auto`` knows, that one goes on.
        checkpoint: weights to use; with ``auto``, they tell themselves of what network they are.
        device: see ``loading.load``.
        precision: see ``loading.load``.
    """

    def __init__(self, model: str, output: Place, *, checkpoint: Path | None, device: str, precision: str) -> None:
        self._model = None if model == AUTO and checkpoint is None else model
        self._output, self._checkpoint = output, checkpoint
        self._device, self._precision = device, precision
        self._loaded: Colorizer | None = None
        self._why = ""

    def __getstate__(self) -> dict[str, object]:
        """For another process, which loads it itself, and says nothing of it."""
        return self.__dict__ | {"_loaded": None, "_why": ""}

    def job(self, job_with: Callable[[str], Job]) -> Job:
        """The command's job with the model that is used.

        Args:
            job_with: that job, were it done with the model of this name.

        Raises:
            UsageError: the folder was begun with a model that is not here any more.
        """
        if self._model is None:
            self._model = self._begun_with(job_with) or self._best()
        return job_with(self._model)

    def load(self) -> Colorizer:
        """The colorizer, loaded once; it is said why it is this one, now that there is work for it."""
        assert self._model is not None
        if self._why:
            say(self._why)
            self._why = ""
        if self._loaded is None:
            from deoldify.loading import load_colorizer

            if self._checkpoint is None:
                for name in names_of(self._model):
                    announce(name)
            self._loaded = load_colorizer(
                self._model, checkpoint=self._checkpoint, device=self._device, precision=self._precision
            )
            if self._model == AUTO:
                say(f"{self._checkpoint} is {self._loaded.checkpoint.good_at}.")
        return self._loaded

    def _begun_with(self, job_with: Callable[[str], Job]) -> str | None:
        """The model that results in the output folder were made with by the same job."""
        from deoldify.folder import is_folder, list_photographs, stamp_of

        if not is_folder(self._output):
            return None
        jobs = {job_with("+".join(names)).identity: names for names in BEST}
        stamps = (stamp_of(found.path) for found in list_photographs([self._output], None)[0])
        names = next((jobs[stamp.identity] for stamp in stamps if stamp is not None and stamp.identity in jobs), None)
        if names is None:
            return None
        if names not in best_here():
            raise UsageError(
                f"photos in {self._output} were done with {' and '.join(names)}, and that is not on this computer any "
                f"more: `deoldify fetch {' '.join(names)}` brings it back, --model names another for the others"
            )
        self._why = f"auto: {'+'.join(names)}, with which the first photos of {self._output} were done."
        return "+".join(names)

    def _best(self) -> str:
        here = best_here()
        if len(here) > 1:
            from deoldify.loading import load_best

            self._loaded = load_best(device=self._device, precision=self._precision)
            name = self._loaded.checkpoint.name
        else:
            name = "+".join(here[0] if here else BEST[-1])
        self._why = f"auto: {name}, the truest of the models that are here and quick enough."
        return name


def announce(name: str) -> None:
    """Say of a known model that is not here what is going to be fetched: how much, from whom, under which licence."""
    record = next((each for each in CHECKPOINTS if each.name == name), None)
    if record is not None and record.repo is not None and locate(record) is None:
        say(
            f"{name} is not here yet: {record.bytes / 1e6:.0f} MB come from {record.repo} on the Hugging Face Hub, "
            f"under the licence {record.licence}."
        )
