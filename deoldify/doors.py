"""Doors of rooms that are opened late: a package hands on names of its modules and imports each when it is asked for.

So a room's public names are found in one place, and who needs a plain record of it does not wait for PyTorch.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any


def handing_on(package: str, **homes: tuple[str, ...]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """A package's ``__getattr__`` and ``__dir__``.

    Args:
        package: its full name.
        homes: names by the module of the package that they live in; a module's own name hands it on whole.
    """
    home_of = {name: home for home, names in homes.items() for name in names}

    def find(name: str) -> Any:
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        home = import_module(f"{package}.{home_of[name]}")
        return home if name == home_of[name] else getattr(home, name)

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *home_of})

    return find, names
