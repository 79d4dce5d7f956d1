"""Serves the demo page. ``python app.py --help`` tells how; a Hugging Face Space runs this same file.

The page, and Gradio with it, is imported once the options are understood; ``gradio app.py``, and whoever else wants the
page unserved, finds it as ``app.demo``.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import io
import logging
import webbrowser
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, cast

import typer

from deoldify.terminal import VersionOption

if TYPE_CHECKING:
    import gradio as gr

MOST_THREADS = 100  # each visitor whose photos are being worked on waits in one


@functools.cache
def _page() -> gr.Blocks:
    from demo import build

    return build()


def __getattr__(name: str) -> gr.Blocks:
    if name == "demo":
        return _page()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def serve(
    host: Annotated[
        str | None,
        typer.Option(
            "--host", "--server-name", envvar="GRADIO_SERVER_NAME", show_default="127.0.0.1",
            help="Address to listen on. 0.0.0.0 lets other computers in your network open the page.",
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            "--port", "--server-port", envvar="GRADIO_SERVER_PORT", min=1, max=65535,
            show_default="the first free one from 7860", help="Port to listen on.",
        ),
    ] = None,
    share: Annotated[
        bool, typer.Option("--share", envvar="GRADIO_SHARE", help="Also open a public link, through Gradio's server.")
    ] = False,
    auth: Annotated[
        list[str] | None,
        typer.Option(
            "--auth", envvar="GRADIO_AUTH", metavar="USER:PASSWORD", show_envvar=True,
            help="Ask visitors for this name and password. May be given several times.",
        ),
    ] = None,
    allow_downloads: Annotated[
        bool,
        typer.Option(
            "--allow-downloads", envvar="DEOLDIFY_ALLOW_DOWNLOADS",
            help="Let visitors from other computers have models downloaded; whoever sits at this one may anyway.",
        ),
    ] = False,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-host", envvar="DEOLDIFY_ALLOW_HOST", metavar="NAME",
            help="Another name by which the page may be called, as behind a proxy. May be given several times.",
        ),
    ] = None,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    mcp: Annotated[bool, typer.Option("--mcp", help="Also serve the page's tools to assistants, by MCP.")] = False,
    version: VersionOption = False,
) -> None:  # fmt: skip
    """Serve the DeOldify page: old photos in, coloured or restored ones out.

    What visitors send, and what they get, lies in a folder for temporary files (GRADIO_TEMP_DIR, or deoldify-page in
    the system's) for two hours, and goes when the server ends. Models lie in the cache of the Hugging Face Hub.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    users = [tuple(pair.split(":", 1)) for pair in auth or []]
    if any(len(user) != 2 or not all(user) for user in users):
        raise typer.BadParameter("write it as USER:PASSWORD", param_hint="--auth")
    if mcp and importlib.util.find_spec("mcp") is None:
        _give_up("--mcp needs a package that is not here: pip install 'gradio[mcp]'")

    from starlette.middleware import Middleware

    from demo import CSS, DESCRIPTION, HEAD, ICON, THEME, TITLE
    from demo.album import MAX_FILE_BYTES
    from demo.guard import Guard, OwnPreview
    from demo.models import downloads
    from demo.serving import Ending, addresses, is_loopback, port_is_free
    from demo.storage import storage

    if port is not None and not port_is_free(host, port):
        _give_up(
            f"Port {port} is in use, or {host or '127.0.0.1'} is not an address of this computer. Try another one."
        )
    local = is_loopback(host) and not share
    downloads.allowed = local or allow_downloads
    demo = _page()
    guard = Middleware(
        Guard, loopback=is_loopback(host), hosts=(*(allow_host or ()), *((".gradio.live",) if share else ()))
    )
    preview = Middleware(OwnPreview, title=TITLE, description=DESCRIPTION)
    ending = Ending()
    storage().keep_swept()
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # Gradio's advice is for its programmers
            _, local_url, share_url = demo.launch(
                server_name=host,
                server_port=port,
                share=share or None,  # None lets Gradio decide, as it must in a notebook
                auth=cast(list[tuple[str, str]], users) or None,
                max_file_size=MAX_FILE_BYTES,
                strict_cors=True,
                show_error=False,
                enable_monitoring=False,
                run_history=False,
                ssr_mode=False,
                footer_links=[],
                favicon_path=ICON,
                max_threads=MOST_THREADS,
                theme=THEME,
                css=CSS,
                head=HEAD,
                app_kwargs=cast(dict[str, Any], {"middleware": [guard, preview]}),
                mcp_server=mcp,
                prevent_thread_lock=True,
                quiet=True,
            )
    except OSError as error:
        _give_up(f"The page cannot be served: {error}")
    found = addresses(host, demo.server_port)
    typer.echo(f"DeOldify is at {' and '.join(found)}{f' and {share_url}' if share_url else ''} (Ctrl-C ends it)")
    if mcp:
        typer.echo(f"Its tools are at {found[0]}/gradio_api/mcp/")
    if open_browser:
        webbrowser.open(local_url)
    try:
        ending.wait()
    finally:
        demo.close(verbose=False)
        storage().close()


def _give_up(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(serve)
