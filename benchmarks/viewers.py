"""Live viewers of the web app at once, over real sockets, as their browsers speak to it."""

import json
import struct
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
from websockets.sync.client import ClientConnection, connect

from benchmarks.measurement import Measurement
from benchmarks.serving import running
from benchmarks.stream import RATE, pictures_of

_ON_THE_WAY = 2  # pictures that a page has sent and not yet got an answer for, at most
_WARM_UP = 3.0  # seconds


def viewers(count: int = 4, seconds: float = 20.0) -> list[Measurement]:
    """Watch the web app by four live views at once: frames a second that each of them gets answers for."""
    pictures = pictures_of(200)
    with running("--max-viewers", str(count)) as (url, _), ThreadPoolExecutor(count) as pool:
        rates = list(pool.map(lambda _: _watched(url, pictures, seconds), range(count)))
    return [
        Measurement(f"web app, {count} live viewers, the slowest", min(rates), "frames/s each", 15, False),
        Measurement(f"web app, {count} live viewers, mean", sum(rates) / count, "frames/s each"),
    ]


def _watched(url: str, pictures: list[bytes], seconds: float) -> float:
    """Watch as one viewer whose camera gives `RATE` pictures a second; gives the answers a second."""
    with httpx.Client(base_url=url, headers={"Origin": url}, timeout=60) as web:
        web.get("/healthz")
        ticket = web.post("/live/ticket", json={"consent": True}).json()["ticket"]
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


def _answered(socket: ClientConnection, kind: str) -> None:
    """Wait for a message of that kind.

    Raises:
        RuntimeError: where the server refuses instead.
    """
    while (message := json.loads(socket.recv(60)))["type"] != kind:
        if message["type"] == "refused":
            raise RuntimeError(f"the live view refuses: {message['reason']}")
