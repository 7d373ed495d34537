"""Each check that a request passes, alone: hosts, origins, proxies, cookies, log-in, brake, headers."""

import time

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from webapp.shared.access import Who, who
from webapp.shared.brake import ADDRESSES, Brake
from webapp.shared.gate import MOST_PAGES, Pages
from webapp.shared.headers import FRAMES_OF_A_SPACE, SecurityHeaders, hash_of
from webapp.shared.hosts import Forwarded, KnownHosts, SameOrigin, is_known, is_same_origin
from webapp.shared.login import MOST_SESSIONS, Logins
from webapp.shared.names import is_name, is_network
from webapp.shared.visitor import COOKIE, BrowserCookie, Visitor

HOME = "http://127.0.0.1:7860"
STREAM = "ws://127.0.0.1:7860/stream"


async def _say(request: Request) -> Response:
    client = request.client.host if request.client else None
    headers = {"access-control-allow-origin": "*", "access-control-allow-credentials": "true"}
    return JSONResponse(
        {"url": str(request.url), "client": client, "headers": sorted(request.headers)}, headers=headers
    )


async def _stream(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("in")
    await websocket.close()


def _inner() -> Starlette:
    return Starlette(
        routes=[
            Route("/", _say, methods=["GET", "POST", "PUT", "DELETE"]),
            Route("/healthz", _say),
            WebSocketRoute("/stream", _stream),
        ]
    )


# -- hosts


@pytest.mark.parametrize(
    "host",
    ["localhost", "LocalHost:7860", "app.localhost", "127.0.0.1:1", "192.168.7.20", "[::1]:7860", "[fe80::1]"]
    + ["emotion.example.org", "emotion.example.org:8443", "emotion.example.org.", "a.b.example.net"],
)
def test_a_host_that_is_known(host: str) -> None:
    assert is_known(host, ("emotion.example.org", "*.example.net"))


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evil.example:7860",
        "example.net",
    ]
    + ["emotion.example.org.evil.example", "xemotion.example.org", "emotion.example.org@evil.example"]
    + ["[::1", "::1", "127.0.0.1:port", "127.0.0.1/evil", "a b", "1.2.3", "notexample.net", "localhost\x00"],
)
def test_a_host_that_is_not_known(host: str) -> None:
    assert not is_known(host, ("emotion.example.org", "*.example.net"))


def test_a_foreign_host_is_refused_in_one_line_and_on_websockets_too() -> None:
    client = TestClient(KnownHosts(_inner(), ["emotion.example.org"]), base_url=HOME)
    assert client.get("/").status_code == 200
    assert client.get("/", headers={"host": "emotion.example.org"}).status_code == 200
    for path in ("/", "/healthz"):
        refused = client.get(path, headers={"host": "evil.example"})
        assert refused.status_code == 421 and refused.text.count("\n") == 1
    with client.websocket_connect(STREAM) as stream:
        assert stream.receive_text() == "in"
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect(STREAM, headers={"host": "evil.example"}),
    ):
        pass


def test_names_and_networks() -> None:
    assert all(map(is_name, ("emotion.example.org", "*.example.org", "box")))
    assert not any(map(is_name, ("", "*", "a.*.org", "https://a.org", "a.org:80", "a b", "a..b")))
    assert all(map(is_network, ("10.0.0.7", "10.0.0.0/8", "::1", "*")))
    assert not any(map(is_network, ("", "proxy", "10.0.0.1/8", "10.0.0.0/99")))


# -- origins


@pytest.mark.parametrize(
    ("origin", "host", "secure", "same"),
    [
        ("http://127.0.0.1:7860", "127.0.0.1:7860", False, True),
        ("HTTP://LOCALHOST:7860", "localhost:7860", False, True),
        ("https://emotion.example.org", "emotion.example.org", False, True),  # a proxy that says nothing
        ("https://emotion.example.org", "emotion.example.org:443", True, True),
        ("http://emotion.example.org", "emotion.example.org", True, False),
        ("http://127.0.0.1:7861", "127.0.0.1:7860", False, False),
        ("http://localhost:7860", "127.0.0.1:7860", False, False),
        ("https://evil.example", "127.0.0.1:7860", False, False),
        ("http://127.0.0.1:7860.evil.example", "127.0.0.1:7860", False, False),
        ("http://evil.example@127.0.0.1:7860", "127.0.0.1:7860", False, False),
        ("null", "127.0.0.1:7860", False, False),
        ("file://", "127.0.0.1:7860", False, False),
        ("file://127.0.0.1:7860", "127.0.0.1:7860", False, False),
        ("", "127.0.0.1:7860", False, False),
    ],
)
def test_whose_page_it_is(origin: str, host: str, secure: bool, same: bool) -> None:
    assert is_same_origin(origin, host, secure=secure) is same


FOREIGN = ("https://evil.example", "null", "file://", "http://127.0.0.1:1")


@pytest.mark.parametrize("origin", FOREIGN)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS"])
def test_what_another_sites_page_sends_is_refused(origin: str, method: str) -> None:
    client = TestClient(SameOrigin(_inner()), base_url=HOME)
    refused = client.request(method, "/", headers={"origin": origin})
    assert refused.status_code == 403 and refused.text.count("\n") == 1
    assert "access-control-allow-origin" not in refused.headers


@pytest.mark.parametrize("origin", FOREIGN)
def test_another_sites_page_opens_no_websocket(origin: str) -> None:
    client = TestClient(SameOrigin(_inner()), base_url=HOME)
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect(STREAM, headers={"origin": origin}),
    ):
        pass
    with client.websocket_connect(STREAM, headers={"origin": HOME}) as stream:
        assert stream.receive_text() == "in"


def test_without_an_origin_the_browser_is_asked_and_a_program_is_let_through() -> None:
    client = TestClient(SameOrigin(_inner()), base_url=HOME)
    assert client.post("/").status_code == 200  # such as gradio_client
    for site, mode, method, status in (
        ("same-origin", "cors", "POST", 200),
        ("none", "navigate", "GET", 200),
        ("cross-site", "navigate", "GET", 200),  # a link, or the frame of a Space
        ("cross-site", "navigate", "POST", 403),
        ("cross-site", "no-cors", "GET", 403),
        ("same-site", "cors", "GET", 403),
    ):
        headers = {"sec-fetch-site": site, "sec-fetch-mode": mode}
        assert client.request(method, "/", headers=headers).status_code == status, (site, mode, method)
    assert client.get("/healthz", headers={"origin": "https://evil.example"}).status_code == 200


# -- proxies

SAID = {"x-forwarded-proto": "https", "x-forwarded-host": "emotion.example.org", "x-forwarded-for": "9.9.9.9"}


def test_a_named_proxy_is_believed() -> None:
    client = TestClient(Forwarded(_inner(), ["10.0.0.0/8"]), base_url=HOME, client=("10.1.2.3", 5))
    heard = client.get("/", headers=SAID).json()
    assert heard["url"] == "https://emotion.example.org/" and heard["client"] == "9.9.9.9"
    assert not [name for name in heard["headers"] if name.startswith("x-forwarded")]


@pytest.mark.parametrize("proxies", [[], ["10.0.0.0/8"]])
def test_nobody_else_is_and_it_is_said_once(proxies: list[str], caplog: pytest.LogCaptureFixture) -> None:
    client = TestClient(Forwarded(_inner(), proxies), base_url=HOME, client=("11.1.2.3", 5))
    for _ in range(2):
        heard = client.get("/", headers={**SAID, "x-gradio-server": "http://evil.example"}).json()
        assert heard["url"] == HOME + "/" and heard["client"] == "11.1.2.3"
        assert not {"x-forwarded-host", "x-gradio-server"} & set(heard["headers"])
    assert [r.getMessage() for r in caplog.records if "--proxies 11.1.2.3" in r.getMessage()] != []
    assert len(caplog.records) == 1


# -- the browser's cookie


def test_every_browser_gets_a_cookie_of_its_own_and_keeps_it() -> None:
    client = TestClient(BrowserCookie(_inner()))
    first = client.get("/").headers["set-cookie"]
    assert first.startswith(f"{COOKIE}=") and "HttpOnly" in first and "SameSite=Lax" in first
    assert "set-cookie" not in client.get("/").headers
    other = TestClient(BrowserCookie(_inner())).get("/").headers["set-cookie"]
    assert other.split(";")[0] != first.split(";")[0]


def test_on_https_the_cookie_is_secure_and_works_in_a_spaces_frame() -> None:
    def cookie(framed: bool) -> str:
        app = BrowserCookie(_inner(), framed=framed)
        return TestClient(app, base_url="https://localhost").get("/").headers["set-cookie"]

    assert "SameSite=Lax; Secure" in cookie(False)
    assert "SameSite=None; Secure; Partitioned" in cookie(True)


@pytest.mark.parametrize("sent", ["=;; a[=b; ==", f"{COOKIE}=", f"{COOKIE}=short", f"{COOKIE}={'a' * 65}"])
def test_a_cookie_that_is_not_ours_is_replaced(sent: str) -> None:
    answer = TestClient(BrowserCookie(_inner())).get("/", headers={"cookie": sent})
    assert answer.status_code == 200 and answer.headers["set-cookie"].startswith(f"{COOKIE}=")


def test_a_page_can_not_pass_for_a_cookie() -> None:
    value = "x" * 32
    assert not Visitor.from_values(value).is_one_of(Visitor.from_values(None, value).names)
    assert Visitor.from_values(value, "y" * 32).is_one_of(Visitor.from_values(None, "y" * 32).names)
    assert Visitor.from_values("short", 7).names == frozenset()
    assert not Visitor().is_one_of(Visitor().names)


# -- who


def test_what_nobody_named_needs_the_log_in() -> None:
    for path in ("/", "/new", "/api/things", "/dashboard/", "/healthz/", "/HEALTHZ", "/login2", "/assets"):
        assert who(path) is Who.LOGGED_IN, path
    for path in ("/gradio_api/new", "/dashboard/_stcore/new", "/gradio_api/file=/etc/hostname"):
        assert who(path) is Who.NOBODY, path


def test_a_page_belongs_to_who_names_it_first() -> None:
    pages = Pages()
    mine, page, another = (
        Visitor.from_values(a, b) for a, b in (("m" * 32, None), ("m" * 32, "p" * 32), (None,) * 2)
    )
    assert pages.is_own("one", mine) and pages.is_own("one", page)
    assert pages.is_own("one", Visitor.from_values(None, "p" * 32))
    assert not pages.is_own("one", another) and not pages.is_own("one", Visitor.from_values("a" * 32))
    assert pages.is_own("two", another) and pages.is_own("two", another)  # a program without either
    assert pages.is_own("two", mine) and not pages.is_own("two", another)  # a page that names itself late
    for number in range(MOST_PAGES + 5):
        pages.is_own(f"many {number}", mine)
    assert pages.is_own("one", another), "the oldest pages are forgotten"
    assert not pages.is_own(f"many {MOST_PAGES + 4}", another), "and no newer ones"


# -- log-in


def test_the_password_and_the_name_have_to_be_right() -> None:
    logins = Logins(("ada", "sécret"))
    assert logins.is_right("ada", "sécret")
    for wrong in (
        ("ada", "secret"),
        ("Ada", "sécret"),
        ("sécret", "ada"),
        ("", ""),
        ("ada", "sécret "),
        ("ada", "\ud800"),
    ):
        assert not logins.is_right(*wrong), wrong


def test_a_session_ends_when_it_is_closed_or_unused(monkeypatch: pytest.MonkeyPatch) -> None:
    logins = Logins(("ada", "secret"))
    one, two = logins.open(), logins.open()
    logins.close(one)
    assert not logins.is_open(one) and logins.is_open(two) and not logins.is_open(None)
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 13 * 3600)
    assert not logins.is_open(two)
    many = [logins.open() for _ in range(MOST_SESSIONS + 5)]
    assert [logins.is_open(session) for session in many] == [False] * 5 + [True] * MOST_SESSIONS


def test_wrong_passwords_are_slowed_down_for_one_address(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    brake = Brake()
    assert [brake.take("10.0.0.1") for _ in range(5)] == [0] * 5
    assert brake.take("10.0.0.1") == pytest.approx(10)
    assert brake.take("10.0.0.2") == 0  # another's tries are their own
    assert [brake.take("fd00::1") for _ in range(5)] == [0] * 5
    assert brake.take("fd00::ffff:2") > 0  # the same network of one person
    now[0] += 10
    assert brake.take("10.0.0.1") == 0  # the right user waits seconds, never longer
    brake.right("10.0.0.1")
    assert [brake.take("10.0.0.1") for _ in range(5)] == [0] * 5


def test_many_addresses_together_are_slowed_down_but_not_who_was_right_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    brake = Brake()
    brake.take("192.168.0.9")
    brake.right("192.168.0.9")
    first = [brake.take("172.20.0.1") for _ in range(6)]
    assert first[-1] > 5
    tried = [brake.take(f"10.{i >> 8}.{i & 255}.1") for i in range(3 * ADDRESSES)]
    assert tried.count(0) == 95
    assert brake.take("192.168.0.9") == 0
    assert 0 < brake.take("172.16.0.1") <= 1
    now[0] += 1
    assert brake.take("172.16.0.2") == 0
    assert brake.take("172.20.0.1") <= 1, "so many others came since that its tries are forgotten"


# -- headers

SCRIPT = "window.a = '</b>';"


def _pages(**options: object) -> TestClient:
    async def page(request: Request) -> Response:
        body = f"<html><script>{SCRIPT}</script><script src='a.js'></script>{'x' * 2000}"
        return HTMLResponse(body)

    routes = [
        Route("/page", page),
        Route("/result/a/b", page),
        Route("/text", lambda r: PlainTextResponse("a")),
    ]
    return TestClient(SecurityHeaders(Starlette(routes=routes), **options), base_url=HOME)  # type: ignore[arg-type]


@pytest.mark.parametrize("packed", ["gzip", "identity"])
def test_a_page_names_the_scripts_it_runs(packed: str) -> None:
    answer = _pages(scripts=["'sha256-own'"]).get(
        "/page", headers={"accept": "text/html", "accept-encoding": packed}
    )
    policy = dict(rule.split(" ", 1) for rule in answer.headers["content-security-policy"].split("; "))
    assert (
        SCRIPT in answer.text
        and hash_of(SCRIPT) in policy["script-src"]
        and "sha256-own" in policy["script-src"]
    )
    assert policy["script-src"].count("sha256-") == 2 and "unsafe-inline" not in policy["script-src"]
    assert policy["frame-ancestors"] == "'self'" and policy["object-src"] == "'none'"
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"
    assert (answer.headers.get("content-encoding") == "gzip") is (packed == "gzip")


def test_a_spaces_page_may_be_framed_there() -> None:
    answer = _pages(frames=FRAMES_OF_A_SPACE).get("/page")
    assert (
        "frame-ancestors 'self' https://huggingface.co https://*.hf.space"
        in answer.headers["content-security-policy"]
    )
    assert "x-frame-options" not in answer.headers


def test_every_answer_has_them_and_none_can_be_read_by_another_site() -> None:
    for path in ("/page", "/text", "/missing"):
        answer = _pages().get(path)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["content-security-policy"]
    assert _pages().head("/page").headers["content-security-policy"]
    assert "sandbox; default-src 'none'" in _pages().get("/result/a/b").headers["content-security-policy"]
    answer = TestClient(SecurityHeaders(_inner())).get("/", headers={"origin": "https://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control-")]
