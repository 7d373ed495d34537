"""A coding in a plain table: onset, duration or end, and a label; BIDS events are one of this kind."""

from pathlib import Path

import pandas as pd

from emotion_core.results.incoming.base import Found, Head, Tool, csv
from emotion_core.results.incoming.base import coded as spans

_START = ("onset", "start", "start_time", "begin")
_END = ("end", "stop", "offset", "end_time")
_LABEL = ("label", "trial_type", "emotion", "code", "behavior")
_WHOM = ("person", "subject", "face", "tier", "participant_id")


def _one(names: set[str], choices: tuple[str, ...]) -> str | None:
    return next((name for name in choices if name in names), None)


def _knows(head: Head) -> bool:
    names = {name.lower() for name in head.names}
    ends = _one(names, _END) is not None or "duration" in names
    return _one(names, _START) is not None and ends and _one(names, _LABEL) is not None


def read(path: Path) -> Found:
    """Read the spans; times are seconds. Rows without a label or a duration are left out."""
    table = csv(path, na_values=["n/a"])
    table.columns = [name.lower() for name in table.columns]
    names = set(table.columns)
    start = pd.to_numeric(table[_one(names, _START)], errors="coerce")
    end_name = _one(names, _END)
    if end_name is not None:
        end = pd.to_numeric(table[end_name], errors="coerce")
    else:
        end = start + pd.to_numeric(table["duration"], errors="coerce")
    label = table[_one(names, _LABEL)]
    whom_name = _one(names, _WHOM)
    whom = table[whom_name].fillna("").astype(str) if whom_name else pd.Series("", index=table.index)
    whole = start.notna() & (end > start) & label.notna()
    rows = zip(start[whole], end[whole], whom[whole], label[whole].astype(str), strict=True)
    notes = (
        [f"{int((~whole).sum())} rows without a label or a duration were left out"] if not whole.all() else []
    )
    return spans([(float(a), float(b), str(c), str(d)) for a, b, c, d in rows], notes)


TOOL = Tool(
    "coded", "a coding (table)", "columns onset, duration or end, and label", (".csv", ".tsv"), _knows, read
)
