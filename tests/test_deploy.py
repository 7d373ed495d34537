"""What can be checked of the deployment without Docker or the Hub."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def front():
    text = (ROOT / "README.md").read_text("utf-8")
    assert text.startswith("---\n")
    return yaml.safe_load(text.split("---\n")[1])


@pytest.fixture(scope="module")
def dockerfile():
    return (ROOT / "Dockerfile").read_text().replace("\\\n", " ")


def test_front_matter_makes_a_space(front):
    assert front["sdk"] == "gradio"
    assert (ROOT / front["app_file"]).is_file()
    assert len(front["short_description"]) <= 60
    assert isinstance(front["python_version"], str), "3.10 would be read as 3.1 without quotes"
    assert front["license"] == "mit" and front["tags"] and front["models"]


def test_front_matter_agrees_with_the_pins(front):
    assert f"gradio=={front['sdk_version']}\n" in (ROOT / "requirements.txt").read_text()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    oldest = tuple(map(int, project["requires-python"].removeprefix(">=").split(".")))
    assert tuple(map(int, front["python_version"].split("."))) >= oldest


def test_packages_txt_is_what_spaces_read():
    """Names only: Spaces hand the whole file to apt-get, so a comment would be taken for a package."""
    lines = (ROOT / "packages.txt").read_text().split("\n")
    assert lines[-1] == ""
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9+.-]+", line) for line in lines[:-1])


def test_the_image_runs_as_a_plain_user_with_a_health_check(dockerfile):
    users = re.findall(r"^USER (\S+)", dockerfile, re.M)
    assert users and users[-1] not in ("root", "0")
    assert dockerfile.index("\nUSER ") < dockerfile.index("\nCMD ")
    assert re.search(r"^HEALTHCHECK .*/healthz", dockerfile, re.M)
    assert "requirements.txt" in dockerfile and "packages.txt" in dockerfile


def test_the_image_gets_everything_that_runs(dockerfile):
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert not {"app.py", "main.py", "emotion_core", "webapp", "assets", "README.md"} & set(ignored)
    assert {".venv", ".git"} <= set(ignored)


def test_the_image_starts_with_flags_that_exist(dockerfile):
    import argparse

    from webapp.settings import add_flags

    words = re.findall(r'"([^"]+)"', re.findall(r"^CMD (\[.*\])", dockerfile, re.M)[-1])
    assert words[:2] == ["python", "app.py"]
    parser = argparse.ArgumentParser()
    add_flags(parser)
    args = parser.parse_args(words[2:])
    assert args.host == "0.0.0.0"
    assert f"EXPOSE {args.port}\n" in dockerfile and f"127.0.0.1:{args.port}/healthz" in dockerfile


def test_the_guide_names_flags_that_exist():
    import argparse

    from webapp.settings import add_flags

    parser = argparse.ArgumentParser()
    add_flags(parser)
    known = set(parser.format_help().replace(",", " ").split())
    text = (ROOT / "docs" / "deploy.md").read_text("utf-8")
    mine = set(re.findall(r"`(--[a-z-]+)", text)) - {"--backend"}
    assert mine and mine <= known
