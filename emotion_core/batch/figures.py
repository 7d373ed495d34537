"""A recording's summary as rows: one for the file, one for each face; every figure is the summary's own."""

from collections.abc import Mapping
from typing import Any

from emotion_core.batch.messages import Row

SHARE = "share_"
"""Before the name of a category: its share of the time, in [0, 1]."""
WHOLE = {"frames", "frames_with_face", "seconds", "seconds_with_face", "people"}


def whole(summary: Mapping[str, Any]) -> Row:
    """Return the figures of all faces together: `frames`, seconds, shares of the categories and measures."""
    row: Row = {name: summary[name] for name in sorted(WHOLE)}
    return row | _shares(summary["share"]) | dict(summary["measures"])


def person(face: Mapping[str, Any]) -> Row:
    """Return the figures of one face of a summary under flat names, as valence_mean; times in seconds."""
    row: Row = {name: face[name] for name in ("face", "records", "first", "last", "seconds", "emotion")}
    row |= _shares(face["share"])
    for name in ("confidence", "valence", "arousal"):
        row |= {f"{name}_mean": face[name]["mean"], f"{name}_sd": face[name]["sd"]}
    row |= {f"quadrant_{_plain(name)}": value for name, value in face["quadrants"].items()}
    row |= {"changes": face["changes"], "changes_per_minute": face["changes_per_minute"]}
    taken = {"valence", "arousal", "changes_per_minute"}  # they stand there already
    row |= {name: value for name, value in face["measures"].items() if name not in taken}
    longest = face["longest_run"]
    return row | {"longest_run_emotion": longest["emotion"], "longest_run_seconds": longest["seconds"]}


def _shares(shares: Mapping[str, float]) -> Row:
    return {f"{SHARE}{label}": value for label, value in shares.items()}


def _plain(name: str) -> str:
    return name.lower().replace(",", "").replace(" ", "_")
