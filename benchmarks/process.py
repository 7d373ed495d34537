"""Run a program as a user would, and see how long it took and how much memory it needed."""

import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.conditions import ROOT


@dataclass(frozen=True, slots=True)
class Run:
    """A finished program: wall-clock seconds, peak resident memory in MB (10^6 bytes), standard output."""

    seconds: float
    peak_mb: float
    output: str


def run(words: Sequence[str]) -> Run:
    """Run `python WORDS` from the repository's root to its end.

    Peak memory is the kernel's own high-water mark (VmHWM), read until the program ends; the usual
    ru_maxrss would count the memory of the parent at the time of the fork.

    Raises:
        RuntimeError: where the program fails; the text is the end of its error output.
    """
    start = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, *words], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    peak = 0.0
    while True:
        peak = max(peak, _high_water(child.pid))
        try:
            output, errors = child.communicate(timeout=0.05)
        except subprocess.TimeoutExpired:
            continue
        break
    seconds = time.perf_counter() - start
    if child.returncode != 0:
        raise RuntimeError(f"{' '.join(words[:2])} failed: {errors.strip()[-500:]}")
    return Run(seconds, peak, output)


def _high_water(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    # A process that has just ended has no such line any more.
    return next((float(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM")), 0.0)
