"""Live viewers of the web app at once, over real sockets, as their browsers speak to it."""

import json
import struct
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
from websockets.sync.client import ClientConnection, connect

from benchmarks.conditions import ROOT
from benchmarks.measurement import Measurement
from benchmarks.serving import running
from benchmarks.stream import RATE, pictures_of

_ON_THE_WAY = 2  # pictures that a page has sent and not yet got an answer for, at most
_WARM_UP = 3.0  # seconds


def viewers(count: int = 4, seconds: float = 20.0) -> list[Measurement]:
    """Watch the web app by four live views at once: frames a second that each of them gets answers for."""
    rates = watched(count, seconds)
    return [
        Measurement(f"web app, {count} live viewers, the slowest", min(rates), "frames/s each", 15, False),
        Measurement(f"web app, {count} live viewers, mean", sum(rates) / count, "frames/s each"),
    ]


def watched(count: int, seconds: float, python: str = sys.executable, folder: Path = ROOT) -> list[float]:
    """Return the frames a second of each of `count` live views of the app of this tree or another."""
    pictures, flags = pictures_of(200), ("--max-viewers", str(count))
    with running(*flags, python=python, folder=folder) as (url, _), ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda _: _watched(url, pictures, seconds), range(count)))


def _watched(url: str, pictures: list[bytes], seconds: float) -> float:
    """Watch as one viewer whose camera gives `RATE` pictures a second; gives the answers a second."""
    with httpx.Client(base_url=url, headers={"Origin": url}, timeout=60) as web:
        web.get("/healthz")
        ticket = _ticket(web)
        cookie = "; ".join(f"{name}={value}" for name, value in web.cookies.items())
    address = f"ws{url.removeprefix('http')}/live?ticket={ticket}"
    with connect(address, additional_headers={"Cookie": cookie, "Origin": url}) as socket:
        _answered(socket, "ready")
        due, sent, answers, counted = time.monotonic(), 0, 0, 0
        begin = due + _WARM_UP
        while True:
            while sent < _ON_THE_WAY + answers:
                time.sleep(max(0.0, due - time.monotonic()))
                socket.send(struct.pack(">I", sent) + pictures[sent % len(pictures)])
                sent, due = sent + 1, max(due + 1 / RATE, time.monotonic())
            _answered(socket, "faces")
            answers += 1
            now = time.monotonic()
            if now < begin:
                counted = answers
            elif now - begin >= seconds:
                return (answers - counted) / (now - begin)


def _ticket(web: httpx.Client) -> str:
    """Ask for the permission to start; until 0.2 it came from a component of the page."""
    given = web.post("/live/ticket", json={"consent": True})
    if given.status_code == httpx.codes.OK:
        return str(given.json()["ticket"])
    for part in web.get("/config").json()["components"]:
        ask = {"session_hash": "s", "component_id": part["id"], "fn_name": "ticket", "data": None}
        given = web.post("/gradio_api/component_server", json=ask) if part["type"] == "html" else given
        if given.status_code == httpx.codes.OK:
            return str(given.json())
    raise RuntimeError("the app gives no ticket for its live view")


def _answered(socket: ClientConnection, kind: str) -> None:
    """Wait for a message of that kind.

    Raises:
        RuntimeError: where the server refuses instead.
    """
    while (message := json.loads(socket.recv(60)))["type"] != kind:
        if message["type"] == "refused":
            raise RuntimeError(f"the live view refuses: {message['reason']}")
