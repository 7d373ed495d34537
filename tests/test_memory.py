"""Large blocks go back to the system at once where the C library can do that."""

import platform
import subprocess
import sys

import pytest

LEFT = """
import sys
import numpy as np
from emotion_core.command.memory import give_back_large_blocks
if sys.argv[1] == "yes":
    assert give_back_large_blocks()
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
pins = []
def work():
    for _ in range(4):
        blocks = []
        for _ in range(10):
            blocks.append(np.ones(6_000_000, np.uint8))
            pins.append(bytes(5000))  # what lives on above a block keeps it from going back
        del blocks
before = resident()
work()
print(resident() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries are left as they are")
def test_large_blocks_are_given_back():
    words = [sys.executable, "-c", LEFT, "yes"]
    assert int(subprocess.run(words, capture_output=True, text=True, check=True).stdout) < 5_000_000
