"""One palette for the overlay, the charts, the app and the dashboard.

The seven follow the Okabe-Ito set (Okabe & Ito 2008, Color Universal Design), which people with the
common forms of colour blindness can tell apart; colour is never the only sign, a name stands beside it.
"""

import zlib

from emotion_core.labels import UNSURE

COLORS: dict[str, str] = {
    "Angry": "#D55E00",
    "Disgust": "#009E73",
    "Fear": "#CC79A7",
    "Happy": "#F0B400",
    "Neutral": "#8A93A3",
    "Sad": "#0072B2",
    "Surprise": "#56B4E9",
}
"""Category -> hex colour."""

OTHER = ("#D55E00", "#009E73", "#CC79A7", "#F0B400", "#0072B2", "#56B4E9", "#8A93A3", "#7B61C4")

ACCENT = "#7B61C4"
SURFACE = {"light": "#FFFFFF", "dark": "#12151C"}
INK = {"light": "#1B1F2A", "dark": "#EDEFF5"}
MUTED = "#8A93A3"
"""The grey of what is beside the matter, and of nobody."""
UNCERTAIN = "#BCA98C"
"""The colour of an answer that is less sure than was asked for; Neutral is grey already."""


def color_of(label: str | None) -> str:
    """Return the hex colour of a category; a custom category gets one that stays the same between runs."""
    if label is None:
        return MUTED
    if label == UNSURE:
        return UNCERTAIN
    return COLORS.get(label) or OTHER[zlib.crc32(label.encode()) % len(OTHER)]


def rgb(color: str) -> tuple[int, int, int]:
    """Turn "#RRGGBB" into three integers in 0..255."""
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)
