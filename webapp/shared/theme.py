"""The look of the app: a Gradio theme on system fonts, our style sheet and our scripts.

Nothing is fetched from another site: fonts are the system's, scripts and styles are written into the page.
"""

import json
from functools import cache
from pathlib import Path

from gradio.themes import Base
from gradio.themes.utils import colors, sizes

from emotion_core.labels import EMOTIONS, coordinates
from emotion_core.palette import ACCENT, COLORS, INK, OTHER, SURFACE, UNCERTAIN
from webapp.settings import Settings
from webapp.shared import i18n
from webapp.shared.headers import hash_of
from webapp.shared.upload_box import KINDS

ASSETS = Path(__file__).parent.parent / "assets"
SCRIPTS = (
    *("app", "places", "help", "labels", "overlay", "panels", "own", "camera", "stage", "live", "keys"),
    *("timeline", "player", "people", "film", "uploads", "examples", "guide"),
)

_VIOLET = colors.Color(
    c50="#f5f2fc",
    c100="#eae4f8",
    c200="#d6caf1",
    c300="#b9a6e5",
    c400="#9a80d6",
    c500=ACCENT,
    c600="#6a50b3",
    c700="#574194",
    c800="#45346f",
    c900="#332852",
    c950="#1d1730",
    name="violet",
)
_SLATE = colors.Color(
    c50="#f6f7fa",
    c100="#eef0f5",
    c200="#e0e4ec",
    c300="#c9cfdb",
    c400="#98a1b3",
    c500="#646d80",
    c600="#4f5768",
    c700="#363d4b",
    c800="#222834",
    c900=SURFACE["dark"],
    c950="#0b0d12",
    name="slate",
)
_FONT = ("Inter", "Segoe UI", "system-ui", "-apple-system", "Noto Sans", "sans-serif")
_MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")


def theme() -> Base:
    """Return the theme, light and dark."""
    return Base(
        primary_hue=_VIOLET,
        secondary_hue=_VIOLET,
        neutral_hue=_SLATE,
        radius_size=sizes.radius_lg,
        font=_FONT,
        font_mono=_MONO,
    ).set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        body_text_color=INK["light"],
        body_text_color_dark=INK["dark"],
        body_text_color_subdued="*neutral_500",
        body_text_color_subdued_dark="*neutral_400",
        background_fill_primary=SURFACE["light"],
        background_fill_primary_dark=SURFACE["dark"],
        block_background_fill=SURFACE["light"],
        block_background_fill_dark="*neutral_900",
        block_radius="16px",
        block_border_width="1px",
        block_border_color="*neutral_200",
        block_border_color_dark="*neutral_800",
        block_shadow="none",
        block_shadow_dark="none",
        border_color_primary="*neutral_200",
        border_color_primary_dark="*neutral_800",
        block_label_background_fill="transparent",
        block_label_background_fill_dark="transparent",
        block_label_border_width="0px",
        block_label_text_color="*neutral_500",
        block_label_text_color_dark="*neutral_400",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_dark="*primary_500",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_hover_dark="*primary_400",
        button_primary_text_color="white",
        button_secondary_background_fill="*neutral_100",
        button_secondary_background_fill_dark="*neutral_800",
        button_secondary_background_fill_hover="*neutral_200",
        button_secondary_background_fill_hover_dark="*neutral_700",
        input_background_fill="*neutral_50",
        input_background_fill_dark="*neutral_950",
        slider_color="*primary_500",
        checkbox_border_color="*neutral_400",
        checkbox_border_color_dark="*neutral_500",
        checkbox_background_color_selected="*primary_600",
        checkbox_background_color_selected_dark="*primary_500",
    )


@cache
def css() -> str:
    """Return our style sheet."""
    return (ASSETS / "app.css").read_text(encoding="utf-8")


def _scripts(settings: Settings) -> list[str]:
    data = {
        "translations": {lang: i18n.page_words(lang) for lang in i18n.LANGUAGES},
        "labels": EMOTIONS,  # until the server says what its weights know
        "megabytes": settings.max_megabytes,
        "minutes": settings.max_minutes,
        "kinds": KINDS,
        "colors": COLORS,
        "other": OTHER,
        "accent": ACCENT,
        "uncertain": UNCERTAIN,
        "coordinates": {
            label: [round(float(v), 3) for v in row]
            for label, row in zip(EMOTIONS, coordinates(), strict=True)
        },
    }
    # "</" would end the script element inside a string.
    written = json.dumps(data, ensure_ascii=False).replace("</", "<\\/")
    parts = [f"Object.assign((window.EMOTION ??= {{}}), {written});"]  # `header` has put choices there
    parts += [(ASSETS / "js" / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS]
    return parts


def head(settings: Settings) -> str:
    """Return what is written into the page's head: data for our scripts, then the scripts."""
    icon = "<link rel='icon' href='data:,'>"
    return icon + "".join(f"<script>{part}</script>" for part in _scripts(settings))


def script_hashes(settings: Settings) -> list[str]:
    """Return the hashes of the scripts in the head, which the page adds to itself."""
    return [hash_of(part) for part in _scripts(settings)]
