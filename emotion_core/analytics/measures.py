"""The figures of `analytics.figures` for a results table: pure functions, each tested with known answers.

Every function takes the checked table of `analytics.loading` (one row per frame and face, in order of time;
`face` is NaN and `emotion` missing where nobody was found). Times are seconds; `duration` is how long a
record's picture lasts, and what it weighs.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from emotion_core.analytics import MEASURES, figures
from emotion_core.analytics.figures import CENTRE, QUADRANTS, Runs
from emotion_core.analytics.tally import Person, Readings, Tally, share
from emotion_core.labels import EMOTIONS, UNSURE


def labels_of(frame: pd.DataFrame) -> list[str]:
    """Return the categories of the table, the seven first."""
    if isinstance(frame["emotion"].dtype, pd.CategoricalDtype):
        return [str(c) for c in frame["emotion"].cat.categories]
    names = {str(v) for v in frame["emotion"].dropna().unique()}
    return [*EMOTIONS, *sorted(names - set(EMOTIONS))]


def states_of(frame: pd.DataFrame) -> list[str]:
    """Return the names of what is counted and drawn: the categories, and uncertain where a reading is."""
    return [*labels_of(frame), *([UNSURE] if uncertain(frame).any() else [])]


def uncertain(frame: pd.DataFrame) -> np.ndarray:
    """Return which rows hold a face whose answer is less sure than was asked for."""
    if "uncertain" not in frame.columns:
        return np.zeros(len(frame), bool)
    return frame["uncertain"].to_numpy(bool) & frame["face"].notna().to_numpy()


def states(frame: pd.DataFrame) -> np.ndarray:
    """Return the number of each row's state in `states_of`, -1 without a face."""
    return np.where(uncertain(frame), len(labels_of(frame)), _codes(frame))


def readings(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that hold a face."""
    return frame[frame["face"].notna()]


def chance_columns(frame: pd.DataFrame) -> list[str]:
    """Return the p_<Label> columns in label order; empty for files without probabilities."""
    return [f"p_{label}" for label in labels_of(frame) if f"p_{label}" in frame.columns]


def distinct(times: np.ndarray) -> np.ndarray:
    """Return the different values in rising order; at once where they already rise, as a table's times do."""
    steps = np.diff(times)
    if (steps < 0).any():
        return np.unique(times)
    return times[np.concatenate([[True], steps > 0])] if len(times) else times


def places(frame: pd.DataFrame, people: Sequence[int]) -> dict[int, np.ndarray]:
    """Return the row numbers of each of some people."""
    face = frame["face"].to_numpy()
    return {one: np.flatnonzero(face == one) for one in people}


def length(frame: pd.DataFrame) -> float:
    """Return the length in seconds: from the first picture to the end of the last."""
    if frame.empty:
        return 0.0
    return float((frame["time"] + frame["duration"]).max() - frame["time"].min())


def extent(frame: pd.DataFrame) -> dict[str, float]:
    """Return length (s), frames, readings, people and found, the share of the time in which somebody is."""
    number, time, face = (frame[name].to_numpy() for name in ("frame", "time", "face"))
    new = figures.new_pictures(number, time) if len(frame) else np.zeros(0, bool)
    lasting = figures.weights(frame["duration"].to_numpy()[new])
    which = np.cumsum(new) - 1
    somebody = np.zeros(int(new.sum()), bool)
    somebody[which[~np.isnan(face)]] = True
    whole = length(frame) or float(lasting.sum())
    return {
        "length": length(frame),
        "frames": float(new.sum()),
        "readings": float(frame["face"].count()),
        "people": float(frame["face"].nunique()),
        "found": min(1.0, float(lasting[somebody].sum()) / whole) if len(frame) else 0.0,
    }


def longest_seen(frame: pd.DataFrame) -> list[int]:
    """Return the ids of the faces, the one seen for the longest time first."""
    seen = readings(frame)
    weight = figures.weights(seen["duration"].to_numpy())
    seconds = pd.Series(weight).groupby(seen["face"].to_numpy()).sum()
    return [int(face) for face in seconds.sort_values(ascending=False, kind="stable").index]


def rows_of(frame: pd.DataFrame, *, by: str = "emotion") -> tuple[Readings, list[str]]:
    """Return the readings of a table, one face after the other, and the names of their categories.

    `by` names the column of categories.
    """
    rows = by_face(frame)
    if by == "emotion":
        codes, names = _codes(frame), labels_of(frame)
    else:
        codes, uniques = pd.factorize(frame[by])
        names = [str(name) for name in uniques]
    columns = ("frame", "time", "duration", "confidence", "valence", "arousal")
    numbers = {name: frame[name].to_numpy()[rows] for name in columns}
    face = frame["face"].to_numpy()[rows].astype(np.int64)
    return Readings(face=face, emotion=codes[rows], uncertain=uncertain(frame)[rows], **numbers), names


def by_face(frame: pd.DataFrame) -> np.ndarray:
    """Return the row numbers of all readings, one face after the other, each in order of time."""
    face, time = frame["face"].to_numpy(), frame["time"].to_numpy()
    rows = np.flatnonzero(~np.isnan(face))
    if (np.diff(time) < 0).any():
        return rows[np.lexsort((time[rows], face[rows]))]
    return rows[np.argsort(face[rows], kind="stable")]


def tally(frame: pd.DataFrame) -> Tally:
    """Count the whole table: what `NAME_summary.json` says of a recording, of any part of one."""
    counted = Tally()
    counted.add(*rows_of(frame))
    return counted


def whole(frame: pd.DataFrame) -> Person:
    """Return what is counted of all faces of the table together: the measures are read from it."""
    return tally(frame).whole()


def _codes(frame: pd.DataFrame) -> np.ndarray:
    """Return the number of each row's category in `labels_of`, -1 without one."""
    return np.asarray(pd.Categorical(frame["emotion"], categories=labels_of(frame)).codes, np.int64)


def overview(frame: pd.DataFrame) -> dict[str, float]:
    """Compute the figures of the first screen: those of `extent` and, by their keys, all `MEASURES`."""
    together = whole(frame)
    return {**extent(frame), **{measure.key: measure.of(together) for measure in MEASURES}}


def shares(frame: pd.DataFrame) -> pd.Series:
    """Compute the share of the time of each of `states_of`; they sum to 1, or are all 0 without a face."""
    names, seen = states_of(frame), frame["face"].notna().to_numpy()
    duration = frame["duration"].to_numpy()[seen]
    values = share(figures.weight_of_labels(states(frame)[seen], duration, len(names)))
    return pd.Series(values, index=pd.Index(names, name="emotion"), name="share")


def shares_by_person(frame: pd.DataFrame) -> pd.DataFrame:
    """Compute the share of the time of each of `states_of` (columns) for each face (rows); rows sum to 1."""
    labels, codes = states_of(frame), states(frame)
    seen = (codes >= 0) & frame["face"].notna().to_numpy()
    faces, which = np.unique(frame["face"].to_numpy()[seen], return_inverse=True)
    cells = which * len(labels) + codes[seen]
    size = len(faces) * len(labels)
    weight = figures.weight_of_labels(cells, frame["duration"].to_numpy()[seen], size)
    index = pd.Index(faces.astype("int64"), name="face")
    columns = pd.Index(labels, name="emotion")
    table = pd.DataFrame(weight.reshape(len(faces), len(labels)), index=index, columns=columns)
    return table.div(table.sum(axis=1), axis=0)


def runs(frame: pd.DataFrame, *, by: str = "emotion") -> pd.DataFrame:
    """Return the stretches in which one face holds one category, or is uncertain.

    Columns: face, emotion, start, end, duration (s), frames, confidence (highest), and peak, the time (s) of
    the first picture that has it. A stretch ends where the category changes or the face is away for more than
    `figures.GAP` seconds. `by` names the column of categories.
    """
    rows, names = rows_of(frame, by=by)
    return _run_table(rows.runs(), names)


def _run_table(runs: Runs, names: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "face": runs.face,
            "emotion": figures.names_of(runs.emotion, names),
            "start": runs.start,
            "end": runs.end,
            "duration": runs.end - runs.start,
            "frames": runs.pictures,
            "confidence": runs.peak,
            "peak": runs.peak_time,
        }
    )


def strongest(frame: pd.DataFrame, count: int | None = None, least: float = figures.LEAST) -> pd.DataFrame:
    """Return the rows of `runs` whose peaks are the strongest moments, the strongest first."""
    rows, names = rows_of(frame)
    runs = rows.runs()
    return _run_table(runs.take(figures.strongest(runs, names, count, least)), names)


def transitions(frame: pd.DataFrame) -> pd.DataFrame:
    """Count the changes from one category (rows) to the next (columns), over all faces of the table."""
    labels = labels_of(frame)
    rows, _ = rows_of(frame)
    before, after = figures.changes(rows.runs())
    counts = np.bincount(before * len(labels) + after, minlength=len(labels) ** 2).reshape(
        len(labels), len(labels)
    )
    index, columns = pd.Index(labels, name="from"), pd.Index(labels, name="to")
    return pd.DataFrame(counts, index=index, columns=columns)


def quadrants(frame: pd.DataFrame, *, centre: float = 0.0) -> pd.Series:
    """Compute the seconds in each of `QUADRANTS`, with `centre` > 0 also near neutral: `figures.quadrant`."""
    names = [*QUADRANTS, *([CENTRE] if centre > 0 else [])]
    seen = readings(frame)
    place = figures.quadrant(seen["valence"].to_numpy(), seen["arousal"].to_numpy(), centre)
    seconds = np.bincount(place, figures.weights(seen["duration"].to_numpy()), len(names))
    return pd.Series(seconds, index=names, name="seconds")


def expressiveness(frame: pd.DataFrame) -> pd.DataFrame:
    """Give, for each face (rows), how much and how lively it shows.

    seconds: time seen. expressive: mean of 1 - p(Neutral), or the share of the time that is neither Neutral
    nor uncertain where the file has no probabilities. spread: root mean square distance from the person's
    own mean on the plane, arousal stretched to [-1, 1]. changes: changes of category a minute.
    """
    people = tally(frame).people
    seen = readings(frame)
    named = (seen["emotion"] != figures.NEUTRAL) & ~uncertain(seen)
    shown = 1 - seen["p_Neutral"] if "p_Neutral" in frame.columns else named
    expressive = weighted_means(seen.assign(expressive=shown.astype(float)), ["expressive"])
    rows = {
        face: {
            "seconds": person.seconds,
            "expressive": expressive.at[face, "expressive"],
            "spread": np.hypot(person.valence.deviation, 2 * person.arousal.deviation),
            "changes": person.changes_per_minute,
        }
        for face, person in sorted(people.items())
    }
    columns = ["seconds", "expressive", "spread", "changes"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("face")


def weighted_means(seen: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Compute the means over the time of some columns for each face (rows); NaN is left out."""
    face = seen["face"].to_numpy().astype(np.int64)
    weight = figures.weights(seen["duration"].to_numpy())
    means = {}
    for name in columns:
        values = seen[name].to_numpy(float)
        known = np.where(np.isnan(values), 0.0, weight)
        sums = pd.DataFrame({"value": known * np.nan_to_num(values), "weight": known}).groupby(face).sum()
        means[name] = sums["value"] / sums["weight"]
    return pd.DataFrame(means)


def select(
    frame: pd.DataFrame, *, people: Sequence[int] | None = None, start: float = -np.inf, end: float = np.inf
) -> pd.DataFrame:
    """Return the part of a table about some people and the time from `start` to `end` (s).

    A picture that lasts over an edge is cut there. One that shows none of the people is kept as one without a
    face, so that the time still adds up.
    """
    time, until = frame["time"], frame["time"] + frame["duration"]
    inside = (until > start + _EDGE) & (time < end - _EDGE)
    inside |= (frame["duration"] == 0) & (time >= start) & (time <= end)
    part = frame if inside.all() else frame[inside]
    if (time.min() < start or until.max() > end) and len(part):
        begun = part["time"].clip(lower=start)
        part = part.assign(time=begun, duration=until[part.index].clip(upper=end) - begun)
    return part if people is None else _of_people(part, people)


_EDGE = 1e-6  # s by which a picture must lie in a stretch of time, as sums of the same steps differ


_WORDS = ("emotion", "uncertain")  # columns that are no numbers


def _of_people(frame: pd.DataFrame, people: Sequence[int]) -> pd.DataFrame:
    """Return the records of some people, and one without a face for each picture that shows none of them."""
    theirs = frame["face"].isin(list(people)).to_numpy()
    others = frame["face"].notna().to_numpy() & ~theirs
    if not others.any():
        return frame
    picture = np.cumsum(figures.new_pictures(frame["frame"].to_numpy(), frame["time"].to_numpy())) - 1
    stays = np.zeros(int(picture[-1]) + 1, bool)
    stays[picture[~others]] = True
    blank = others & ~stays[picture]
    blank[1:] &= ~(blank[:-1] & (picture[1:] == picture[:-1]))
    part = frame[~others | blank].copy()
    empty = blank[~others | blank]
    numbers = [name for name in part.columns if name not in ("frame", "time", "duration", *_WORDS)]
    part.loc[empty, numbers] = np.nan
    part.loc[empty, "emotion"] = None
    if "uncertain" in part.columns:
        part.loc[empty, "uncertain"] = False
    return part
