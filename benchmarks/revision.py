"""Another revision of this project, laid out beside the working tree and run with its own requirements."""

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.conditions import ROOT

_WORKER = Path(__file__).with_name("worker.py")
_PIN = re.compile(r"^([A-Za-z0-9_.-]+)==(\S+)")


@contextlib.contextmanager
def checked_out(revision: str) -> Iterator[Path]:
    """Lay out a revision in a git worktree of its own, which is removed again.

    Raises:
        RuntimeError: where git knows no such revision.
    """
    with tempfile.TemporaryDirectory() as scratch:
        tree = Path(scratch) / "tree"
        _git("worktree", "add", "--detach", str(tree), revision)
        try:
            yield tree
        finally:
            _git("worktree", "remove", "--force", str(tree))


def python_of(tree: Path) -> str:
    """Return a Python with the tree's pinned requirements: this one where it has them all.

    Else an environment is made in the tree that takes from this one what is pinned alike.

    Raises:
        RuntimeError: where pip can't install what is missing.
    """
    other = [line for line in _pins(tree / "requirements.txt") if not _installed(*line)]
    if not other:
        return sys.executable
    python = tree / ".venv" / "bin" / "python"
    _run([sys.executable, "-m", "venv", "--system-site-packages", str(python.parents[1])])
    _run([str(python), "-m", "pip", "install", "-q", *(f"{name}=={pinned}" for name, pinned in other)])
    return str(python)


class Runner:
    """A `worker` process in a tree; ends with the context."""

    def __init__(self, tree: Path, python: str) -> None:
        environment = os.environ | {"PYTHONPATH": str(tree)}
        self._process = subprocess.Popen(
            [python, "-P", str(_WORKER)],
            cwd=tree, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.ready = float(self._answer()["ready"])

    def __enter__(self) -> "Runner":
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)

    def ask(self, do: str, **request: Any) -> dict[str, Any]:
        """Have the worker do one thing and give its answer.

        Raises:
            RuntimeError: where it ended instead.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **request}) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the measured revision ended early; its message stands above")
        answer: dict[str, Any] = json.loads(line)
        return answer


def _pins(path: Path) -> list[tuple[str, str]]:
    lines = path.read_text().splitlines()
    return [(found[1], found[2]) for line in lines if (found := _PIN.match(line)) is not None]


def _installed(name: str, pinned: str) -> bool:
    if name.startswith("opencv-"):  # several names for one package, of which one is left
        name = "opencv-python-headless"
    try:
        return version(name).split("+")[0] == pinned
    except PackageNotFoundError:
        return False


def _git(*words: str) -> None:
    _run(["git", "-C", str(ROOT), *words])


def _run(words: list[str]) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words[:4])} failed: {done.stderr.strip()[-300:]}")
