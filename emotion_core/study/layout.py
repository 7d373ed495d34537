"""The folder of a study, as researchers keep one: who took part, what was recorded, when something was shown.

- `study.json`, optional: {"title": ..., "note": a line for the top of the report}
- `participants.tsv`: a row for each, with participant_id and what else is known (group, age)
- `stimuli.tsv`, optional: stimulus, and how long it lasts (duration, s)
- `videos/`: recordings; their names begin with a participant_id, or they lie in a folder of that name
- `events/`, optional: NAME.tsv or NAME_events.tsv of a recording, whatever `analytics.events` reads
"""

import csv
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emotion_core.analytics.events import CODINGS, read_events
from emotion_core.types import EmotionError

PARTICIPANTS, STIMULI, TITLE = "participants", "stimuli", "study.json"
VIDEOS, EVENTS = "videos", "events"

_ID = ("participant_id", "participant", "id")
_NAME = ("stimulus", "trial_type", "name", "event")
_TABLES = (".tsv", ".csv")
_ENTITY = re.compile(r"^(task|stim|film|run)-(?=.)")  # of BIDS: task-joy is the stimulus joy


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was shown: from `onset` on for `duration` (s of the recording); until its end if NaN."""

    name: str
    onset: float
    duration: float


@dataclass(frozen=True, slots=True)
class Recording:
    """A video or picture of one participant; `events` come from its file of events, else from its name."""

    path: Path
    participant: str
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """What lies in the folder of a study.

    `participants` holds what is known of each by id, `stimuli` how long each lasts (s, NaN: nobody says),
    `strangers` are recordings of nobody that is known, and `loose` files of events without a recording.
    """

    folder: Path
    title: str
    note: str
    participants: Mapping[str, Mapping[str, str]]
    stimuli: Mapping[str, float]
    recordings: tuple[Recording, ...]
    strangers: tuple[Path, ...] = ()
    loose: tuple[Path, ...] = field(default=())

    def of(self, participant: str) -> list[Recording]:
        """Return the recordings of a participant, in order of their names."""
        return [one for one in self.recordings if one.participant == participant]


def read(folder: Path, videos: Sequence[Path]) -> Layout:
    """Read the folder of a study; `videos` are the recordings below its `videos/`.

    Raises:
        EmotionError: where a table is missing or can't be used.
    """
    if not folder.is_dir():
        raise EmotionError(f"the folder {folder} does not exist: check the path")
    folder, videos = folder.absolute(), [path.absolute() for path in videos]
    about = _about(folder / TITLE)
    participants = _participants(folder)
    files = _event_files(folder)
    recordings, strangers, used = [], [], set()
    for path in sorted(videos):
        owner = _owner(path.relative_to(folder / VIDEOS), participants)
        if owner is None:
            strangers.append(path)
            continue
        participant, rest = owner
        table = files.get(path.stem.lower())
        if table is not None:
            used.add(table)
        events = _events(table) if table is not None else _named(rest)
        recordings.append(Recording(path, participant, events))
    stimuli = _stimuli(folder)
    for recording in recordings:
        for event in recording.events:
            stimuli.setdefault(event.name, math.nan)
    loose = tuple(sorted(set(files.values()) - used))
    title = about.get("title") or folder.resolve().name
    return Layout(
        folder,
        str(title),
        str(about.get("note", "")),
        participants,
        stimuli,
        tuple(recordings),
        tuple(strangers),
        loose,
    )


def _about(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise EmotionError(f"{path.name} can't be read ({error}): it holds a title as JSON") from error
    if not isinstance(found, dict):
        raise EmotionError(f'{path.name} holds no title: write {{"title": "..."}} there')
    return found


def _participants(folder: Path) -> dict[str, dict[str, str]]:
    path = _table(folder, PARTICIPANTS)
    if path is None:
        raise EmotionError(
            f"{folder} has no {PARTICIPANTS}.tsv: write one with a column participant_id, a row a person"
        )
    found: dict[str, dict[str, str]] = {}
    for row in _rows(path):
        who = _first(row, _ID, path)
        if who in found:
            raise EmotionError(f"{path.name} names {who} twice: give each person one row")
        found[who] = {key: value for key, value in row.items() if key.lower() not in _ID}
    if not found:
        raise EmotionError(f"{path.name} names nobody: give each person a row with a participant_id")
    return found


def _stimuli(folder: Path) -> dict[str, float]:
    path = _table(folder, STIMULI)
    return {} if path is None else {_first(r, _NAME, path): _number(r, "duration", path) for r in _rows(path)}


def _event_files(folder: Path) -> dict[str, Path]:
    """Return the files of events by the name of their recording, in small letters."""
    kinds = (*_TABLES, *CODINGS)
    places = [p for p in sorted((folder / EVENTS).rglob("*")) if p.suffix.lower() in kinds]
    places += sorted((folder / VIDEOS).rglob("*_events.[tc]sv"))
    return {re.sub(r"_events$", "", path.stem.lower()): path for path in places}


def _owner(place: Path, participants: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return whose a recording is, and the rest of its name; the longest id that fits."""
    for who in sorted(participants, key=len, reverse=True):
        if place.stem.lower() == who.lower():
            return who, ""
        if re.match(re.escape(who) + r"[_\-. ]", place.stem, re.IGNORECASE):
            return who, place.stem[len(who) + 1 :]
        if who.lower() in [part.lower() for part in place.parts[:-1]]:
            return who, place.stem
    return None


def _named(rest: str) -> tuple[Event, ...]:
    """Return the one event of a recording that has no file of events: its name says what was shown."""
    words = [word for word in re.split(r"[_ ]+", rest) if word and not re.match(r"^(ses|acq)-", word)]
    name = _ENTITY.sub("", "_".join(words))
    return (Event(name, 0.0, math.nan),) if name else ()


def _events(path: Path) -> tuple[Event, ...]:
    table = read_events(path, open_ended=True)
    if table.attrs["left_out"]:  # a trial that nobody misses would be missing in every figure
        raise EmotionError(f"{path.name}: {table.attrs['notes'][-1]}: mend them or take them out")
    rows = zip(table["name"], table["onset"], table["duration"], strict=True)
    events = tuple(Event(str(name), float(onset), float(lasting)) for name, onset, lasting in rows)
    for event in events:
        if event.onset < 0:
            raise EmotionError(f"{path.name}: {event.name} begins before the recording does: mend its onset")
        if event.duration <= 0:
            raise EmotionError(f"{path.name}: {event.name} lasts {event.duration:g} s: give seconds above 0")
    return events


def _table(folder: Path, name: str) -> Path | None:
    return next((p for ending in _TABLES if (p := folder / f"{name}{ending}").is_file()), None)


def _rows(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of a table with tabs, commas or semicolons; cells are stripped, n/a is nothing."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            head = file.readline()
            file.seek(0)
            for row in csv.DictReader(file, delimiter=max("\t,;", key=head.count)):
                # A row that is longer than the head has its rest in a list, under no name.
                cells = {k.strip(): (v or "").strip() for k, v in row.items() if k is not None}
                if any(cells.values()):
                    yield {key: "" if value.lower() == "n/a" else value for key, value in cells.items()}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise EmotionError(f"{path.name} can't be read ({error}): save it as a table in UTF-8") from error


def _first(row: Mapping[str, str], names: Sequence[str], path: Path) -> str:
    cells = {key.lower(): value for key, value in row.items()}
    value = next((cells[name] for name in names if cells.get(name)), None)
    if value is None:
        raise EmotionError(f"{path.name} has a row without {names[0]}: name the column so and fill it in")
    return value


def _number(row: Mapping[str, str], name: str, path: Path) -> float:
    text = {key.lower(): value for key, value in row.items()}.get(name, "")
    try:
        return float(text.replace(",", ".")) if text else math.nan
    except ValueError:
        raise EmotionError(f"{path.name}: {text!r} is no number of seconds in the column {name}") from None
