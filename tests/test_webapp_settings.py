"""Flags of the web app: what they mean and what is refused, in one line."""

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from emotion_core.types import EmotionError
from webapp.settings import Settings, add_flags, from_flags


def parse(*flags: str) -> Settings:
    parser = argparse.ArgumentParser()
    add_flags(parser)
    return from_flags(parser.parse_args(flags))


def test_flags_reach_the_settings() -> None:
    settings = parse(
        "--port", "8123", "--host", "0.0.0.0", "--auth", "ada:a:b", "--no-objects", "--max-minutes", "2.5",
        "--max-megabytes", "10", "--max-viewers", "2", "--max-jobs", "3", "--keep-minutes", "7",
        "--partial-results", ".",
    )  # fmt: skip
    assert settings == Settings(
        port=8123,
        host="0.0.0.0",
        auth=("ada", "a:b"),  # a password may hold a colon
        objects=False,
        max_minutes=2.5,
        max_megabytes=10,
        max_viewers=2,
        max_jobs=3,
        keep_minutes=7,
        partial_results=Path("."),
    )


def test_without_flags_the_defaults_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PORT", "GRADIO_SERVER_PORT", "GRADIO_SERVER_NAME"):
        monkeypatch.delenv(name, raising=False)
    assert parse() == Settings()
    assert Settings().host == "127.0.0.1"  # private unless asked


def test_a_host_of_spaces_sets_address_and_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_SERVER_NAME", "0.0.0.0")
    monkeypatch.setenv("PORT", "9001")
    assert (parse().host, parse().port) == ("0.0.0.0", 9001)


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (("--port", "70000"), "--port"),
        (("--auth", "ada"), "USER:PASS"),
        (("--auth", "ada:"), "USER:PASS"),
        (("--max-minutes", "0"), "--max-minutes"),
        (("--max-minutes", "nan"), "--max-minutes"),
        (("--max-megabytes", "-1"), "--max-megabytes"),
        (("--max-viewers", "0"), "--max-viewers"),
        (("--keep-minutes", "0"), "--keep-minutes"),
        (("--partial-results", "no such folder"), "create it first"),
        (("--weights", "no/such/file.safetensors"), "no/such/file"),
        (("--host", " "), "--host"),
    ],
)
def test_values_that_cannot_be_are_refused_in_one_line(flags: tuple[str, ...], says: str) -> None:
    with pytest.raises(EmotionError, match=says) as caught:
        parse(*flags)
    assert "\n" not in str(caught.value)


def test_app_ends_with_2_for_wrong_use_and_says_why(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "app.py", "--auth", "nobody"], cwd=root, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert done.stderr.strip().splitlines() == [
        "app.py: --auth needs USER:PASS with both parts, such as --auth ada:secret."
    ]


def test_help_loads_neither_gradio_nor_torch(root: Path) -> None:
    code = (
        "import sys, app\n"
        "try: app.main(['--help'])\n"
        "except SystemExit: pass\n"
        "print([m for m in ('gradio', 'torch', 'mediapipe', 'streamlit') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip().endswith("[]"), done.stderr
    assert "--max-minutes" in done.stdout
