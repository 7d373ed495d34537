"""Nothing leaves the machine, nothing is written but what was asked for: library and command line."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from emotion_core import quiet
from tests.outgoing import Recording

ROOT = Path(__file__).resolve().parent.parent
OURS = ("emotion_core", "train", "webapp", "benchmarks")


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    folder = tmp_path / "recorded"
    folder.mkdir()
    return Recording(folder)


@pytest.mark.parametrize("name", ["localhost", "192.0.2.1"])
def test_the_record_sees_native_code_and_children(recording: Recording, name: str, tmp_path: Path) -> None:
    """192.0.2.1 stands in no network; a datagram's socket that is connected sends nothing."""
    ask = f"import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(({name!r}, 9))"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {ask!r}], check=True)"
    recording.run("-c", child, cwd=tmp_path)
    assert len(recording.spoken_to()) == (name != "localhost")


LIBRARY = """
import sys
from emotion_core import Recognizer, Recording, Session, draw, frames
recognizer, session = Recognizer.from_pretrained(), Session()
with Recording.create(sys.argv[2]) as recording:
    for frame in frames(sys.argv[1]):
        faces = recognizer(frame, session)
        recording.append(frame, faces)
        draw(frame, faces)
"""


@pytest.mark.weights
def test_the_library_speaks_to_nobody_and_leaves_nothing(
    recording: Recording, talking_clip: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    recording.run("-c", LIBRARY, talking_clip, out / "talk_results.json", cwd=ROOT)
    assert any(record["face"] for record in json.loads((out / "talk_results.json").read_text()))
    assert recording.spoken_to() == []
    assert recording.left() == []
    assert recording.written(out) == []
    assert str(out) in {str(Path(path).parent) for path in recording.written()}


@pytest.mark.weights
def test_a_video_on_the_command_line_speaks_to_nobody_and_leaves_nothing(
    recording: Recording, talking_clip: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    recording.run(ROOT / "main.py", "--video", talking_clip, "--output", out, cwd=tmp_path)
    names = {"talking_emotions.mp4", "talking_results.json", "talking_summary.json"}
    assert {path.name for path in out.iterdir()} == names
    assert recording.spoken_to() == []
    assert recording.left() == []
    assert recording.written(out) == []
    assert str(out) in {str(Path(path).parent) for path in recording.written()}


@pytest.mark.weights
def test_a_batch_speaks_to_its_own_workers_only(
    recording: Recording, talking_clip: Path, tmp_path: Path
) -> None:
    """Dask would have a folder of its own beside the user's, and looks for a home with settings."""
    out = tmp_path / "out"
    words = ("--batch", talking_clip, "--output", out, "--workers", "1", "--no-objects")
    recording.run(ROOT / "main.py", *words, cwd=tmp_path)
    assert len(list(out.glob("results/*_results.json"))) == 1
    assert recording.spoken_to() == []
    assert recording.left() == []
    assert recording.written(out) == []


def test_quiet_libraries_are_loaded_at_one_place() -> None:
    """An import of their own would set ONNX Runtime's records going before anything could stop them."""
    loud = ("onnxruntime", "ultralytics", "matplotlib")
    found, seen = [], 0
    for path in (p for name in OURS for p in (ROOT / name).rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        for_types = {
            id(inner)
            for node in ast.walk(tree)
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
            for inner in ast.walk(node)
        }
        for node in ast.walk(tree):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("import_module", "__import__"):
                names = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
            elif isinstance(node, ast.Call) and ast.unparse(node.func) == "quiet.load":
                seen += 1
            if id(node) not in for_types and any(name.split(".")[0] in loud for name in names):
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert found == [] and seen >= 6


def in_a_new_python(code: str) -> str:
    switches = {
        name for values in quiet.SWITCHES.values() for name in values
    }  # this process may have set them
    clean = {name: value for name, value in os.environ.items() if name not in switches}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=clean, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_mediapipe_comes_without_matplotlib_and_both_work_afterwards() -> None:
    pytest.importorskip("mediapipe")
    code = (
        "import sys; from emotion_core import quiet; quiet.load('mediapipe')\n"
        "before = [name for name in sys.modules if name.startswith('matplotlib')]\n"
        "from mediapipe.tasks.python.vision import drawing_utils\n"
        "figure = drawing_utils.plt.figure\n"
        "import matplotlib.pyplot as plt\n"
        "print(before, figure is plt.figure)"
    )
    assert in_a_new_python(code) == "[] True"


def test_what_the_user_has_set_stays_and_importing_the_library_sets_nothing() -> None:
    code = (
        "import os, emotion_core.onnx_session, emotion_core.objects, emotion_core.faces.mesh\n"
        "before = os.environ.get('ORT_DISABLE_TELEMETRY')\n"
        "os.environ['ORT_DISABLE_TELEMETRY'] = 'true'\n"
        "from emotion_core import quiet; quiet.load('onnxruntime')\n"
        "print(before, os.environ['ORT_DISABLE_TELEMETRY'])"
    )
    assert in_a_new_python(code) == "None true"
