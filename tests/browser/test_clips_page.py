"""Each shared clip through the page: it plays, downloads open, and it says what the command line says."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.browser.running import RunningApp

pytestmark = [pytest.mark.browser, pytest.mark.weights, pytest.mark.slow]


def records_of(data: bytes | str) -> list[dict[str, Any]]:
    """Read results, every number rounded to what is shown at most."""
    records: list[dict[str, Any]] = json.loads(data)
    for record in records:
        for key, value in record.items():
            if isinstance(value, float):
                record[key] = round(value, 3)
        record.pop("probabilities")
        record.pop("box")
    return records


def test_each_clip(
    open_page: Callable[..., Any], app: RunningApp, clips: Path, root: Path, tmp_path: Path
) -> None:
    paths = sorted(p for p in clips.iterdir() if p.suffix in {".mp4", ".mov"})
    page = open_page()
    page.set_default_timeout(280_000)
    page.get_by_role("tab", name="Video", exact=True).click()
    page.wait_for_selector("#video-result .empty")
    for path in paths:
        page.set_input_files("#video-files input[type=file]", str(path))
        page.locator("#video-files").get_by_text(path.stem[:6]).first.wait_for()
        page.click("#video-start")
        page.wait_for_selector(f"#video-result video[src*='{path.stem}']")
        page.wait_for_function("document.querySelector('#video-result video').readyState >= 2")
        links = {
            a.get_attribute("data-kind"): app.url + a.get_attribute("href")
            for a in page.locator("#video-result a[data-kind]").all()
        }
        assert set(links) == {"video", "json", "csv", "parquet", "summary", "report"}
        got = {kind: page.request.get(url).body() for kind, url in links.items()}
        folder = tmp_path / path.stem
        folder.mkdir()
        command = [sys.executable, "main.py", "--video", str(path), "--output", str(folder / "clip")]
        command += ["--no-objects", "--no-video"]
        subprocess.run(command, cwd=root, check=True, capture_output=True, timeout=280)
        (written,) = folder.glob("*_results.json")
        ours, theirs = records_of(got["json"]), records_of(written.read_bytes())
        assert ours == theirs, path.name
        table = list(csv.DictReader(io.StringIO(got["csv"].decode())))
        assert len(table) == len(ours) == len(pd.read_parquet(io.BytesIO(got["parquet"])))
        summary = json.loads(got["summary"])
        said = page.inner_text("#video-result")
        assert ("No face was found" in said) == (summary["people"] == 0)
        for person in summary["faces"][:8]:
            assert f"Person {person['face']}" in said
        page.wait_for_selector("#video-start:not([disabled])")
