"""What can be checked of the deployment without Docker or the Hub."""

import importlib.util
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
    assert front["license"] == "other" and front["tags"] and front["models"]  # code: MIT; weights: not so
    assert {"mit", "research", "commercial"} <= set(front["license_name"].split("-"))
    assert (ROOT / front["license_link"]).is_file()


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


@pytest.fixture(scope="module")
def lock():
    spec = importlib.util.spec_from_file_location("lock", ROOT / ".ci" / "lock.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def locked(lock) -> dict[str, set[str]]:
    versions: dict[str, set[str]] = {}
    for name, version, _ in lock.entries(ROOT / "requirements.lock"):
        versions.setdefault(name, set()).add(version)
    return versions


def test_the_image_without_training_gets_the_apps_part_of_the_lock(lock, dockerfile):
    """The same versions and hashes, all that the app names, and nothing that is only for training."""
    whole = {(name, version): text for name, version, text in lock.entries(ROOT / "requirements.lock")}
    part = {(name, version): text for name, version, text in lock.entries(ROOT / lock.APP_LOCK)}
    strayed = [key for key, text in part.items() if hashes(text) != hashes(whole.get(key, ""))]
    assert not strayed
    names = {name for name, _ in part}
    asked = {re.split(r"[\s<>=\[]", line)[0] for line in lock.app_packages()}
    assert {"gradio", "streamlit", "onnxruntime", "pillow-heif"} <= asked <= names
    assert not names & {"torch", "torchvision", "ultralytics", "mediapipe", "tensorboard", "dask"}
    assert "ARG TRAINING=\n" in dockerfile and lock.APP_LOCK in dockerfile


def hashes(text: str) -> set[str]:
    return set(re.findall(r"--hash=(\S+)", text))


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dashboard.txt"])
def test_the_lock_agrees_with_the_pins(lock, name):
    pinned = re.findall(r"(?m)^([A-Za-z0-9._-]+)==(\S+)$", (ROOT / name).read_text())
    versions = locked(lock)
    assert len(pinned) > 5
    assert {n: v for n, v in pinned if versions.get(n.lower()) != {v}} == {}


def test_every_locked_package_has_hashes_and_the_lock_names_no_place(lock):
    text = (ROOT / "requirements.lock").read_text()
    found = lock.entries(ROOT / "requirements.lock")
    assert len(found) > 100 and len(found) == len(re.findall(r"(?m)^[a-z0-9]", text))
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", part) for _, _, part in found)
    assert "://" not in text and "index" not in text and "file:" not in text


def test_everything_that_is_needed_is_locked(lock):
    """Whatever the locked packages ask for, by what those that are installed here say, is locked too."""
    from importlib.metadata import PackageNotFoundError, requires

    from packaging.requirements import Requirement

    versions = locked(lock)
    names = {name.replace("_", "-").replace(".", "-") for name in versions}
    missing = set()
    for name in versions:
        try:
            needed = [Requirement(text) for text in requires(name) or ()]
        except PackageNotFoundError:  # of another system or Python
            continue
        for one in needed:
            plain = re.sub(r"[-_.]+", "-", one.name).lower()
            if (one.marker is None or one.marker.evaluate({"extra": ""})) and plain not in names:
                missing.add(f"{name} needs {one}")
    assert not missing


def test_a_server_without_cuda_gets_the_rest_of_the_lock(lock):
    rest = lock.rest(ROOT / "requirements.lock", without_torch=True)
    names = set(re.findall(r"(?m)^([a-z0-9._-]+)==", rest))
    assert {"numpy", "onnxruntime", "opencv-python-headless", "gradio", "sympy"} <= names
    assert not names & {"torch", "torchvision", "triton", "opencv-python", "opencv-contrib-python"}
    assert not [name for name in names if name.startswith(("cuda-", "nvidia-cu"))]
    whole = lock.rest(ROOT / "requirements.lock", without_torch=False)
    assert "torch==" in whole and "opencv-python==" not in whole


def test_the_image_installs_by_hash(dockerfile):
    assert "--require-hashes" in dockerfile and "requirements*.lock .ci/lock.py" in dockerfile
    assert not re.search(r"pip install -r requirements.txt", dockerfile)
    assert ".ci" not in (ROOT / ".dockerignore").read_text().split()
