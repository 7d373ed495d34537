import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from emotion_core.analytics import compare as insight_compare
from emotion_core.analytics import measures, pairs, sample
from emotion_core.analytics.loading import check
from emotion_core.labels import EMOTIONS, coordinates
from emotion_core.palette import INK, color_of
from tests.tables import checked, rows_of
from webapp.charts import compare as charts_compare
from webapp.charts import people as charts_people
from webapp.charts import plane, shares
from webapp.charts.style import blend, drawn_once, figure_data


@pytest.fixture(scope="module")
def talk():  # type: ignore[no-untyped-def]
    return check(sample.make_recording(60, people=3), name="talk").frame


def test_shares_bar_draws_the_shares_in_the_palette() -> None:
    bar = shares.shares_bar(checked(rows_of("HHHNNNNNSA"))).data[0]
    drawn = dict(zip(bar.y, bar.x, strict=True))
    assert drawn["Neutral"] == pytest.approx(50) and drawn["Happy"] == pytest.approx(30)
    assert sum(drawn.values()) == pytest.approx(100)
    colors = dict(zip(bar.y, bar.marker.color, strict=True))
    assert colors == {label: color_of(label) for label in EMOTIONS}


def test_ribbon_shows_the_most_frequent_category_of_each_bin() -> None:
    table = checked(rows_of("HHHNHNNNNN....SSSSSS"), rows_of("A" * 20, face=2))
    middles, codes = shares.ribbon_table(table, [1, 2], bins=4)
    assert middles == pytest.approx([0.25, 0.75, 1.25, 1.75])
    names = [None if np.isnan(code) else EMOTIONS[int(code)] for code in codes[0]]
    assert names == ["Happy", "Neutral", "Sad", "Sad"]
    assert (codes[1] == EMOTIONS.index("Angry")).all()
    _, fine = shares.ribbon_table(table, [1], bins=20)
    assert np.isnan(fine[0][10:14]).all() and not np.isnan(fine[0][14:]).any()


def test_ribbon_of_a_single_frame() -> None:
    _, codes = shares.ribbon_table(checked(rows_of("H")), [1])
    assert codes.tolist() == [[EMOTIONS.index("Happy")]]


def test_timeline_has_the_numbers_of_the_table() -> None:
    valence = np.linspace(-1, 1, 50)
    table = checked(rows_of("H" * 50, valence=valence, arousal=0.7))
    figure = shares.timeline(table, band=0)
    line = next(t for t in figure.data if t.meta == "valence")
    assert np.asarray(line.x) == pytest.approx(np.arange(50) / 10)
    assert np.asarray(line.y) == pytest.approx(valence)
    happy = next(t for t in figure.data if t.name == "Happy")
    assert np.asarray(happy.y) == pytest.approx(0.8)
    assert figure.layout.xaxis.matches or figure.layout.xaxis2.matches  # one zoom for all rows


def test_timeline_lines_break_where_the_face_is_away() -> None:
    table = checked(rows_of("H" * 10 + "." * 20 + "H" * 10))
    line = next(t for t in shares.timeline(table, band=0).data if t.meta == "valence")
    y = np.asarray(line.y, float)
    assert np.isnan(y).sum() == 1 and len(y) == 21


def test_a_line_goes_on_while_a_picture_lasts() -> None:
    table = rows_of("HHH")
    table["time"] = [0.0, 3.0, 9.0]
    line = next(t for t in shares.timeline(checked(table), band=0).data if t.meta == "valence")
    assert np.asarray(line.x).tolist() == [0.0, 3.0, 9.0]


def test_timeline_band_is_one_standard_deviation() -> None:
    table = checked(rows_of("N" * 40, valence=[0.5, -0.5] * 20))
    figure = shares.timeline(table, band=1.0)
    band = next(t for t in figure.data if t.name == "Person 1 valence band")
    inner = np.asarray(band.y, float)[(np.asarray(band.x) > 1) & (np.asarray(band.x) < 3)]
    assert sorted({round(y, 6) for y in inner}) == [-0.5, 0.5]


@pytest.mark.parametrize("kind", ["stacked", "lines", "none"])
def test_timeline_kinds(talk, kind: str) -> None:  # type: ignore[no-untyped-def]
    figure = shares.timeline(talk, [1, 3], person=3, probabilities=kind)
    drawn = [t for t in figure.data if t.name == "Happy" and t.x is not None and list(t.x) != [None]]
    assert len(drawn) == (0 if kind == "none" else 1)
    assert {t.name for t in figure.data if t.meta == "arousal"} == {"Person 1", "Person 3"}


def test_down_sampling_keeps_peaks_and_says_so() -> None:
    n = 50_000
    valence = np.zeros(n)
    valence[31_234] = 0.97
    table = checked(rows_of("N" * n, fps=30, valence=valence))
    line = next(t for t in shares.timeline(table, band=0, points=500).data if t.meta == "valence")
    assert len(line.x) <= 520
    assert max(line.y) == pytest.approx(0.97)
    said = shares.thinned(table, 500)
    assert said is not None and "500" in said and "50,000" in said and "MinMaxLTTB" in said
    assert shares.thinned(checked(rows_of("NNN"))) is None


def test_a_long_timeline_is_light_for_the_browser() -> None:
    n = 20_000
    rng = np.random.default_rng(1)
    parts = [
        rows_of("N" * n, face=face, fps=10, valence=rng.uniform(-1, 1, n), arousal=rng.uniform(0, 1, n))
        for face in (1, 2, 3)
    ]
    figure = shares.timeline(checked(*parts), band=1.0)
    # Every drawn mark is a node of the page; clicks and texts need the marks, but not drawn.
    assert all(t.marker.maxdisplayed == 1 for t in figure.data[1:] if "markers" in t.mode)
    assert all(len(t.x) <= 2200 for t in figure.data)
    assert len(figure.to_json()) < 300_000
    # Margins that plotly has to find would make it draw everything twice.
    assert figure.layout.margin.b >= 100 and not figure.layout.yaxis3.automargin


def test_a_gap_breaks_a_thinned_line_where_it_can_be_seen() -> None:
    n = 20_000
    faces = np.array(["N"] * n, object)
    faces[5_000:5_015] = "."  # 1.5 s of 2,000: less than two points are apart
    faces[12_000:13_000] = "."
    table = checked(rows_of("".join(faces), fps=10, valence=np.sin(np.arange(n))))
    line = next(t for t in shares.timeline(table, band=0).data if t.meta == "valence")
    x, y = np.asarray(line.x, float), np.asarray(line.y, float)
    (gap,) = np.flatnonzero(np.isnan(y))
    assert x[[gap - 1, gap + 1]] == pytest.approx([1199.9, 1300.0])


def test_thin_keeps_everything_that_fits() -> None:
    assert shares.thin(np.arange(10.0), [np.zeros(10)], 20).tolist() == list(range(10))


def test_small_multiples_has_a_line_a_file() -> None:
    tables = {f"<b>{i}": checked(rows_of("N" * 30, valence=i / 10)) for i in range(5)}
    figure = shares.small_multiples(tables)
    assert len(figure.data) == 5
    assert [trace.y[0] for trace in figure.data] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    assert all("<b>" not in note.text for note in figure.layout.annotations)


def test_plane_marks_the_words_where_their_faces_were_rated(talk) -> None:  # type: ignore[no-untyped-def]
    figure = plane.trajectory({"one": talk[talk["face"] == 1]})
    words = next(t for t in figure.data if t.name == "words")
    assert np.stack([words.x, words.y], axis=1) == pytest.approx(coordinates())
    way = figure.data[0]
    assert way.marker.color is not None and list(way.marker.color) == sorted(way.marker.color)


def test_dwell_bar_equals_the_seconds() -> None:
    table = checked(rows_of("N" * 4, valence=[0.5, 0.5, 0.5, -0.5], arousal=0.9))
    bar = plane.dwell_bar({"one": table}).data[0]
    assert bar.x == pytest.approx([75, 25, 0, 0])
    assert bar.customdata == pytest.approx([0.3, 0.1, 0, 0])


def test_density_holds_all_seconds(talk) -> None:  # type: ignore[no-untyped-def]
    cells = plane.density(talk).data[0]
    assert np.nansum(np.asarray(cells.z, float)) == pytest.approx(
        talk.loc[talk["face"].notna(), "duration"].sum()
    )


def test_animation_has_steps_speeds_and_a_slider(talk) -> None:  # type: ignore[no-untyped-def]
    people = {f"Person {face}": talk[talk["face"] == face] for face in (1, 2)}
    figure = plane.animation(people)
    assert len(figure.frames) == plane.FRAMES == len(figure.layout.sliders[0].steps)
    assert len(figure.layout.updatemenus[0].buttons) == 5
    assert all(len(frame.data) == 4 for frame in figure.frames)
    first = people["Person 1"]
    start, end = talk["time"].min(), talk["time"].max()
    step = first[first["time"] < start + (end - start) / plane.FRAMES]
    assert figure.frames[0].data[1].x[0] == pytest.approx(step["valence"].mean())


def test_transitions_are_drawn_as_counted() -> None:
    table = checked(rows_of("HHNNHHNSS"))
    heat = charts_people.transitions_map(table).data[0]
    drawn = {
        (f, t): heat.z[i][j]
        for i, f in enumerate(heat.y)
        for j, t in enumerate(heat.x)
        if heat.z[i][j] == heat.z[i][j]
    }
    assert drawn == {("Happy", "Neutral"): 2, ("Neutral", "Happy"): 1, ("Neutral", "Sad"): 1}
    flow = figure_data(charts_people.transitions_flow(table))
    assert {(r.x, r.y): r.value for r in flow.itertuples()} == drawn


def test_synchrony_chart_marks_the_lag(talk) -> None:  # type: ignore[no-untyped-def]
    result = pairs.synchrony(talk, 1, 2)
    assert result is not None
    figure = charts_people.synchrony_map(result, 1, 2)
    profile = next(t for t in figure.data if t.name == "mean correlation")
    assert profile.x[int(np.argmax(profile.y))] == pytest.approx(result.lag)


def test_forest_and_distributions_have_every_file() -> None:
    study = {name: check(table, name=name).frame for name, table in sample.make_study(8, 10).items()}
    values = insight_compare.per_file(study)
    tags = insight_compare.tags_by_pattern(list(study), "*_{tag}_*")
    effects = insight_compare.effects(values, tags, "A", "B")
    forest = charts_compare.forest(effects, "A", "B").data[0]
    known = effects[effects["g"].notna()]
    assert list(forest.x) == pytest.approx(known["g"].tolist())
    assert np.asarray(forest.x) + forest.error_x.array == pytest.approx(known["g_high"].to_numpy())
    boxes = charts_compare.distributions(values[["Happy", "Sad"]], tags, ["A", "B"])
    assert [len(trace.x) for trace in boxes.data] == [8, 8]
    bars = charts_compare.differences(effects, "A", "B").data[0]
    shown = effects.loc[list(bars.y), "difference"]
    assert np.asarray(bars.x) == pytest.approx(100 * shown.to_numpy())


def test_every_chart_takes_a_file_without_faces() -> None:
    table = checked(rows_of("....."))
    figures = [
        shares.ribbon(table),
        shares.timeline(table),
        shares.shares_bar(table),
        plane.trajectory({"one": table}),
        plane.density(table),
        plane.animation({"one": table}),
        plane.dwell_bar({"one": table}),
        charts_people.transitions_map(table),
        charts_people.transitions_flow(table),
        charts_people.expressiveness_bar(table),
        charts_people.similarity_map(pairs.similarity(table)),
    ]
    assert all(isinstance(figure, go.Figure) for figure in figures)


def test_figure_data_is_what_is_drawn() -> None:
    figure = shares.timeline(checked(rows_of("HHNN")), band=0)
    data = figure_data(figure)
    happy = data[data["trace"] == "Happy"]
    assert happy["y"].astype(float).tolist() == pytest.approx([0.8, 0.8, 0.2 / 6, 0.2 / 6])
    assert set(data.loc[data["trace"] == "Person 1 valence", "y"]) == {0.0}


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_a_chart_drawn_once_holds_the_same_numbers_as_lists(talk, mode: str) -> None:  # type: ignore[no-untyped-def]
    figure = shares.timeline(talk)
    once = drawn_once(pickle.loads(pickle.dumps(figure)), mode)
    parts = once.to_dict()
    # Any of these makes plotly draw a second time.
    assert not any(isinstance(trace.get(name), dict) for trace in parts["data"] for name in "xyz")
    assert parts["layout"].get("template") is None and "autorange" not in str(parts["layout"])
    assert once.layout.datarevision == 1
    assert once.layout.font.color == INK[mode] and once.layout.clickmode == "event+select"
    ours, theirs = figure_data(once), figure_data(figure)
    assert ours["trace"].tolist() == theirs["trace"].tolist()
    for name in ("x", "y", "value"):
        numbers = [pd.to_numeric(table[name], errors="coerce").to_numpy(float) for table in (ours, theirs)]
        assert numbers[0] == pytest.approx(numbers[1], abs=1e-4, nan_ok=True)


def test_figure_data_of_a_figure_from_the_cache(talk) -> None:  # type: ignore[no-untyped-def]
    one = talk[talk["face"] == 1]
    pair = pairs.synchrony(talk, 1, 2)
    assert pair is not None
    figures = [
        shares.shares_bar(talk),
        shares.ribbon(talk),
        shares.timeline(talk),
        shares.small_multiples({"talk": talk}),
        plane.trajectory({"one": one}),
        plane.density(talk),
        plane.animation({"one": one}),
        plane.dwell_bar({"one": one}),
        charts_people.transitions_map(talk),
        charts_people.transitions_flow(talk),
        charts_people.expressiveness_bar(talk),
        charts_people.synchrony_map(pair, 1, 2),
    ]
    for figure in figures:
        fresh, kept = figure_data(figure), figure_data(pickle.loads(pickle.dumps(figure)))
        assert len(fresh)
        pd.testing.assert_frame_equal(fresh.astype(str), kept.astype(str))
        # The page tells charts apart by their JSON: from the second time on it has to stay the same.
        once = pickle.loads(pickle.dumps(figure))
        assert once.to_json() == pickle.loads(pickle.dumps(once)).to_json()


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_themed_leaves_the_original_alone(mode: str) -> None:
    figure = shares.shares_bar(checked(rows_of("HHNN")))
    other = shares.themed(figure, mode)
    assert other.layout.paper_bgcolor != figure.layout.paper_bgcolor == "rgba(0,0,0,0)"


def test_charts_and_dashboard_load_no_network(root: Path) -> None:
    code = (
        "import sys; from importlib import import_module; from pkgutil import walk_packages\n"
        "for room in ('webapp.charts', 'webapp.dashboard.views', 'emotion_core.analytics'):\n"
        "    [import_module(m.name) for m in walk_packages(import_module(room).__path__, room + '.')]\n"
        "import webapp.shared.report, webapp.shared.owners\n"
        "import emotion_core.results.recording, emotion_core.results.table\n"
        "heavy = {'torch', 'mediapipe', 'ultralytics', 'gradio', 'cv2', 'onnxruntime', 'av'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_lines_are_thinned_by_points_whatever_time_lies_between() -> None:
    # Two talks of five minutes, ten hours apart: bins of equal length would leave a few points of each.
    time = np.concatenate([np.arange(4500) / 15, 36_000 + np.arange(4500) / 15])
    values = np.sin(time / 7)
    values[700] = 5.0
    kept = shares.thin(time, [values], 800)
    assert 700 <= len(kept) <= 800 and 700 in kept
    assert 300 < (kept < 4500).sum() < 500


def test_no_line_of_the_grid_runs_through_a_number() -> None:
    figure = shares.shares_bar(check(sample.make_recording(20, 2), name="a").frame)
    assert figure.layout.xaxis.showgrid is False and figure.layout.yaxis.showgrid is False
    assert blend("#FFFFFF", "#000000", 0.5) == "#808080" and blend("#102030", "#FFFFFF", 0.0) == "#102030"


def test_a_person_who_is_not_seen_keeps_a_row() -> None:
    frame = check(sample.make_recording(20, 2), name="a").frame
    alone = measures.select(frame, people=[1])
    band = shares.ribbon(alone, [1, 2]).data[0]
    assert list(band.y) == ["Person 1", "Person 2"]
    assert np.isnan(band.z[1]).all() and not np.isnan(band.z[0]).all()
