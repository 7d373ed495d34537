"""Run a program as a user would, and see how long it took and how much memory it needed."""

import os
import resource
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.conditions import ROOT


@dataclass(frozen=True, slots=True)
class Run:
    """A finished program: wall-clock seconds, peak resident memory in MB (10^6 bytes), standard output.

    `processor` are the seconds that all its threads worked.
    """

    seconds: float
    peak_mb: float
    output: str
    processor: float


def run(words: Sequence[str], python: str = sys.executable, folder: Path = ROOT) -> Run:
    """Run `python WORDS` from the repository's root, or another folder, to its end; one at a time.

    Peak memory is the kernel's own high-water mark (VmHWM), read until the program ends; the usual
    ru_maxrss would count the memory of the parent at the time of the fork.

    Raises:
        RuntimeError: where the program fails; the text is the end of its error output.
    """
    before, start = _of_children(), time.perf_counter()
    child = subprocess.Popen(
        [python, *words], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    peak = 0.0
    while True:
        peak = max(peak, high_water(child.pid))
        try:
            output, errors = child.communicate(timeout=0.05)
        except subprocess.TimeoutExpired:
            continue
        break
    seconds = time.perf_counter() - start
    if child.returncode != 0:
        raise RuntimeError(f"{' '.join(words[:2])} failed: {errors.strip()[-500:]}")
    return Run(seconds, peak, output, _of_children() - before)


def _of_children() -> float:
    """Return the processor time of all programs that this one has started and that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def serve_once(patience: float = 120.0) -> tuple[float, float]:
    """Start `app.py`, wait until `/healthz` answers, end it: seconds to ready and seconds to its end.

    Raises:
        RuntimeError: where it does not answer within `patience` seconds, or does not end with exit code 0.
    """
    port = free_port()
    start = time.perf_counter()
    words = [sys.executable, "app.py", "--host", "127.0.0.1", "--port", str(port)]
    child = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not _answers(f"http://127.0.0.1:{port}/healthz"):
            if child.poll() is not None or time.perf_counter() - start > patience:
                raise RuntimeError(f"app.py did not answer within {patience:g} s (exit code {child.poll()})")
            time.sleep(0.05)
        ready = time.perf_counter() - start
        child.terminate()
        stopped = time.perf_counter()
        code = child.wait(patience)
    finally:
        child.kill()
        child.wait()
    if code != 0:
        raise RuntimeError(f"app.py ended with exit code {code} after SIGTERM")
    return ready, time.perf_counter() - stopped


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def high_water(pid: int) -> float:
    """Return the peak resident memory of a process in MB (10^6 bytes); 0 where it has ended."""
    return status_mb(pid, "VmHWM")


def status_mb(pid: int, what: str = "VmRSS") -> float:
    """Return a line of a process's status in MB (10^6 bytes): VmRSS is its memory, VmHWM the peak of it.

    0 where it has ended.
    """
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    # A process that has just ended has no such line any more.
    return next((float(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith(f"{what}:")), 0.0)


def spent_seconds(pid: int) -> float:
    """Return the processor time that a process has used, all its threads together; 0 where it is gone."""
    try:
        after = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return (int(after[11]) + int(after[12])) / os.sysconf("SC_CLK_TCK")


def family_seconds(pid: int) -> float:
    """Return the processor time of a process and of all below it that have not ended."""
    spent, turn = 0.0, [pid]
    while turn:
        one = turn.pop()
        spent += spent_seconds(one)
        for thread in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                turn += map(int, thread.read_text().split())
            except (FileNotFoundError, ProcessLookupError):
                continue
    return spent
