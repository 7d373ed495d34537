"""The one server: what it answers, who is let in, and how it stops."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from emotion_core.types import EmotionError
from webapp import server
from webapp.dashboard import links
from webapp.shared import middleware


def _inner() -> Starlette:
    async def socket_route(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text("in")
        await websocket.close()

    return Starlette(
        routes=[Route("/", lambda request: PlainTextResponse("in")), WebSocketRoute("/stream", socket_route)]
    )


def test_every_browser_gets_a_cookie_of_its_own_and_keeps_it() -> None:
    client = TestClient(middleware.BrowserCookie(_inner()))
    first = client.get("/").headers["set-cookie"]
    assert first.startswith(f"{links.COOKIE}=") and "HttpOnly" in first and "SameSite=Lax" in first
    assert "set-cookie" not in client.get("/").headers
    other = TestClient(middleware.BrowserCookie(_inner())).get("/").headers["set-cookie"]
    assert other.split(";")[0] != first.split(";")[0]


def test_behind_https_the_cookie_works_in_a_frame() -> None:
    client = TestClient(middleware.BrowserCookie(_inner()))
    cookie = client.get("/", headers={"x-forwarded-proto": "https"}).headers["set-cookie"]
    assert "SameSite=None; Secure; Partitioned" in cookie


class _Page:
    cookie_id = "abc"
    tokens = {"good": "ada"}


def test_the_dashboard_asks_for_the_login_of_the_web_app() -> None:
    client = TestClient(middleware.DashboardLogin(_inner(), _Page()), follow_redirects=False)
    assert client.get("/").status_code == 401
    to_login = client.get("/", headers={"accept": "text/html"})
    assert to_login.status_code == 303 and to_login.headers["location"] == "/"
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/stream"):
        pass
    client.cookies.set("access-token-unsecure-abc", "wrong")
    assert client.get("/").status_code == 401
    client.cookies.set("access-token-unsecure-abc", "good")
    assert client.get("/").text == "in"
    with client.websocket_connect("/stream") as stream:
        assert stream.receive_text() == "in"


def test_a_broken_cookie_header_is_no_error() -> None:
    client = TestClient(middleware.BrowserCookie(_inner()))
    assert client.get("/", headers={"cookie": "=;; a[=b; =="}).status_code == 200


def test_a_port_in_use_is_one_clear_line() -> None:
    with server.listen("127.0.0.1", 0) as taken:
        taken.listen()
        with pytest.raises(EmotionError, match="choose another with --port"):
            server.listen("127.0.0.1", taken.getsockname()[1])
    with pytest.raises(EmotionError, match="--host"):
        server.listen("no.such.host.invalid", 0)


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.status, answer.read().decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        return error.code, ""


def test_app_answers_everywhere_and_stops_on_sigterm(root: Path) -> None:
    port = _free_port()
    app = subprocess.Popen(
        [sys.executable, "app.py", "--port", str(port)],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    base = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                if _get(f"{base}/healthz")[0] == 200:
                    break
            except OSError:
                assert app.poll() is None, app.communicate()[0]
                time.sleep(0.2)
        assert _get(f"{base}/healthz") == (200, '{"status":"ok"}')
        assert "<html" in _get(f"{base}/")[1].lower()
        assert "<html" in _get(f"{base}/dashboard")[1].lower()
        assert _get(f"{base}/dashboard/_stcore/health")[0] == 200
        for outside in ("/dashboard/../app.py", "/dashboard/media/..%2f..%2fapp.py", "/app.py"):
            status, text = _get(base + outside)
            assert "argparse" not in text and (status >= 400 or "<html" in text.lower()), outside
        app.send_signal(signal.SIGTERM)
        assert app.wait(40) == 0
        said = app.stdout.read() if app.stdout else ""
        assert "Traceback" not in said, said
    finally:
        app.kill()
        app.wait()
