"""The dashboard starts by itself, and light."""

import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from emotion_core.analytics import sample
from tests.tables import write_json


def test_the_dashboard_starts_light(root: Path) -> None:
    code = (
        "import sys, time; start = time.perf_counter(); import webapp.dashboard.state\n"
        "heavy = {'torch', 'mediapipe', 'ultralytics', 'gradio', 'cv2', 'onnxruntime'} & set(sys.modules)\n"
        "print(time.perf_counter() - start); sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_streamlit_run_works_from_the_root(root: Path, tmp_path: Path) -> None:
    write_json(sample.make_recording(20, 2), tmp_path / "talk_results.json")
    command = [sys.executable, "-m", "streamlit", "run", "webapp/dashboard/app.py", "--server.port", "8765"]
    server = subprocess.Popen(
        [*command, "--", "--results", str(tmp_path)],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        for _ in range(240):
            time.sleep(0.25)
            try:
                with urllib.request.urlopen("http://127.0.0.1:8765/_stcore/health", timeout=2) as answer:
                    assert answer.status == 200
                    break
            except OSError:
                assert server.poll() is None, server.stdout.read().decode() if server.stdout else ""
        else:
            pytest.fail("the dashboard did not start")
    finally:
        server.terminate()
        server.wait(20)
