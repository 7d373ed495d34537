"""What other programs show of a link to the app: our title, text and picture in place of Gradio's."""

from __future__ import annotations

import re
from html import escape

from webapp.shared.i18n import Text

PICTURE = "preview.png"
"""The picture's address below the app's own, and its name in `webapp/assets`; 1200 x 630 pixels."""
_TAGS = re.compile(
    rb"<meta\s[^>]*\b(?:property=\"og:|name=\"twitter:)[^>]*>\s*|<link\s[^>]*\brel=\"manifest\"[^>]*>\s*",
    re.S,
)
"""Gradio's own; its manifest, at an address of its own choice, is one that nobody gets."""


def tags(base: str) -> str:
    """Return the tags for the app at the address `base`, which ends with a slash."""
    text = Text("en")
    title, about = text("app.title"), f"{text('app.tagline')} {text('app.disclaimer')}"
    named = {
        "og:type": "website",
        "og:title": title,
        "og:description": about,
        "og:url": base,
        "og:image": f"{base}{PICTURE}",
        "og:image:width": "1200",
        "og:image:height": "630",
        "og:image:alt": title,
    }
    said = "".join(f'<meta property="{name}" content="{escape(value)}">' for name, value in named.items())
    card = '<meta name="twitter:card" content="summary_large_image">'
    return f'<meta name="description" content="{escape(about)}">{card}{said}'


def put_in(page: bytes, base: str) -> bytes:
    """Return a page with our tags in place of all others of their kind; a page without a head as it is."""
    head, found, rest = page.partition(b"</head>")
    return _TAGS.sub(b"", head) + tags(base).encode() + found + rest if found else page
