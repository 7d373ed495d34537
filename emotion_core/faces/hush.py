"""Libraries in C++ write lines to stderr when they start; what tells a user nothing is held back."""

import contextlib
import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator

_NOISE = re.compile(
    rb"^([WI]\d{4} |INFO: Created TensorFlow Lite|WARNING: (Logging|All log messages) before )"
)
_lock = threading.Lock()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Hold back what C++ writes to stderr, and then pass on all but the known noise."""
    with _lock, tempfile.TemporaryFile() as held:
        try:
            saved = os.dup(2)
        except OSError:  # there is no stderr to keep clean
            yield
            return
        if sys.stderr is not None:
            sys.stderr.flush()
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            held.seek(0)
            rest = b"".join(line for line in held if not _NOISE.match(line))
            if rest:
                os.write(2, rest)
