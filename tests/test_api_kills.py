"""A server that is killed at any moment starts again and finishes what was queued, each once."""

import random
import time
from pathlib import Path

import pytest

from emotion_core.client import Client
from emotion_core.types import EmotionError
from tests.postgres import Postgres
from tests.serving import LAB, Serving, serving

pytestmark = pytest.mark.weights


def check(server: Serving, clip: Path, jobs: int, kills: int, seed: int) -> None:
    """Queue jobs, kill the server and start it again, and see that every job is done and lasts."""
    chance = random.Random(seed)
    with Client(server.url, LAB) as client:
        ids = [client.submit(clip, smoothing=1 + n, key=f"job {n}").id for n in range(jobs)]
    finished: dict[str, bytes] = {}
    for _ in range(kills):
        time.sleep(chance.uniform(0.2, 4.0))
        server.kill()
        server.start_again()
        with Client(server.url, LAB) as client:
            # Nothing that was finished is lost, and a repeated request begins nothing anew.
            assert all(client.job(id).state == "done" for id in finished)
            assert client.submit(clip, smoothing=1, key="job 0").id == ids[0]
            for id in ids:
                if id not in finished and client.job(id).state == "done":
                    finished[id] = b""
    with Client(server.url, LAB) as client:
        ended = [client.wait(id) for id in ids]
        assert [job.state for job in ended] == ["done"] * jobs
        # A job is begun again only where a kill has met it.
        assert sum(job.tries for job in ended) <= jobs + kills
        for number, job in enumerate(ended):
            assert len(client.results(job.id)) == 50 and job.options["smoothing"] == 1 + number
        assert {job.id for job in client.jobs()} == set(ids)
    folders = {path.name: [inner.name for inner in path.iterdir()] for path in server.data.glob("analyses/*")}
    assert folders == {job.id: [str(job.tries)] for job in ended}


def test_it_goes_on_after_two_kills(root: Path, tmp_path: Path, talking_clip: Path) -> None:
    with serving(root, tmp_path) as server:
        check(server, talking_clip, jobs=4, kills=2, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_it_goes_on_after_ten_kills(root: Path, tmp_path: Path, talking_clip: Path) -> None:
    with serving(root, tmp_path) as server:
        check(server, talking_clip, jobs=30, kills=10, seed=2)


def test_a_stop_puts_what_runs_back_and_a_start_goes_on(
    root: Path, tmp_path: Path, talking_clip: Path
) -> None:
    with serving(root, tmp_path) as server:
        with Client(server.url, LAB) as client:
            ids = [client.submit(talking_clip).id for _ in range(2)]
            while client.job(ids[0]).state == "queued":
                time.sleep(0.02)
        server.app.process.terminate()
        assert server.app.process.wait(60) == 0
        assert server.app.process.stdout and "Traceback" not in server.app.process.stdout.read()
        server.start_again()
        with Client(server.url, LAB) as client:
            assert [client.wait(id).tries for id in ids] == [1, 1]


def test_without_a_data_folder_nothing_survives(root: Path, tmp_path: Path, talking_clip: Path) -> None:
    from tests.browser.running import start_app, stop_app

    (tmp_path / "tmp").mkdir()
    app = start_app(root, tmp_path / "tmp")
    with Client(app.url) as client:
        job = client.analyze(talking_clip, video=False)
        assert not client.model()["lasting"] and len(client.results(job.id)) == 50
    stop_app(app)
    assert not list((tmp_path / "tmp").iterdir())
    app = start_app(root, tmp_path / "tmp")
    try:
        with Client(app.url) as client, pytest.raises(EmotionError, match="no such analysis"):
            client.job(job.id)
    finally:
        stop_app(app)


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("queue", ["sqlite", "postgresql"])
def test_three_servers_share_a_folder_and_one_is_killed(
    root: Path, tmp_path: Path, talking_clip: Path, queue: str, request: pytest.FixtureRequest
) -> None:
    from tests.browser.running import start_app, stop_app

    flags = ("--database", request.getfixturevalue("postgres").new()) if queue == "postgresql" else ()
    with serving(root, tmp_path, *flags) as server:
        others = [start_app(root, tmp_path / "tmp", *server.flags) for _ in range(2)]
        with Client(server.url, LAB) as client, Client(others[0].url, LAB) as second:
            ids = [(client if n % 2 else second).submit(talking_clip).id for n in range(12)]
            while sum(job.state == "running" for job in client.jobs()) < 3:
                time.sleep(0.1)
            others[0].process.kill()
            others[0].process.wait()
            ended = [client.wait(id) for id in ids]
            assert [job.state for job in ended] == ["done"] * 12
            assert sorted(job.tries for job in ended) == [1] * 11 + [2]
            results = [client.results(id) for id in ids]
            assert all(records == results[0] for records in results)
        assert (server.data / "analyses.sqlite").exists() == (queue == "sqlite")
        stop_app(others[1])


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_database_may_be_away_for_a_while(
    root: Path, tmp_path: Path, talking_clip: Path, postgres: Postgres
) -> None:
    with serving(root, tmp_path, "--database", postgres.new()) as server:
        with Client(server.url, LAB) as client:
            ids = [client.submit(talking_clip).id for _ in range(3)]
            while client.job(ids[0]).state == "queued":
                time.sleep(0.05)
        postgres.stop()
        with server.client() as lab:
            away = lab.get("/analyses")
            assert away.status_code == 503 and away.headers["retry-after"] == "5"
            assert "queue" in away.json()["detail"] and away.json()["request_id"]
        postgres.start()
        with Client(server.url, LAB) as client:
            ended = [client.wait(id) for id in ids]
            assert [job.state for job in ended] == ["done"] * 3 and ended[2].tries == 1
            assert all(len(client.results(id)) == 50 for id in ids)
