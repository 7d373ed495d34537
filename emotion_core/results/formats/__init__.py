"""The formats of results: a file in this folder for each, and its name in `_FILES`.

Whatever offers a choice of formats (the command line, downloads, the dashboard, the README) reads `FORMATS`.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from emotion_core.registry import Registry

if TYPE_CHECKING:
    from emotion_core.results.formats.base import Format

_FILES = ("json", "csv", "parquet", "ndjson", "sav")

FORMATS: "Registry[Format]" = Registry(__name__, "FORMAT", *_FILES)
"""Every format by its name, in the order in which they are offered; JSON is always written."""


def check(names: Iterable[str]) -> None:
    """Raise EmotionError for a name that is no format, and for a format whose packages are not installed."""
    from emotion_core.types import EmotionError

    for name in names:
        if name not in FORMATS:
            raise EmotionError(f"{name!r} is no format of results: choose from {', '.join(FORMATS)}")
        FORMATS[name].require()


def available() -> list[str]:
    """Return the names of the formats whose packages are installed."""
    return [name for name, fmt in FORMATS.items() if not fmt.missing]


def endings() -> tuple[str, ...]:
    """Return the endings of all files that can be read here, as (".json", ".csv", ...)."""
    return tuple(ending for name in available() for ending in FORMATS[name].endings)


def spoken() -> str:
    """Return what can be read here in words: "JSON, CSV or Parquet"."""
    *labels, last = [FORMATS[name].label for name in available()]
    return f"{', '.join(labels)} or {last}" if labels else last


def of(path: Path) -> "Format":
    """Return the format of a file by its ending; JSON where it has another."""
    ending = path.suffix.lower()
    return next((fmt for fmt in FORMATS.values() if ending in fmt.endings), FORMATS["json"])


def table() -> str:
    """Return the formats as the Markdown table of the README."""
    rows = [
        f"| `{fmt.name}` | {fmt.about} | {'yes' if fmt.readable_while_written else 'no'} "
        f"| {', '.join(fmt.needs) or 'nothing'} |"
        for fmt in FORMATS.values()
    ]
    head = ["| format | what it is | readable after a kill | needs besides the base |", "|---|---|---|---|"]
    return "\n".join([*head, *rows])
