"""The page's own elements: where photos come in, a comparison with its download, the slider of the render size.

Their scripts stand in ``web/``; what they send is checked here or by whoever takes it.
"""

from __future__ import annotations

import base64
import io
from html import escape
from pathlib import Path
from typing import Any, cast

import gradio as gr
import PIL.Image

from demo.album import MAX_ALBUM_BYTES, MAX_FILE_BYTES, MAX_PHOTOS, Album
from demo.component import WithoutStub
from demo.costs import USUAL_PHOTO, standing
from demo.jobs import MAX_PIXELS
from demo.models import DEFAULT_MODEL
from deoldify.model import FACTOR_PIXELS, RENDER_FACTORS

WEB = Path(__file__).with_name("web")

_ACCEPT = "image/*,.tif,.tiff,.heic,.heif,.avif,.webp,.zip"
_LIMITS = (
    f"Up to {MAX_PHOTOS} photos of {MAX_FILE_BYTES // 1024**2} MB and {MAX_PIXELS // 10**6} megapixels each, "
    f"{MAX_ALBUM_BYTES // 10**9} GB together; ZIP archives of them, too, of {MAX_FILE_BYTES // 1024**2} MB each. "
    "They stay on the computer that runs this page, and are deleted after two hours."
)


def _script(name: str) -> str:
    return (WEB / name).read_text(encoding="utf-8")


def _element(skeleton: str, scripts: tuple[str, ...], value: Any, elem_id: str, **props: Any) -> gr.HTML:
    script = "\n".join(map(_script, scripts))
    return gr.HTML(value, html_template=skeleton, js_on_load=script, apply_default_css=False, elem_id=elem_id, **props)


def photos(prefix: str, examples: list[Path], caption: str) -> gr.HTML:
    """Where a tab's photos come in, and the strip that shows them; its value is what `Album.strip` tells.

    It sends ``upload`` (files: path and name of each), ``example`` (number), ``choose`` and ``remove`` (id), ``clear``;
    where the page is loaded anew ``again`` (name of the visitor), and ``follow`` while there is work on what was found.
    """
    buttons = "".join(
        f'<button type="button" data-example="{number}" class="example" aria-label="Example: {escape(path.stem)}">'
        f'<img src="{_inline(path)}" alt=""></button>'
        for number, path in enumerate(examples)
    )
    skeleton = f"""
<div class="drop" data-role="drop" data-photos="{MAX_PHOTOS}" data-bytes="{MAX_FILE_BYTES}">
  <figure class="chosen" data-role="chosen"></figure>
  <p class="ways"><button type="button" class="button" data-role="choose">Choose photos</button></p>
  <p class="ways more-ways">or drop photos, a folder or a ZIP here,
    <button type="button" class="link" data-role="choose-folder">choose a folder</button>,
    <button type="button" class="link" data-role="paste">paste</button> (Ctrl+V)</p>
  <input type="file" data-role="files" multiple hidden accept="{_ACCEPT}" aria-label="Photos">
  <input type="file" data-role="folder" webkitdirectory hidden aria-label="A folder of photos">
</div>
<p class="word" data-role="word" role="status"></p>
<div class="strip" hidden>
  <ul data-role="strip" aria-label="Your photos" tabindex="0"></ul>
  <button type="button" class="link" data-role="clear">Remove all</button>
</div>
<ul class="failed-list" data-role="failed" aria-label="What could not be done"></ul>
<ul class="left-list" data-role="left" aria-label="What was left as it is"></ul>
<div data-role="examples">
  <p class="examples-label" id="{prefix}examples-label">{escape(caption)}</p>
  <div class="examples" role="group" aria-labelledby="{prefix}examples-label">{buttons}</div>
</div>
<details class="limits"><summary>Limits and privacy</summary>{_LIMITS}</details>
"""
    return _element(skeleton, ("photos.js",), Album().strip(), f"{prefix}photo")


def _inline(path: Path) -> str:
    """A small picture as it can stand in a page, so that no file has to be served for it."""
    with PIL.Image.open(path) as opened:
        image = opened.convert("RGB")
        image.thumbnail((96, 96))
        stream = io.BytesIO()
        image.save(stream, "JPEG", quality=75)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode()}"


def comparison(prefix: str, empty: str, carry: str) -> gr.HTML:
    """A photo before and after, its download, and how far the work is; its value is what `Album.result` tells.

    It sends ``zip`` (wants the archive of all results), ``carry`` (takes the photo to the other tab), ``adjust`` (id of
    the photo, saturation, warmth, liveliness, caution, hints), ``file`` (id of the photo, whose file shall have the
    colours shown), ``versions`` (id of the photo) and ``take`` (id, and the number of a version).
    """
    skeleton = f"""
<p class="status" data-role="status" role="status"></p>
<progress data-role="bar" max="1" hidden aria-label="Progress"></progress>
<div class="view" data-role="view" id="{prefix}comparison"></div>
<div class="looks" data-role="looks" hidden>
  <button type="button" class="button small" data-role="versions" id="{prefix}versions">Show four versions</button>
  <button type="button" class="button small" data-role="guesses" aria-pressed="false">Where it guesses</button>
  <span class="legend" data-role="legend" hidden><span class="swatch tint" aria-hidden="true"></span> Tinted where the
    colours are a guess: the stronger, the less sure.</span>
</div>
<div class="versions" data-role="choices" role="group" aria-label="Versions to choose from" hidden></div>
<fieldset class="adjust" data-role="adjust" hidden>
  <legend>Not quite right? Change it, without a new render</legend>
  <div class="sliders">
  <label>Saturation <output data-role="saturation-said"></output>
    <input type="range" data-role="saturation" min="0" max="150" step="5" value="100"></label>
  <label>Warmth <output data-role="warmth-said"></output>
    <input type="range" data-role="warmth" min="-100" max="100" step="5" value="0"></label>
  <label data-role="liveliness-row">Liveliness <output data-role="liveliness-said"></output>
    <input type="range" data-role="liveliness" min="0" max="100" step="5" value="50"></label>
  <label data-role="caution-row">Caution <output data-role="caution-said"></output>
    <input type="range" data-role="caution" min="0" max="100" step="5" value="0"></label>
  </div>
  <button type="button" class="link" data-role="reset" hidden>Back to how it came</button>
  <div class="hint-row">
    <button type="button" class="button small" data-role="point" aria-pressed="false">Say what colour it is</button>
    <label>Colour <input type="color" data-role="colour" value="#334d80"></label>
    <label class="check"><input type="checkbox" data-role="none"> no colour</label>
    <button type="button" class="button small" data-role="undo" disabled>Undo</button>
  </div>
  <p class="pointing" data-role="pointing" hidden>Click the place in the picture that has this colour. By keyboard:
    arrow keys move the cross, Enter sets it, Escape ends.</p>
  <ul class="hints" data-role="hints" aria-label="Colours of places"></ul>
</fieldset>
<div class="more" data-role="more" hidden>
  <button type="button" class="button" data-role="zip" id="{prefix}zip" hidden>All results as a ZIP</button>
  <a data-role="archive" hidden download="deoldify.zip">Download deoldify.zip</a>
  <button type="button" class="button" data-role="carry" id="{prefix}carry">{escape(carry)}</button>
</div>
"""
    return _element(
        skeleton,
        ("hints.js", "versions.js", "result.js"),
        Album().result(),
        f"{prefix}view",
        prefix=prefix,
        empty=empty,
    )


class RenderSize(gr.HTML, metaclass=WithoutStub):
    """The slider of the render size, with a mark where "auto" stands; it sends ``input``."""

    def preprocess(self, payload: Any) -> int | None:  # type: ignore[override]
        """
        Parameters:
            payload: what the page has
        Returns:
            The render factor, or None where it is chosen automatically; nothing else, whatever a client sends.
        """
        return render_factor_of(payload.get("factor") if isinstance(payload, dict) else None)

    def get_block_name(self) -> str:
        return "html"


def render_factor_of(value: object) -> int | None:
    """A render factor out of what a client or an address says; None for what is none."""
    try:
        factor = int(cast(Any, value))
    except (TypeError, ValueError, OverflowError):
        return None
    return min(max(factor, RENDER_FACTORS[0]), RENDER_FACTORS[-1])


def render_size(prefix: str) -> RenderSize:
    """The slider of the render size."""
    smallest, largest = RENDER_FACTORS[0], RENDER_FACTORS[-1]
    skeleton = f"""
<div class="size-head"><label for="{prefix}size-range" data-role="label"></label></div>
<div class="size-row">
  <div class="size-track">
    <span class="auto-mark" data-role="mark" title="Where auto stands" aria-hidden="true">auto</span>
    <input type="range" id="{prefix}size-range" data-role="range" min="{smallest}" max="{largest}" step="1">
  </div>
  <input type="number" data-role="number" min="{smallest}" max="{largest}" step="1"
    aria-label="Render size, as a number">
  <button type="button" class="button small" data-role="auto"></button>
</div>
<p class="cost" data-role="cost" aria-live="polite"></p>
"""
    return RenderSize(
        standing(DEFAULT_MODEL, USUAL_PHOTO), html_template=skeleton, js_on_load=_script("size.js"),
        apply_default_css=False, elem_id=f"{prefix}factor", smallest=smallest, pixels=FACTOR_PIXELS,
    )  # fmt: skip
