"""How the programs of this project take memory; the library leaves that to whoever uses it."""

import ctypes
import platform

# M_TRIM_THRESHOLD, M_MMAP_THRESHOLD and M_ARENA_MAX of glibc's malloc.h.
_TRIM_THRESHOLD = -1
_MMAP_THRESHOLD = -3
_ARENA_MAX = -8
_LARGE = 4 << 20  # above a picture of 1280x720: to hand the pages of each out anew takes a millisecond
_LARGEST = 32 << 20  # glibc takes no higher one


def give_back_large_blocks() -> bool:
    """Have blocks of four megabytes and more, such as large pictures, go back to the system when freed.

    glibc keeps them after the first few, and apart for each thread: a fifth of the peak of a video. Says
    whether it was done; other C libraries than glibc are left as they are.
    """
    return _set({_MMAP_THRESHOLD: _LARGE})


def keep_large_blocks() -> bool:
    """Have freed blocks kept for the next picture, one heap for all threads: the time of a file, at its cost.

    What comes from the system is cleared page by page. A Dask worker is started so that it gives each block
    back at once, which made reading a file 15 % slower. Says whether it was done, as the above.
    """
    return _set({_MMAP_THRESHOLD: _LARGEST, _TRIM_THRESHOLD: 2 * _LARGEST, _ARENA_MAX: 1})


def _set(options: dict[int, int]) -> bool:
    if platform.libc_ver()[0] != "glibc":
        return False
    library = ctypes.CDLL(None)
    return all([library.mallopt(option, value) for option, value in options.items()])
