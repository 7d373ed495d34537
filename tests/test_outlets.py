"""Live out: what a receiver gets, when it says it was read, and what a slow or absent one costs."""

import json
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emotion_core.labels import EMOTIONS
from emotion_core.outlets import KINDS, kind_of
from emotion_core.outlets.base import About
from emotion_core.outlets.lsl import channels
from emotion_core.outlets.sending import WAITING, Sender
from emotion_core.results.recording import read_results
from emotion_core.types import Box, EmotionError, Face, Frame, Pose
from main import main
from tests.test_live import ROOT, display, press, start, wait_for_marks

__all__ = ["display"]

ABOUT = About("cam", EMOTIONS, {"name": "made", "sha256": "ab"})
CLOSE = 0.001  # seconds by which two readings of one clock may differ
PATIENCE = 60


def face(number: int = 1, emotion: str = "Happy") -> Face:
    shares = [0.4 / 6] * 7
    shares[EMOTIONS.index(emotion)] = 0.6
    box, pose = Box(10, 20, 30, 40), Pose(5.0, -3.0, 1.0)
    return Face(number, box, emotion, 0.6, tuple(shares), 0.25, 0.5, pose=pose)


def frame(index: int) -> Frame:
    return Frame(np.zeros((4, 4, 3), np.uint8), index, index / 25)


def unix(at: float) -> float:
    return at + time.time() - time.monotonic()


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE)
        yield server


def begun(*addresses: str, **more: Any) -> Sender:
    sender = Sender(addresses, **more)
    sender.begin(ABOUT)
    return sender


# newline JSON

TO_STDOUT = """
from tests.test_outlets import ABOUT, Sender, face, frame
sender = Sender(["ndjson:-"])
sender.begin(ABOUT)
for index in range(3):
    sender.send(frame(index), 100.0 + index / 25, [face(1), face(2)] if index else [])
sender.close()
"""


def test_what_stands_on_standard_output_reads_as_results(tmp_path: Path) -> None:
    out = subprocess.run([sys.executable, "-c", TO_STDOUT], capture_output=True, check=True, timeout=PATIENCE)
    records = [json.loads(line) for line in out.stdout.splitlines()]
    assert [(r["frame"], r["face"]) for r in records] == [(0, None), (1, 1), (1, 2), (2, 1), (2, 2)]
    assert abs(records[-1]["at"] - records[0]["at"] - 0.08) < CLOSE
    assert abs(records[0]["at"] - unix(100.0)) < CLOSE, "the moment that the frame was read, on this clock"
    (tmp_path / "live.ndjson").write_bytes(out.stdout)
    table = read_results(tmp_path / "live.ndjson")
    assert table["emotion"].notna().sum() == 4 and table["time"].iloc[-1] == pytest.approx(0.08)


def test_a_receiver_that_comes_late_gets_whole_lines(listening: socket.socket) -> None:
    port = listening.getsockname()[1]
    notes: list[str] = []
    listening.close()
    sender = begun(f"tcp://127.0.0.1:{port}", note=notes.append)
    sender.send(frame(0), time.monotonic(), [face()])
    deadline = time.monotonic() + PATIENCE
    while not notes and time.monotonic() < deadline:
        time.sleep(0.01)
    assert "nobody takes readings" in notes[0]
    index = 0
    with socket.create_server(("127.0.0.1", port)) as server:
        server.settimeout(0.05)
        while time.monotonic() < deadline:
            index += 1
            at = time.monotonic()
            sender.send(frame(index), at, [face()])
            try:
                receiver, _ = server.accept()
                break
            except TimeoutError:
                continue
        record = json.loads(receiver.makefile().readline())
        receiver.close()
    sender.close()
    assert record["face"] == 1 and record["dropped"] == record["frame"]
    assert abs(record["at"] - unix(at)) < 1 and "did not reach" in notes[-1]


def test_a_receiver_that_takes_nothing_stops_nobody(listening: socket.socket) -> None:
    notes: list[str] = []
    many = [face(number) for number in range(1, 33)]
    sender = begun(f"tcp://127.0.0.1:{listening.getsockname()[1]}", note=notes.append)
    sender.send(frame(0), time.monotonic(), many)
    receiver, _ = listening.accept()  # and never reads
    for index in range(1, 800):  # 8 MB: more than the buffers of any socket
        sender.send(frame(index), time.monotonic(), many)
    assert len(sender._ways[0]._waiting) <= WAITING
    sender.close()
    receiver.close()
    assert not sender._ways and "did not reach" in notes[-1]


def test_a_closed_pipe_is_told_once_and_stops_nobody() -> None:
    code = TO_STDOUT.replace('["ndjson:-"]', '["ndjson:-"], note=lambda t: print(t, file=sys.stderr)')
    code = "import sys, time\n" + code.replace("range(3)", "range(3000)")
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    said = process.stderr.read().decode()
    assert process.wait(PATIENCE) == 0 and "Traceback" not in said
    assert said.count("takes nothing any more") == 1


# datagrams


@pytest.fixture
def datagrams() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(PATIENCE)
        yield receiver


def test_a_datagram_is_a_frame(datagrams: socket.socket) -> None:
    sender = begun(f"udp://127.0.0.1:{datagrams.getsockname()[1]}", extras=("pose",))
    at = time.monotonic()
    sender.send(frame(7), at, [face(1), face(2)], viewer=3)
    records = [json.loads(line) for line in datagrams.recv(65535).splitlines()]
    sender.close()
    assert [record["face"] for record in records] == [1, 2]
    assert abs(records[0]["at"] - unix(at)) < CLOSE
    assert records[0]["viewer"] == 3 and records[0]["pose"]["yaw"] == 5.0


def test_osc_is_what_its_own_library_reads(datagrams: socket.socket) -> None:
    packets = pytest.importorskip("pythonosc.osc_packet")
    sender = begun(f"osc://127.0.0.1:{datagrams.getsockname()[1]}", extras=("pose",))
    at = time.monotonic()
    sender.send(frame(7), at, [face(4)])
    got = [one for _ in range(2) for one in packets.OscPacket(datagrams.recv(65535)).messages]
    sender.close()
    values = {one.message.address: one.message.params for one in got}
    assert values["/emotion/frame"] == [7, pytest.approx(0.28), 4]
    assert values["/emotion/face/4/emotion"] == ["Happy", pytest.approx(0.6)]
    assert values["/emotion/face/4/valence"] == [0.25] and values["/emotion/face/4/arousal"] == [0.5]
    assert len(values["/emotion/face/4/probabilities"]) == 7
    assert values["/emotion/face/4/box"] == [10, 20, 30, 40]
    assert values["/emotion/face/4/pose"] == [5, -3, 1]


def test_the_moment_of_an_osc_bundle_is_that_of_its_frame(datagrams: socket.socket) -> None:
    bundles = pytest.importorskip("pythonosc.osc_bundle")
    sender = begun(f"osc://127.0.0.1:{datagrams.getsockname()[1]}/face/left")
    at = time.monotonic() - 3.25
    sender.send(frame(7), at, [])
    bundle = bundles.OscBundle(datagrams.recv(65535))
    sender.close()
    assert abs(bundle.timestamp - unix(at)) < CLOSE
    assert bundle.content(0).address == "/face/left/frame"


# Lab Streaming Layer


def test_an_inlet_gets_the_numbers_with_the_moment_of_their_frame() -> None:
    pylsl = pytest.importorskip("pylsl")
    name = f"test {time.monotonic_ns()}"
    sender = Sender([f"lsl:{name}"], extras=("pose",))
    sender.begin(ABOUT)
    found = {one.name(): one for one in resolved(pylsl, name)}
    numbers, marks = pylsl.StreamInlet(found[name]), pylsl.StreamInlet(found[f"{name} markers"])
    about = numbers.info(PATIENCE)
    names = [one["label"] for one in labelled(about)]
    assert about.type() == "Emotion" and about.nominal_srate() == pylsl.IRREGULAR_RATE
    assert names == channels(About("cam", EMOTIONS, extras=("pose",)))
    for inlet in (numbers, marks):
        inlet.open_stream(PATIENCE)
    ats = [time.monotonic() - 1 + index / 25 for index in range(3)]
    for index, faces in enumerate(([face(1), face(2)], [face(1, "Sad"), face(2)], [])):
        sender.send(frame(index), ats[index], faces)
    got = [numbers.pull_sample(PATIENCE) for _ in range(5)]
    said = [marks.pull_sample(PATIENCE) for _ in range(5)]
    offset = pylsl.local_clock() - time.monotonic()
    sender.close()
    for (values, stamp), (index, number) in zip(got, ((0, 1), (0, 2), (1, 1), (1, 2), (2, 0)), strict=True):
        row = dict(zip(names, values, strict=True))
        assert abs(stamp - offset - ats[index]) < CLOSE
        assert (row["frame"], row["face"]) == (index, number)
        assert row["valence"] == 0.25 if number else np.isnan(row["valence"])
    assert [text for (text,), _ in said] == [
        *("face 1: Happy", "face 2: Happy", "face 1: Sad", "face 1: gone", "face 2: gone"),
    ]


def resolved(pylsl: Any, name: str) -> list[Any]:
    deadline = time.monotonic() + PATIENCE
    found: list[Any] = []
    while len(found) < 2 and time.monotonic() < deadline:
        found = pylsl.resolve_bypred(f"starts-with(name,'{name}')", 2, 5)
    assert len(found) == 2, "its streams can't be found"
    return found


def labelled(info: Any) -> list[dict[str, str]]:
    channel, found = info.desc().child("channels").child("channel"), []
    while channel.name():
        found.append({key: channel.child_value(key) for key in ("label", "unit")})
        channel = channel.next_sibling()
    return found


# addresses


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("http://host:1", "no place to send readings to"),
        ("", "no place to send readings to"),
        ("tcp://host", "lacks a host or a port"),
        ("osc://:9000", "lacks a host or a port"),
        ("udp://host:99999999", "lacks a host or a port"),
        ("ndjson:file", "goes to standard output"),
    ],
)
def test_what_is_no_address_is_one_line(address: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--realtime", "--send", address]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert says in line and line.endswith("(--send)")


def test_every_kind_is_known_by_its_example() -> None:
    for name, kind in KINDS.items():
        assert kind.name == name
        if name != "lsl":
            assert kind_of(kind.example) is kind
    with pytest.raises(EmotionError):
        kind_of("serial:/dev/ttyS0")


def test_a_host_that_is_none_is_told_and_stops_nobody() -> None:
    notes: list[str] = []
    told = threading.Event()
    sender = Sender(["udp://host.invalid:9000"], note=lambda text: (notes.append(text), told.set()))
    sender.begin(ABOUT)
    sender.send(frame(0), time.monotonic(), [face()])
    assert told.wait(PATIENCE)
    sender.close()
    assert "takes nothing any more" in notes[0]


# the documentation, and the window


@pytest.mark.weights
def test_the_code_of_the_documentation_runs(
    talking_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, datagrams: socket.socket
) -> None:
    [code] = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "live.md").read_text("utf-8"), re.S)
    shutil.copy(talking_clip, tmp_path / "talk.mp4")
    monkeypatch.chdir(tmp_path)
    exec(code.replace("9001", str(datagrams.getsockname()[1])), {})
    assert json.loads(datagrams.recv(65535))["emotion"] == "Happy"


@pytest.mark.weights
def test_a_live_view_sends_what_it_reads(
    display: str,  # noqa: F811
    talking_clip: Path,
    listening: socket.socket,
) -> None:
    address = f"tcp://127.0.0.1:{listening.getsockname()[1]}"
    words = ("--send", "ndjson:-", "--send", address, "--with", "pose")
    with start(display, talking_clip, *words) as process:
        receiver, _ = listening.accept()
        receiver.settimeout(PATIENCE)
        first = json.loads(receiver.makefile().readline())
        wait_for_marks(display, process)
        press(display, "key", "q")
        out, error = process.communicate(timeout=PATIENCE)
        receiver.close()
    assert process.returncode == 0, error
    records = [json.loads(line) for line in out.splitlines()]  # and nothing else is printed there
    assert records[0] == first and first["face"] == 1 and {"yaw", "pitch", "roll"} == set(first["pose"])
    spans = [(r["at"] - first["at"]) - (r["time"] - first["time"]) for r in records]
    assert max(map(abs, spans)) < 0.3, "the clip's own clock and ours run alike"
    assert "Tell the people in view" in error
