"""Recording whom a process and its children speak to, native code included, and what they leave behind."""

import ipaddress
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = ("AF_UNIX", "AF_NETLINK", "AF_UNSPEC")
"""Families of sockets that end in this machine."""

_FAMILY = re.compile(r"sa_family=(\w+)([^}]*)")
_ADDRESS = re.compile(r'inet_(?:addr\(|pton\(AF_INET6, )"([^"]+)"')
_FOR_WRITING = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND")
_MAKERS = ("creat", "openat", "mkdir", "mkdirat", "link", "linkat", "rename", "renameat", "renameat2")
_SWITCHES = ("ORT_", "GRADIO_", "HF_", "YOLO_", "STREAMLIT_", "XDG_", "MPLCONFIGDIR", "EMOTION_")


@dataclass
class Recording:
    """A process with a home, a folder for temporary files and a record of its calls, all of its own.

    `command` puts strace behind a command, as its child, so that signals and exit code are the command's own.
    """

    folder: Path

    def __post_init__(self) -> None:
        if shutil.which("strace") is None:
            pytest.skip("no strace: apt-get install strace")
        if subprocess.run(["strace", "-qq", "-o", os.devnull, "true"], capture_output=True).returncode:
            pytest.skip("calls can't be traced here")
        self.home, self.scratch, self.trace = (self.folder / n for n in ("home", "tmp", "trace"))
        self.home.mkdir()
        self.scratch.mkdir()

    def command(self, *words: object) -> list[str]:
        """Give the command that runs `words` and records them."""
        calls = "trace=connect,sendto,sendmsg,sendmmsg,creat,openat,mkdir,mkdirat,?link,linkat,/^rename"
        how = ("-D", "-f", "-q", "-y", "--seccomp-bpf", "-e", calls, "-s", "0", "-o", str(self.trace))
        strace = ["strace", *how]
        return [*strace, *map(str, words)]

    def environment(self, **more: str) -> dict[str, str]:
        """Give an environment as a newcomer's: none of the switches that this is about is set."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(_SWITCHES)}
        return {**kept, "HOME": str(self.home), "TMPDIR": str(self.scratch), **more}

    def run(self, *words: object, cwd: Path) -> None:
        """Run a Python program to its end; raises AssertionError with its words where it fails."""
        done = subprocess.run(
            self.command(sys.executable, *words),
            cwd=cwd,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def spoken_to(self) -> list[str]:
        """Give the calls that name anything but this machine; waits until the last process has ended."""
        until = time.monotonic() + 60
        while not self._complete():
            assert time.monotonic() < until, "the record of calls has no end"
            time.sleep(0.1)
        lines = self.trace.read_text(errors="replace").splitlines()
        return [line for line in lines if any(map(_is_foreign, _FAMILY.findall(line)))]

    def written(self, *named: Path) -> list[str]:
        """Give what was made or opened for writing outside `named`, the home and the temporary folder.

        Devices, and the byte code that Python keeps beside its modules, are left out.
        """
        allowed = (*named, self.home, self.scratch, Path("/dev"), Path("/proc"))
        found = []
        for line in self.trace.read_text(errors="replace").splitlines():
            name, _, rest = line.partition(" ")[2].lstrip().partition("(")
            if name == "openat" and not _FOR_WRITING.search(rest) or " = -1 " in rest:
                continue
            if name in _MAKERS and (given := re.findall(r'(?:<([^>"]*)>, )?"([^"]+)"', rest)):
                folder, path = given[-1]
                whole = Path(os.path.normpath(os.path.join(folder, path)))
                if "__pycache__" not in whole.parts and not any(map(whole.is_relative_to, allowed)):
                    found.append(str(whole))
        return found

    def _complete(self) -> bool:
        lines = self.trace.read_text(errors="replace").splitlines()
        pids = {line.split(maxsplit=1)[0] for line in lines}
        ended = {line.split(maxsplit=1)[0] for line in lines if line.rstrip().endswith("+++")}
        return bool(lines) and pids == ended

    def left(self) -> list[str]:
        """Give what lies in the home folder and in the folder for temporary files."""
        return sorted(
            str(p.relative_to(self.folder)) for f in (self.home, self.scratch) for p in f.rglob("*")
        )


def _is_foreign(found: Sequence[str]) -> bool:
    family, rest = found
    if family in HERE:
        return False
    address = _ADDRESS.search(rest)
    return address is None or not ipaddress.ip_address(address[1]).is_loopback
