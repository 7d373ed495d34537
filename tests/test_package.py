"""The package that people install: what a wheel holds, and its commands from a folder that is read-only."""

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from emotion_core.__main__ import ELSEWHERE, main
from emotion_core.version import VERSION


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=root, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `pip install --no-deps` lays out, read-only, and not the source."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    for path in [*folder.rglob("*"), folder]:
        path.chmod(path.stat().st_mode & ~0o222)
    return folder


def run(installed: Path, cwd: Path, *words: str) -> subprocess.CompletedProcess[str]:
    clean = {**os.environ, "PYTHONPATH": str(installed), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "emotion_core", *words]
    return subprocess.run(command, cwd=cwd, env=clean, capture_output=True, text=True, timeout=240)


def test_a_wheel_holds_all_that_is_not_python(root: Path, wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    for package in ("emotion_core", "train", "webapp"):
        there = [
            path for path in (root / package).rglob("*") if path.is_file() and "__pycache__" not in path.parts
        ]
        assert not {str(path.relative_to(root)) for path in there} - held
    weights = {f"emotion_core/weights/{path.name}" for path in (root / "assets" / "weights").iterdir()}
    assert weights | {"emotion_core/weights/MODEL_CARD.md"} <= held


def test_its_metadata_name_both_licences(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    metadata = archive.read(f"emotion_recognition-{VERSION}.dist-info/METADATA").decode()
    assert "License-Expression: MIT AND LicenseRef-" in metadata


def test_extras_are_what_requirements_txt_pins(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    wanted = [Requirement(line) for line in project["dependencies"] + extras]
    lists = ("requirements.txt", "tests/requirements-formats.txt")  # the second: what only tests use
    lines = [line for name in lists for line in (root / name).read_text("utf-8").splitlines()]
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    pinned = {pin.name: str(pin.specifier).removeprefix("==") for pin in pins}
    for requirement in wanted:
        if requirement.name != project["name"]:
            assert requirement.specifier.contains(pinned[requirement.name]), requirement


@pytest.mark.weights
def test_analyze_from_another_folder(installed: Path, tmp_path: Path, astronaut_path: Path) -> None:
    ran = run(installed, tmp_path, "analyze", str(astronaut_path), "--output", str(tmp_path), "--no-objects")
    assert ran.returncode == 0, ran.stderr
    assert "1 face" in ran.stdout and list(tmp_path.glob("*_results.json"))


def test_serve_from_another_folder(installed: Path, tmp_path: Path) -> None:
    ran = run(installed, tmp_path, "serve", "--routes")
    assert ran.returncode == 0, ran.stderr
    assert "/healthz" in ran.stdout


def test_train_is_found_too(installed: Path, tmp_path: Path) -> None:
    ran = run(installed, tmp_path, "train", "--help")
    assert ran.returncode == 0 and "--epochs" in ran.stdout


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_command_that_is_not_installed_says_what_to_install(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("emotion_core.__main__.GROUP", "nobody.brings.these")
    assert main([name]) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and f"emotion-recognition[{ELSEWHERE[name][1]}]" in told
