"""Results in the formats of other tools: what was recorded is what those tools' own readers find."""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import main
from emotion_core.__main__ import main as installed
from emotion_core.analytics import loading
from emotion_core.results import formats
from emotion_core.results.converting import convert
from emotion_core.results.formats import FORMATS
from emotion_core.results.record import Record
from emotion_core.results.recording import Recording, read, read_results
from emotion_core.types import Box, EmotionError, Face, Frame
from tests.foreign_readers import NEEDS, READERS, Spans

ROOT = Path(__file__).resolve().parent.parent
PICTURE = np.zeros((8, 8, 3), np.uint8)
PLAIN = ("Angry", "Disgust", "Fear", "Happy", "Neutral", "Sad", "Surprise")
ODD = ('"so, so" #1', "très <attentif> & calme", "集中", "a|b")
CHANGED = {
    "mne": dict(zip(ODD, ('"so so" 1', "tres <attentif> & calme", "category 3", "a|b"), strict=True)),
    "boris": dict(zip(ODD, ('"so so" #1', "très <attentif> calme", "集中", "a b"), strict=True)),
}
"""What labels are called where a sign has a meaning of its own, or letters beyond ASCII can't be read."""
MARGIN = 0.001 + 1e-9


def times_of(case: str, count: int, rng: np.random.Generator) -> np.ndarray:
    if case == "variable":
        return 3.2 + np.cumsum(rng.uniform(0.008, 0.12, count))
    return np.arange(count) * 1001 / 30000


def people_of(case: str, at: int) -> tuple[int, ...]:
    if case == "nobody":
        return ()
    if case == "crowd":
        return tuple(number for number in range(1, 201) if (at + number) % 7)
    if case == "single":
        return (1, 2, 3) if at == 4 else (1,) if at % 2 else ()
    return (1, 2) if at % 20 < 12 else (2,) if at % 20 < 17 else ()


def recorded(folder: Path, case: str, name: str) -> list[Record]:
    """Record a case in one format; give the records as the JSON file beside it has them."""
    rng = np.random.default_rng(5)
    labels = ODD if case == "odd words" else PLAIN
    count = {"crowd": 6, "single": 9}.get(case, 120)
    shown: dict[int, int] = {}
    path = folder / "talk one_results.json"
    with Recording.create(path, formats=[name], labels=labels) as recording:
        for at, time in enumerate(times_of(case, count, rng)):
            faces = []
            for number in people_of(case, at):
                if number not in shown or rng.random() < 0.15:
                    shown[number] = int(rng.integers(len(labels)))
                chances = np.full(len(labels), 0.1)
                chances[shown[number]] = 1.0 - 0.1 * (len(labels) - 1)
                label = labels[shown[number]]
                va = float(rng.uniform(-1, 1)), float(rng.uniform(0, 1))
                box = Box(*rng.uniform(1, 90, 4))
                faces.append(Face(number, box, label, float(chances.max()), tuple(chances), *va, labels))
            recording.append(Frame(PICTURE, at, float(time)), faces)
    return read(path)


def truth(records: Sequence[Record]) -> Spans:
    """Work out the spans of each person one record after the other."""
    found: Spans = {}
    for record in records:
        if record.face is None or record.emotion is None:
            continue
        line = found.setdefault(record.face, [])
        end = record.time + (record.duration or 0.0)
        if line and line[-1][2] == record.emotion and record.time - line[-1][1] < 0.0015:
            line[-1] = (line[-1][0], end, record.emotion)
        else:
            line.append((record.time, end, record.emotion))
    return found


CASES = ("steady", "variable", "crowd", "nobody", "single", "odd words")


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", READERS)
def test_the_tools_own_reader_finds_what_was_recorded(tmp_path: Path, name: str, case: str) -> None:
    if find_spec(NEEDS[name]) is None:
        pytest.skip(f"not installed: {NEEDS[name]}")
    wanted = truth(recorded(tmp_path, case, name))
    found = READERS[name](tmp_path / f"talk one_results{FORMATS[name].endings[0]}")
    assert (case == "nobody") == (not wanted)
    assert set(found) == set(wanted)
    for person, line in wanted.items():
        assert len(found[person]) == len(line)
        for (start, end, label), (low, high, word) in zip(line, found[person], strict=True):
            assert abs(low - start) <= MARGIN
            assert abs(high - end) <= MARGIN or (name == "xdf" and high != high)
            assert word == CHANGED.get(name, {}).get(label, label)


@pytest.mark.parametrize("case", CASES)
def test_emotionml_is_valid_by_the_schema(tmp_path: Path, case: str) -> None:
    """By the W3C's schema, where EMOTIONML_SCHEMA names the file: it is theirs and not kept here."""
    xmlschema = pytest.importorskip("xmlschema")
    if not (place := os.environ.get("EMOTIONML_SCHEMA")):
        pytest.skip("EMOTIONML_SCHEMA names no emotionml.xsd")
    recorded(tmp_path, case, "emotionml")
    xmlschema.validate(tmp_path / "talk one_results.emotionml", place)


def test_every_export_has_a_reader() -> None:
    assert set(READERS) == {name for name, fmt in FORMATS.items() if fmt.reader is None}


# BIDS as a whole


@pytest.mark.parametrize("case", ("steady", "variable", "single"))
def test_a_dataset_is_valid_and_its_own_library_finds_the_people(tmp_path: Path, case: str) -> None:
    """By the validator of the BIDS project and by pybids."""
    bids = pytest.importorskip("bids")
    validator = Path(sys.executable).with_name("bids-validator-deno")
    if not validator.exists():
        pytest.skip("not installed: bids-validator-deno")
    records = recorded(tmp_path, case, "bids")
    root = tmp_path / "dataset"
    with zipfile.ZipFile(tmp_path / "talk one_results.bids.zip") as packed:
        packed.extractall(root)
    done = subprocess.run([validator, "--json", root], capture_output=True, text=True)
    issues = json.loads(done.stdout)["issues"]["issues"]
    assert [issue for issue in issues if issue["severity"] == "error"] == []
    layout = bids.BIDSLayout(root)
    assert sorted(map(int, layout.get_subjects())) == sorted(truth(records))
    physio = layout.get(suffix="physio", extension="tsv.gz")
    (rate,) = {file.get_metadata()["SamplingFrequency"] for file in physio}
    if case == "steady":
        assert rate == pytest.approx(30000 / 1001, abs=1e-3)
    events = layout.get(suffix="events", extension="tsv", subject="01")[0].get_df()
    assert events["trial_type"].tolist() == [label for _, _, label in truth(records)[1]]


# From one results file to others


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    """A results file with its summary, as a finished run leaves them."""
    (tmp_path / "made").mkdir()
    path = tmp_path / "made" / "talk_results.json"
    about = {"source": {"name": "talk.mp4", "path": "talk.mp4", "kind": "video"}}
    with Recording.create(path, about=about, labels=("Happy", "Sad")) as recording:
        for at in range(8):
            face = Face(1, Box(1, 2, 3, 4), "Happy", 0.9, (0.9, 0.1), 0.5, 0.5, ("Happy", "Sad"))
            recording.append(Frame(PICTURE, at, at / 8), [face] if at % 4 else [])
    return path


def test_a_command_converts_to_every_format(
    talk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [name for name in formats.available() if name != "json"]
    goal = tmp_path / "out"
    goal.mkdir()
    assert main.main(["--convert", str(talk), "--to", ",".join(names), "--output", str(goal)]) == 0
    places = {
        line.split()[0]: Path(line.split(maxsplit=1)[1]) for line in capsys.readouterr().out.splitlines()
    }
    assert list(places) == names and all(place.exists() for place in places.values())
    assert (goal / "talk_bids" / "sub-01" / "beh" / "sub-01_task-talk_events.tsv").is_file()
    for name in set(names) & set(formats.readable()):
        pd_table = read_results(places[name])
        assert pd_table["time"].tolist() == pytest.approx([at / 8 for at in range(8)])
        assert pd_table["emotion"].notna().tolist() == [bool(at % 4) for at in range(8)]
    assert not list(goal.glob("*.partial*"))
    assert names_of(goal) == "talk.mp4" and loading.list_results(goal) == sorted(
        places[name].name for name in set(names) & set(formats.readable())
    )
    assert installed(["convert", str(talk), "--to", "csv", "--output", str(goal)]) == 1  # it is there already
    assert installed(["convert", str(talk), "--to", "csv", "--output", str(goal), "--overwrite"]) == 0


def test_numbers_are_as_short_in_a_conversion_as_in_the_recording(tmp_path: Path) -> None:
    """Single precision, as it is read, is no reason to write 0.8999999761581421; and nothing is lost."""
    recorded(tmp_path, "variable", "parquet")
    (tmp_path / "out").mkdir()
    path = convert(tmp_path / "talk one_results.parquet", ["csv"], folder=tmp_path / "out").paths["csv"]
    head, *lines = (line.split(",") for line in path.read_text().splitlines())
    numbers = [head.index(name) for name in ("valence", "arousal", "confidence", "box_x", "p_Happy")]
    assert max(len(line[place]) for line in lines for place in numbers) <= len("-0.123456")
    before, after = read_results(tmp_path / "talk one_results.parquet"), read_results(path)
    for name in before.columns:
        assert before[name].equals(after[name]) or np.allclose(before[name], after[name], 0, 1e-12), name


def names_of(folder: Path) -> str:
    return str(json.loads((folder / "talk_summary.json").read_text("utf-8"))["source"]["name"])


def test_what_another_source_made_is_never_overwritten(talk: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    again = other / "talk_results.json"
    with Recording.create(again, about={"source": {"name": "talk.mov", "path": "talk.mov"}}) as recording:
        recording.append(Frame(PICTURE, 0, 0.0), [])
    goal = tmp_path / "out"
    goal.mkdir()
    first = convert(talk, ["mne", "csv"], folder=goal).paths
    kept = {path: path.read_bytes() for path in first.values()}
    second = convert(again, ["mne", "csv"], folder=goal, overwrite=True).paths
    assert [path.name for path in second.values()] == ["talk_mov_results.annot.txt", "talk_mov_results.csv"]
    assert {path: path.read_bytes() for path in kept} == kept
    with pytest.raises(EmotionError, match="is there already") as caught:
        convert(talk, ["csv"], folder=goal)
    assert caught.value.settings == ("output", "overwrite")
    mine = goal / "talk_bids"
    mine.mkdir()
    with pytest.raises(EmotionError, match="somebody else's"):
        convert(talk, ["bids"], folder=goal, overwrite=True)
    with pytest.raises(EmotionError, match="is a JSON file already"):
        convert(talk, ["json"], overwrite=True)


def test_times_are_moved_and_what_lies_before_the_beginning_is_cut(talk: Path) -> None:
    lines = convert(talk, ["mne"], shift=-0.3).paths["mne"].read_text().splitlines()[2:]
    assert lines == ["0.000,0.200,Person 1/Happy", "0.325,0.375,Person 1/Happy"]
    with pytest.raises(EmotionError, match="before 0"):
        convert(talk, ["csv"], shift=-0.3)
    moved = read_results(convert(talk, ["csv"], shift=1.5).paths["csv"])
    assert moved["time"].tolist() == pytest.approx([1.5 + at / 8 for at in range(8)])


def test_a_list_of_an_older_tool_is_converted_with_a_remark(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    row = {"emotion": "happy", "confidence": 0.5, "valence": 0.1, "arousal": 0.2}
    path.write_text(json.dumps([{"frame": at, **row} for at in range(25)]))
    done = convert(path, ["mne", "eaf"])
    assert done.paths["mne"].name == "old_results.annot.txt"
    assert done.paths["mne"].read_text().splitlines()[2:] == ["0.000,1.000,Person 1/Happy"]
    assert any("25 frames a second are assumed" in note for note in done.notes)


def test_wrong_use_of_the_conversion_is_one_line(talk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--convert", "x"], ["--to", "csv"], ["--convert", "x", "--to", "none"]):
        with pytest.raises(SystemExit):
            main.main(words)
        assert capsys.readouterr().err.count("\n") == 1
    assert main.main(["--convert", "absent_results.json", "--to", "csv"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_formats_of_other_tools_are_not_read_as_results(talk: Path) -> None:
    for name, path in convert(talk, ["eaf", "tidy"]).paths.items():
        with pytest.raises(EmotionError, match=f"is a {FORMATS[name].label} file"):
            read_results(path)


def test_they_are_written_without_pandas(tmp_path: Path) -> None:
    """The base writes them, except for NWB, which has a library of its own."""
    names = [name for name, fmt in FORMATS.items() if fmt.reader is None and not fmt.needs]
    assert len(names) == 8
    code = f"""
import sys
for name in ("pandas", "pyarrow", "pyreadstat", "scipy", "streamlit", "gradio", "torch"):
    sys.modules[name] = None  # an import of it fails
import numpy as np
from emotion_core import Box, Face, Frame, Recording
path, formats = {str(tmp_path / "a_results.json")!r}, {names!r}
with Recording.create(path, formats=formats, labels=("a", "b")) as recording:
    face = Face(1, Box(1, 2, 3, 4), "a", 0.9, (0.9, 0.1), 0.5, 0.5, ("a", "b"))
    recording.append(Frame(np.zeros((4, 4, 3), np.uint8)), [face])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert all((tmp_path / f"a_results{FORMATS[name].endings[0]}").stat().st_size for name in names)
