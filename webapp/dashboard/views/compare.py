"""Compare: groups of files, with effect sizes, intervals and warnings about small samples."""

from pathlib import Path

import pandas as pd
import streamlit as st

from emotion_core.analytics import MEASURES, studies
from emotion_core.analytics import compare as insight_compare
from emotion_core.types import EmotionError
from webapp.charts import compare as charts_compare
from webapp.dashboard import choices, shown, state

NAMES = {
    "n_first": "n {a}",
    "n_second": "n {b}",
    "mean_first": "Mean {a}",
    "mean_second": "Mean {b}",
    "difference": "Difference",
    "low": "from",
    "high": "to",
    "g": "Hedges' g",
    "g_low": "g from",
    "g_high": "g to",
    "superiority": "P({b} > {a})",
    "p": "p",
    "p_adjusted": "p, Holm",
}


def page() -> None:
    """Draw the page."""
    st.title("Compare")
    st.write(
        "Is one group of files different from another? One file counts as one observation, never one frame."
    )
    have, study = state.files(), state.study()
    known = set() if study is None else {(study.folder / name).resolve() for name in study.results}
    more = {n: r for n, r in have.items() if r.path is None or r.path.resolve() not in known}
    if any(results.made for results in more.values()):
        st.badge("Made-up samples are among the files", icon=":material/science:", color="violet")
    values = _values({name: results.frame for name, results in more.items()}, study)
    names = [*more, *([] if study is None else (Path(name).name for name in study.results))]
    if len(names) < 2:
        st.info("Load at least two files, or make the study of 12 files on the page **Files**.")
        return
    tags = _tags(names, study)
    if values.empty:
        st.info("No face was found in any of the files.")
        return
    counts = pd.Series(
        {name: tag for name, tag in tags.items() if name in values.index}, dtype=object
    ).value_counts()
    groups = sorted(str(tag) for tag in counts.index)
    _tagged(names, tags, values)
    if len(groups) < 2:
        st.info("Two groups are needed: change the pattern or upload a table with the columns file and tag.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        first = choices.pick("Group A", groups, key="group_a", width=200)
        second = choices.pick("Group B", groups, key="group_b", default=groups[1], width=200)
    if first == second:
        st.info("Choose two different groups.")
        return
    said = insight_compare.cautions({group: int(counts[group]) for group in (first, second)})
    if said:
        st.warning("  \n".join(said), icon=":material/warning:")
    _results(values, tags, first, second)


def _tags(names: list[str], study: studies.Study | None) -> dict[str, str]:
    groupings = [] if study is None else study.groupings
    if study is not None and groupings:
        by = choices.pick("Group by", ["the file name", *groupings], key="grouping", default=groupings[0])
        if by in groupings:
            return study.tags(by)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        pattern = choices.text(
            "Group by file name",
            "*_{tag}_*",
            key="pattern",
            width=300,
            help="{tag} stands for the group, * for anything: *_{tag}_* gives B for talk_B_07_results.json.",
        )
        table = st.file_uploader(
            "or by a table (CSV with the columns file, tag)", type="csv", key="tags", width=380
        )
    try:
        if table is not None:
            return insight_compare.tags_from_table(names, pd.read_csv(table, dtype=str))
        return insight_compare.tags_by_pattern(names, pattern)
    except EmotionError as error:
        st.error(str(error))
    except (ValueError, UnicodeDecodeError):
        st.error("The table of tags can't be read: save it as CSV with the columns file and tag.")
    return {}


def _values(tables: dict[str, pd.DataFrame], study: studies.Study | None) -> pd.DataFrame:
    ids = (id(study), *sorted((name, id(table)) for name, table in tables.items()))
    kept = st.session_state.get("per_file")
    if kept is None or kept[0] != ids:
        values = insight_compare.per_file(tables)
        if study is not None:
            values = pd.concat([study.per_file(), values])
        kept = (ids, values)
        st.session_state["per_file"] = kept
    return kept[1]


def _tagged(names: list[str], tags: dict[str, str], values: pd.DataFrame) -> None:
    with st.expander(f"{len(tags)} of {len(names)} files have a group"):
        table = pd.DataFrame({"File": names, "Group": [tags.get(name, "") for name in names]})
        table["Remark"] = ["" if name in values.index else "no face: left out" for name in names]
        st.dataframe(table, hide_index=True, key="tagged")


def _results(values: pd.DataFrame, tags: dict[str, str], first: str, second: str) -> None:
    effects = insight_compare.effects(values, tags, first, second)
    shares = [c for c in values.columns if c not in {measure.name for measure in MEASURES}]
    left, right = st.columns(2, gap="large")
    with left:
        shown.show(
            charts_compare.differences(effects, first, second),
            "differences",
            heading="Difference of each emotion",
            text="Difference of the mean shares with Welch's 95 % interval.",
        )
    with right:
        shown.show(
            charts_compare.forest(effects, first, second),
            "effects",
            heading="Effect sizes",
            text="Hedges' g; filled where the interval leaves out 0. Grey: negligible to medium (Cohen).",
        )
    if effects["g"].notna().any():
        largest = str(effects["g"].abs().idxmax())
        g, low, high, p, adjusted = (
            float(effects[column].to_dict()[largest])
            for column in ("g", "g_low", "g_high", "p", "p_adjusted")
        )
        st.write(
            f"The largest effect is **{largest}**: g = {g:.2f} [{low:.2f}, {high:.2f}], "
            f"{insight_compare.size_in_words(g)}; p = {p:.3f}, "
            f"corrected for {len(effects)} comparisons {adjusted:.3f}."
        )
    shown.show(
        charts_compare.distributions(values[shares], tags, [first, second]),
        "distributions",
        heading="Every file",
    )
    shown.show(
        charts_compare.distributions(values[["Valence", "Arousal"]], tags, [first, second]),
        "distributions_va",
        heading="Valence and arousal of every file",
    )
    table = effects.drop(columns=["superiority_low", "superiority_high"])
    names = {key: text.format(a=first, b=second) for key, text in NAMES.items()}
    if len(set(names.values())) < len(names):
        names = dict(zip(NAMES, NAMES, strict=True))
    st.subheader("All figures", anchor=False)
    table = table.rename(columns=names).rename_axis("Measure").round(3).reset_index()
    st.dataframe(table, hide_index=True, key="effects_table")
    st.caption(
        "Difference: Welch's interval. Hedges' g: interval by its large-sample variance. P(B > A): "
        "Brunner-Munzel. p: Mann-Whitney, and after Holm's correction. Libraries: SciPy and statsmodels."
    )
