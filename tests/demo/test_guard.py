"""Who may speak to the server, and what it says of itself."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from demo.guard import Guard, OwnPreview

PAGE = """<html><head><title>x</title>
<meta property="og:url" content="https://gradio.app/" />
<meta
    name="twitter:creator" content="@teamGradio" />
<meta name="viewport" content="width=device-width" /></head><body>Grüße</body></html>"""


async def page(scope: Any, receive: Any, send: Any) -> None:
    """Answers every request with a page, in two parts."""
    data = PAGE.encode()
    headers = [(b"content-type", b"text/html; charset=utf-8"), (b"content-length", str(len(data)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": data[:30], "more_body": True})
    await send({"type": "http.response.body", "body": data[30:]})


def ask(app: Any, **headers: str) -> httpx.Response:
    async def go() -> httpx.Response:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1:7860"
        ) as client:
            return await client.get("/", headers={name.replace("_", "-"): value for name, value in headers.items()})

    with ThreadPoolExecutor(1) as pool:  # in this thread, what drives a browser may have a loop that runs
        return pool.submit(asyncio.run, go()).result()


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("127.0.0.1:7860", None, 200),
        ("localhost:7860", "http://localhost:7860", 200),
        ("localhost:7860", "http://127.0.0.1:7860", 200),
        ("[::1]:7860", "http://[::1]:7860", 200),
        ("127.0.0.1:7860", "http://localhost:3000", 403),
        ("127.0.0.1:7860", "http://127.0.0.1", 403),
        ("127.0.0.1:7860", "https://localhost", 403),
        ("localhost", "http://localhost", 200),
        ("127.0.0.1:7860", "https://elsewhere.example", 403),
        ("127.0.0.1:7860", "null", 403),
        ("127.0.0.1:7860", "file://", 403),
        ("rebound.example:7860", None, 403),
        ("rebound.example:7860", "http://rebound.example:7860", 403),
        ("127.0.0.1.rebound.example", None, 403),
        ("photos.home", "https://photos.home", 200),
        ("abc.gradio.live", "https://abc.gradio.live", 200),
        ("gradio.live.example", None, 403),
        ("", None, 403),
    ],
)
def test_on_this_computer_only_its_own_names_and_no_other_websites(host: str, origin: str | None, status: int) -> None:
    guard = Guard(page, loopback=True, hosts=("photos.home", ".gradio.live"))
    headers = {"host": host} | ({} if origin is None else {"origin": origin})
    assert ask(guard, **headers).status_code == status


def test_for_others_any_name_and_no_other_websites() -> None:
    guard = Guard(page, loopback=False)
    assert ask(guard, host="photos.example").status_code == 200
    assert ask(guard, host="photos.example", origin="https://photos.example").status_code == 200
    assert ask(guard, host="photos.example:443", origin="https://photos.example").status_code == 200
    assert ask(guard, host="photos.example", origin="https://photos.example:8443").status_code == 200
    assert ask(guard, host="photos.example:8443", origin="https://photos.example").status_code == 403
    assert ask(guard, host="photos.example", origin="https://elsewhere.example").status_code == 403
    behind_proxy = {"host": "10.0.0.5:7860", "origin": "https://photos.example", "x_forwarded_host": "photos.example"}
    assert ask(guard, **behind_proxy).status_code == 200


def test_the_preview_of_a_link_is_the_projects_own() -> None:
    answer = ask(OwnPreview(page, title="DeOldify", description="Old & new"))
    assert "gradio" not in answer.text.lower()
    assert '<meta property="og:title" content="DeOldify" />' in answer.text
    assert 'content="Old &amp; new"' in answer.text and "Grüße" in answer.text and "viewport" in answer.text
    assert int(answer.headers["content-length"]) == len(answer.content)
