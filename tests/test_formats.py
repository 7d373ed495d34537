"""Formats of results: what is registered is offered everywhere, and reads back what was recorded."""

import math
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import main
from emotion_core.analytics import loading
from emotion_core.results import formats
from emotion_core.results.formats import FORMATS
from emotion_core.results.record import Record, columns
from emotion_core.results.recording import Recording, read_results
from emotion_core.types import Box, DetectedObject, EmotionError, Face, Frame
from webapp.shared import i18n, parts, store

ROOT = Path(__file__).resolve().parent.parent
PICTURE = np.zeros((8, 8, 3), np.uint8)
OWN = ("bored", "très attentif", "focused on work")
RATE = 30000 / 1001  # frames a second; its times have no short decimal form
DECIMALS = 6  # of times and numbers in every record


def written(folder: Path, labels: Sequence[str], name: str, frames: Sequence[Sequence[int]]) -> list[Record]:
    """Record frames, each with the faces of these ids, in one format and JSON; give the records."""
    rng = np.random.default_rng(3)
    made: list[Record] = []
    with Recording.create(folder / "talk_results.json", formats=[name], labels=labels) as recording:
        for index, ids in enumerate(frames):
            frame = Frame(PICTURE, index, index / RATE)
            faces = []
            for number in ids:
                chances = rng.dirichlet(np.ones(len(labels)))
                top = int(chances.argmax())
                box = Box(*rng.uniform(1, 900, 4))
                valence, arousal = rng.uniform(-1, 1), rng.uniform(0, 1)
                answer = labels[top], chances[top], tuple(chances), valence, arousal, tuple(labels)
                faces.append(Face(number, box, *answer, uncertain=bool(chances[top] < 0.4)))
            things = [DetectedObject('bus "7", é', 0.91, Box(1, 2, 3, 4))] if index % 3 == 0 else None
            recording.append(frame, faces, things)
            made += [Record.of(frame, f, things if i == 0 else None) for i, f in enumerate(faces or [None])]
    return [replace(record, duration=1 / RATE) for record in made]


def same(given: object, wanted: object, margin: float) -> bool:
    if wanted is None:
        return given is None or given != given
    if isinstance(wanted, str | bool):
        return given == wanted
    return abs(float(given) - float(wanted)) <= margin  # type: ignore[arg-type]


@pytest.fixture(params=[name for name, fmt in FORMATS.items() if fmt.reader is not None])
def name(request: pytest.FixtureRequest) -> str:
    if FORMATS[request.param].missing:
        pytest.skip(f"not installed: {', '.join(FORMATS[request.param].missing)}")
    return str(request.param)


@pytest.mark.parametrize("labels", [("Angry", "Disgust", "Fear", "Happy", "Neutral", "Sad", "Surprise"), OWN])
def test_a_format_reads_back_what_was_recorded(tmp_path: Path, name: str, labels: Sequence[str]) -> None:
    """Two people, one of them away at times, and nobody in some frames."""
    made = written(tmp_path, labels, name, [(1, 2), (2,), (), (2, 1)] * 10)
    table = read_results(tmp_path / f"talk_results{FORMATS[name].endings[0]}")
    assert list(table.columns) == columns(labels) and len(table) == len(made) == 60
    assert table.attrs["skipped"] == 0 and table.attrs["complete"], table.attrs
    for row, record in zip(table.astype(object).to_dict("records"), made, strict=True):
        for column, wanted in zip(columns(labels), record.as_row(labels), strict=True):
            # Single precision where the table has it: boxes of some hundred pixels, probabilities.
            margin = 1e-9 if column in ("time", "frame", "face") else 1e-3 if "box" in column else 1e-6
            margin = 2e-6 if column == "duration" else margin  # a difference of two rounded times
            assert same(row[column], wanted, margin), (column, row[column], wanted)


def test_a_recording_without_a_face_reads_back(tmp_path: Path, name: str) -> None:
    written(tmp_path, OWN, name, [()] * 5)
    table = read_results(tmp_path / f"talk_results{FORMATS[name].endings[0]}")
    assert table["frame"].tolist() == [0, 1, 2, 3, 4] and table["face"].isna().all()
    assert table["emotion"].isna().all() and table["valence"].isna().all() and not table["uncertain"].any()
    assert table["time"].to_numpy() == pytest.approx(np.arange(5) / RATE, abs=10**-DECIMALS)


def test_files_without_a_record_are_empty_tables(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"none{FORMATS[name].endings[0]}"
    FORMATS[name].writer(path, OWN).close()
    try:
        assert read_results(path).empty
    except EmotionError as error:
        assert "empty" in str(error) and "\n" not in str(error)


def test_all_formats_are_written_at_once_and_replaced_together(tmp_path: Path) -> None:
    names = formats.available()
    path = tmp_path / "talk_results.json"
    for count in (3, 5):
        with Recording.create(path, formats=names) as recording:
            for index in range(count):
                recording.append(Frame(PICTURE, index, index / 10), [])
        assert set(recording.paths) == {*names, "summary"}
        assert all(len(read_results(recording.paths[name])) == count for name in formats.readable())
    failed = Recording.create(path, formats=names)
    failed.append(Frame(PICTURE), [])
    assert len(list(tmp_path.glob("*.partial.*"))) == len(names)
    failed.discard()
    assert not list(tmp_path.glob("*.partial.*"))


# The socket


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> str:
    """A format that only this test knows: JSON under another name."""
    made = replace(FORMATS["json"], name="lines", label="Lines & more", endings=(".lines",))
    monkeypatch.setitem(FORMATS, "lines", made)
    return made.name


def test_the_command_line_offers_what_is_registered(lines: str, capsys: pytest.CaptureFixture[str]) -> None:
    args = main.build_parser().parse_args(["--video", "x.mp4", "--format", "lines,json"])
    assert args.format == ("lines", "json")
    assert ",lines" in main.build_parser().format_help()
    with pytest.raises(SystemExit):
        main.build_parser().parse_args(["--video", "x.mp4", "--format", "line"])
    assert "lines" in capsys.readouterr().err


def test_a_registered_format_is_written_read_listed_and_downloaded(
    lines: str, tmp_path: Path, workspace: store.Workspace
) -> None:
    assert lines in formats.available() and ".lines" in formats.endings()
    assert formats.spoken().endswith("or Lines & more") and "| `lines` |" in formats.table()
    token, folder = store.new_folder()
    with Recording.create(folder / "talk_results.json", formats=[lines]) as recording:
        recording.append(Frame(PICTURE), [])
    assert len(loading.read(recording.paths[lines]).frame) == 1
    assert "talk_results.lines" in loading.list_results(folder)
    assert store.file_of(token, "talk_results.lines") == recording.paths[lines]
    for language in i18n.LANGUAGES:
        link = store.link(token, recording.paths[lines], lines)
        assert ">Lines &amp; more</a>" in parts.downloads([link], i18n.Text(language))


def test_the_upload_box_of_the_dashboard_takes_a_registered_format(lines: str, root: Path) -> None:
    from streamlit.testing.v1 import AppTest

    app = AppTest.from_file(str(root / "webapp" / "dashboard" / "app.py"), default_timeout=60).run()
    (box,) = app.file_uploader
    assert ".lines" in box.proto.type
    assert "Lines & more" in app.markdown[0].value


def test_what_is_not_installed_is_not_offered_and_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = replace(FORMATS["json"], name="far", label="Far", endings=(".far",), needs=("no_such_package",))
    monkeypatch.setitem(FORMATS, "far", made)
    assert "far" not in formats.available() and ".far" not in formats.endings()
    (tmp_path / "a.far").write_text("[]")
    for use in (
        lambda: Recording.create(tmp_path / "a_results.json", formats=["far"]),
        lambda: read_results(tmp_path / "a.far"),
    ):
        with pytest.raises(EmotionError, match="pip install no_such_package$") as caught:
            use()
        assert "\n" not in str(caught.value)


def test_every_file_of_the_folder_is_registered() -> None:
    folder = Path(formats.__file__).parent
    assert {path.stem for path in folder.glob("*.py")} == {*FORMATS, "__init__", "base"}


def test_the_readme_has_the_table_of_formats(root: Path) -> None:
    readme = (root / "README.md").read_text("utf-8")
    assert f"<!-- formats -->\n{formats.table()}\n<!-- /formats -->" in readme, (
        "put the output of this into the README: "
        'python -c "from emotion_core.results import formats; print(formats.table())"'
    )


def test_json_and_csv_are_written_without_pandas_and_pyarrow(tmp_path: Path) -> None:
    code = f"""
import sys
for name in ("pandas", "pyarrow", "pyreadstat", "streamlit", "gradio", "torch"):
    sys.modules[name] = None  # an import of it fails
import numpy as np
from emotion_core import Frame, Recording
with Recording.create({str(tmp_path / "a_results.json")!r}, formats=("json", "csv")) as recording:
    recording.append(Frame(np.zeros((4, 4, 3), np.uint8)), [])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".csv"}
    assert all(math.isnan(read_results(tmp_path / f"a_results{e}")["valence"][0]) for e in (".json", ".csv"))


# SPSS


def test_spss_files_have_labels_that_a_person_reads(tmp_path: Path) -> None:
    pyreadstat = pytest.importorskip("pyreadstat")
    made = written(tmp_path, OWN, "sav", [(1, 2), (), (2,)])
    table, meta = pyreadstat.read_sav(tmp_path / "talk_results.sav")
    names = {1.0: "bored", 2.0: "très attentif", 3.0: "focused on work"}
    assert meta.variable_value_labels == {"emotion": names, "uncertain": {0.0: "no", 1.0: "yes"}}
    assert table["emotion"].map(names).fillna("").tolist() == [record.emotion or "" for record in made]
    assert [name for name in table.columns if name[:2] == "p_"] == ["p_bored", "p_2", "p_3"]
    assert meta.column_names_to_labels["p_2"] == "Probability of très attentif"
    assert all(meta.column_names_to_labels.values()) and len(table.columns) == len(columns(OWN))
    assert meta.variable_measure["emotion"] == "nominal" and meta.variable_measure["valence"] == "scale"


def test_a_full_disk_is_an_error_of_the_spss_file_too(tmp_path: Path) -> None:
    """The library that writes it goes on in silence."""
    pytest.importorskip("pyreadstat")
    pytest.importorskip("resource")
    code = f"""
import resource
from pathlib import Path
from emotion_core.results.formats.sav import SavWriter
from emotion_core.results.record import Record
writer = SavWriter(Path({str(tmp_path / "a.sav")!r}), ("a", "b"))
for i in range(5000):
    writer.write(Record(i, "a", 0.5, i / 9000, 0.3, i / 7, 1))
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
try:
    writer.close()
except OSError as error:
    print("OSError", error.filename)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.split() == ["OSError", str(tmp_path / "a.sav")], done.stderr


@pytest.mark.parametrize("content", [b"", b"no SPSS file at all", None])
def test_a_broken_spss_file_is_refused_in_one_line(tmp_path: Path, content: bytes | None) -> None:
    pytest.importorskip("pyreadstat")
    written(tmp_path, OWN, "sav", [(1,)] * 50)
    path = tmp_path / "talk_results.sav"
    path.write_bytes(path.read_bytes()[:-500] if content is None else content)
    with pytest.raises(EmotionError, match="is no whole SPSS file: write it again$"):
        read_results(path)
