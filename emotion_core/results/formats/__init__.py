"""The formats of results: a file in this folder for each, and its name in `_FILES`.

Whatever offers a choice of formats (the command line, downloads, the dashboard, the README) reads `FORMATS`.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from emotion_core.registry import Registry

if TYPE_CHECKING:
    from emotion_core.results.formats.base import Format

_FILES = (
    *("json", "csv", "parquet", "ndjson", "sav"),
    *("eaf", "textgrid", "boris", "emotionml", "bids", "xdf", "mne", "nwb", "tidy"),
)

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


def usual() -> list[str]:
    """Return the names of the formats that are written of every result without anybody asking for one."""
    return [name for name in available() if FORMATS[name].usual]


def readable() -> list[str]:
    """Return the names of the formats whose files can be read here, record by record."""
    return [name for name in available() if FORMATS[name].reader is not None]


def endings() -> tuple[str, ...]:
    """Return the endings of all files that can be read here, as (".json", ".csv", ...)."""
    return tuple(ending for name in readable() for ending in FORMATS[name].endings)


def spoken() -> str:
    """Return what can be read here in words: "JSON, CSV or Parquet"."""
    *labels, last = [FORMATS[name].label for name in readable()]
    return f"{', '.join(labels)} or {last}" if labels else last


def of(path: Path) -> "Format":
    """Return the format of a file by its ending, the longest that fits; JSON where it has another."""
    name = path.name.lower()
    fitting = [(len(e), fmt) for fmt in FORMATS.values() for e in fmt.endings if name.endswith(e)]
    return max(fitting, key=lambda pair: pair[0])[1] if fitting else FORMATS["json"]


def table() -> str:
    """Return the formats as the Markdown table of the README."""
    rows = [
        f"| `{fmt.name}` | {fmt.about} | {'yes' if fmt.readable_while_written else 'no'} "
        f"| {'yes' if fmt.reader else 'no'} | {', '.join(fmt.needs) or 'nothing'} |"
        for fmt in FORMATS.values()
    ]
    head = [
        "| format | what it is | readable after a kill | read back | needs besides the base |",
        "|---|---|---|---|---|",
    ]
    return "\n".join([*head, *rows])
