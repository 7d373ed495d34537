"""Flags of the web app: what they mean and what is refused, in one line."""

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from emotion_core.types import EmotionError
from webapp.live.tab import html
from webapp.settings import Settings, add_flags, from_flags


def parse(*flags: str) -> Settings:
    parser = argparse.ArgumentParser()
    add_flags(parser)
    return from_flags(parser.parse_args(flags))


def test_flags_reach_the_settings() -> None:
    settings = parse(
        "--port", "8123", "--host", "0.0.0.0", "--auth", "ada:a:b", "--no-objects", "--max-minutes", "2.5",
        "--max-megabytes", "10", "--max-viewers", "2", "--max-jobs", "3", "--keep-minutes", "7",
        "--partial-results", ".", "--no-reidentify",
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
        reidentify=False,
    )


def test_consent_speaks_of_biometric_data_where_they_are_computed() -> None:
    assert "live.consent.4" in html(Settings()) and "live.consent.3" in html(Settings())
    assert "live.consent.4" not in html(Settings(reidentify=False))


def test_the_pages_say_where_the_app_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPACE_ID", raising=False)
    assert Settings().place == "here"
    assert Settings(host="0.0.0.0").place == "server"
    behind = Settings(proxies=("10.0.0.7",)), Settings(allowed_hosts=("emotion.example.org",))
    assert [settings.place for settings in behind] == ["server", "server"]
    monkeypatch.setenv("SPACE_ID", "ada/emotion")
    assert Settings().place == "space" and "live.consent.space" in html(Settings())


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
        (("--tokens", "no/such/file"), "--tokens"),
        (("--library", "no/such/folder"), "--library"),
        (("--data", "no/such/folder"), "create it first"),
        (("--api-jobs", "0"), "--api-jobs"),
        (("--api-gigabytes", "inf"), "--api-gigabytes"),
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


def test_the_password_can_come_from_a_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "auth"
    file.write_text("ada:from: the file\r\nsecond line\n", encoding="utf-8")
    monkeypatch.setenv("EMOTION_AUTH", "ada:from the environment")
    assert parse().auth == ("ada", "from the environment")
    assert parse("--auth-file", str(file)).auth == ("ada", "from: the file")
    assert parse("--auth-file", str(file), "--auth", "ada:flag").auth == ("ada", "flag")
    assert "from" not in repr(parse("--auth-file", str(file)))
    for text in ("", "ada", ":x", "ada:"):
        file.write_text(text)
        with pytest.raises(EmotionError, match="USER:PASS") as caught:
            parse("--auth-file", str(file))
        assert "\n" not in str(caught.value)
        monkeypatch.setenv("EMOTION_AUTH", text)
        with pytest.raises(EmotionError, match="EMOTION_AUTH"):
            parse()
    with pytest.raises(EmotionError, match="can't be read"):
        parse("--auth-file", str(tmp_path / "missing"))


def test_hosts_and_proxies_come_from_flags_environment_and_space(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SPACE_ID", "SPACE_HOST", "FORWARDED_ALLOW_IPS", "EMOTION_ALLOWED_HOSTS"):
        monkeypatch.delenv(name, raising=False)
    assert parse().names() == () and parse().proxies == ()
    flags = parse(
        "--allowed-hosts", "a.example.org, *.example.net", "--proxies", "10.0.0.7,fd00::/8", "--host", "box"
    )
    assert flags.names() == ("a.example.org", "*.example.net", "box")
    assert flags.proxies == ("10.0.0.7", "fd00::/8")
    monkeypatch.setenv("SPACE_ID", "ada/emotion")
    monkeypatch.setenv("SPACE_HOST", "ada-emotion.hf.space,own.example.org")
    assert parse().names() == ("ada-emotion.hf.space", "own.example.org") and parse().proxies == ("*",)
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "10.0.0.7")
    monkeypatch.setenv("EMOTION_ALLOWED_HOSTS", "b.example.org")
    assert parse().names()[0] == "b.example.org" and parse().proxies == ("10.0.0.7",)
    for wrong in ("https://a.example.org", "a.example.org:80", "*"):
        with pytest.raises(EmotionError, match="--allowed-hosts"):
            parse("--allowed-hosts", wrong)
    with pytest.raises(EmotionError, match="--proxies"):
        parse("--proxies", "my proxy")
