"""What Gradio, Streamlit and the Hub's client would tell or ask others: off before they are loaded."""

import os

SWITCHES = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1"}
_HERE = "127.0.0.1"


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
