"""The page: Gradio over the package, nothing else.

`build` makes it, `serve` in ``app.py`` lets visitors in. ``page`` puts the tabs together, ``colorize_tab`` and
``defade_tab`` each know one, with its API endpoints, ``parts`` what they share, ``jobs`` how a photo becomes a result.
What a visitor sends is not trusted: see ``uploads``.
"""

from __future__ import annotations

from demo import gpu as gpu  # first of all, see there

# isort: split
from demo.page import CSS, THEME, build

__all__ = ["CSS", "THEME", "build"]
