"""What must stay true of the house itself: one-way arrows, light imports, pins, links, sizes."""

import ast
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest

from emotion_core.moved import MOVED

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("torch", "mediapipe", "ultralytics", "cv2", "onnxruntime", "gradio", "streamlit")
FORBIDDEN = {
    "emotion_core": ("webapp", "train", "benchmarks", "gradio", "streamlit", "ultralytics"),
    "webapp": ("train", "benchmarks", "torch", "ultralytics"),
    "train": ("webapp", "benchmarks", "gradio", "streamlit"),
}
ALLOWED = {("emotion_core/objects.py", "ultralytics")}
"""Where a forbidden module may be imported all the same, inside a function: the adapter of .pt files."""


def tracked(pattern: str) -> list[Path]:
    """Give the files of the repository that match `pattern`, without what git ignores."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", pattern],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    return [path for line in listed.stdout.splitlines() if (path := ROOT / line).exists()]


def imports(path: Path) -> list[tuple[str, bool]]:
    """Give (top-level module, whether imported at module level at run time) of every import in a file."""
    tree = ast.parse(path.read_text("utf-8"))
    found = []
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [node.module]
        found += [(name.split(".")[0], node in tree.body) for name in names]
    return found


@pytest.mark.parametrize("package", FORBIDDEN)
def test_arrows_go_one_way(package):
    broken = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sorted((ROOT / package).rglob("*.py"))
        for name, _ in imports(path)
        if name in FORBIDDEN[package] and (str(path.relative_to(ROOT)), name) not in ALLOWED
    ]
    assert not broken


def depends(path: Path, modules: set[str]) -> set[str]:
    """Give which of our modules a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            below = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (below & modules) | ({node.module} if below - modules else set())
    return found & modules


def test_no_two_modules_import_each_other():
    """Nor in a longer circle, nor inside functions or for types only."""
    paths = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for package in FORBIDDEN
        for path in (ROOT / package).rglob("*.py")
    }
    arrows = {name: depends(path, set(paths)) - {name} for name, path in paths.items()}
    assert sum(map(len, arrows.values())) > 300, "the search looks past the imports"
    TopologicalSorter(arrows).prepare()  # raises CycleError, which names the circle


def messages(path: Path) -> list[str]:
    """Give the strings of a file that are texts, without its docstrings."""
    tree = ast.parse(path.read_text("utf-8"))
    described = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in described
    ]


def test_the_library_speaks_of_no_command_line():
    """What a message asks for is named by `EmotionError.settings`; the command line adds its options."""
    own = (ROOT / "emotion_core" / "command", ROOT / "emotion_core" / "__main__.py")
    paths = [p for p in (ROOT / "emotion_core").rglob("*.py") if not p.is_relative_to(own[0]) and p != own[1]]
    texts = {text: path.name for path in paths for text in messages(path)}
    assert len(texts) > 1000, "the search looks past the texts"
    assert not {text: name for text, name in texts.items() if re.search(r" \W?--[a-z]", text)}


def test_the_web_app_is_in_rooms():
    assert len(list((ROOT / "webapp").glob("*.py"))) <= 12


def fresh(code: str, cwd: Path = ROOT) -> str:
    """Run `code` in a new Python and give what it prints."""
    ran = subprocess.run([sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    assert not ran.stderr, ran.stderr
    return ran.stdout.strip()


def test_importing_the_library_loads_nothing_heavy():
    code = f"import sys, emotion_core; print([m for m in {HEAVY!r} if m in sys.modules])"
    assert fresh(code) == "[]"


@pytest.mark.parametrize(
    "module",
    [
        *("emotion_core.results.recording", "emotion_core.results.table", "emotion_core.video.reader"),
        *("webapp.charts.shares", "webapp.shared.report"),
    ],
)
def test_reading_results_loads_no_network(module):
    heavy = ("torch", "mediapipe", "ultralytics", "cv2", "onnxruntime")
    code = f"import sys, {module}; print([m for m in {heavy!r} if m in sys.modules])"
    assert fresh(code) == "[]"


def test_the_recognizer_needs_no_torch_module():
    names = "Recognizer, Recording, Session, VideoWriter, draw, frames"
    code = f"import sys; from emotion_core import {names}; print('torch' in sys.modules)"
    assert fresh(code) == "False"


@pytest.mark.parametrize("old, new", sorted(MOVED.items()))
def test_moved_modules_keep_their_old_names_with_a_warning(old, new):
    with pytest.warns(DeprecationWarning, match=f"is now emotion_core.{new}; "):
        moved = import_module(f"emotion_core.{old}")
    sys.modules.pop(f"emotion_core.{old}")
    assert moved is import_module(f"emotion_core.{new}")


@pytest.mark.parametrize("room", ["faces", "video", "results", "overlay"])
def test_any_module_may_be_imported_first(room):
    files = sorted((ROOT / "emotion_core" / room).glob("*.py"))
    names = [f"emotion_core.{room}.{file.stem}" for file in files if file.stem != "__init__"]
    code = (
        "import os, sys\n"
        "for name in sys.argv[1:]:\n"
        "    if not os.fork():\n"
        "        __import__(name)\n"
        "        os._exit(0)\n"
        "    if os.wait()[1]:\n"
        "        sys.exit(name)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, *names], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("package, name", [("faces", "FaceFinder"), ("video", "frames")])
def test_a_module_that_became_a_folder_keeps_its_names_with_a_warning(package, name):
    with pytest.warns(DeprecationWarning, match=f"emotion_core.{package}.{name} is now"):
        assert callable(getattr(import_module(f"emotion_core.{package}"), name))


@pytest.mark.parametrize("before", ["", "import emotion_core.draw; ", "from emotion_core import draw; "])
def test_draw_is_the_function_whatever_was_imported_before(before):
    code = "import warnings; warnings.simplefilter('ignore'); "
    assert fresh(code + before + "from emotion_core import draw; print(type(draw).__name__)") == "function"


def modules() -> dict[str, Path]:
    """Give every module of the three packages but scripts, which run when imported."""
    skip = {"webapp.dashboard.app"}
    names = {}
    for package in FORBIDDEN:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            if not name.endswith("__main__") and name not in skip and ".views" not in name:
                names[name] = path
    return names


def test_importing_does_nothing(tmp_path):
    """All modules import without a word, without a file, without a socket and without logging set-up."""
    names = [name for name in modules() if not name.startswith("train.")]
    code = (
        f"import sys, socket, logging, importlib; sys.path.insert(0, {str(ROOT)!r})\n"
        "def refuse(*_): raise OSError('a connection at import')\n"
        "socket.socket.connect = refuse\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        "assert not logging.getLogger().handlers, 'logging set up at import'\n"
    )
    ran = subprocess.run(
        [sys.executable, "-B", "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=240
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == ""
    assert not list(tmp_path.iterdir())


def test_examples_in_docstrings_run():
    import doctest
    from importlib import import_module

    written = [name for name, path in modules().items() if ">>> " in path.read_text("utf-8")]
    failed = [name for name in written if doctest.testmod(import_module(name)).failed]
    assert written and not failed


@pytest.mark.parametrize(
    "name",
    [
        "requirements.txt",
        "requirements-dev.txt",
        "requirements-dashboard.txt",
        "tests/requirements-formats.txt",
    ],
)
def test_requirements_are_pinned(name):
    path = ROOT / name
    if not path.exists():
        pytest.skip(f"no {name}")
    lines = [line.split("#")[0].strip() for line in path.read_text().splitlines()]
    wanted = [line for line in lines if line and not line.startswith("-r ")]
    loose = [line for line in wanted if not re.fullmatch(r"[A-Za-z0-9_.\[\]-]+==[0-9][^;\s]*( ?;.*)?", line)]
    assert wanted and not loose


def test_one_opencv_is_installed():
    """Only the headless build: any other needs a desktop's libraries and shares its folder with it."""
    from importlib.metadata import distributions

    names = {(dist.metadata["Name"] or "").lower() for dist in distributions()}
    assert {name for name in names if name.startswith("opencv")} == {"opencv-python-headless"}


def test_pins_agree_between_files():
    pins: dict[str, str] = {}
    for path in sorted(ROOT.glob("requirements*.txt")):
        for name, version in re.findall(r"^([A-Za-z0-9_.-]+)==(\S+)", path.read_text(), re.M):
            assert pins.setdefault(name.lower(), version) == version, f"{name} in {path.name}"


def links(path: Path) -> list[str]:
    """Give the local targets of links and pictures in a Markdown file."""
    text = re.sub(r"```.*?```", "", path.read_text("utf-8"), flags=re.S)
    found = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r"(?:src|href)=\"([^\"]+)\"", text)
    return [link.split("#")[0] for link in found if not re.match(r"(https?:|mailto:|#)", link)]


def test_links_in_documents_exist():
    documents = tracked("*.md")
    broken = [
        f"{path.relative_to(ROOT)}: {link}"
        for path in documents
        for link in links(path)
        if link and not (path.parent / link).exists()
    ]
    assert documents and not broken


def test_no_file_is_too_long_or_too_large():
    long = [str(path) for path in tracked("*.py") if len(path.read_text("utf-8").splitlines()) > 400]
    large = [str(path) for path in tracked("*") if path.is_file() and path.stat().st_size > 40_000_000]
    assert not long and not large


def test_the_label_order_is_written_once():
    """Another list of the seven names in a row would be a second label order."""
    pattern = re.compile(r"angry\W{1,6}disgust\w*\W{1,6}fear\w*\W{1,6}happ\w+\W{1,6}neutral", re.I)
    copies = [
        str(path.relative_to(ROOT))
        for package in FORBIDDEN
        for path in (ROOT / package).rglob("*.py")
        if pattern.search(path.read_text("utf-8")) and path.name != "labels.py"
    ]
    assert not copies
