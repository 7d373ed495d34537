"""The path that a proxy shows the app below: it comes off a request and onto whatever an answer leads to."""

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket

from emotion_core.types import EmotionError
from webapp.settings import Settings
from webapp.shared.below import Below, below


async def _say(request: Request) -> Response:
    return PlainTextResponse(f"{request.url.path} {below(request.scope)}")


async def _lead(request: Request) -> Response:
    answer = PlainTextResponse("", 303, {"location": request.query_params["to"]})
    for path in ("/", "/deep"):
        answer.headers.append("set-cookie", f"a=1; Path={path}; HttpOnly")
    return answer


async def _stream(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text(socket.url.path)
    await socket.close()


def client(path: str) -> TestClient:
    routes = [Route("/new", _say), Route("/lead", _lead), WebSocketRoute("/live", _stream)]
    app = Below(Starlette(routes=routes), path)
    return TestClient(app, base_url="http://example.org", follow_redirects=False)


@pytest.mark.parametrize("asked", ["/lab/emotion/new", "/new"])
def test_a_proxy_may_pass_the_path_on_or_take_it_off(asked: str) -> None:
    assert client("/lab/emotion").get(asked).text == "/new /lab/emotion"
    assert client("").get("/new").text == "/new "
    assert client("/lab/emotion").get("/lab/emotional/new").status_code == 404
    with client("/lab/emotion").websocket_connect("/lab/emotion/live") as socket:
        assert socket.receive_text() == "/live"


def test_the_path_alone_leads_into_it() -> None:
    answer = client("/lab/emotion").get("/lab/emotion")
    assert (answer.status_code, answer.headers["location"]) == (307, "/lab/emotion/")


@pytest.mark.parametrize(
    ("leads", "to"),
    [
        ("/dashboard/?a=/b", "/lab/emotion/dashboard/?a=/b"),
        ("/", "/lab/emotion/"),
        ("http://example.org/new", "http://example.org/lab/emotion/new"),
        ("/lab/emotion/new", "/lab/emotion/new"),
        ("dashboard/", "dashboard/"),
        ("//other.example/new", "//other.example/new"),
        ("https://other.example/new", "https://other.example/new"),
    ],
)
def test_an_answer_leads_below_the_path_or_elsewhere(leads: str, to: str) -> None:
    answer = client("/lab/emotion").get("/lab/emotion/lead", params={"to": leads})
    assert answer.headers["location"] == to
    cookies = answer.headers.get_list("set-cookie")
    assert cookies == ["a=1; Path=/lab/emotion/; HttpOnly", "a=1; Path=/deep; HttpOnly"]
    assert client("").get("/lead", params={"to": leads}).headers["location"] == leads


def test_what_can_be_such_a_path() -> None:
    assert Settings(root_path="/lab/emotion").place == "server"
    for wrong in ("emotion", "/", "/a b", "/a/../b", "/a//b", "https://example.org/a", "/a;b"):
        with pytest.raises(EmotionError, match="--root-path takes a path such as /emotion"):
            Settings(root_path=wrong)
