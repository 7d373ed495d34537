"""The analytics dashboard.

`streamlit run webapp/dashboard/app.py [-- --results DIR]`, or /dashboard of the web app. Reads results files
and draws them; no network, camera or model is loaded here.
"""

import sys
from pathlib import Path

ROOT = str(Path(__file__).resolve().parents[2])
if ROOT not in sys.path:  # Streamlit puts only the script's own folder there.
    sys.path.insert(0, ROOT)

import streamlit as st  # noqa: E402

from webapp.dashboard import choices, opening, shown, spoken, state  # noqa: E402
from webapp.dashboard.pages import PAGES  # noqa: E402
from webapp.shared import quiet  # noqa: E402
from webapp.shared.speech import say  # noqa: E402

ICON = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
<circle cx="16" cy="16" r="15" fill="#7B61C4"/><circle cx="11" cy="13" r="2.2" fill="#fff"/>
<circle cx="21" cy="13" r="2.2" fill="#fff"/>
<path d="M9.5 19.5q6.5 6 13 0" fill="none" stroke="#fff" stroke-width="2.4" stroke-linecap="round"/></svg>"""
STYLE = """<style>
.block-container { padding: 3.2rem 2.6rem 4rem; max-width: 1360px; }
.stPlotlyChart { margin-bottom: -.9rem; }
.stMarkdownBadge { white-space: normal !important; }
h1 { font-size: 1.85rem !important; letter-spacing: -.01em; padding-bottom: .8rem !important; }
h3 { font-size: 1.1rem !important; padding: 1.6rem 0 .35rem !important; }
[data-testid="stCaptionContainer"] { color: inherit; opacity: .78; }
[data-testid="stButtonGroup"] button { min-height: 2.5rem; }
[class*="st-key-chart_timeline"] .main-svg text { fill: light-dark(#1b1f2a, #edeff5) !important; }
[data-tag], button[data-testid="stBaseButton-primary"] { background: #6a50b3 !important; }
[data-testid="stMetricValue"] { font-size: 1.45rem; font-variant-numeric: tabular-nums; }
[data-testid="stSidebarNav"] { padding-top: .25rem; }
@media (max-width: 640px) { .block-container { padding-left: 1rem; padding-right: 1rem; } }
</style>"""


def main() -> None:
    """Draw the frame around every page and the page itself."""
    choices.arrive(opening.LOADING)
    spoken.begin()
    st.set_page_config(page_title=say("dash.title"), page_icon=ICON, layout="wide")
    st.html(STYLE + spoken.style())
    quiet.before_streamlit_answers()
    opening.restore()
    first = next(iter(PAGES))
    menu = {
        name: st.Page(page.draw, title=page.shown, icon=page.icon, url_path=name, default=name == first)
        for name, page in PAGES.items()
    }
    st.session_state["pages"] = menu
    chosen = st.navigation(list(menu.values()), expanded=True)  # else only ten of more than twelve are shown
    st.session_state["here"] = chosen.url_path or first
    if (wanted := state.wanted_page()) in PAGES and wanted != first and chosen.url_path == "":
        # A link of the form ?page=timeline: the address of a page itself works too, but the browser then
        # asks for files below it that are not there before it finds the application.
        st.switch_page(menu[wanted], query_params=choices.address(**state.loaded()))
    st.session_state["view"] = state.sidebar()
    if state.files():
        with st.sidebar:
            shown.choose_pictures()
    try:
        chosen.run()
    finally:
        # Also where a page ends early by st.stop().
        choices.write(**state.loaded())
    with st.sidebar:
        st.caption(f"**{say('app.disclaimer')}**")
        st.caption(say("app.source"))
    state.warm_up()


main()
