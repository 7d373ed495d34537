"""The annotated video beside a chart, and a jump to a time in it."""

import json
from pathlib import Path

import streamlit as st

from emotion_core.analytics.loading import Results
from emotion_core.results.names import OVERLAY, summary_path
from webapp.dashboard import state
from webapp.shared.speech import say

# st.video knows whole seconds only; short clips need the exact time.
_SEEK = """
export default function ({ data }) {
  if (!data || window.emotionSeek === data.turn) return;
  const go = () => {
    const video = document.querySelector('[data-testid="stVideo"]');
    if (!video) return false;
    window.emotionSeek = data.turn;
    const jump = () => { video.currentTime = data.time; };
    if (video.readyState > 0) jump(); else video.addEventListener('loadedmetadata', jump, { once: true });
    return true;
  };
  if (!go()) setTimeout(go, 400);
}
"""


def player(view: state.View, time: float | None, turn: str) -> None:
    """Show the video of the view's file at `time` seconds; `turn` tells one jump from the next."""
    path = state.video_of(view.results)
    if path is None:
        return
    if path.stat().st_size > state.MAX_VIDEO:
        st.caption(say("dash.video.large", n=state.MAX_VIDEO // 1_000_000))
        return
    st.video(str(path), alt=say("dash.video.alt"))
    # Drawn before the first click too, so that its script is there by then.
    seek = st.components.v2.component("emotion_seek", js=_SEEK)
    data = None
    if time is not None:
        data = {"time": max(0.0, float(time) - _begin(view.results, path)), "turn": f"{turn}:{time}"}
    seek(data=data, key="seek")


def _begin(results: Results, video: Path) -> float:
    """Give the time in the source, in seconds, at which the video begins: an annotated one may be a part."""
    if results.path is None or not video.stem.endswith(OVERLAY):
        return 0.0
    try:
        about = json.loads(summary_path(results.path).read_text("utf-8"))
        return float(about["source"]["part"]["start"])
    except (OSError, ValueError, LookupError, TypeError):
        return 0.0


def has_video(view: state.View) -> bool:
    """Return whether there is a video to show."""
    path: Path | None = state.video_of(view.results)
    return path is not None
