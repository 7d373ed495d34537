"""NWB: a time series for each person and a table of the spans, written by pynwb."""

import math
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from emotion_core.labels import DISCLAIMER
from emotion_core.results.formats.base import exported
from emotion_core.results.spans import spans
from emotion_core.results.whole import Whole, person


def write(whole: Whole, path: Path) -> None:
    """Write the file; when the video was taken is not known, so its session begins when it was analysed."""
    import h5py
    import pynwb
    from hdmf.common import DynamicTable, VectorData
    from pynwb.behavior import BehavioralTimeSeries

    columns = ["valence", "arousal", "confidence", *whole.chances]
    begun = _moment(whole.about.get("made"))
    file = pynwb.NWBFile(
        session_description=f"Apparent expressions of the faces in {whole.name}. {DISCLAIMER} The session's "
        "start is when the video was analysed: when it was taken is not known.",
        identifier=f"{whole.name} {begun.isoformat()}",
        session_start_time=begun,
        source_script=whole.software,
        source_script_file_name="emotion_core",
    )
    series = BehavioralTimeSeries(name="expressions")
    for face, rows in whole.people.items():
        rows = rows[rising(whole["time"][rows])]
        series.add_timeseries(
            pynwb.TimeSeries(
                name=person(face),
                data=np.column_stack([whole[name][rows] for name in columns]),
                unit="arbitrary",
                timestamps=whole["time"][rows],
                description=", ".join(columns),
                comments="valence is in [-1, 1], all other columns in [0, 1]",
                continuity="step",
            )
        )
    if whole.people:
        file.create_processing_module("behavior", "Apparent expressions").add(series)
    line = [(face, span) for face, found in spans(whole).items() for span in found]
    line.sort(key=lambda one: (one[1].start, one[0]))
    kept: dict[str, tuple[str, list[float] | list[int] | list[str]]] = {
        "start_time": ("when the span begins (s)", [span.start / 1000 for _, span in line]),
        "stop_time": ("when the span ends (s)", [span.end / 1000 for _, span in line]),
        "person": ("number of the person", [face for face, _ in line]),
        "expression": ("apparent expression", [whole.labels[span.label] for _, span in line]),
        "valence": ("mean valence, -1 to 1", [span.valence for _, span in line]),
        "arousal": ("mean arousal, 0 to 1", [span.arousal for _, span in line]),
    }
    if line:
        table: DynamicTable = pynwb.epoch.TimeIntervals(
            name="expressions",
            description="for how long each person shows one expression",
            columns=[VectorData(name=n, description=about, data=data) for n, (about, data) in kept.items()],
            colnames=list(kept),
        )
        file.add_time_intervals(table)
    # The file is locked already, by whoever lets it grow beside its place: HDF5 must not try to.
    with h5py.File(path, "w", locking=False) as place, pynwb.NWBHDF5IO(file=place, mode="w") as out:
        out.write(file)


def rising(time: np.ndarray) -> np.ndarray:
    """Return the mask of the samples whose time lies behind that of all before: pynwb takes any times."""
    before = np.maximum.accumulate(np.append(-math.inf, time[:-1]))
    return np.asarray(time > before)


def _moment(made: object) -> datetime:
    try:
        found = datetime.fromisoformat(str(made))
    except ValueError:
        return datetime.now(UTC).replace(microsecond=0)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


FORMAT = exported(
    "nwb",
    "NWB",
    "Neurodata Without Borders: a time series for each person and a table of the spans",
    write,
    ".nwb",
    needs=("pynwb",),
)
