"""The README's code runs as it stands, and its commands exist."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def readme():
    return (ROOT / "README.md").read_text("utf-8")


def blocks(text: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", text, re.S)


@pytest.mark.weights
def test_the_stream_of_faces_runs(readme, talking_clip, tmp_path, monkeypatch):
    from emotion_core.results.recording import read_results

    shutil.copy(talking_clip, tmp_path / "talk.mp4")
    monkeypatch.chdir(tmp_path)
    shown = []
    exec(blocks(readme)[0], {"show": shown.append})
    table = read_results(tmp_path / "talk_results.json")
    assert len(shown) == 50 and all(image.shape == (240, 320, 3) for image in shown)
    assert table["frame"].nunique() == 50
    assert set(table["face"].dropna()) == {table["face"].dropna().iloc[0]}, "one face, one identity"


@pytest.mark.weights
def test_crops_are_classified(readme, astronaut, capsys):
    scope = {"crops": [astronaut[40:200, 150:290], np.full((60, 50, 3), 128, np.uint8)]}
    exec(blocks(readme)[1], scope)
    assert scope["probabilities"].shape == (2, 7) and scope["valence"].shape == (2,)
    assert np.allclose(scope["probabilities"].sum(1), 1, atol=1e-4)
    assert capsys.readouterr().out.split()[0] == "Happy"


def test_make_targets_exist(readme):
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"`?make ([a-z]+)", readme))
    assert {"run", "test", "bench"} <= targets
    assert all(re.search(rf"^{target}:", makefile, re.M) for target in targets - {"it"})


def test_flags_of_the_command_line_exist(readme):
    import main

    known = main.build_parser().format_help()
    used = {
        flag
        for line in readme.splitlines()
        if line.startswith("python main.py") and "--train" not in line
        for flag in re.findall(r"(--[a-z-]+)", line)
    }
    assert used and all(flag in known for flag in used)
