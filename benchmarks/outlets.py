"""`python -m benchmarks.outlets`: how far the time stamps that receivers get lie from when frames were read.

A clip is played by the reader of the live view, its faces are read and sent to receivers in processes of
their own: an inlet of Lab Streaming Layer, an OSC socket read by python-osc, a TCP port, a UDP port, and what
reads standard output. Each says in its own clock which moment a frame bears; a note that is taken as the
reader hands the frame over is the truth.
All clocks are those of one machine: what a network adds to LSL's own synchronisation is not in it.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.clip import write_clip
from benchmarks.conditions import conditions
from benchmarks.process import free_port
from emotion_core.desktop.latest import LatestFrame, Taken

GOAL = 5.0  # milliseconds
_SILENCE = 5.0  # seconds after which a receiver ends


class Noted(LatestFrame):
    """Notes when each frame was handed on by its source, before anything else is done with it."""

    def __init__(self, source: Path) -> None:
        super().__init__(source)
        self.moments: dict[int, float] = {}

    def _put(self, taken: Taken) -> None:
        self.moments[taken.frame.index] = time.monotonic()
        super()._put(taken)


def received(kind: str, place: str) -> Iterator[tuple[int, float]]:
    """Yield the number of each frame and the moment that it bears, as time.monotonic()."""
    if kind == "lsl":
        import pylsl

        inlet = pylsl.StreamInlet(pylsl.resolve_byprop("name", place, 1, 60)[0])
        names = _labels(inlet.info(60))
        print("ready", flush=True)
        while True:
            values, stamp = inlet.pull_sample(_SILENCE)
            if values is None:
                return
            moment = stamp + inlet.time_correction() - (pylsl.local_clock() - time.monotonic())
            yield int(values[names.index("frame")]), moment
    if kind == "ndjson":
        print("ready", flush=True)
        yield from _records(sys.stdin)
        return
    with socket.socket(type=socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", int(place)))
        receiver.settimeout(60)
        if kind == "tcp":
            receiver.listen()
        print("ready", flush=True)
        try:
            yield from _RECEIVED[kind](receiver)
        except TimeoutError:
            return


def _labels(info: Any) -> list[str]:
    channel, found = info.desc().child("channels").child("channel"), []
    while channel.name():
        found.append(channel.child_value("label"))
        channel = channel.next_sibling()
    return found


def _osc(receiver: socket.socket) -> Iterator[tuple[int, float]]:
    from pythonosc.osc_bundle import OscBundle

    while True:
        bundle = OscBundle(receiver.recv(65535))
        receiver.settimeout(_SILENCE)
        first: Any = bundle.content(0)
        if first.address.endswith("/frame"):
            yield first.params[0], bundle.timestamp - (time.time() - time.monotonic())


def _tcp(receiver: socket.socket) -> Iterator[tuple[int, float]]:
    sender, _ = receiver.accept()
    with sender, sender.makefile() as lines:
        yield from _records(lines)


def _udp(receiver: socket.socket) -> Iterator[tuple[int, float]]:
    while True:
        yield from _records(receiver.recv(65535).splitlines())
        receiver.settimeout(_SILENCE)


def _records(lines: Iterable[str | bytes]) -> Iterator[tuple[int, float]]:
    for line in lines:
        record = json.loads(line)
        yield record["frame"], record["at"] - (time.time() - time.monotonic())


_RECEIVED = {"osc": _osc, "tcp": _tcp, "udp": _udp}


def measure(seconds: float) -> dict[str, list[float]]:
    """Return how far each stamp lies from the truth, in milliseconds, by the kind of receiver."""
    from skimage.data import astronaut

    from emotion_core import Recognizer, Session
    from emotion_core.outlets.base import About
    from emotion_core.outlets.sending import Sender

    name, ports = f"benchmark {time.monotonic_ns()}", {kind: str(free_port()) for kind in _RECEIVED}
    recognizer, session = Recognizer.from_pretrained(), Session()
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mp4"
        write_clip(clip, astronaut(), width=640, height=480, seconds=seconds, rate=30)
        addresses = [f"{kind}://127.0.0.1:{port}" for kind, port in ports.items()]
        sender = Sender([f"lsl:{name}", *addresses, "ndjson:-"])
        children = {kind: _receiver(kind, port) for kind, port in ports.items()}
        children["ndjson"] = _receiver("ndjson", "-")
        feed = children["ndjson"].stdin
        assert feed is not None
        sys.stdout.flush()
        own = os.dup(1)
        os.dup2(feed.fileno(), 1)  # standard output is the receiver's input for a while
        sender.begin(About("clip.mp4", recognizer.labels))
        children["lsl"] = _receiver("lsl", name)
        reader = Noted(clip)
        reader.start()
        while not reader.ended:
            taken = reader.get(0.1)
            if taken is not None:
                sender.send(taken.frame, taken.read, recognizer(taken.frame, session))
        outcome = {}
        sender.close()
        os.dup2(own, 1)
        os.close(own)
        for kind, child in children.items():
            out, _ = child.communicate(timeout=60)
            stamps = [line.split() for line in out.splitlines()]
            outcome[kind] = [abs(float(at) - reader.moments[int(index)]) * 1000 for index, at in stamps]
    return outcome


def _receiver(kind: str, place: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "benchmarks.outlets", "--receive", kind, place]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    child.stdout.readline()  # it is ready
    return child


def main(argv: Sequence[str] | None = None) -> int:
    """Print median, 95th percentile and largest distance; gives 0 where 95 % lie within 5 ms."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.outlets", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, metavar="S", help="of the clip (default: 10)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the outcome there too")
    parser.add_argument("--receive", nargs=2, metavar=("KIND", "PLACE"), help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.receive:
        for index, moment in received(*args.receive):
            print(index, moment, flush=True)
        return 0
    outcome, within = {}, True
    for kind, distances in measure(args.seconds).items():
        far = statistics.quantiles(distances, n=20)[-1]
        outcome[kind] = {
            "readings": len(distances),
            "median_ms": statistics.median(distances),
            "p95_ms": far,
            "largest_ms": max(distances),
        }
        within = within and far <= GOAL
        print(
            f"{kind}: {len(distances)} readings, {statistics.median(distances):.2f} ms in the median, "
            f"{far:.2f} ms at the 95th percentile, {max(distances):.2f} ms at most"
        )
    if args.json:
        args.json.write_text(json.dumps({"conditions": conditions(), "outcome": outcome}, indent=1) + "\n")
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
