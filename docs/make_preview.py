"""Draw the picture that other programs show beside a link to the app: `python docs/make_preview.py`."""

import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from emotion_core.labels import DISCLAIMER, EMOTIONS  # noqa: E402
from emotion_core.palette import COLORS, INK, SURFACE  # noqa: E402
from webapp.shared.i18n import Text  # noqa: E402

SIZE = (1200, 630)
SHARES = (0.08, 0.05, 0.11, 0.92, 0.24, 0.07, 0.42)  # of the drawing's bars; they mean nothing


def main() -> None:
    """Draw it into webapp/assets."""
    picture = Image.new("RGB", SIZE, SURFACE["dark"])
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle((70, 70, 190, 190), 33, fill="#6A50B3")
    for x in (112, 148):
        draw.ellipse((x - 8, 110, x + 8, 126), fill="white")
    draw.arc((98, 104, 162, 168), 20, 160, fill="#F0B400", width=10)
    title = Text("en")("app.title")
    half = title.rfind(" ", 0, len(title) // 2 + 8)
    for line, text in enumerate((title[:half], title[half + 1 :])):
        draw.text((225, 62 + 68 * line), text, INK["dark"], ImageFont.load_default(58))
    for place, (label, share) in enumerate(zip(EMOTIONS, SHARES, strict=True)):
        top = 252 + 42 * place
        draw.text((70, top - 2), label, "#AEB5C2", ImageFont.load_default(28))
        draw.rounded_rectangle((225, top + 4, 1130, top + 26), 11, fill="#222834")
        draw.rounded_rectangle((225, top + 4, 225 + round(905 * share), top + 26), 11, fill=COLORS[label])
    draw.text((70, 568), DISCLAIMER, "#AEB5C2", ImageFont.load_default(28))
    picture.quantize(128).save(ROOT / "webapp" / "assets" / "preview.png", optimize=True)


if __name__ == "__main__":
    main()
