"""How a command ends: a code, and one line where something is in its way."""

import contextlib
import errno
import os
import sys
from collections.abc import Callable

from emotion_core.shortage import OUT_OF_MEMORY, is_out_of_memory

_UNHEARD = (errno.EPIPE, errno.ENOSPC, errno.EBADF, errno.EIO)


def run(program: str, work: Callable[[], int]) -> int:
    """Run a command and give its exit code; 1 and one line where a mistake or the machine's limits end it.

    Standard output that is closed, full, or read by nobody any more counts as such, but only at the end: what
    was to be written to files is written then.
    """
    closed = sys.stdout is None
    if closed:
        # Or the next file that is opened becomes standard output, and libraries in C write into it.
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    try:
        try:
            code = work()
        finally:
            sys.stdout.flush()
    except Exception as error:
        line = explained(error)
        if line is None:
            raise
        return fail(program, line)
    if closed:
        return fail(program, f"{_UNSHOWN} (it is closed): {_FILES}") or code
    return code


_UNSHOWN = "standard output takes nothing"
_FILES = "what it would have shown is lost, files were written all the same"


def explained(error: Exception) -> str | None:
    """Give the line for what a user or the machine is the cause of, and None for a fault of this program."""
    from emotion_core.types import EmotionError  # with NumPy, which a command that only helps does not load

    if isinstance(error, EmotionError):
        options = ", ".join(f"--{name.replace('_', '-')}" for name in error.settings)
        return f"{error} ({options})" if options else str(error)
    if is_out_of_memory(error):
        return OUT_OF_MEMORY
    if not isinstance(error, OSError):
        return None
    if error.filename is None and error.errno in _UNHEARD:
        _silence()
        return f"{_UNSHOWN} ({error.strerror}): {_FILES}"
    return f"{error.filename or 'a file'} can't be used ({error.strerror or error})"


def fail(program: str, text: str) -> int:
    """Say in one line on stderr why a command ends, whatever is in the text, and give the code 1."""
    warn(program, text)
    return 1


def warn(program: str, text: str) -> None:
    """Say in one line on stderr what a command leaves out or does in another way."""
    with contextlib.suppress(OSError, ValueError):  # where stderr takes nothing either, the code must do
        print(f"{program}: {' '.join(text.split())}", file=sys.stderr, flush=True)


def tell(text: str) -> bool:
    """Print a line of progress at once; False where nobody can read it, which is no reason to stop."""
    try:
        print(text, flush=True)
    except OSError:
        _silence()
        return False
    return True


def _silence() -> None:
    """Send what is still to come, or still held back, nowhere: Python would complain about it at its end."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
