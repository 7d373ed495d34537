"""What many viewers and videos need is computed from what one was measured to cost."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from benchmarks import scale
from benchmarks.scale import Cost, Need, rows

COST = Cost(
    server_mb=300, viewer_mb=2, picture_ms=7, picture_kb=40, answer_kb=0.4, job_mb=100, plain_s=0.35,
    marked_s=0.7, results_mb=50, report_mb=5, video_mb=450, writes=500,
)  # fmt: skip


def needed(**more: float | bool) -> list[str]:
    need = Need(viewers=1000, rate=10, hours=2400, length=10, upload_mb=900, days=30, busy=0.7)
    return [much for _, _, much in rows(COST, Need(**{**asdict(need), **more}))]


def test_needs_are_those_computed_by_hand() -> None:
    live = needed()[:5]
    # 10,000 pictures of 7 ms are 70 busy cores, 100 planned; ten viewers each; 30 GB and 2 GB
    assert live[:3] == ["100", "100, 10", "32 GB"]
    assert live[3:] == ["3.2 Gbit/s", "0.03 Gbit/s"]
    # 100 videos at a time, 0.35 of a core each, 50 cores planned at 400 MB; 2,400 hours of 50 MB for 30 days
    # are 3.6 TB, 14,400 reports a day 2.16 TB
    assert needed()[5:] == ["50", "20 GB", "0.20 Gbit/s", "5.8 TB", "36 a second"]
    assert needed(marked=True)[5:] == ["100", "40 GB", "0.20 Gbit/s", "38.2 TB", "71 a second"]


def test_the_tables_go_between_the_marks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], root: Path
) -> None:
    (tmp_path / "docs").mkdir()
    page = tmp_path / "docs" / "scale.md"
    page.write_text((root / "docs" / "scale.md").read_text("utf-8"), "utf-8")
    known = {"conditions": {"cpu": "a processor", "cores": 2, "commit": "abc"}, "cost": asdict(COST)}
    (tmp_path / "figures.json").write_text(json.dumps(known))
    monkeypatch.setattr(scale, "ROOT", tmp_path)
    for _ in range(2):
        assert scale.main(["--from", str(tmp_path / "figures.json"), "--write"]) == 0
    text = page.read_text("utf-8")
    assert text.count("<!-- scale -->") == 1 and text.count("a processor, 2 cores") == 1
    assert "| picture, processor time | 7 ms |" in text and "300 MB" in capsys.readouterr().out
    page.write_text("no marks")
    with pytest.raises(SystemExit, match="lacks the marks"):
        scale.write(page, "x")
