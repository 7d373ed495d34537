"""The one server: what it answers, who is let in, and how it stops."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from emotion_core.types import EmotionError
from webapp import server


def test_a_port_in_use_is_one_clear_line() -> None:
    with server.listen("127.0.0.1", 0) as taken:
        taken.listen()
        with pytest.raises(EmotionError, match="choose another with --port"):
            server.listen("127.0.0.1", taken.getsockname()[1])
    with pytest.raises(EmotionError, match="--host"):
        server.listen("no.such.host.invalid", 0)


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.status, answer.read().decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        return error.code, ""


def test_app_answers_everywhere_and_stops_on_sigterm(root: Path) -> None:
    port = _free_port()
    app = subprocess.Popen(
        [sys.executable, "app.py", "--port", str(port)],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    base = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                if _get(f"{base}/healthz")[0] == 200:
                    break
            except OSError:
                assert app.poll() is None, app.communicate()[0]
                time.sleep(0.2)
        assert _get(f"{base}/healthz") == (200, '{"status":"ok"}')
        assert "<html" in _get(f"{base}/")[1].lower()
        assert "<html" in _get(f"{base}/dashboard")[1].lower()
        assert _get(f"{base}/dashboard/_stcore/health")[0] == 200
        for outside in ("/dashboard/../app.py", "/dashboard/media/..%2f..%2fapp.py", "/app.py"):
            status, text = _get(base + outside)
            assert "argparse" not in text and (status >= 400 or "<html" in text.lower()), outside
        app.send_signal(signal.SIGTERM)
        assert app.wait(40) == 0
        said = app.stdout.read() if app.stdout else ""
        assert "Traceback" not in said, said
    finally:
        app.kill()
        app.wait()
