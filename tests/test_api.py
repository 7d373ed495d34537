"""The API of a running server: what it gives is what the command line writes, and strangers get nothing."""

import io
import json
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from tests.serving import GUEST, LAB, Serving, serving

pytestmark = pytest.mark.weights


@pytest.fixture(scope="module")
def server(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(root, tmp_path_factory.mktemp("api"), "--max-megabytes", "5") as running:
        yield running


@pytest.fixture
def lab(server: Serving) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


def send(client: httpx.Client, path: Path, key: str | None = None, **fields: str) -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    with path.open("rb") as file:
        return client.post("/analyses", files={"file": (path.name, file)}, data=fields, headers=headers)


def ended(client: httpx.Client, id: str) -> dict[str, Any]:
    """Wait for an analysis by its events; gives its last state."""
    said: list[dict[str, Any]] = []
    with client.stream("GET", f"/analyses/{id}/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        said = [json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: ")]
    assert said[-1]["ended"] is not None
    return said[-1]


def problem(answer: httpx.Response, status: int) -> str:
    """Check that an answer is a problem of one line; gives the line."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    said = answer.json()
    assert set(said) == {"type", "title", "status", "detail", "request_id"} and said["status"] == status
    assert said["request_id"] == answer.headers["x-request-id"]
    assert said["detail"] and "\n" not in said["detail"]
    return str(said["detail"])


@pytest.fixture(scope="module")
def written(root: Path, talking_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with what `main.py --video` writes for the clip."""
    folder = tmp_path_factory.mktemp("written")
    command = [sys.executable, "main.py", "--video", str(talking_clip), "--output", str(folder)]
    command += ["--format", "json,csv,parquet,ndjson", "--no-objects"]
    subprocess.run(command, cwd=root, check=True, capture_output=True, timeout=240)
    return folder


@pytest.fixture(scope="module")
def done(server: Serving, talking_clip: Path) -> dict[str, Any]:
    """A finished analysis of the clip, of the token `lab`."""
    with server.client() as client:
        sent = send(client, talking_clip)
        assert sent.status_code == 202
        assert sent.headers["location"] == sent.json()["links"]["self"]
        return ended(client, sent.json()["id"])


def known(summary: dict[str, Any]) -> dict[str, Any]:
    """Give what of a summary depends on the video alone, not on when and where it was read."""
    source = {key: value for key, value in summary["source"].items() if key != "path"}
    return {key: value for key, value in summary.items() if key != "made"} | {"source": source}


# -- what it gives


def test_results_are_those_of_the_command_line(
    lab: httpx.Client, done: dict[str, Any], written: Path
) -> None:
    at = f"/analyses/{done['id']}"
    assert done["state"] == "done" and done["tries"] == 1 and done["progress"]["share"] == 1
    for name in ("json", "csv", "ndjson"):
        given = lab.get(f"{at}/results", params={"format": name})
        assert given.content == (written / f"talking_results.{name}").read_bytes()
        assert f'filename="talking_results.{name}"' in given.headers["content-disposition"]
    import pandas as pd

    parquet = server_file(lab, f"{at}/results?format=parquet", written / "given.parquet")
    pd.testing.assert_frame_equal(
        pd.read_parquet(parquet), pd.read_parquet(written / "talking_results.parquet")
    )
    summary = json.loads((written / "talking_summary.json").read_text())
    assert known(lab.get(f"{at}/summary").json()) == known(summary)
    assert lab.get(f"{at}/video").headers["content-type"] == "video/mp4"
    part = lab.get(f"{at}/video", headers={"range": "bytes=0-99"})
    assert part.status_code == 206 and len(part.content) == 100
    report = lab.get(f"{at}/report")
    assert "<html" in report.text and report.headers["content-disposition"].startswith("attachment")


def server_file(client: httpx.Client, at: str, path: Path) -> Path:
    path.write_bytes(client.get(at).content)
    return path


def test_filters_choose_records(lab: httpx.Client, done: dict[str, Any]) -> None:
    at = f"/analyses/{done['id']}/results"
    every = lab.get(at).json()
    some = lab.get(at, params={"from": 0.5, "to": 1.0}).json()
    assert some == [record for record in every if 0.5 <= record["time"] < 1.0] and some
    assert lab.get(at, params={"face": 1}).json() == [r for r in every if r["face"] == 1]
    assert lab.get(at, params={"face": 99}).json() == []
    lines = lab.get(at, params={"face": 1, "format": "csv"}).text.splitlines()
    assert len(lines) == 1 + sum(record["face"] == 1 for record in every)
    grid = lab.get(at, params={"face": 1, "format": "textgrid"})
    assert (
        'name = "Person 1"' in grid.text and "talking_results.textgrid" in grid.headers["content-disposition"]
    )
    with zipfile.ZipFile(io.BytesIO(lab.get(at, params={"format": "bids"}).content)) as packed:
        assert "sub-01/beh/sub-01_task-talking_events.tsv" in packed.namelist()
    assert "from" in problem(lab.get(at, params={"from": 2, "to": 1}), 422)


def test_options_are_those_of_the_command_line(lab: httpx.Client, talking_clip: Path) -> None:
    fields = {"smoothing": "1", "threshold": "0.99", "format": "json,csv", "video": "false"}
    sent = send(lab, talking_clip, **fields).json()
    assert sent["options"]["smoothing"] == 1 and sent["options"]["format"] == ["json", "csv"]
    state = ended(lab, sent["id"])
    records = lab.get(f"/analyses/{state['id']}/results").json()
    assert any(record.get("uncertain") for record in records)
    assert "not asked for" in problem(lab.get(f"/analyses/{state['id']}/video"), 404)
    made = lab.get(f"/analyses/{state['id']}/results", params={"format": "ndjson"}).text.splitlines()
    assert [json.loads(line) for line in made] == records  # a format that was not asked for then
    for wrong in ({"smoothing": "0"}, {"format": "xls"}, {"overlay": "halo"}, {"colour": "red"}):
        assert next(iter(wrong)) in problem(send(lab, talking_clip, **wrong), 422)


def test_pictures_are_read_at_once(lab: httpx.Client, astronaut_path: Path, zidane_path: Path) -> None:
    one = lab.post("/faces", content=astronaut_path.read_bytes(), headers={"content-type": "image/png"})
    (face,) = one.json()["pictures"][0]["faces"]
    assert face["emotion"] == "Happy" and sum(face["probabilities"].values()) == pytest.approx(1, abs=1e-4)
    files = [("file", path.open("rb")) for path in (zidane_path, astronaut_path)]
    files.append(("file", ("note.txt", b"no picture")))  # type: ignore[arg-type]
    several = lab.post("/faces", files=files).json()["pictures"]
    assert [len(picture["faces"]) for picture in several] == [2, 1, 0]
    assert several[1]["faces"] == [face] and "note.txt" in several[2]["error"]["detail"]
    assert "picture" in problem(lab.post("/faces", files={"file": ("a.png", b"nothing")}), 422)


def test_a_picture_may_wait_in_the_queue_too(lab: httpx.Client, astronaut_path: Path) -> None:
    state = ended(lab, send(lab, astronaut_path).json()["id"])
    assert state["state"] == "done"
    assert lab.get(f"/analyses/{state['id']}/video").headers["content-type"] == "image/jpeg"


# -- repeats, parts, pages, deletion


def test_the_same_key_gives_the_same_analysis(lab: httpx.Client, talking_clip: Path) -> None:
    first, second = (send(lab, talking_clip, key="once", video="false").json()["id"] for _ in range(2))
    assert first == second
    assert "Idempotency-Key" in problem(send(lab, talking_clip, key="once", smoothing="9"), 422)
    with_guest = httpx.Client(base_url=lab.base_url, headers={"Authorization": f"Bearer {GUEST}"}, timeout=60)
    with with_guest as guest:
        assert send(guest, talking_clip, key="once", video="false").json()["id"] != first


def test_a_large_file_comes_in_parts_and_goes_on_where_it_broke_off(
    lab: httpx.Client, server: Serving, talking_clip: Path, written: Path
) -> None:
    data = talking_clip.read_bytes()
    begun = lab.post(
        "/uploads",
        headers={"Upload-Length": str(len(data)), "Upload-Metadata": "filename dGFsa2luZy5tcDQ="},
    )
    assert begun.status_code == 201
    id = begun.headers["location"].rpartition("/")[2]
    kind = "application/offset+octet-stream"

    def patch(offset: int, part: bytes, kind: str = kind) -> httpx.Response:
        headers = {"content-type": kind, "Upload-Offset": str(offset), "Tus-Resumable": "1.0.0"}
        return lab.patch(f"/uploads/{id}", content=part, headers=headers)

    assert patch(0, data[:1000]).headers["upload-offset"] == "1000"
    assert "1000" in problem(patch(0, data[:1000]), 409)
    problem(patch(1000, b"x", kind="text/plain"), 415)
    problem(lab.post("/analyses", json={"upload": id}), 409)
    with server.client(GUEST) as guest:
        assert guest.head(f"/uploads/{id}").status_code == 404
    state = lab.head(f"/uploads/{id}").headers
    assert (state["upload-offset"], state["upload-length"]) == ("1000", str(len(data)))
    assert patch(1000, data[1000:]).status_code == 204
    problem(patch(len(data), b"more"), 413)
    sent = lab.post("/analyses", json={"upload": id, "video": False}, headers={"Idempotency-Key": "parts"})
    again = lab.post("/analyses", json={"upload": id, "video": False}, headers={"Idempotency-Key": "parts"})
    assert sent.json()["name"] == "talking.mp4" and again.json()["id"] == sent.json()["id"]
    state = ended(lab, sent.json()["id"])
    given = lab.get(f"/analyses/{state['id']}/results").content  # type: ignore[index]
    assert given == (written / "talking_results.json").read_bytes()
    problem(lab.post("/analyses", json={"upload": id}), 404)


def test_a_library_gives_its_files_and_nothing_else(
    lab: httpx.Client, server: Serving, talking_clip: Path
) -> None:
    library = server.folder / "library"
    (library / "inner").mkdir(exist_ok=True)
    shutil.copy(talking_clip, library / "inner" / "talk.mp4")
    (library / "out.mp4").symlink_to(talking_clip)
    state = ended(lab, lab.post("/analyses", json={"library": "inner/talk.mp4"}).json()["id"])
    assert state["state"] == "done" and (library / "inner" / "talk.mp4").exists()
    for outside in (
        *("out.mp4", "../tokens", "inner/../../tokens", str(talking_clip), "inner", "", "a\0b", "~/x"),
        *("x" * 5000, "..\\tokens", "missing.mp4"),
    ):
        problem(lab.post("/analyses", json={"library": outside}), 404)


def test_pages_list_what_is_ones_own(lab: httpx.Client, server: Serving, done: dict[str, Any]) -> None:
    first = lab.get("/analyses", params={"limit": 1}).json()
    assert len(first["analyses"]) == 1 and first["next"]
    ids, cursor = [], None
    while True:
        page = lab.get("/analyses", params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        ids += [one["id"] for one in page["analyses"]]
        if (cursor := page["next"]) is None:
            break
    assert len(ids) == len(set(ids)) and done["id"] in ids
    with server.client(GUEST) as guest:
        assert done["id"] not in [one["id"] for one in guest.get("/analyses").json()["analyses"]]
        for part in ("", "/events", "/results", "/summary", "/video", "/report"):
            problem(guest.get(f"/analyses/{done['id']}{part}"), 404)
        problem(guest.delete(f"/analyses/{done['id']}"), 404)


def test_deleting_ends_what_runs_and_leaves_nothing(
    lab: httpx.Client, server: Serving, talking_clip: Path
) -> None:
    ids = [send(lab, talking_clip).json()["id"] for _ in range(3)]
    problem(lab.get(f"/analyses/{ids[2]}/results"), 409)
    while lab.get(f"/analyses/{ids[0]}").json()["state"] == "queued":
        time.sleep(0.05)
    for id in ids:
        assert lab.delete(f"/analyses/{id}").status_code == 204
        problem(lab.get(f"/analyses/{id}"), 404)
    until = time.monotonic() + 60
    while any((server.data / "analyses" / id).exists() for id in ids):
        assert time.monotonic() < until
        time.sleep(0.1)


# -- what it refuses


def test_strangers_get_nothing(server: Serving, done: dict[str, Any]) -> None:
    with server.client() as lab:
        described = lab.get("/openapi.json").json()["paths"]
    calls = [
        (method, path.format(id=done["id"])) for path, methods in described.items() for method in methods
    ]
    assert len(calls) > 14
    for token in (None, "wrong-token-of-32-letters-or-more-1", LAB[:-1]):
        with server.client(token) as stranger:
            for method, path in calls:
                answer = stranger.request(method.upper(), server.url + path)
                assert answer.status_code == 401, (method, path)
                assert answer.headers["www-authenticate"] == "Bearer"
                if method != "head":
                    problem(answer, 401)
            assert stranger.get(server.url + "/").status_code == 401


def test_every_mistake_is_one_line_of_one_form(lab: httpx.Client, talking_clip: Path) -> None:
    assert "/docs" in problem(lab.get("/nothing/here"), 404)
    wrong = lab.put("/model")
    assert wrong.headers["allow"] == "GET" and problem(wrong, 405)
    problem(lab.request("BREW", "/faces"), 405)
    problem(lab.post("/analyses", content=b"x", headers={"content-type": "text/plain"}), 415)
    problem(lab.post("/analyses", content=b"{", headers={"content-type": "application/json"}), 422)
    problem(lab.post("/analyses", json=[1]), 422)
    problem(lab.post("/analyses", json={"library": "a", "upload": "b"}), 422)
    problem(lab.post("/analyses", files={"other": ("a.mp4", b"x")}), 422)
    assert "not a video" in problem(lab.post("/analyses", files={"file": ("a.mp4", b"x" * 999)}), 422)
    problem(lab.post("/analyses", files={"file": ("a.mp4", b"x" * 6_000_000)}), 413)
    problem(lab.post("/uploads", headers={"Upload-Length": "99999999"}), 413)
    problem(lab.post("/uploads", headers={"Upload-Length": "9", "Tus-Resumable": "0.2"}), 412)
    problem(lab.get("/analyses", params={"limit": 0}), 422)
    problem(lab.get("/analyses/" + "x" * 50), 404)
    problem(lab.get("/model", headers={"host": "evil.example"}), 421)
    problem(lab.get("/model", headers={"origin": "https://evil.example"}), 403)


def test_a_range_that_is_none_is_passed_over_and_one_behind_the_end_is_a_problem(
    lab: httpx.Client, server: Serving, done: dict[str, Any]
) -> None:
    at = f"/analyses/{done['id']}/video"
    size = len((every := lab.get(at)).content)
    none = ("bytes=abc", "lines=0-3", "bytes=9-5", "bytes", "bytes=", "bytes=0-1;2-3")
    whole = ((given, 200, every.content) for given in none)
    parts = (("bytes=0-0", 206, every.content[:1]), ("bytes=-10", 206, every.content[-10:]))
    for given, status, content in (*whole, *parts):
        answer = lab.get(at, headers={"range": given})
        assert (answer.status_code, answer.content) == (status, content), given
    assert lab.get(at, headers={"range": f"bytes=4-7,{size}-"}).content == every.content[4:8]
    for behind in (f"bytes={size}-", "bytes=-0", f"bytes={size}-{size + 5},-0"):
        answer = lab.get(at, headers={"range": behind})
        assert str(size) in problem(answer, 416) and answer.headers["content-range"] == f"bytes */{size}"
    assert lab.get(at, headers={"range": f"bytes={size}-", "if-range": '"another"'}).status_code == 200
    chosen = {"face": 1, "format": "csv"}
    some = lab.get(f"/analyses/{done['id']}/results", params=chosen, headers={"range": "bytes=99999999-"})
    assert some.text.startswith("frame,") and not list(server.data.glob("part-*"))


def test_a_token_has_limits_and_can_be_revoked(server: Serving, talking_clip: Path) -> None:
    before = server.tokens.read_text()
    names = ("few", "small", "short", "single")
    limits = ("requests=3", "gigabytes=0.00001", "minutes=0.01", "jobs=0")
    lines = [
        f"{name} {name}-token-of-32-letters-or-more {limit}"
        for name, limit in zip(names, limits, strict=True)
    ]
    server.tokens.write_text(before + "\n".join(lines) + "\n")
    try:
        with server.client("few-token-of-32-letters-or-more") as few:
            answers = [few.get("/analyses") for _ in range(5)]
            assert [answer.status_code for answer in answers] == [200] * 3 + [429] * 2
            problem(answers[-1], 429)
            assert 0 < int(answers[-1].headers["retry-after"]) <= 20
        for name, says in (("small", "GB a day"), ("short", "minutes of video"), ("single", "at once")):
            with server.client(f"{name}-token-of-32-letters-or-more") as limited:
                answer = send(limited, talking_clip)
                assert says in problem(answer, 429) and int(answer.headers["retry-after"]) > 0
    finally:
        server.tokens.write_text(before)
    with server.client("small-token-of-32-letters-or-more") as revoked:
        problem(revoked.get("/analyses"), 401)


def test_watching_ends_with_the_token(server: Serving, talking_clip: Path) -> None:
    before = server.tokens.read_text()
    with server.client(GUEST) as guest:
        ids = [send(guest, talking_clip).json()["id"] for _ in range(4)]
        try:
            with guest.stream("GET", f"/analyses/{ids[-1]}/events") as answer:
                lines = answer.iter_lines()
                assert next(lines) == "event: progress"
                server.tokens.write_text(before.replace(GUEST, "another-token-of-32-letters-or-so"))
                assert "event: end" not in list(lines)
        finally:
            server.tokens.write_text(before)
        assert all(guest.delete(f"/analyses/{id}").status_code == 204 for id in ids)


def test_counts_are_in_the_text_format_of_prometheus(lab: httpx.Client, done: dict[str, Any]) -> None:
    import re

    answer = lab.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    values = {}
    for line in answer.text.splitlines():
        if not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            assert re.fullmatch(r'[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})?', name), line
            values[name] = float(value)
    assert values['emotion_analyses{state="done"}'] >= 1
    assert values['emotion_frames_total{in="analyses"}'] >= 50
    assert values['emotion_requests_total{route="/api/v1/analyses",status="202"}'] >= 1
    assert values["emotion_request_seconds_count"] == sum(
        value for name, value in values.items() if name.startswith("emotion_requests_total")
    )


def test_the_file_of_an_upload_goes_when_it_has_been_read(server: Serving, done: dict[str, Any]) -> None:
    kept = [path.name for path in (server.data / "analyses" / done["id"]).rglob("*") if path.is_file()]
    assert "talking.mp4" not in kept and "talking_results.json" in kept


def test_raw_arrays_are_what_the_stream_takes() -> None:
    from emotion_core.streaming import pack, unpack

    image = np.arange(16 * 20 * 3, dtype=np.uint8).reshape(16, 20, 3)
    read = unpack(pack(image, 1.5))
    assert (read.width, read.height, read.stamp, read.data) == (20, 16, 1.5, image.tobytes())
    for wrong in (b"", b"\1" * 16, b"\2" + bytes(30), pack(image, 0)[:-1]):
        with pytest.raises(ValueError, match="byte|head"):
            unpack(wrong)
