"""The clients: each gives what the command line writes; the snippets run as they stand."""

import asyncio
import io
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from emotion_core import frames
from emotion_core.client import Answer, AsyncClient, Client, Job
from emotion_core.client import calls as client_calls
from emotion_core.streaming import pack
from emotion_core.types import EmotionError
from tests.serving import GUEST, LAB, Serving, serving
from webapp.service.page import SNIPPETS, snippet

pytestmark = pytest.mark.weights


@pytest.fixture(scope="module")
def server(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(root, tmp_path_factory.mktemp("clients"), "--max-viewers", "2") as running:
        yield running


@pytest.fixture(scope="module")
def written(root: Path, talking_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The records that `main.py --video` writes for the clip."""
    folder = tmp_path_factory.mktemp("written")
    command = [sys.executable, "main.py", "--video", str(talking_clip), "--output", str(folder)]
    subprocess.run(
        [*command, "--no-video", "--no-objects"], cwd=root, check=True, capture_output=True, timeout=240
    )
    return list(json.loads((folder / "talking_results.json").read_text()))


def test_the_client_gives_what_the_command_line_writes(
    server: Serving, talking_clip: Path, written: list[dict[str, Any]], tmp_path: Path, astronaut_path: Path
) -> None:
    told: list[Job] = []
    with Client(server.url, LAB) as client:
        assert client.model()["labels"] == list(written[0]["probabilities"])
        job = client.analyze(talking_clip, on_progress=told.append, smoothing=5)
        assert job.state == "done" and told[-1] == job and job.options["smoothing"] == 5
        assert client.results(job.id) == written
        assert client.results(job.id, start=1.0) == [r for r in written if r["time"] >= 1.0]
        assert client.summary(job.id)["frames"] == 50
        assert client.save(job.id, "video", tmp_path / "a.mp4").stat().st_size > 1000
        assert len((client.save(job.id, "csv", tmp_path / "a.csv")).read_text().splitlines()) == 51
        assert job.id in [one.id for one in client.jobs("done")]
        (faces, same) = client.faces(astronaut_path, astronaut_path.read_bytes())
        assert faces == same and faces[0]["emotion"] == "Happy"
        client.delete(job.id)
        with pytest.raises(EmotionError, match="no such analysis"):
            client.job(job.id)


def test_the_awaited_client_gives_the_same(
    server: Serving, talking_clip: Path, written: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_calls, "PART_BYTES", 10_000)  # so that the clip goes in several parts

    async def use() -> None:
        async with AsyncClient(server.url, LAB) as client:
            one, two = await asyncio.gather(
                client.analyze(talking_clip, in_parts=True, video=False),
                client.analyze(talking_clip, video=False, key="awaited"),
            )
            assert await client.results(one.id) == await client.results(two.id) == written
            assert {one.id, two.id} <= {job.id async for job in client.jobs()}
            stamped = ((frame.image, frame.time) for frame in frames(talking_clip))
            answers = [answer async for answer in client.stream(stamped)]
            assert len(answers) == 50 and answers[-1].stamp == written[-1]["time"]
            await client.delete(one.id)

    asyncio.run(use())


def test_a_client_says_in_one_line_what_is_wrong(server: Serving, tmp_path: Path) -> None:
    note = tmp_path / "note.mp4"
    note.write_text("no video")
    with Client(server.url, LAB) as client:
        with pytest.raises(EmotionError, match="not a video"):
            client.analyze(note)
        with pytest.raises(EmotionError, match="check the path"):
            client.analyze(tmp_path / "missing.mp4")
    with Client(server.url, "wrong") as client, pytest.raises(EmotionError, match="token"):
        client.model()
    with Client("http://127.0.0.1:1") as client, pytest.raises(EmotionError, match="does not answer"):
        client.submit_from_library("a.mp4")
    with Client(server.url, f"{LAB}\n") as client:
        assert client.model()["labels"]
        with pytest.raises(EmotionError, match="the key may hold"):
            client.submit_from_library("a.mp4", key="Jörg-1")
    with pytest.raises(EmotionError, match="http://"):
        Client("somewhere")
    for token in ("tök" * 12, f"{LAB}\nX-Other: 1"):
        with pytest.raises(EmotionError, match="the token may hold") as refused:
            Client(server.url, token)
        assert token not in str(refused.value)


def test_gradio_client_gives_the_same(
    server: Serving, talking_clip: Path, written: list[dict[str, Any]], astronaut_path: Path
) -> None:
    import gradio_client

    client = gradio_client.Client(server.url, headers={"Authorization": f"Bearer {LAB}"}, verbose=False)
    described = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert set(described) == {"/analyze_video", "/read_faces", "/read_live"}
    assert all(endpoint["description"] for endpoint in described.values())
    told = client.view_api(return_format="str", print_info=False)
    assert all(f'api_name="{name}"' in told for name in described)
    found = client.predict(gradio_client.handle_file(str(talking_clip)), api_name="/analyze_video")
    assert found["results"] == written and found["summary"]["frames"] == 50
    face = client.predict(gradio_client.handle_file(str(astronaut_path)), api_name="/read_faces")["faces"][0]
    assert face["emotion"] == "Happy"
    with pytest.raises(Exception, match="not a picture"):
        client.predict(gradio_client.handle_file(str(Path(__file__))), api_name="/read_faces")


def gradio_client_of(server: Serving, token: str = LAB) -> Any:
    import gradio_client

    return gradio_client.Client(server.url, headers={"Authorization": f"Bearer {token}"}, verbose=False)


def test_live_pictures_of_a_gradio_client_are_one_session(
    server: Serving, talking_clip: Path, tmp_path: Path
) -> None:
    import gradio_client

    files = []
    for frame, number in zip(frames(talking_clip), range(4), strict=False):
        files.append(tmp_path / f"{number}.png")
        Image.fromarray(frame.image).save(files[-1])
    client, another = gradio_client_of(server), gradio_client_of(server, GUEST)
    picture = gradio_client.handle_file
    said = [client.predict(picture(str(file)), smoothing=3, api_name="/read_live") for file in files]
    assert [one["frame"] for one in said] == [0, 1, 2, 3]
    assert said[0]["time"] == 0 or said[0]["time"] < said[1]["time"] < said[3]["time"]
    assert {face["id"] for one in said for face in one["faces"]} == {1} and said[0]["width"] == 320
    own, another.session_hash = another.session_hash, client.session_hash
    with pytest.raises(Exception, match="403"):  # the name of a session opens nobody else's
        another.predict(picture(str(files[0])), api_name="/read_live")
    another.session_hash = own
    assert another.predict(picture(str(files[0])), api_name="/read_live")["frame"] == 0
    # Two of two places are taken: a third waits until one of them leaves.
    third = gradio_client_of(server)
    with pytest.raises(Exception, match="as many live viewers"):
        third.predict(picture(str(files[0])), api_name="/read_live")
    with pytest.raises(Exception, match="smoothing lies between"):
        client.predict(picture(str(files[0])), smoothing=31, api_name="/read_live")
    client.close(), another.close()
    until = time.monotonic() + 60
    while True:
        try:
            assert third.predict(picture(str(files[0])), api_name="/read_live")["frame"] == 0
            break
        except ValueError:  # of gradio_client: the place is not free yet
            assert time.monotonic() < until
            time.sleep(0.2)
    third.close()
    assert not list(server.folder.glob("tmp/emotion-app-*/**/[0-3].png"))


# -- the stream


def socket_to(server: Serving, token: str | None = LAB, **more: Any) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    url = server.url.replace("http", "ws", 1) + "/api/v1/stream"
    return connect(url, additional_headers=headers, open_timeout=30, compression=None, **more)


def test_the_stream_answers_each_picture_with_its_stamp(server: Serving, astronaut: np.ndarray) -> None:
    jpeg = io.BytesIO()
    Image.fromarray(astronaut).save(jpeg, "JPEG")
    with Client(server.url, LAB) as client:
        pictures = [(astronaut, 12.5), (jpeg.getvalue(), -3.0), (astronaut, 1e300)]
        answers = list(client.stream(pictures, smoothing=1, threshold=0.99))
    assert [answer.stamp for answer in answers] == [12.5, -3.0, 1e300]
    assert [answer.frame for answer in answers] == [0, 1, 2]
    assert {(answer.width, answer.height) for answer in answers} == {(512, 512)}
    assert all(answer.faces[0]["emotion"] == "Happy" and answer.faces[0]["uncertain"] for answer in answers)


def test_a_source_that_does_not_wait_is_not_waited_for(server: Serving, astronaut: np.ndarray) -> None:
    pictures = [(astronaut, float(number)) for number in range(20)]

    async def awaited() -> list[Answer]:
        async with AsyncClient(server.url, LAB) as client:
            return [answer async for answer in client.stream(pictures, newest=True)]

    with Client(server.url, LAB) as client:
        for answers in (list(client.stream(pictures, newest=True)), asyncio.run(awaited())):
            assert answers[-1].stamp == 19 and len(answers) + sum(a.dropped for a in answers) == 20
        stream = client.stream(pictures, newest=True)
        assert next(stream).frame == 0
        stream.close()  # type: ignore[attr-defined]
        with pytest.raises(ValueError, match="RGB"):
            list(client.stream([(astronaut, 0.0), (astronaut[0], 1.0)], newest=True))


def test_the_newest_picture_overtakes_those_that_wait(server: Serving, astronaut: np.ndarray) -> None:
    with socket_to(server) as socket:
        ready = json.loads(socket.recv(120))
        assert ready["type"] == "ready" and ready["version"] == 1
        for number in range(30):
            socket.send(pack(astronaut, float(number)))
        seen, dropped = [], 0
        while not seen or seen[-1] < 29:
            said = json.loads(socket.recv(60))
            seen.append(said["stamp"])
            dropped += said["dropped"]
    assert seen == sorted(seen) and len(seen) + dropped == 30


def test_the_stream_refuses_in_one_line(server: Serving) -> None:
    for message in (b"x" * 40, pack(b"no jpeg", 0.0), "no json", '{"type": "other"}'):
        with socket_to(server) as socket:
            socket.recv(120)
            socket.send(message)
            said = json.loads(socket.recv(60))
            assert said["type"] == "refused" and said["reason"] == "message"
            assert said["error"]["status"] == 422 and "\n" not in said["error"]["detail"]
            with pytest.raises(ConnectionClosed):
                socket.recv(60)
    with socket_to(server) as one, socket_to(server) as two:
        one.recv(120), two.recv(120)
        with socket_to(server) as third:
            assert json.loads(third.recv(60))["reason"] == "full"


def test_a_page_may_bring_its_token_in_the_subprotocol(server: Serving) -> None:
    with socket_to(server, None, subprotocols=["expressions.v1", f"token.{LAB}"]) as socket:
        assert socket.subprotocol == "expressions.v1"
        assert json.loads(socket.recv(120))["type"] == "ready"


def test_a_stream_ends_with_its_token(server: Serving, astronaut: np.ndarray) -> None:
    before = server.tokens.read_text()
    with socket_to(server, GUEST) as socket:
        socket.recv(120)
        try:
            server.tokens.write_text(before.replace(GUEST, "another-token-of-32-letters-or-so"))
            time.sleep(0.1)
            with pytest.raises(ConnectionClosed):
                for _ in range(20):
                    socket.send(pack(astronaut, 0.0))
                    socket.recv(60)
        finally:
            server.tokens.write_text(before)


# -- the snippets


@pytest.mark.parametrize("name", SNIPPETS)
def test_a_snippet_runs_as_it_stands(
    server: Serving, name: str, talking_clip: Path, tmp_path: Path, root: Path
) -> None:
    programs = {"sh": ["bash", "-e"], "txt": [sys.executable], "mjs": ["node"]}
    file = SNIPPETS[name]
    program = programs[file.rpartition(".")[2]]
    if shutil.which(program[0]) is None or (program[0] == "bash" and shutil.which("curl") is None):
        pytest.skip(f"no {program[0]}")
    path = tmp_path / file
    path.write_text(snippet(file))
    done = subprocess.run(
        [*program, str(path)],
        cwd=tmp_path,
        env=server.environment(VIDEO=str(talking_clip)),
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    if file.endswith(".sh"):
        assert len((tmp_path / "talk_results.csv").read_text().splitlines()) == 51
        assert (tmp_path / "talk_emotions.mp4").stat().st_size > 1000
    else:
        assert "50 records" in done.stdout or done.stdout.count("Happy") == 50


def test_the_documentation_shows_the_snippets(root: Path) -> None:
    text = (root / "docs" / "api.md").read_text("utf-8")
    assert all(snippet(file) in text for file in SNIPPETS.values())
