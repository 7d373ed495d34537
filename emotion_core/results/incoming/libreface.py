"""LibreFace: the likeliest of eight categories and action units of each frame."""

from pathlib import Path

import numpy as np

from emotion_core.results.incoming.base import Found, Head, Tool, csv, own_columns


def _knows(head: Head) -> bool:
    return "facial_expression" in head.text and {"frame_idx", "frame_time_in_ms"} <= set(head.names)


def read(path: Path) -> Found:
    """Read the CSV of a video.

    Its column of milliseconds holds seconds where it read the video by ffmpeg, as it does by default: steps
    of less than a millisecond or two between frames tell.
    """
    table = csv(path)
    time = table["frame_time_in_ms"].to_numpy(float)
    frame = table["frame_idx"].to_numpy(float)
    steps = np.diff(time) / np.maximum(np.diff(frame), 1)
    seconds = bool(len(steps)) and float(np.median(steps)) < 1.5
    notes = ["the column frame_time_in_ms holds seconds, and is read so"] if seconds else []
    columns = {
        "frame": frame,
        "time": time if seconds else time / 1000,
        "emotion": table["facial_expression"],
        "face": [1] * len(table),
    }
    own = own_columns(table, ("frame_idx", "frame_time_in_ms"))
    measures = {"emotion": "the likeliest of eight categories", "time": "seconds"}
    measures |= {n: "intensity, 0 to 5" for n in own if n.startswith("au_") and n.endswith("_intensity")}
    measures |= {n: "presence, 0 or 1" for n in own if n.startswith("au_") and n not in measures}
    return Found(columns, measures, own, notes=notes)


TOOL = Tool("libreface", "LibreFace", "its code, libreface 0.2.0", (".csv",), _knows, read)
