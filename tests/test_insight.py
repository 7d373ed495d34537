from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from emotion_core.analytics import compare, measures, moments, sample
from emotion_core.analytics import pairs as insight_pairs
from emotion_core.analytics.loading import check
from emotion_core.types import EmotionError
from tests.tables import checked, rows_of


def test_overview_of_a_recording_with_a_gap() -> None:
    # 10 frames a second: 4 Happy, 2 without a face, 4 Neutral.
    table = checked(rows_of("HHHH..NNNN", valence=[0.5] * 6 + [-0.1] * 4, arousal=0.6))
    figures = measures.overview(table)
    assert figures["length"] == pytest.approx(1.0)
    assert figures["frames"] == 10
    assert figures["readings"] == 8
    assert figures["people"] == 1
    assert figures["found"] == pytest.approx(0.8)
    assert figures["valence"] == pytest.approx((4 * 0.5 - 4 * 0.1) / 8)
    assert figures["arousal"] == pytest.approx(0.6)


def test_changes_per_minute_counts_per_minute_of_one_face() -> None:
    # 6 s seen, two changes: 20 a minute. A second face that never changes halves it.
    table = checked(rows_of("H" * 20 + "N" * 20 + "S" * 20))
    assert measures.whole(table).changes_per_minute == pytest.approx(20.0)
    both = checked(rows_of("H" * 20 + "N" * 20 + "S" * 20), rows_of("N" * 60, face=2))
    assert measures.whole(both).changes_per_minute == pytest.approx(10.0)


def test_no_change_is_counted_across_an_absence() -> None:
    away = checked(rows_of("H" * 10 + "." * 20 + "N" * 10))
    assert measures.transitions(away).to_numpy().sum() == 0
    blink = checked(rows_of("H" * 10 + "." * 5 + "N" * 10))
    assert measures.transitions(blink).loc["Happy", "Neutral"] == 1


def test_shares_sum_to_one_and_follow_the_counts() -> None:
    table = checked(rows_of("HHHNNNNNSA"))
    share = measures.shares(table)
    assert share.sum() == pytest.approx(1.0)
    assert share["Happy"] == pytest.approx(0.3)
    assert share["Neutral"] == pytest.approx(0.5)
    assert share["Fear"] == 0
    people = measures.shares_by_person(checked(rows_of("HHNN"), rows_of("SSSS", face=7)))
    assert people.loc[[1, 7], ["Happy", "Sad"]].to_numpy().ravel().tolist() == pytest.approx([0.5, 0, 0, 1])


def test_runs_have_start_end_and_frames() -> None:
    runs = measures.runs(checked(rows_of("HHHNNHH")))
    assert runs["emotion"].tolist() == ["Happy", "Neutral", "Happy"]
    assert runs["frames"].tolist() == [3, 2, 2]
    assert runs["start"].to_numpy() == pytest.approx([0.0, 0.3, 0.5])
    assert runs["end"].to_numpy() == pytest.approx([0.3, 0.5, 0.7])
    assert runs["duration"].to_numpy() == pytest.approx([0.3, 0.2, 0.2])


def test_transitions_of_a_known_sequence() -> None:
    table = measures.transitions(checked(rows_of("HHNNHHNSS"), rows_of("NNNNNSSSS", face=2)))
    assert table.loc["Happy", "Neutral"] == 2
    assert table.loc["Neutral", "Happy"] == 1
    assert table.loc["Neutral", "Sad"] == 2
    assert table.to_numpy().sum() == 5
    assert np.diag(table).sum() == 0


def test_quadrant_dwell_in_seconds() -> None:
    places = [(0.5, 0.9), (0.0, 0.5), (-0.5, 0.8), (-0.5, 0.2), (0.5, 0.1), (0.5, 0.49)]
    valence, arousal = zip(*places, strict=True)
    table = checked(rows_of("N" * 6, valence=valence, arousal=arousal))
    seconds = measures.quadrants(table)
    assert seconds.to_numpy() == pytest.approx([0.2, 0.1, 0.1, 0.2])
    centred = measures.quadrants(table, centre=0.1)
    assert centred[measures.CENTRE] == pytest.approx(0.1)
    assert centred.sum() == pytest.approx(0.6)


def test_dwell_uses_the_clock_and_not_the_count() -> None:
    # The rate drops to a half: the later readings stand for twice the time. The last lasts 0.7 / 5 s.
    time = [0.0, 0.1, 0.2, 0.3, 0.5, 0.7]
    table = rows_of("N" * 6, valence=[0.5] * 3 + [-0.5] * 3, arousal=0.9)
    table["time"] = time
    seconds = measures.quadrants(checked(table))
    assert seconds["Pleasant, active"] == pytest.approx(0.3)
    assert seconds["Unpleasant, active"] == pytest.approx(0.2 + 0.2 + 0.14)


def test_expressiveness_of_a_still_and_a_lively_face() -> None:
    still = rows_of("N" * 20, confidence=1.0)
    lively = rows_of("HN" * 10, face=2, confidence=1.0, valence=[0.5, -0.5] * 10)
    table = measures.expressiveness(checked(still, lively))
    assert table.loc[1, "expressive"] == pytest.approx(0.0)
    assert table.loc[2, "expressive"] == pytest.approx(0.5)
    assert table.loc[1, "spread"] == pytest.approx(0.0)
    assert table.loc[2, "spread"] == pytest.approx(0.5)
    assert table.loc[2, "changes"] == pytest.approx(19 / (2 / 60))
    assert table.loc[1, "seconds"] == pytest.approx(2.0)


def test_an_only_empty_file_gives_zeros_and_nan() -> None:
    table = checked(rows_of("....."))
    figures = measures.overview(table)
    assert figures["people"] == 0 and figures["found"] == 0
    assert np.isnan(figures["valence"]) and np.isnan(figures["changes_per_minute"])
    assert measures.shares(table).sum() == 0
    assert measures.runs(table).empty and measures.expressiveness(table).empty
    assert measures.quadrants(table).sum() == 0


def test_select_keeps_frames_without_a_face() -> None:
    table = checked(rows_of("HH..NN"), rows_of("SSSSSS", face=2))
    chosen = measures.select(table, people=[1], start=0.1, end=0.5)
    assert set(chosen["face"].dropna()) == {1.0}
    assert chosen["time"].min() == pytest.approx(0.1) and chosen["time"].max() == pytest.approx(0.4)
    assert chosen["face"].isna().sum() == 2


def test_a_picture_that_lasts_over_the_edge_is_cut_there() -> None:
    table = rows_of("HNS")
    table["time"] = [0.0, 1.0, 5.0]
    part = measures.select(checked(table), start=0.5, end=3.0)
    assert part[["time", "duration"]].to_numpy().tolist() == [[0.5, 0.5], [1.0, 2.0]]
    assert measures.shares(part)["Neutral"] == pytest.approx(2 / 2.5)
    inside = measures.select(checked(table), start=2.0, end=3.0)
    assert measures.length(inside) == 1.0 and inside["emotion"].tolist() == ["Neutral"]


def test_a_picture_of_others_only_is_one_without_a_face() -> None:
    two = checked(rows_of("HH"), rows_of("SSSS", face=2), rows_of("NNNN", face=3))
    chosen = measures.select(two, people=[1])
    assert chosen["time"].tolist() == pytest.approx([0.0, 0.1, 0.2, 0.3])
    assert measures.extent(chosen)["found"] == pytest.approx(0.5)
    assert (
        chosen["emotion"].isna().tolist() == chosen["valence"].isna().tolist() == [False, False, True, True]
    )


# -- moments


def test_peaks_are_found_at_their_time() -> None:
    bump = np.exp(-0.5 * ((np.arange(100) - 40) / 5) ** 2) * 0.9
    table = rows_of("".join("H" if p > 0.5 else "N" for p in bump))
    table["confidence"] = np.maximum(bump, 1 - bump)
    peaks = moments.peaks(checked(table))
    assert peaks[["emotion", "face"]].to_numpy().tolist() == [["Happy", 1]]
    assert peaks["time"][0] == pytest.approx(4.0)
    assert peaks["strength"][0] == pytest.approx(0.9)


def test_a_peak_at_the_very_edge_counts() -> None:
    table = rows_of("N" * 20 + "H" * 30)
    table["confidence"] = np.linspace(0, 0.9, 50)
    assert moments.peaks(checked(table))["time"].tolist() == pytest.approx([4.9])


def test_a_step_is_one_change_at_its_time() -> None:
    rng = np.random.default_rng(0)
    valence = np.where(np.arange(400) < 200, -0.3, 0.5) + rng.normal(0, 0.03, 400)
    found = moments.changes(checked(rows_of("N" * 400, valence=valence)))
    assert len(found) == 1
    assert found["time"][0] == pytest.approx(20.0, abs=0.5)
    assert found["strength"][0] == pytest.approx(0.8, abs=0.05)


def test_noise_alone_has_no_change() -> None:
    rng = np.random.default_rng(1)
    table = rows_of("N" * 600, valence=rng.normal(0, 0.1, 600), arousal=0.5 + rng.normal(0, 0.05, 600))
    assert moments.changes(checked(table)).empty


@pytest.mark.parametrize(
    ("emotions", "count"),
    [
        ("N" * 20 + "F" * 3 + "N" * 20, 1),  # 0.3 s of fear
        ("N" * 20 + "F" * 6 + "N" * 20, 0),  # 0.6 s is no flash
        ("H" * 20 + "N" * 3 + "H" * 20, 0),  # Neutral is no expression
        ("N" * 20 + "FFSSFF" + "N" * 20, 0),  # wavering is not one brief expression
        ("F" * 3 + "N" * 20, 0),  # nothing before it
        ("N" * 20 + "." * 20 + "F" * 3 + "." * 20 + "N" * 20, 0),  # the face came and went
    ],
)
def test_flashes(emotions: str, count: int) -> None:
    found = moments.flashes(checked(rows_of(emotions)))
    assert len(found) == count
    if count:
        assert found["emotion"][0] == "Fear"
        assert found["time"][0] == pytest.approx(2.0)
        assert "300 ms" in found["what"][0]


def test_a_weak_flash_is_left_out() -> None:
    weak = rows_of("N" * 20 + "F" * 3 + "N" * 20, confidence=0.4)
    assert moments.flashes(checked(weak)).empty


def test_moments_come_in_order_of_time_and_may_be_none() -> None:
    found = moments.moments(check(sample.make_recording(60), name="x").frame)
    assert found["time"].is_monotonic_increasing
    assert set(found["kind"]) <= {"Peak", "Change", "Flash"}
    assert moments.moments(checked(rows_of("...."))).empty


# -- pairs


@pytest.mark.parametrize("lag", [-1.5, 0.0, 2.0])
def test_synchrony_finds_the_lag(lag: float) -> None:
    rng = np.random.default_rng(3)
    smooth = np.convolve(rng.normal(0, 1, 1300), np.ones(8) / 8, "same")
    first = smooth[100:1100]
    second = smooth[100 - round(lag * 10) : 1100 - round(lag * 10)]
    table = checked(
        rows_of("N" * 1000, valence=np.clip(first, -1, 1)),
        rows_of("N" * 1000, face=2, valence=np.clip(second, -1, 1)),
    )
    result = insight_pairs.synchrony(table, 1, 2)
    assert result is not None
    assert result.lag == pytest.approx(lag)
    assert result.strength > 0.95 > result.chance
    assert insight_pairs.synchrony(table, 2, 1).lag == pytest.approx(-lag)  # type: ignore[union-attr]


def test_synchrony_of_strangers_stays_at_chance() -> None:
    frame = check(sample.make_recording(600, people=3, seed=5), name="x").frame
    strangers = insight_pairs.synchrony(frame, 1, 3)
    pair = insight_pairs.synchrony(frame, 1, 2)
    assert strangers is not None and pair is not None
    assert strangers.strength < strangers.chance + 0.1
    assert pair.lag == pytest.approx(1.2, abs=0.1) and pair.strength > 2 * pair.chance


def test_synchrony_needs_time_together() -> None:
    apart = checked(rows_of("N" * 100), rows_of("N" * 100, face=2, start=50))
    assert insight_pairs.synchrony(apart, 1, 2) is None
    still = checked(rows_of("N" * 400), rows_of("N" * 400, face=2))
    assert insight_pairs.synchrony(still, 1, 2) is None


def test_the_correlation_of_each_window_and_lag_equals_numpys() -> None:
    rng = np.random.default_rng(4)
    both = [np.clip(rng.normal(0, 0.3, 60), -1, 1) for _ in range(2)]
    table = checked(*(rows_of("N" * 60, face=face, valence=v) for face, v in enumerate(both, 1)))
    result = insight_pairs.synchrony(table, 1, 2, window=2.0, max_lag=0.5)
    assert result is not None and len(result.windows) > 3
    time = np.arange(60) / 10
    a, b = (insight_pairs.on_grid(table, face, "valence", time) for face in (1, 2))
    for middle, row in result.windows.iterrows():
        start = round((float(str(middle)) - 1) * 10)
        for lag, r in row.items():
            later = start + round(float(str(lag)) * 10)
            assert r == pytest.approx(np.corrcoef(a[start : start + 20], b[later : later + 20])[0, 1])


def test_similarity_of_the_same_and_of_opposites() -> None:
    table = checked(
        rows_of("H" * 10, confidence=1.0),
        rows_of("H" * 10, face=2, confidence=1.0),
        rows_of("S" * 10, face=3, confidence=1.0),
    )
    alike = insight_pairs.similarity(table)
    assert alike.loc[1, 2] == pytest.approx(1.0)
    assert alike.loc[1, 3] == pytest.approx(0.0, abs=1e-6)
    bare = checked(rows_of("HHNN", chances=False), rows_of("HHNN", face=2, chances=False))
    assert insight_pairs.similarity(bare).loc[1, 2] == pytest.approx(1.0)


# -- compare


def _values(a: Sequence[float], b: Sequence[float]) -> tuple[pd.DataFrame, dict[str, str]]:
    names = [f"a{i}" for i in range(len(a))] + [f"b{i}" for i in range(len(b))]
    return pd.DataFrame({"Happy": [*a, *b]}, index=names), {name: name[0] for name in names}


def test_effects_against_figures_worked_by_hand() -> None:
    # means 3 and 6, both variances 2.5: d = 3 / sqrt(2.5), times 1 - 3 / (4 * 8 - 1) for Hedges' g
    values, tags = _values([1, 2, 3, 4, 5], [4, 5, 6, 7, 8])
    row = compare.effects(values, tags, "a", "b").loc["Happy"]
    assert row["difference"] == pytest.approx(3.0)
    assert row["g"] == pytest.approx(3 / np.sqrt(2.5) * (1 - 3 / 31), rel=1e-3)
    # Welch: se = 1, 8 degrees of freedom, t = 2.306
    assert [row["low"], row["high"]] == pytest.approx([3 - 2.306, 3 + 2.306], abs=1e-3)
    # of 25 pairs, b is higher in 22 and equal in 2
    assert row["superiority"] == pytest.approx((22 + 0.5 * 2) / 25)
    assert row["g_low"] < row["g"] < row["g_high"]
    assert row["p"] == row["p_adjusted"]


def test_superiority_counts_pairs() -> None:
    a, b = [1, 2, 3, 4, 5], [4, 5, 6, 7, 8]
    pairs = [(y > x) + 0.5 * (y == x) for x in a for y in b]
    values, tags = _values(a, b)
    assert compare.effects(values, tags, "a", "b").loc["Happy", "superiority"] == pytest.approx(
        np.mean(pairs)
    )


def test_holm_is_applied_over_the_rows() -> None:
    values, tags = _values([1, 2, 3, 4, 5], [14, 15, 16, 17, 18])
    values["Sad"] = [1, 5, 2, 4, 3, 1, 2, 5, 4, 3]
    table = compare.effects(values, tags, "a", "b")
    plain, adjusted = table["p"].to_dict(), table["p_adjusted"].to_dict()
    assert adjusted["Happy"] == pytest.approx(2 * plain["Happy"])
    assert adjusted["Sad"] == pytest.approx(plain["Sad"])


@pytest.mark.parametrize(("a", "b"), [([1.0], [2.0, 3.0]), ([1.0, 1.0], [1.0, 1.0]), ([], [1.0, 2.0])])
def test_too_few_files_give_no_interval(a: list[float], b: list[float]) -> None:
    values, tags = _values(a, b)
    row = compare.effects(values, tags, "a", "b").loc["Happy"]
    assert row[["low", "high", "g", "p"]].isna().all()


def test_per_file_takes_the_file_as_the_unit() -> None:
    tables = {
        "one": checked(rows_of("HHNN", valence=0.5)),
        "two": checked(rows_of("N" * 400, valence=-0.5)),
        "none": checked(rows_of("....")),
    }
    values = compare.per_file(tables)
    assert list(values.index) == ["one", "two"]
    assert values.loc["one", "Happy"] == pytest.approx(0.5) and values.loc["two", "Happy"] == 0.0
    assert values.loc["one", "Valence"] == pytest.approx(0.5)


def test_tags_by_pattern() -> None:
    names = ["talk_A_01_results.json", "talk_B_02_results.json", "other.json"]
    assert compare.tags_by_pattern(names, "*_{tag}_*") == {names[0]: "A", names[1]: "B"}
    assert compare.tags_by_pattern(["a+b_x.json"], "a+b_{tag}.json") == {"a+b_x.json": "x"}
    for wrong in ("*", "{tag}{tag}", ""):
        with pytest.raises(EmotionError, match="{tag}"):
            compare.tags_by_pattern(names, wrong)


def test_tags_from_table_forgives_endings() -> None:
    names = ["deep/talk_results.json", "walk.csv", "talk_results.json (2)", "more.json"]
    table = pd.DataFrame({"File ": ["talk.mp4", "walk", "gone"], "TAG": ["A", " B ", "C"]})
    tags = compare.tags_from_table(names, table)
    assert tags == {names[0]: "A", names[1]: "B", names[2]: "A"}
    with pytest.raises(EmotionError, match="columns file and tag"):
        compare.tags_from_table(names, pd.DataFrame({"a": [1]}))


def test_cautions_and_words() -> None:
    said = compare.cautions({"A": 1, "B": 3, "C": 12, "D": 40})
    assert len(said) == 3
    assert "1 file" in said[0] and "only 3" in said[1] and "12 files" in said[2]
    words = [compare.size_in_words(g) for g in (0.1, -0.3, 0.6, -2.0, float("nan"))]
    assert words == ["negligible", "small", "medium", "large", "not known"]


def test_emodiversity_is_the_entropy_of_the_shares() -> None:
    half, one, none = (
        measures.overview(checked(rows_of(row)))["emodiversity"] for row in ("HHNN", "HH", "..")
    )
    assert half == pytest.approx(np.log(2)) and one == 0.0 and np.isnan(none)
    lasting = rows_of("HNNN")
    lasting["time"] = [0.0, 3.0, 3.25, 3.5]  # 3 s, 0.25 s, 0.25 s, and the mean of them
    shares = np.array([3.0, 0.5 + 3.5 / 3]) / (3.5 + 3.5 / 3)
    assert measures.overview(checked(lasting))["emodiversity"] == pytest.approx(-(shares @ np.log(shares)))
    assert compare.per_file({"half": checked(rows_of("HHNN"))})["Emodiversity"].tolist() == pytest.approx(
        [np.log(2)]
    )
