"""Serves the demo page. ``python app.py --help`` tells how; a Hugging Face Space runs this same file."""

from __future__ import annotations

import logging
from typing import Annotated, cast

import typer

from demo import CSS, THEME, build

MAX_FILE_SIZE = "200mb"

demo = build()


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
) -> None:  # fmt: skip
    """Serve the DeOldify page: an old photo in, a coloured or restored one out."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    users = [tuple(pair.split(":", 1)) for pair in auth or []]
    if any(len(user) != 2 or not all(user) for user in users):
        raise typer.BadParameter("write it as USER:PASSWORD", param_hint="--auth")
    demo.launch(
        server_name=host,
        server_port=port,
        share=share or None,  # None lets Gradio decide, as it must in a notebook
        auth=cast(list[tuple[str, str]], users) or None,
        max_file_size=MAX_FILE_SIZE,
        strict_cors=True,
        show_error=False,
        enable_monitoring=False,
        run_history=False,
        ssr_mode=False,
        footer_links=["api", "settings"],
        theme=THEME,
        css=CSS,
    )


if __name__ == "__main__":
    typer.run(serve)
