"""BORIS: the state events of a project with one observation."""

import json
from pathlib import Path

from emotion_core.results.bounded import check_rows
from emotion_core.results.incoming.base import Found, Head, Tool, coded


def _knows(head: Head) -> bool:
    return head.text.lstrip().startswith("{")


def read(path: Path) -> Found:
    """Read the spans; raises ValueError where there are several observations."""
    project = json.loads(path.read_text("utf-8-sig"))
    observations = project["observations"]
    if len(observations) != 1:
        raise ValueError(f"it holds {len(observations)} observations: export the events of one")
    (observation,) = observations.values()
    states = {b["code"] for b in project["behaviors_conf"].values() if "state" in b["type"].lower()}
    offset = float(observation.get("time offset") or 0)
    begun: dict[tuple[str, str, str], float] = {}
    lines, points = [], 0
    for time, whom, what, modifier, *_ in observation["events"]:
        if what not in states:
            points += 1
        elif (whom, what, modifier) in begun:
            lines.append((begun.pop((whom, what, modifier)), float(time) + offset, whom, what))
        else:
            begun[whom, what, modifier] = float(time) + offset
    check_rows(path.name, len(lines))
    notes = [f"{points} point events were left out"] if points else []
    notes += [f"{len(begun)} states that do not end were left out"] if begun else []
    return coded(lines, notes)


TOOL = Tool("boris_project", "BORIS", "its code, boris-behav-obs 8.27.4", (".boris",), _knows, read)
