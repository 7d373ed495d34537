"""The analytics dashboard: `streamlit run webapp/dashboard.py [-- --results DIR]`, or /dashboard of the web app.

Reads results files and draws them; no network, camera or model is loaded here.
"""

import sys
from pathlib import Path

ROOT = str(Path(__file__).resolve().parent.parent)
if ROOT not in sys.path:  # Streamlit puts only the script's own folder there.
    sys.path.insert(0, ROOT)

import streamlit as st  # noqa: E402

from emotion_core.labels import DISCLAIMER, VALENCE_AROUSAL_SOURCE  # noqa: E402
from webapp.views import state  # noqa: E402

PAGES = {
    "files": ("Files", ":material/folder_open:"),
    "overview": ("Overview", ":material/dashboard:"),
    "timeline": ("Timeline", ":material/timeline:"),
    "plane": ("Valence and arousal", ":material/explore:"),
    "people": ("People", ":material/group:"),
    "compare": ("Compare", ":material/compare_arrows:"),
    "moments": ("Moments", ":material/bolt:"),
    "export": ("Report and export", ":material/ios_share:"),
}
STYLE = """<style>
.block-container { padding-top: 3.2rem; max-width: 1320px; }
h1 { font-size: 1.85rem !important; letter-spacing: -.01em; padding-bottom: .2rem !important; }
h3 { font-size: 1.1rem !important; padding: .9rem 0 0 !important; }
[data-testid="stMetricValue"] { font-size: 1.45rem; font-variant-numeric: tabular-nums; }
[data-testid="stSidebarNav"] { padding-top: .25rem; }
@media (max-width: 640px) { .block-container { padding-left: 1rem; padding-right: 1rem; } }
</style>"""


def _page(name: str) -> None:
    # Each page is imported when it is first opened, which keeps the start short.
    if name == "files":
        from webapp.views import files as module
    elif name == "overview":
        from webapp.views import overview as module
    elif name == "timeline":
        from webapp.views import timeline as module
    elif name == "plane":
        from webapp.views import plane as module
    elif name == "people":
        from webapp.views import people as module
    elif name == "compare":
        from webapp.views import compare as module
    elif name == "moments":
        from webapp.views import moments as module
    else:
        from webapp.views import export as module
    module.page()


def main() -> None:
    """Draw the frame around every page and the page itself."""
    st.set_page_config(page_title="Expression dashboard", page_icon=":material/mood:", layout="wide")
    st.html(STYLE)
    state.restore()
    pages = []
    for name, (title, icon) in PAGES.items():

        def run(name: str = name) -> None:
            _page(name)

        pages.append(st.Page(run, title=title, icon=icon, url_path=name, default=name == "files"))
    st.session_state["pages"] = dict(zip(PAGES, pages, strict=True))
    chosen = st.navigation(pages)
    st.session_state["view"] = state.sidebar()
    chosen.run()
    with st.sidebar:
        st.caption(f"**{DISCLAIMER}**")
        st.caption(VALENCE_AROUSAL_SOURCE)


main()
