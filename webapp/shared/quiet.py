"""What Gradio, Streamlit and the Hub's client would tell or ask others: off before they are loaded."""

import contextlib
import logging
import os
from collections.abc import Iterator

SWITCHES = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    # Gradio keeps who pressed what, and pandas makes a table of it after each event, for a page that is shut.
    "GRADIO_ANALYTICS_MAX_EVENTS": "1",
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": "1000000000",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}
_HERE = "127.0.0.1"
_SERVER = ("uvicorn", "uvicorn.access", "uvicorn.asgi", "uvicorn.error", "websockets")
"""Loggers of the server, which Streamlit takes for its own."""


def before_gradio() -> None:
    """Set what Gradio and the Hub's client read when they are imported; what the user has set stays."""
    for name, value in SWITCHES.items():
        os.environ.setdefault(name, value)


def before_streamlit_answers() -> None:
    """Keep Streamlit from asking outside for this machine's address.

    It would where a page of another site opens its socket, to compare the two; no option turns that off.
    With an answer at hand it does not ask, and refuses such a page as before.
    """
    from streamlit import net_util

    net_util._external_ip = net_util._internal_ip = _HERE


@contextlib.contextmanager
def server_logs_kept() -> Iterator[None]:
    """Let Streamlit be imported while the server runs: what it logs, and where, stays as it was.

    It would write a line with the visitor's address for each request.
    """
    were = [(log := logging.getLogger(name), log.level, log.propagate, log.handlers[:]) for name in _SERVER]
    try:
        yield
    finally:
        from streamlit import logger

        for log, level, propagate, handlers in were:
            logger._loggers.pop(log.name, None)  # or a change of its settings would give them back to it
            log.setLevel(level)
            log.propagate, log.handlers = propagate, handlers
