"""What libraries that this project did not write read of its exported files: spans by person.

Each reader gives {person: [(start s, end s, label), ...]}; it skips the test where its library is missing.
`pip install -r tests/requirements-formats.txt` brings all of them.
"""

import gzip
import json
import sys
import types
import xml.etree.ElementTree as ElementTree
import zipfile
from pathlib import Path

import numpy as np
import pytest

Spans = dict[int, list[tuple[float, float, str]]]


def eaf(path: Path) -> Spans:
    pympi = pytest.importorskip("pympi")
    file = pympi.Elan.Eaf(str(path))
    found: Spans = {}
    for tier in file.get_tier_names():
        person, _, below = tier.removeprefix("Person ").partition(" ")
        if not below:
            lines = sorted(file.get_annotation_data_for_tier(tier))
            found[int(person)] = [(start / 1000, end / 1000, label) for start, end, label, *_ in lines]
            assert all(isinstance(time, int) for line in lines for time in line[:2])
    return found


def textgrid(path: Path) -> Spans:
    """By Praat itself, and by praatio."""
    parselmouth = pytest.importorskip("parselmouth")
    from parselmouth.praat import call

    grid = parselmouth.read(str(path))
    found: Spans = {}
    for tier in range(1, int(call(grid, "Get number of tiers")) + 1):
        name = call(grid, "Get tier name", tier)
        line, before = [], 0.0
        for at in range(1, int(call(grid, "Get number of intervals", tier)) + 1):
            start = call(grid, "Get start time of interval", tier, at)
            end = call(grid, "Get end time of interval", tier, at)
            assert start == before < end, "a tier of Praat has no hole and no overlap"
            before = end
            if label := call(grid, "Get label of interval", tier, at):
                line.append((start, end, label))
        if name != "nobody":
            found[int(name.removeprefix("Person "))] = line
    praatio = pytest.importorskip("praatio.textgrid")
    again = praatio.openTextgrid(str(path), includeEmptyIntervals=False, reportingMode="error")
    for name in again.tierNames:
        if name != "nobody":
            entries = [(e.start, e.end, e.label) for e in again.getTier(name).entries]
            assert entries == found[int(name.removeprefix("Person "))]
    return found


def boris(path: Path) -> Spans:
    """By BORIS itself, without its window and media player."""
    if "boris" not in sys.modules:
        player = types.ModuleType("boris.mpv2")
        player.dll, player.MPV, player._mpv_client_api_version = "", object, lambda: (1, 0)
        sys.modules["boris.mpv2"] = player
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "argv", ["boris"])  # which it reads when it is imported
        patched.setenv("QT_QPA_PLATFORM", "offscreen")
        pytest.importorskip("boris", exc_type=ImportError)
    from boris import project_functions

    _, changed, project, message = project_functions.open_project_json(str(path))
    assert not changed and not message and "error" not in project, (message, project.get("error"))
    assert not project_functions.check_project_integrity(project, "hh:mm:ss", str(path), False).strip()
    types_of = {b["code"]: b["type"] for b in project["behaviors_conf"].values()}
    assert set(types_of.values()) <= {"State event"}
    (observation,) = project["observations"].values()
    ethogram = project["behaviors_conf"]
    events = project_functions.events_start_stop(ethogram, observation["events"], observation["type"])
    found: Spans = {int(s["name"].removeprefix("Person ")): [] for s in project["subjects_conf"].values()}
    begun: dict[tuple[str, str], float] = {}
    for event in events:
        time, subject, code, kind = float(event[0]), event[1], event[2], event[-1]
        if kind == "START":
            begun[subject, code] = time
        else:
            found[int(subject.removeprefix("Person "))].append((begun.pop((subject, code)), time, code))
    assert not begun, "a state that does not end"
    return {person: sorted(line) for person, line in found.items()}


def mne(path: Path) -> Spans:
    library = pytest.importorskip("mne")
    found: Spans = {}
    read = library.read_annotations(str(path))
    for onset, duration, text in zip(read.onset, read.duration, read.description, strict=True):
        person, label = str(text).removeprefix("Person ").split("/", 1)
        found.setdefault(int(person), []).append((float(onset), float(onset + duration), label))
    return found


def bids(path: Path) -> Spans:
    """By the readers of the two kinds of tables: pandas, as pybids does, and its own layout."""
    pd = pytest.importorskip("pandas")
    found: Spans = {}
    root = path.parent / "dataset"
    with zipfile.ZipFile(path) as packed:
        packed.extractall(root)
    for file in sorted(root.glob("sub-*/beh/*_events.tsv")):
        person = int(file.name.split("_")[0].removeprefix("sub-"))
        table = pd.read_csv(file, sep="\t", na_values="n/a", keep_default_na=False, quoting=3)
        onset, lasting = table["onset"].astype(float), table["duration"].astype(float)
        found[person] = list(zip(onset, onset + lasting, table["trial_type"], strict=True))
        continuous = Path(str(file).replace("_events.tsv", "_physio.tsv.gz"))
        if not continuous.exists():
            assert not found.pop(person)
            continue
        sidecar = json.loads(Path(str(continuous).replace(".tsv.gz", ".json")).read_text("utf-8"))
        text = gzip.decompress(continuous.read_bytes()).decode()
        assert "nan" not in text.lower()
        rows = [line.split("\t") for line in text.splitlines()]
        assert {len(row) for row in rows} == {len(sidecar["Columns"])}
        shown = np.array([float(row[-1]) for row in rows if row[-1] != "n/a"])
        at = sidecar["StartTime"] + np.arange(len(rows)) / sidecar["SamplingFrequency"]
        known = np.array([row[-1] != "n/a" for row in rows])
        assert (at[known] >= shown - 0.001).all(), "no sample is ahead of its picture"
    return found


def xdf(path: Path) -> Spans:
    pyxdf = pytest.importorskip("pyxdf")
    streams, _ = pyxdf.load_xdf(str(path))
    found: Spans = {}
    for stream in streams:
        info = stream["info"]
        person, what = info["name"][0].removeprefix("Person ").split()
        assert float(info["nominal_srate"][0]) == 0
        if what == "emotion":
            times = [float(time) for time in stream["time_stamps"]]
            labels = [row[0] for row in stream["time_series"]]
            ends = [*times[1:], np.nan]
            spans = [(s, e, label) for s, e, label in zip(times, ends, labels, strict=True) if label]
            found[int(person)] = spans
    return found


def nwb(path: Path) -> Spans:
    pynwb = pytest.importorskip("pynwb")
    found: Spans = {}
    with pynwb.NWBHDF5IO(str(path), "r") as file:
        read = file.read()
        assert not pynwb.validate(io=file)
        if "behavior" in read.processing:
            for name in read.processing["behavior"]["expressions"].time_series:
                found[int(name.removeprefix("Person "))] = []
                times = read.processing["behavior"]["expressions"][name].timestamps[:]
                assert (np.diff(times) > 0).all()
        if read.intervals and "expressions" in read.intervals:
            table = read.intervals["expressions"].to_dataframe()
            for row in table.itertuples():
                found[row.person].append((row.start_time, row.stop_time, row.expression))
    return found


def emotionml(path: Path) -> Spans:
    """By Python's own XML reader, with the rules of the specification that a schema would check."""
    space = "{http://www.w3.org/2009/10/emotionml}"
    own = "{urn:emotion-recognition}"
    root = ElementTree.parse(path).getroot()
    assert root.tag == f"{space}emotionml" and root.get("version") == "1.0"
    items = {
        item.get("name"): item.findtext(f"{space}info/{own}label")
        for item in root.iterfind(f"{space}vocabulary/{space}item")
    }
    identifiers = [v.get("id") for v in root.iterfind(f"{space}vocabulary")]
    if items:
        assert root.get("category-set") == f"#{identifiers[0]}"
    found: Spans = {}
    for emotion in root.iterfind(f"{space}emotion"):
        kinds = [child.tag.removeprefix(space) for child in emotion]
        assert kinds[:2] == ["info", "category"] and set(kinds[2:]) <= {"dimension"}
        for dimension in emotion.iterfind(f"{space}dimension"):
            assert 0 <= float(dimension.get("value", "")) <= 1
        start, lasting = int(emotion.get("offset-to-start", "")), int(emotion.get("duration", ""))
        assert start >= 0 and lasting > 0 and emotion.get("time-ref-uri")
        person = emotion.find(f"{space}info/{own}person")
        category = emotion.find(f"{space}category")
        assert person is not None and category is not None
        line = found.setdefault(int(person.get("number", "")), [])
        line.append((start / 1000, (start + lasting) / 1000, str(items[category.get("name")])))
    return found


def tidy(path: Path) -> Spans:
    """By pandas with R's idea of what is missing; runs are made of the rows."""
    pd = pytest.importorskip("pandas")
    table = pd.read_csv(path, na_values="NA", keep_default_na=False)
    assert table["uncertain"].isin([True, False]).all()
    found: Spans = {}
    for person, rows in table[table["person"].notna()].groupby("person"):
        line: list[tuple[float, float, str]] = []
        for time, lasting, label in zip(rows["time"], rows["duration"], rows["emotion"], strict=True):
            if line and line[-1][2] == label and time - line[-1][1] < 0.0015:
                line[-1] = (line[-1][0], time + lasting, label)
            else:
                line.append((time, time + lasting, label))
        found[int(person)] = line
    return found


NEEDS = {
    "eaf": "pympi",
    "textgrid": "parselmouth",
    "boris": "boris",
    "mne": "mne",
    "bids": "pandas",
    "xdf": "pyxdf",
    "nwb": "pynwb",
    "emotionml": "json",
    "tidy": "pandas",
}
"""The package that each reader imports."""

READERS = {
    "eaf": eaf,
    "textgrid": textgrid,
    "boris": boris,
    "mne": mne,
    "bids": bids,
    "xdf": xdf,
    "nwb": nwb,
    "emotionml": emotionml,
    "tidy": tidy,
}
