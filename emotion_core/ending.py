"""How a command ends: a code, and one line where something is in its way."""

import contextlib
import errno
import os
import sys
from collections.abc import Callable

from emotion_core.shortage import OUT_OF_MEMORY, is_out_of_memory
from emotion_core.types import EmotionError

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
    except EmotionError as error:
        return fail(program, str(error))
    except OSError as error:
        if error.filename is None and error.errno in _UNHEARD:
            _silence()
            return fail(program, f"{_UNSHOWN} ({error.strerror}): {_FILES}")
        return fail(program, f"{error.filename or 'a file'} can't be used ({error.strerror or error})")
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        return fail(program, OUT_OF_MEMORY)
    if closed:
        return fail(program, f"{_UNSHOWN} (it is closed): {_FILES}") or code
    return code


_UNSHOWN = "standard output takes nothing"
_FILES = "what it would have shown is lost, files were written all the same"


def fail(program: str, text: str) -> int:
    """Say in one line on stderr why a command ends, whatever is in the text, and give the code 1."""
    with contextlib.suppress(OSError, ValueError):  # where stderr takes nothing either, the code must do
        print(f"{program}: {' '.join(text.split())}", file=sys.stderr, flush=True)
    return 1


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
