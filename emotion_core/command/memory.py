"""How the programs of this project take memory; the library leaves that to whoever uses it."""

import ctypes
import platform

_MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD of glibc's malloc.h
_LARGE = 4 << 20  # above a picture of 1280x720: to hand the pages of each out anew takes a millisecond


def give_back_large_blocks() -> bool:
    """Have blocks of four megabytes and more, such as large pictures, go back to the system when freed.

    glibc keeps them after the first few, and apart for each thread: a fifth of the peak of a video. Says
    whether it was done; other C libraries than glibc are left as they are.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    return bool(ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _LARGE))
