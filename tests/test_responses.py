"""Responses around events: known answers are found, and what is left out is said."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from emotion_core.analytics.contrasts import contrasts
from emotion_core.analytics.events import events_of
from emotion_core.analytics.responses import Trials, Window, average, trials_of, without
from emotion_core.analytics.study_responses import study_responses
from emotion_core.types import EmotionError
from tests.stimuli import made_study, table_of, truth


def _held(draws: int, **study: object) -> dict[str, int]:
    """Count the draws in which each figure's interval holds the truth."""
    wanted = truth(0.3)
    held = dict.fromkeys(wanted, 0)
    for seed in range(draws):
        (found,) = average(trials_of(*made_study(seed, **study)))  # type: ignore[arg-type]
        for key, value in wanted.items():
            held[key] += getattr(found, key).low <= value <= getattr(found, key).high
    return held


def test_intervals_hold_what_was_made() -> None:
    assert min(_held(8).values()) >= 7


@pytest.mark.slow
@pytest.mark.parametrize("study", [{}, {"people": 20, "repetitions": 2}, {"people": 6, "repetitions": 6}])
def test_intervals_hold_what_was_made_in_90_of_100(study: dict[str, int]) -> None:
    assert min(_held(100, **study).values()) >= 90


def test_nothing_is_found_where_nothing_was_made() -> None:
    calm = sum(
        average(trials_of(*made_study(seed, people=6, size={"clip": 0.0})))[0].sentence.count("can't be told")
        for seed in range(8)
    )
    assert calm >= 7


def test_a_curve_is_the_time_weighed_mean_less_its_baseline() -> None:
    time = np.array([0.0, 0.5, 1.0, 1.1, 1.9])
    table = table_of(time, np.array([0.5, 0.5, 0.1, 0.8, 0.1]), np.array([0.2, 0.4, 0.0, 1.0, 0.5]))
    table.attrs["spans"] = True  # each row holds from its time on
    events = events_of(pd.DataFrame({"onset": [1.0], "name": ["a"]}))
    trials = trials_of({"x": table}, events, window=Window(1.0, 1.0, 0.2))
    assert trials.table["baseline"].tolist() == pytest.approx([0.3])
    assert trials.curves[0, :5] + 0.3 == pytest.approx([0.2, 0.2, 0.3, 0.4, 0.4])
    assert trials.curves[0, 5:] + 0.3 == pytest.approx([0.5, 1.0, 1.0, 1.0, 0.75])
    assert trials.area() == pytest.approx([0.55])


def test_a_steady_ramp_is_neither_early_nor_late() -> None:
    """A picture shows the moment at its time, not what comes until the next one."""
    time = np.arange(200) / 20
    table = table_of(time, np.full(200, 0.05), time / 10)
    trials = trials_of(
        {"x": table}, events_of(pd.DataFrame({"onset": [5.0], "name": ["a"]})), window=Window(0, 2)
    )
    assert trials.curves[0] == pytest.approx((5 + trials.window.times) / 10, abs=1e-9)


def test_who_is_away_is_left_out_and_counted() -> None:
    tables, events = made_study(1, people=3)
    first = next(iter(tables))
    tables[first] = tables[first][tables[first]["time"] > 8.0]  # not there for the first baseline
    trials = trials_of(tables, events)
    assert trials.table["used"].tolist() == [False] + [True] * 8
    assert any("1 of 9 trials" in note and "half of the baseline" in note for note in trials.notes)
    (found,) = average(trials)
    assert (found.units, found.trials) == (3, 8)


def test_excluded_spans_are_cut_out() -> None:
    table = table_of(np.arange(10.0), np.ones(10), np.arange(10.0))
    left = without(table, [(2.5, 4.0), (8.9, 20.0)])
    assert left["time"].tolist() == [0, 1, 2, 4, 5, 6, 7, 8]
    assert left["duration"].tolist() == pytest.approx([1, 1, 0.5, 1, 1, 1, 1, 0.9])
    inside = without(table, [(3.2, 3.4)])
    assert inside[inside["valence"] == 3]["time"].tolist() == pytest.approx([3.0, 3.4])
    assert inside["duration"].sum() == pytest.approx(9.8)
    tables, events = made_study(2, people=2)
    trials = trials_of(tables, events, exclude={next(iter(tables)): [(8.0, 12.0)]})
    assert trials.table["used"].tolist() == [False] + [True] * 5


def test_a_category_is_its_probability_or_the_share_of_the_time() -> None:
    time = np.arange(40) / 10
    table = table_of(time, np.full(40, 0.1), time * 0)
    table["emotion"] = np.where(time < 2.0, "Neutral", "Happy")
    table.attrs["spans"] = True
    events = events_of(pd.DataFrame({"onset": [2.0], "name": ["a"]}))
    shown = trials_of({"x": table}, events, "Happy", Window(1, 1))
    assert shown.curves[0].tolist() == pytest.approx([0.0] * 10 + [1.0] * 10)
    table["p_Happy"] = 0.25
    assert trials_of({"x": table}, events, "Happy", Window(0, 1)).curves[0] == pytest.approx(0.25)
    with pytest.raises(EmotionError, match="none of the results holds AU12_r"):
        trials_of({"x": table}, events, "AU12_r")


def test_one_person_is_averaged_over_repetitions_and_one_trial_has_no_interval() -> None:
    (found,) = average(trials_of(*made_study(3, people=1, repetitions=5)))
    assert (found.over, found.units) == ("repetitions", 5) and np.isfinite(found.area.low)
    (one,) = average(trials_of(*made_study(3, people=1, repetitions=1)))
    assert np.isnan(one.area.low) and "too few for an interval" in one.sentence


def test_events_may_be_of_one_person_and_one_recording() -> None:
    time = np.arange(100) / 10
    both = pd.concat([table_of(time, np.full(100, 0.1), time * 0, face) for face in (1, 2)])
    events = events_of(
        pd.DataFrame(
            {"onset": [2, 3, 4], "name": "a", "person": [2, None, 1], "source": ["x", None, "y.mp4"]}
        )
    )
    table = trials_of({"x_results.json": both, "y_results.json": both}, events).table
    assert list(zip(table["source"].str[0], table["person"], table["onset"], strict=True)) == [
        *(("x", 1, 3), ("x", 2, 2), ("x", 2, 3)),
        *(("y", 1, 3), ("y", 1, 4), ("y", 2, 3)),
    ]
    elsewhere = events_of(pd.DataFrame({"onset": [1], "name": ["a"], "source": ["z"]}))
    with pytest.raises(EmotionError, match="the events name z"):
        trials_of({"x_results.json": both}, elsewhere)


@pytest.mark.parametrize("method", ["permutation", "mixed"])
def test_contrasts_find_what_differs_and_nothing_else(method: str) -> None:
    size = {"calm": 0.1, "film": 0.35, "same": 0.1}
    found = contrasts(
        [trials_of(*made_study(4, size=size, people=10, repetitions=2, noise=0.05))], method=method
    )
    assert [(one.first, one.second) for one in found] == [
        ("calm", "film"),
        ("calm", "same"),
        ("film", "same"),
    ]
    wanted = (truth(0.35)["area"] - truth(0.1)["area"]) / 4
    assert found[0].paired and found[0].low < wanted < found[0].high and found[0].p_adjusted < 0.01
    assert "they differ" in found[0].sentence and "no difference can be told" in found[1].sentence
    assert found[1].low < 0 < found[1].high


def test_groups_are_compared_between_people() -> None:
    one, events = made_study(5, people=8, size={"clip": 0.1})
    other, _ = made_study(6, people=8, size={"clip": 0.4})
    tables = {**{f"a{name}": t for name, t in one.items()}, **{f"b{name}": t for name, t in other.items()}}
    found = study_responses(tables, events, ["valence"], groups={name: name[0] for name in tables})
    (between,) = found.contrasts
    assert (between.first, between.second, between.paired) == ("a", "b", False)
    assert (between.n_first, between.n_second) == (8, 8) and between.p < 0.01
    assert [(r.group, r.units) for r in found.responses] == [(None, 16), ("a", 8), ("b", 8)]


def test_recordings_of_one_participant_are_one_person() -> None:
    """One recording a stimulus, as studies have them: the same people saw both, and are compared so."""
    size = {"a": 0.1, "b": 0.3}
    tables, events = {}, []
    for name in size:
        made, shown = made_study(5, people=6, size={name: size[name]}, noise=0.05)
        tables |= {f"{source[:3]}_{name}.json": table for source, table in made.items()}
        events += [shown.assign(source=f"{source[:3]}_{name}") for source in made]
    shown = events_of(pd.concat(events))
    whose = {source: source[:3] for source in tables}
    found = study_responses(tables, shown, ["valence"], whose=whose)
    assert [(one.name, one.units, one.trials) for one in found.responses] == [("a", 6, 18), ("b", 6, 18)]
    (between,) = found.contrasts
    assert between.paired and between.n_first == 6 and between.p < 0.05
    assert found.trial_table()["recording"].nunique() == 12
    (apart,) = study_responses(tables, shown, ["valence"]).contrasts
    assert not apart.paired and apart.difference == pytest.approx(between.difference)


def _trials(seed: int, shift: float) -> Trials:
    """Eight people with levels of their own, two trials each of a and of b, which is higher by `shift`."""
    rng = np.random.default_rng(seed)
    rows = [(f"p{p}", 1, n, None) for p in range(8) for n in "aabb"]
    table = pd.DataFrame(rows, columns=["source", "person", "name", "group"]).assign(used=True)
    level = np.repeat(rng.normal(0, 1.0, 8), 4) + rng.normal(0, 0.2, 32) + shift * (table["name"] == "b")
    return Trials("valence", Window(0, 1, 0.2), table, level.to_numpy()[:, None] * np.ones(5))


@pytest.mark.parametrize("method, draws", [("permutation", 40), ("mixed", 20)])
def test_p_and_intervals_are_as_often_right_as_they_say(method: str, draws: int) -> None:
    """People differ much more than trials do: only a test within people finds a shift of 0.3."""
    none = [contrasts([_trials(seed, 0.0)], method=method)[0] for seed in range(draws)]
    assert sum(one.p < 0.05 for one in none) <= draws / 8 and 0.35 < np.mean([one.p for one in none]) < 0.65
    some = [contrasts([_trials(seed, 0.3)], method=method)[0] for seed in range(10)]
    assert sum(one.p < 0.05 for one in some) >= 8
    assert sum(one.low < 0.3 < one.high for one in some) >= 8


def test_an_earlier_event_in_the_baseline_is_said() -> None:
    tables, _ = made_study(7, people=2)
    events = events_of(pd.DataFrame({"onset": [5.0, 6.0, 20.0], "duration": [0.8, 0.5, 0.5], "name": "a"}))
    assert any("in 2 trials" in note for note in trials_of(tables, events).notes)


def test_tables_are_written_and_not_replaced(tmp_path: Path) -> None:
    found = study_responses(*made_study(8, size={"a": 0.1, "b": 0.3}, people=4))
    paths = found.write(tmp_path / "out")
    assert {path.name for path in paths} == {
        *("responses.csv", "responses.json", "response_curves.csv", "response_trials.csv", "contrasts.csv")
    }
    figures = pd.read_csv(tmp_path / "out" / "responses.csv")
    assert figures[["measure", "name"]].to_numpy().tolist() == [
        ["valence", "a"], ["valence", "b"], ["arousal", "a"], ["arousal", "b"],
    ]  # fmt: skip
    with pytest.raises(EmotionError, match="is there already"):
        found.write(tmp_path / "out")
    assert len(found.write(tmp_path / "out", overwrite=True)) == 5


@pytest.mark.parametrize(
    "bad", [{"before": -1}, {"after": 0.1}, {"step": 0}, {"before": 0.05}, {"step": float("nan")}]
)
def test_windows_that_make_no_sense_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(EmotionError):
        Window(**bad)
