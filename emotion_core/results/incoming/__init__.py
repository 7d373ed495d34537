"""Results of other tools and codings by people, read into our table: a file and a name in `_FILES` each."""

from pathlib import Path
from typing import TYPE_CHECKING

from emotion_core.registry import Registry

if TYPE_CHECKING:
    import pandas as pd

    from emotion_core.results.incoming.base import Head, Tool

_FILES = (
    *("openface", "openface3", "pyfeat", "libreface", "deepface", "affdex", "facereader", "morphcast"),
    *("elan", "praat", "boris_project", "boris_events", "coded"),
)

TOOLS: "Registry[Tool]" = Registry(__name__, "TOOL", *_FILES)
"""Every tool by its name, in the order in which they are asked whether a file is theirs."""


def tool_of(path: Path) -> "Tool | None":
    """Return the tool that a file comes from, None where no one knows it; raises OSError."""
    from emotion_core.results.incoming.base import Head

    head = Head.of(path)
    return next((tool for tool in TOOLS.values() if _knows(tool, head)), None)


def _knows(tool: "Tool", head: "Head") -> bool:
    return head.path.name.lower().endswith(tool.endings) and tool.knows(head)


def read_foreign(path: Path, *, rate: float | None = None) -> "pd.DataFrame":
    """Read a file of another tool, or a coding by people, as a table like that of `read_results`.

    Args:
        path: the file; which tool wrote it is found out by what stands in it.
        rate: its frames a second, for a tool that writes neither times nor a rate.

    Returns:
        A table with the columns of `results.record.columns` in our units, what the tool does not measure
        missing, and the tool's own further columns as they are. In its `attrs`: `origin`, the tool; `basis`,
        what its columns are known from; `measures`, each column that it fills with its unit; `spans`, whether
        a row is a span of a coding rather than a picture; `rate_known`; `notes`.

    Raises:
        EmotionError: where no tool knows the file, or it can't be read.
    """
    from emotion_core.results.incoming.base import read

    return read(path, tool_of, rate)
