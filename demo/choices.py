"""What a visitor can choose among the models, and what is said of each."""

from __future__ import annotations

import deoldify
from demo.costs import megabytes
from demo.models import downloads, records_of
from deoldify.checkpoints import AUTO, ModelInfo, best_here, names_of
from deoldify.errors import UnknownModelError


def model_choices(chosen: str = AUTO) -> list[tuple[str, str]]:
    """The best that is here, the colorizers with what each is good at, those here that agree, and what is chosen."""
    infos = [info for info in deoldify.models() if info.task == "colorize"]
    best = " with ".join(record.name for record in records_of(AUTO))
    choices = [(f"auto · the truest that is here: {best}", AUTO)]
    for info in infos:
        about = info.good_at.split(",")[0].split(";")[0]
        here = "" if info.here else f" · {megabytes(info.bytes)} download"
        choices.append((f"{info.name}{f' · {about}' if about else ''}{here}", info.name))
    choices += [(f"{' + '.join(names)} · what they agree on", "+".join(names)) for names in _agreeing(infos)]
    if chosen not in [value for _, value in choices]:  # some that are to agree, which are not among those proposed
        choices.append((chosen.replace("+", " + "), chosen))
    return choices


def _agreeing(infos: list[ModelInfo]) -> list[tuple[str, ...]]:
    """Colorizers here that can agree: those that are known to do well together, and all of them."""
    together = [tuple(sorted(names)) for names in best_here() if len(names) > 1]
    every = tuple(sorted(info.name for info in infos if info.here))
    return together + ([every] if len(every) > 1 and every not in together else [])


def is_colorizer(model: object) -> bool:
    """Whether a client's word for a model is one: auto, a colorizer, or several with a plus between them."""
    known = {info.name for info in deoldify.models() if info.task == "colorize"}
    return isinstance(model, str) and (model == AUTO or set(model.split("+")) <= known)


def about_model(model: str) -> str:
    """What a model is good at, its terms, and that it has to be fetched."""
    infos = {info.name: info for info in deoldify.models()}
    if model == AUTO:
        used = [record.name for record in records_of(AUTO)]
        best = f"The truest that is here, fits the memory and takes at most a minute: {' with '.join(used)}."
        return f"{best} {about_model('+'.join(used))}"
    named = [infos[name] for name in names_of(model) if name in infos]
    if not named:
        raise UnknownModelError(f"there is no model called {model!r}")
    if len(named) == 1:
        about = f"{named[0].good_at[:1].upper()}{named[0].good_at[1:]}. " if named[0].good_at else ""
    else:
        about = "What they agree on; paler where they do not. "
    about += f"Licence: {' and '.join(dict.fromkeys(info.licence for info in named))}. "
    about += " ".join(dict.fromkeys(info.terms for info in named))
    missing = [info for info in named if not info.here]
    if not missing:
        return about
    if not downloads.allowed:
        return f"**Not on the server**; whoever runs it can fetch it. {about}"
    size, source = megabytes(sum(info.bytes for info in missing)), " and the ".join(info.source for info in missing)
    return f"**Not here yet: *Colorize* first downloads {size}** from the {source}. {about}"
