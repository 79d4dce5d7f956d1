"""The page: Gradio over the package, nothing else.

`build` makes it, `serve` in ``app.py`` lets visitors in. ``page`` puts the tabs together; ``colorize_tab`` and
``defade_tab`` each know one, ``workbench`` what they share, ``elements`` what they are made of, ``api`` what other
programs can call. A visitor's photos are an ``album`` of ``visitors``; ``working`` brings them in and has ``jobs`` done
on them in ``turns``, with ``models``; ``storage`` keeps files, for a while. What a visitor sends is not trusted: see
``uploads``, ``archives`` and ``guard``.
"""

from __future__ import annotations

from demo import gpu as gpu  # first of all, see there

# isort: split
from demo.page import CSS, DESCRIPTION, HEAD, ICON, THEME, TITLE, build

__all__ = ["CSS", "DESCRIPTION", "HEAD", "ICON", "THEME", "TITLE", "build"]
