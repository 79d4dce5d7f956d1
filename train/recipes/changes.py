"""Changes to a recipe from outside, such as ``--set 96px.batch=16``: of any value, and only to one of its type."""

from __future__ import annotations

import json
import types
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from train.errors import RecipeError
from train.recipes.recipe import Recipe

AnyConfig = TypeVar("AnyConfig")


def changed(recipe: Recipe, changes: Sequence[str]) -> Recipe:
    """A recipe with values replaced.

    Args:
        recipe: left as it is.
        changes: ``path=value`` each, where the value is JSON or a bare word, and the path is a field of the recipe
            (``clip=2``), one of its generator or critic (``critic.width=64``), one of a stage by its name
            (``96px.batch=16``), or of all stages (``*.steps=10``).

    Raises:
        RecipeError: there is no such field, or the value is not of its type.
    """
    for change in changes:
        path, equals, text = change.partition("=")
        if not equals:
            raise RecipeError(f"--set {change}: write it as field=value, such as clip=2 or 96px.batch=16")
        try:
            value = json.loads(text)
        except json.JSONDecodeError:
            value = text
        head, _, tail = path.partition(".")
        if head == "*" or head in {stage.name for stage in recipe.stages}:
            stages = tuple(_with(s, tail, value, change) if head in ("*", s.name) else s for s in recipe.stages)
            recipe = replace(recipe, stages=stages)
        else:
            recipe = _with(recipe, path, value, change)
    return recipe


def _with(config: AnyConfig, path: str, value: object, change: str) -> AnyConfig:
    assert is_dataclass(config) and not isinstance(config, type)
    head, _, tail = path.partition(".")
    names = [f.name for f in fields(config) if f.name != "stages"]
    if head not in names:
        stages = [stage.name for stage in config.stages] if isinstance(config, Recipe) else []
        raise RecipeError(f"--set {change}: there is no {head!r}; there are: {', '.join([*stages, *names])}")
    if tail:
        inner = getattr(config, head)
        if not is_dataclass(inner):
            raise RecipeError(f"--set {change}: {head!r} has no fields of its own")
        return replace(config, **{head: _with(inner, tail, value, change)})
    hint = get_type_hints(type(config))[head]
    try:
        return replace(config, **{head: _fitted(value, hint)})
    except TypeError:
        raise RecipeError(f"--set {change}: {value!r} is not {_described(hint)}") from None


def _fitted(value: object, hint: Any) -> object:
    """The value as its field's type wants it; ``TypeError`` where it is of another."""
    origin, inside = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        for choice in inside:
            try:
                return _fitted(value, choice)
            except TypeError:
                continue
    elif origin is Literal:
        if value in inside:
            return value
    elif origin is tuple and isinstance(value, (list, tuple)):
        hints = [inside[0]] * len(value) if inside[-1] is Ellipsis else list(inside)
        if len(hints) == len(value):
            return tuple(_fitted(item, item_hint) for item, item_hint in zip(value, hints))
    elif origin is Mapping and isinstance(value, dict):
        return {str(key): _fitted(item, inside[1]) for key, item in value.items()}
    elif hint is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    elif origin is None and isinstance(value, hint) and (hint is bool or not isinstance(value, bool)):
        return value
    raise TypeError


def _described(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(map(repr, get_args(hint)))
    return f"a value of type {getattr(hint, '__name__', hint) if get_origin(hint) is None else hint}"
