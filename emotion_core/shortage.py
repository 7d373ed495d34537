"""Memory that runs out, whichever library notices it first, and memory that is given back."""

import ctypes
import os

OUT_OF_MEMORY = "the memory of this machine does not suffice: close other programs, or give smaller pictures"

_OPENCV_NO_MEMORY = -4  # cv::Error::StsNoMem
_WORDS = ("bad_alloc", "bad allocation", "can't start new thread", "cannot allocate memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error means that there is no memory for a picture, a network or a thread.

    NumPy, PyAV and Python raise a MemoryError; OpenCV raises an error of its own, and what is written in C++
    a RuntimeError with the words of its language.
    """
    if isinstance(error, MemoryError):
        return True
    if getattr(error, "code", None) == _OPENCV_NO_MEMORY and type(error).__module__.startswith("cv2"):
        return True
    return isinstance(error, (RuntimeError, OSError)) and any(w in str(error).lower() for w in _WORDS)


def give_back() -> None:
    """Give the system the memory back that this process has freed, where the C library is glibc.

    It keeps what a video's pictures took, spread over the heaps of the threads that read, drew and encoded:
    a server held 160 MB more after a video than it used.
    """
    if os.name == "posix" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        trim(0)
