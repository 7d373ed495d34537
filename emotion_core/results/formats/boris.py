"""BORIS: a project with one observation, whose state events begin and end each person's emotion."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from emotion_core.labels import DISCLAIMER
from emotion_core.results.formats.base import exported
from emotion_core.results.spans import spans
from emotion_core.results.whole import Whole

_VERSION = "7.0"  # of the form of a project; BORIS 7 to 9 open it
_PLAYERS = "12345678"
_RESERVED = re.compile(r"[|,&()`~\s]+")  # what BORIS gives a meaning of its own in the name of a behaviour


def write(whole: Whole, path: Path) -> None:
    """Write the project; a video that is known by its place is that of the observation."""
    found = spans(whole)
    codes = _codes(whole.labels)
    media = whole.media
    has_media = media is not None
    events: list[tuple[float, int, str, str, int]] = []
    for face, line in found.items():
        for span in line:
            code = codes[span.label]
            # What ends at a moment stands before what begins then.
            events.append((span.start / 1000, 1, whole.called(face), code, span.frame))
            events.append((span.end / 1000, 0, whole.called(face), code, span.frame))
    events.sort(key=lambda event: event[:3])
    rows: list[list[Any]] = [[time, who, code, "", ""] for time, _, who, code, _ in events]
    if has_media:
        rows = [[*row, event[4]] for row, event in zip(rows, events, strict=True)]
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    observation: dict[str, Any] = {
        "type": "MEDIA" if has_media else "LIVE",
        "date": now,
        "description": f"{DISCLAIMER} {whole.software}",
        "time offset": 0.0,
        "observation time interval": [0, 0],
        "events": rows,
        "independent_variables": {},
        "file": {player: [media] if has_media and player == "1" else [] for player in _PLAYERS},
        "visualize_spectrogram": False,
        "visualize_waveform": False,
        "close_behaviors_between_videos": False,
        "scan_sampling_time": 0,
        "start_from_current_time": False,
        "start_from_current_epoch_time": False,
    }
    if media is not None:
        observation["media_info"] = _media_info(whole, media)
    project = {
        "time_format": "hh:mm:ss",
        "project_date": now,
        "project_name": whole.name,
        "project_description": DISCLAIMER,
        "project_format_version": _VERSION,
        "subjects_conf": {
            str(at): {"key": "", "name": whole.called(face), "description": ""}
            for at, face in enumerate(found)
        },
        "behaviors_conf": {str(at): _behaviour(code, codes) for at, code in enumerate(codes)},
        "observations": {whole.name.strip() or "recording": observation},
        "behavioral_categories": [],
        "independent_variables": {},
        "coding_map": {},
        "behaviors_coding_map": [],
        "converters": {},
    }
    # BORIS reads with the letters of the machine's language: plain ASCII is the same in all of them.
    path.write_text(json.dumps(project, indent=0) + "\n", encoding="ascii")


def _codes(labels: tuple[str, ...]) -> list[str]:
    codes: list[str] = []
    for at, label in enumerate(labels, 1):
        code = _RESERVED.sub(" ", label).strip() or f"category {at}"
        codes.append(code if code not in codes else f"{code} {at}")
    return codes


def _behaviour(code: str, codes: list[str]) -> dict[str, Any]:
    return {
        "type": "State event",
        "key": "",
        "code": code,
        "description": "apparent expression",
        "color": "",
        "category": "",
        "modifiers": {},
        "excluded": ",".join(other for other in codes if other != code),
        "coding map": "",
    }


def _media_info(whole: Whole, media: str) -> dict[str, Any]:
    return {
        "length": {media: float(whole.source.get("duration") or whole.end)},
        "fps": {media: float(whole.source.get("fps") or 0.0)},
        "hasVideo": {media: True},
        "hasAudio": {media: bool(whole.source.get("has_audio"))},
        "offset": {"1": 0.0},
    }


FORMAT = exported(
    "boris",
    "BORIS",
    "a project for BORIS: a state event for each emotion of each person",
    write,
    ".boris",
)
