"""The dashboard, a Streamlit application; `SCRIPT` is the file that Streamlit runs."""

from pathlib import Path

SCRIPT = Path(__file__).with_name("app.py")
