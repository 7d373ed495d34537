"""Files of figures, and where a figure comes from: commit, hardware, versions, weights."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from emotion_core.files import written_beside


def provenance(metadata: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return commit, time, command, hardware, package versions and what `metadata` says of the weights."""
    keep = ("name", "sha256", "trained", "temperature", "backend", "variant", "data_hash", "epoch", "step")
    return {
        "commit": commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": "python -m train " + " ".join(sys.argv[1:]),
        "hardware": hardware(),
        "python": platform.python_version(),
        "packages": {p: _version(p) for p in ("onnxruntime", "torch", "ai-edge-litert", "numpy")},
        "weights": {k: metadata[k] for k in keep if metadata and k in metadata},
    }


def write_json(outcome: dict, path: Path) -> None:
    """Write the figures; NaN becomes null, so that any JSON reader takes the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_beside(path) as part:
        part.write_text(json.dumps(_finite(outcome), indent=1) + "\n")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def commit() -> str:
    """Return the commit of the source, with `+` behind it where tracked files were changed, or 'unknown'."""
    root = Path(__file__).parent

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        return git("rev-parse", "--short=12", "HEAD") + "+" * bool(git("status", "--porcelain", "-uno"))
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def hardware() -> str:
    """Return the processor's name, its cores and the memory in GiB."""
    name = platform.processor() or platform.machine()
    memory = ""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), name)
        memory = f", {os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"
    except (OSError, ValueError):
        memory = ""
    return f"{name}, {os.cpu_count()} cores{memory}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
