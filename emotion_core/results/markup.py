"""Text inside XML: escaped, and without the characters that no XML file may hold."""

import re

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NO_TOKEN = re.compile(r"[^A-Za-z0-9._-]+")


def text(value: object) -> str:
    """Return `value` as it stands between two tags or in an attribute of double quotes."""
    plain = _FORBIDDEN.sub("", str(value))
    for sign, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        plain = plain.replace(sign, name)
    return re.sub(r"[\t\n\r]+", " ", plain)


def tokens(names: list[str] | tuple[str, ...]) -> list[str]:
    """Return names of plain letters without spaces for some words, each another one."""
    found: list[str] = []
    for at, name in enumerate(names, 1):
        token = _NO_TOKEN.sub("-", name).strip("-") or f"category-{at}"
        found.append(token if token not in found else f"{token}-{at}")
    return found
