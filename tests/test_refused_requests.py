"""Requests that are too much, or name what is not theirs: refused at little cost, and the server goes on."""

from pathlib import Path

from benchmarks.refused import MOST_MB
from benchmarks.refused_requests import REQUESTS, measure_requests


def test_refused_requests_take_little_memory(tmp_path: Path) -> None:
    measured = {one.kind: one for one in measure_requests(tmp_path)}
    assert set(REQUESTS) < set(measured) and len(measured) >= len(REQUESTS) + 7
    for one in measured.values():
        assert one.megabytes <= MOST_MB, one
        if one.kind.startswith("request that names"):
            assert one.words.startswith("403"), one
    assert measured["SIGTERM after all this"].words == "exit code 0"
    refusals = ("400", "413", "received 10", "no close frame", "cut off", "HTTP/1.1 4")
    for kind in REQUESTS:
        assert measured[kind].words.startswith(refusals), measured[kind]
