"""What goes over the wire packed, and what a link to the app shows elsewhere."""

import asyncio
import gzip
from pathlib import Path

import httpx
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from webapp.shared import preview
from webapp.shared.packed import Packed

SCRIPT = "const expressions = 7;\n" * 500


async def script(request: object) -> Response:
    return Response(SCRIPT, media_type="text/javascript", headers={"ETag": '"a"'})


async def picture(request: object) -> Response:
    return Response(b"\x89PNG" + bytes(5000), media_type="image/png")


async def events(request: object) -> Response:
    return StreamingResponse(iter([b"data: 1\n\n"] * 500), media_type="text/event-stream")


@pytest.fixture
def client() -> httpx.AsyncClient:
    app = Starlette(
        routes=[
            Route("/dashboard/static/js/index.js", script),
            Route("/dashboard/static/media/logo.png", picture),
            Route("/dashboard/static/events", events),
            Route("/result/talk.js", script),
            Route("/dashboard/static/small.js", lambda request: PlainTextResponse("1")),
        ]
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(Packed(app)), base_url="http://localhost")


async def raw(client: httpx.AsyncClient, path: str, **headers: str) -> tuple[httpx.Response, bytes]:
    async with client.stream("GET", path, headers={"Accept-Encoding": "gzip", **headers}) as answer:
        return answer, b"".join([part async for part in answer.aiter_raw()])


def test_scripts_of_the_dashboard_are_packed(client: httpx.AsyncClient) -> None:
    for _ in range(2):  # the second comes from memory
        answer, body = asyncio.run(raw(client, "/dashboard/static/js/index.js"))
        assert answer.headers["content-encoding"] == "gzip" and answer.headers["vary"] == "Accept-Encoding"
        assert int(answer.headers["content-length"]) == len(body) < len(SCRIPT) / 10
        assert gzip.decompress(body).decode() == SCRIPT


def test_a_browser_that_takes_brotli_gets_it_and_others_do_not(client: httpx.AsyncClient) -> None:
    brotli = pytest.importorskip("brotli")
    sent = {}
    for ways in ("gzip, deflate, br, zstd", "br;q=0, gzip", "gzip"):
        answer, body = asyncio.run(raw(client, "/dashboard/static/js/index.js", **{"Accept-Encoding": ways}))
        sent[ways] = answer.headers["content-encoding"], body
    assert [coding for coding, _ in sent.values()] == ["br", "gzip", "gzip"]
    small, large = (body for _, body in list(sent.values())[:2])
    assert brotli.decompress(small).decode() == SCRIPT == gzip.decompress(large).decode()


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/dashboard/static/js/index.js", {"Accept-Encoding": "identity"}),
        ("/dashboard/static/js/index.js", {"Range": "bytes=0-99"}),
        ("/dashboard/static/media/logo.png", {}),
        ("/dashboard/static/events", {}),
        ("/dashboard/static/small.js", {}),
        ("/result/talk.js", {}),
    ],
)
def test_all_else_goes_as_it_is(client: httpx.AsyncClient, path: str, headers: dict[str, str]) -> None:
    answer, body = asyncio.run(raw(client, path, **headers))
    assert answer.status_code == 200 and "content-encoding" not in answer.headers and body


def test_a_link_shows_our_title_and_picture() -> None:
    theirs = (
        '<meta property="og:title" content="Gradio" />\n<meta\n\tname="twitter:image"\n\tcontent="x.jpg"\n/>'
    )
    page = f'<html><head><meta charset="utf-8" />{theirs}</head><body>a</body></html>'.encode()
    ours = preview.put_in(page, 'https://emotion.example.org/"app"/').decode()
    assert "Gradio" not in ours and "x.jpg" not in ours and '<meta charset="utf-8" />' in ours
    assert 'property="og:title" content="Facial expressions, live and in video"' in ours
    assert 'og:image" content="https://emotion.example.org/&quot;app&quot;/preview.png"' in ours
    assert preview.put_in(b"no page", "http://localhost/") == b"no page"


def test_the_picture_has_the_size_that_its_tags_say(root: Path) -> None:
    with Image.open(root / "webapp" / "assets" / preview.PICTURE) as picture:
        assert picture.size == (1200, 630)
        said = preview.tags("http://localhost/")
        assert 'og:image:width" content="1200"' in said and 'og:image:height" content="630"' in said
