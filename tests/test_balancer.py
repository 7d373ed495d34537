"""Two processes behind a balancer, with the configuration that the documentation shows."""

import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gradio_client
import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from emotion_core.client import Client
from tests.browser.running import RunningApp, start_app, stop_app
from tests.serving import GUEST, LAB

pytestmark = [
    pytest.mark.weights,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(shutil.which("haproxy") is None, reason="no haproxy"),
]
AFFINITY = "emotion_server"


@dataclass
class Site:
    """Two servers of one data folder and their common address."""

    url: str
    apps: list[RunningApp]


@pytest.fixture(scope="module")
def site(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    (folder / "tokens").write_text(f"lab {LAB}\nguest {GUEST}\n")
    (folder / "password").write_text("ada:a long password\n")
    (folder / "tmp").mkdir()
    flags = (
        *("--data", str(folder / "data"), "--tokens", str(folder / "tokens"), "--proxies", "127.0.0.1"),
        *("--auth-file", str(folder / "password")),
    )
    apps = [start_app(root, folder / "tmp", *flags) for _ in range(2)]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = (root / "docs" / "haproxy.cfg").read_text().replace("127.0.0.1:8080", f"127.0.0.1:{port}")
    for usual, app in zip(("127.0.0.1:7861", "127.0.0.1:7862"), apps, strict=True):
        assert usual in config
        config = config.replace(usual, app.url.removeprefix("http://").rstrip("/"))
    (folder / "haproxy.cfg").write_text(config)
    balancer = subprocess.Popen(["haproxy", "-db", "-f", str(folder / "haproxy.cfg")])
    url = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + 60
        while not answers(url):
            assert time.monotonic() < until and balancer.poll() is None
            time.sleep(0.2)
        yield Site(url, apps)
    finally:
        balancer.terminate()
        balancer.wait(30)
        for app in apps:
            if app.process.poll() is None:
                stop_app(app)


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def browser(url: str) -> httpx.Client:
    """Give a browser that has logged in, and whose cookies say which server it stays with."""
    web = httpx.Client(base_url=url, timeout=60)
    assert web.post("/login", data={"username": "ada", "password": "a long password"}).status_code == 200
    assert web.get("/").status_code == 200 and AFFINITY in web.cookies
    return web


def live(web: httpx.Client, url: str, ticket: str) -> ClientConnection:
    cookies = "; ".join(f"{name}={value}" for name, value in web.cookies.items())
    at = url.rstrip("/").replace("http", "ws", 1)
    return connect(f"{at}/live?ticket={ticket}", additional_headers={"Cookie": cookies}, compression=None)


def ticket_of(web: httpx.Client) -> str:
    return str(web.post("/live/ticket", json={"consent": True}).json()["ticket"])


def test_a_browser_stays_with_one_server_and_its_live_view_opens(site: Site) -> None:
    browsers = [browser(site.url) for _ in range(6)]
    assert {web.cookies[AFFINITY] for web in browsers} == {"a", "b"}
    for web in browsers:
        for _ in range(3):
            with live(web, site.url, ticket_of(web)) as opened:
                assert json.loads(opened.recv(60))["type"] == "ready"
        web.close()


def test_an_endpoint_of_the_page_works_through_the_balancer(site: Site, astronaut_path: Path) -> None:
    for given in ({"headers": {"Authorization": f"Bearer {LAB}"}}, {"auth": ("ada", "a long password")}):
        for _ in range(2):
            client = gradio_client.Client(site.url, verbose=False, **given)  # type: ignore[arg-type]
            picture = gradio_client.handle_file(str(astronaut_path))
            assert client.predict(picture, api_name="/read_faces")["faces"][0]["emotion"] == "Happy"
            frames = [client.predict(picture, api_name="/read_live")["frame"] for _ in range(3)]
            assert frames == [0, 1, 2]
            client.close()


def test_programs_need_no_cookie_and_a_server_may_die(
    site: Site, talking_clip: Path, astronaut_path: Path
) -> None:
    ids = []
    for number in range(6):
        with Client(site.url, LAB) as client:  # a new one has no cookie
            ids.append(client.submit(talking_clip, video=False, key=f"job {number}").id)
    web = browser(site.url)
    while web.cookies[AFFINITY] != "a":
        web = browser(site.url)
    with Client(site.url, LAB) as client:
        while sum(job.state == "running" for job in client.jobs()) < 2:
            time.sleep(0.1)
    with live(web, site.url, ticket_of(web)) as opened:
        assert json.loads(opened.recv(60))["type"] == "ready"
        site.apps[0].process.kill()
        with pytest.raises(Exception, match="close"):
            while True:
                opened.recv(60)
    ended = []
    for id in ids:
        with Client(site.url, LAB) as client:
            ended.append(client.wait(id))
    assert [job.state for job in ended] == ["done"] * 6 and sum(job.tries for job in ended) <= 7
    with Client(site.url, LAB) as client:
        assert all(len(client.results(id)) == 50 for id in ids)
        jpeg = httpx.get(f"{site.url}/healthz")
        assert re.fullmatch(r"[0-9a-f-]{36}", jpeg.headers["x-request-id"])
    until = time.monotonic() + 30
    while True:  # who was with the dead server comes to the other, and logs in anew
        moved = web.get("/live/ticket").status_code
        if moved != 503 or time.monotonic() > until:
            break
        time.sleep(0.5)
    assert moved == 401
    again = browser(site.url)
    assert again.cookies[AFFINITY] == "b"
    with live(again, site.url, ticket_of(again)) as opened:
        assert json.loads(opened.recv(60))["type"] == "ready"
