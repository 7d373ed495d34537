"""The doors of the running application: its real server, frameworks, sockets and results."""

import io
import json
import os
import re
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.browser.running import RunningApp, start_app, stop_app
from webapp.shared.login import LOGIN_COOKIE
from webapp.shared.visitor import COOKIE, PAGE_HEADER

OPEN = {
    "/assets/{path:path}", "/favicon.ico", "/healthz", "/login", "/robots.txt", "/static/{path:path}",
    "/svelte/{path:path}", "/dashboard/static/{path}",
}  # fmt: skip
"""The short list: what anyone may call with a password set. Everything else is closed."""
KINDS = (
    ("GET", "/"), ("GET", "/healthz"), ("GET", "/login"), ("GET", "/config"), ("GET", "/dashboard/"),
    ("GET", "/assets/index.js"), ("GET", "/dashboard/_stcore/health"), ("GET", "/result/a/b"),
    ("GET", "/gradio_api/heartbeat/abc"), ("GET", "/gradio_api/queue/data?session_hash=abc"),
    ("POST", "/login"), ("POST", "/logout"), ("POST", "/open"), ("POST", "/live/ticket"),
    ("POST", "/gradio_api/queue/join"), ("POST", "/gradio_api/upload"), ("POST", "/gradio_api/cancel"),
    ("PUT", "/dashboard/_stcore/upload_file/a/b"), ("DELETE", "/dashboard/_stcore/upload_file/a/b"),
)  # fmt: skip
"""Pages, routes, posts, the frameworks' own."""
SOCKETS = ("/live?ticket=x", "/dashboard/_stcore/stream")
FOREIGN = ("https://evil.example", "null", "file://")


@pytest.fixture(scope="module")
def app(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """The app with a password that stands in a file."""
    folder = tmp_path_factory.mktemp("doors")
    (folder / "password").write_text("ada:a secret\n")
    running = start_app(
        root, folder, "--auth-file", str(folder / "password"), "--allowed-hosts", "emotion.example.org"
    )
    yield running
    stop_app(running)


@contextmanager
def client_of(app: RunningApp, *, logged_in: bool = True) -> Iterator[httpx.Client]:
    """Give a browser of its own, as far as cookies go."""
    with httpx.Client(base_url=app.url, timeout=60) as client:
        if logged_in:
            assert client.post("/login", data={"username": "ada", "password": "a secret"}).status_code == 200
            client.get("/")
            assert {LOGIN_COOKIE, COOKIE} <= set(client.cookies)
        yield client


@pytest.fixture
def ada(app: RunningApp) -> Iterator[httpx.Client]:
    with client_of(app) as client:
        yield client


def cookies_of(client: httpx.Client) -> str:
    return "; ".join(f"{name}={value}" for name, value in client.cookies.items())


def socket_to(client: httpx.Client, path: str, **headers: str) -> ClientConnection:
    """Open a WebSocket as the browser of `client` does."""
    sent = {"Cookie": cookies_of(client), **headers}
    url = str(client.base_url.join(path)).replace("http", "ws", 1)
    # None: a Host among the headers stands alone.
    return connect(url, additional_headers=sent, open_timeout=30, max_size=None, compression=None)


def status_of(client: httpx.Client, path: str, **headers: str) -> int:
    """Give 101 for a WebSocket that opens, else the status of the refusal."""
    try:
        with socket_to(client, path, **headers):
            return 101
    except InvalidStatus as refused:
        return int(refused.response.status_code)


# -- the list of routes


def test_every_route_is_closed_or_on_the_short_list(root: Path, app: RunningApp) -> None:
    done = subprocess.run(
        [sys.executable, "app.py", "--routes"],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    lines = [
        re.fullmatch(r"(anyone|logged in|its own browser|nobody) +(\S+) +(/\S*)", line)
        for line in done.stdout.splitlines()
    ]
    assert all(lines) and len(lines) > 90
    listed = [match.groups() for match in lines if match]
    assert {path for allowed, _, path in listed if allowed == "anyone"} <= OPEN
    paths = {path for _, _, path in listed}
    assert {
        "/",
        "/live",
        "/gradio_api/queue/join",
        "/dashboard/_stcore/stream",
        "/result/{token}/{name}",
        "/result/{token}/people",
    } <= paths
    with client_of(app, logged_in=False) as stranger:
        stranger.get("/")  # the cookie of a browser alone is not enough
        for allowed, methods, path in listed:
            if allowed == "anyone":
                continue
            address = re.sub(r"\{[^}]*\}", "x", path)
            expected = 404 if allowed == "nobody" else 401
            if methods == "WS":
                assert status_of(stranger, address) == 403, path
                continue
            for method in methods.split(","):
                assert stranger.request(method, address).status_code == expected, (method, path)


def test_what_is_open_answers_without_a_log_in(app: RunningApp) -> None:
    with client_of(app, logged_in=False) as stranger:
        assert stranger.get("/healthz").json() == {"status": "ok"}
        for path in ("/login", "/robots.txt"):
            assert stranger.get(path).status_code == 200
        page = stranger.get("/", headers={"accept": "text/html"})
        assert page.status_code == 303 and page.headers["location"] == "/login"


# -- hosts and origins


def test_a_foreign_host_is_refused_on_every_kind_of_route(ada: httpx.Client) -> None:
    for method, path in KINDS:
        for host in ("evil.example", "127.0.0.1.evil.example:80"):
            refused = ada.request(method, path, headers={"host": host})
            assert refused.status_code == 421 and refused.text.count("\n") == 1, (method, path)
    for path in SOCKETS:
        assert status_of(ada, path) == 101
    assert ada.get("/", headers={"host": "emotion.example.org"}).status_code == 200


def test_a_foreign_host_opens_no_websocket(ada: httpx.Client) -> None:
    # The client writes its own Host, so the handshake is written by hand.
    for path in SOCKETS:
        headers = {
            "host": "evil.example", "cookie": cookies_of(ada), "connection": "Upgrade",
            "upgrade": "websocket",
            "sec-websocket-version": "13", "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        }  # fmt: skip
        assert ada.get(path, headers=headers).status_code == 403
        headers["host"] = ada.base_url.netloc.decode()
        with ada.stream("GET", path, headers=headers) as opened:
            assert opened.status_code == 101


@pytest.mark.parametrize("origin", FOREIGN)
def test_a_foreign_origin_is_refused_on_every_kind_of_route(ada: httpx.Client, origin: str) -> None:
    for method, path in KINDS:
        if path == "/healthz":
            continue
        refused = ada.request(method, path, headers={"origin": origin})
        assert refused.status_code == 403 and refused.text.count("\n") == 1, (method, path)
    for path in SOCKETS:
        assert status_of(ada, path, Origin=origin) == 403
        assert status_of(ada, path, Origin=str(ada.base_url).rstrip("/")) == 101


def test_no_answer_can_be_read_by_another_site(ada: httpx.Client) -> None:
    own = str(ada.base_url).rstrip("/")
    for headers in (
        {},
        {"origin": own},
        {"origin": own, "host": "emotion.example.org"},
        {"origin": "https://evil.example"},
    ):
        for path in (
            "/",
            "/config",
            "/healthz",
            "/dashboard/_stcore/health",
            "/dashboard/_stcore/host-config",
        ):
            answer = ada.get(path, headers=headers)
            assert not [name for name in answer.headers if name.startswith("access-control-")], (
                path,
                headers,
            )
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]


def test_nobody_unnamed_is_believed_as_a_proxy(ada: httpx.Client) -> None:
    headers = {
        "x-forwarded-host": "evil.example",
        "x-forwarded-proto": "https",
        "x-gradio-server": "http://evil.example",
    }
    page = ada.get("/", headers=headers)
    assert page.status_code == 200 and "evil.example" not in page.text
    assert "evil.example" not in ada.get("/config", headers=headers).text


# -- log-in, pages


def test_the_password_does_not_stand_in_the_process_list(app: RunningApp) -> None:
    assert b"secret" not in Path(f"/proc/{app.process.pid}/cmdline").read_bytes()


def test_wrong_passwords_are_slowed_down_and_the_right_one_works_again(app: RunningApp) -> None:
    with client_of(app, logged_in=False) as stranger:
        tried = [stranger.post("/login", data={"username": "ada", "password": str(n)}) for n in range(8)]
        assert [answer.status_code for answer in tried[:5]] == [401] * 5
        slowed = [answer for answer in tried if answer.status_code == 429]
        assert slowed and 0 < int(slowed[0].headers["retry-after"]) <= 10
        assert LOGIN_COOKIE not in stranger.cookies
        time.sleep(int(tried[-1].headers.get("retry-after", "0")) + 1)
        assert stranger.post("/login", data={"username": "ada", "password": "a secret"}).status_code == 200


def test_a_page_is_left_alone_by_other_browsers(app: RunningApp, ada: httpx.Client) -> None:
    with client_of(app) as another, ada.stream("GET", "/gradio_api/heartbeat/page-of-ada") as beat:
        assert next(beat.iter_lines()) == "data: ALIVE"
        assert another.get("/gradio_api/heartbeat/page-of-ada").status_code == 403
        assert another.get("/gradio_api/queue/data?session_hash=page-of-ada").status_code == 403
        body = {"session_hash": "page-of-ada", "fn_index": 0, "event_id": "x", "data": []}
        for path in ("cancel", "queue/join", "reset", "run/predict"):
            assert another.post(f"/gradio_api/{path}", json=body).status_code == 403, path
            assert another.post(f"/gradio_api/{path}", json={"data": []}).status_code == 400, path
        assert ada.post("/gradio_api/cancel", json=body).status_code == 200


# -- consent, results


def test_a_ticket_is_given_with_consent_only(ada: httpx.Client) -> None:
    for body in ({}, {"consent": False}, {"consent": "true"}, {"consent": 1}, {"consent": None}):
        assert ada.post("/live/ticket", json=body).status_code == 403, body
    assert ada.post("/live/ticket", content=b"true").status_code in (403, 422)
    ticket = ada.post("/live/ticket", json={"consent": True}).json()["ticket"]
    with socket_to(ada, f"/live?ticket={ticket}") as socket:
        assert json.loads(socket.recv(120))["type"] == "ready"
    with socket_to(ada, f"/live?ticket={ticket}") as socket:
        assert json.loads(socket.recv(120)) == {"type": "refused", "reason": "ticket"}


def recorded(client: httpx.Client, picture: np.ndarray, **headers: str) -> list[str]:
    """Record a little in the live view of a browser; gives the addresses of its files."""
    ticket = client.post("/live/ticket", json={"consent": True}, headers=headers).json()["ticket"]
    jpeg = io.BytesIO()
    Image.fromarray(picture).save(jpeg, "JPEG")
    with socket_to(client, f"/live?ticket={ticket}") as socket:

        def wait(kind: str) -> dict[str, Any]:
            while True:
                message: dict[str, Any] = json.loads(socket.recv(120))
                if message["type"] == kind:
                    return message

        wait("ready")
        socket.send(json.dumps({"type": "record", "on": True}))
        wait("recording")
        socket.send(struct.pack(">I", 1) + jpeg.getvalue())
        wait("faces")
        socket.send(json.dumps({"type": "record", "on": False}))
        return ["/" + file["url"] for file in wait("recording")["files"]]


@pytest.mark.weights
def test_a_result_opens_for_the_browser_that_made_it_until_it_logs_out(
    app: RunningApp, ada: httpx.Client, astronaut: np.ndarray
) -> None:
    files = recorded(ada, astronaut)
    assert len(files) >= 4
    with client_of(app) as another, client_of(app, logged_in=False) as stranger:
        for file in files:
            assert ada.get(file).status_code == 200
            assert another.get(file).status_code == 404  # logged in, but another browser
            assert stranger.get(file).status_code == 401
            stolen = {"cookie": f"{COOKIE}={ada.cookies[COOKIE]}"}
            assert httpx.get(app.url + file[1:], headers=stolen).status_code == 401  # no log-in
            without = {"cookie": f"{LOGIN_COOKIE}={ada.cookies[LOGIN_COOKIE]}"}
            assert (
                httpx.get(app.url + file[1:], headers=without).status_code == 404
            )  # no cookie of the browser
        before = cookies_of(ada)
        assert ada.post("/logout").headers["location"] == "/login"
        assert LOGIN_COOKIE not in ada.cookies and COOKIE not in ada.cookies
        assert httpx.get(app.url + files[0][1:], headers={"cookie": before}).status_code == 401
        again = f"{COOKIE}={re.findall(COOKIE + '=([^;]+)', before)[0]}; {cookies_of(another)}"
        assert httpx.get(app.url + files[0][1:], headers={"cookie": again}).status_code == 404


@pytest.mark.weights
def test_without_a_cookie_the_secret_of_the_page_opens_its_results(
    app: RunningApp, astronaut: np.ndarray
) -> None:
    with client_of(app) as page:
        page.cookies.delete(COOKIE)
        secret = {PAGE_HEADER: "p" * 32}
        files = recorded(page, astronaut, **secret)
        page.cookies.delete(COOKIE) if COOKIE in page.cookies else None
        assert page.get(files[0], headers=secret).status_code == 200
        assert page.get(files[0], headers={PAGE_HEADER: "q" * 32}).status_code == 404
        assert page.get(files[0]).status_code == 404
        assert page.get(f"{files[0]}?page={'p' * 32}").status_code == 404  # it counts in no address


def test_open_sockets_end_with_the_log_in(app: RunningApp) -> None:
    with client_of(app) as client:
        ticket = client.post("/live/ticket", json={"consent": True}).json()["ticket"]
        with socket_to(client, f"/live?ticket={ticket}") as socket:
            socket.recv(120)
            client.post("/logout")
            socket.send(json.dumps({"type": "config", "smoothing": 1, "threshold": 0}))
            with pytest.raises(ConnectionClosed):
                for _ in range(20):
                    socket.recv(60)


# -- stopping


def test_it_answers_and_stops_with_connections_open(root: Path, tmp_path: Path) -> None:
    app = start_app(root, tmp_path)
    with client_of(app, logged_in=False) as client:
        client.get("/")
        ticket = client.post("/live/ticket", json={"consent": True}).json()["ticket"]
        with (
            client.stream("GET", "/gradio_api/heartbeat/page") as beat,
            socket_to(client, f"/live?ticket={ticket}"),
            socket_to(client, "/dashboard/_stcore/stream"),
        ):
            assert next(beat.iter_lines()) == "data: ALIVE"
            assert client.get("/healthz").status_code == 200
            os.kill(app.process.pid, signal.SIGTERM)
            assert app.process.wait(120) == 0
    assert app.files() == []
    assert app.process.stdout and "Traceback" not in app.process.stdout.read()
