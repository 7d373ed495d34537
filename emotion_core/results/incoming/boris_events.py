"""BORIS: exported events as a table, one row an event (tabular) or one a state (aggregated)."""

from pathlib import Path

import pandas as pd

from emotion_core.results.incoming.base import Found, Head, Tool, coded, csv


def _knows(head: Head) -> bool:
    names = set(head.names)
    return {"Observation id", "Subject", "Behavior"} <= names and bool(names & {"Time", "Start (s)"})


def read(path: Path) -> Found:
    """Read the states; point events are left out. Raises ValueError where there are several observations."""
    table = csv(path)
    if table["Observation id"].nunique() > 1:
        raise ValueError("it holds several observations: export the events of one")
    whom = table["Subject"].fillna("").astype(str)
    if "Start (s)" in table:
        state = table["Behavior type"].astype(str).str.upper().str.startswith("STATE")
        columns = (table["Start (s)"], table["Stop (s)"], whom, table["Behavior"])
        rows = pd.concat(columns, axis=1)[state]
        lines = [(float(a), float(b), str(c), str(d)) for a, b, c, d in rows.itertuples(index=False)]
        return coded(lines, _left(int((~state).sum()), 0))
    begun: dict[tuple[str, str], float] = {}
    lines, points = [], 0
    kinds = table["Behavior type"].astype(str).str.upper()
    for time, who, what, kind in zip(table["Time"], whom, table["Behavior"], kinds, strict=True):
        if kind == "START":
            begun[who, what] = float(time)
        elif kind == "STOP" and (who, what) in begun:
            lines.append((begun.pop((who, what)), float(time), who, str(what)))
        else:
            points += 1
    return coded(lines, _left(points, len(begun)))


def _left(points: int, unended: int) -> list[str]:
    notes = [f"{points} point events were left out"] if points else []
    return notes + ([f"{unended} states that do not end were left out"] if unended else [])


TOOL = Tool(
    "boris_events",
    "BORIS (events)",
    "its code, boris-behav-obs 8.27.4",
    (".csv", ".tsv", ".txt"),
    _knows,
    read,
)
