"""Compare: groups of files, with effect sizes, intervals and warnings about small samples."""

from pathlib import Path

import pandas as pd
import streamlit as st

from emotion_core.analytics import MEASURES, studies
from emotion_core.analytics import compare as insight_compare
from emotion_core.types import EmotionError
from webapp.charts import compare as charts_compare
from webapp.dashboard import choices, shown, state
from webapp.shared.speech import label, library, number, say

BY_NAME = "the file name"
"""Stands for the grouping by names among those of a list, and in the address."""

PATTERN = "*_{tag}_*"
"""Where the group stands in a file's name, at first."""
MOST_ALONE = 12
"""Files that are each a group of their own, at most, where their names show no groups."""


def _headings(first: str, second: str) -> dict[str, str]:
    """Return what the columns of the table of all figures are called."""
    return {
        "n_first": say("dash.compare.n", group=first),
        "n_second": say("dash.compare.n", group=second),
        "mean_first": say("dash.compare.mean", group=first),
        "mean_second": say("dash.compare.mean", group=second),
        "difference": say("dash.compare.difference"),
        "low": say("dash.compare.low"),
        "high": say("dash.compare.high"),
        "g": say("dash.compare.g"),
        "g_low": say("dash.compare.g.low"),
        "g_high": say("dash.compare.g.high"),
        "superiority": f"P({second} > {first})",
        "p": "p",
        "p_adjusted": say("dash.compare.adjusted"),
    }


def page() -> None:
    """Draw the page."""
    st.title(say("page.compare"))
    st.write(say("dash.compare.about"))
    have, study = state.files(), state.study()
    known = set() if study is None else {(study.folder / name).resolve() for name in study.results}
    more = {n: r for n, r in have.items() if r.path is None or r.path.resolve() not in known}
    if any(results.made for results in more.values()):
        st.badge(say("dash.compare.made"), icon=":material/science:", color="violet")
    values = _values({name: results.frame for name, results in more.items()}, study)
    names = [*more, *([] if study is None else (Path(name).name for name in study.results))]
    if len(names) < 2:
        st.info(say("dash.compare.two", page=say("page.files")))
        return
    tags = _tags(names, study)
    if values.empty:
        st.info(say("dash.compare.noface"))
        return
    tags = _tagged(names, tags, values)
    counts = pd.Series(
        {name: tag for name, tag in tags.items() if name in values.index}, dtype=object
    ).value_counts()
    groups = sorted(str(tag) for tag in counts.index)
    if len(groups) < 2:
        st.info(say("dash.compare.groups"))
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        first = choices.pick(say("dash.compare.a"), groups, key="group_a", width=200)
        second = choices.pick(say("dash.compare.b"), groups, key="group_b", default=groups[1], width=200)
    if first == second:
        st.info(say("dash.compare.different"))
        return
    said = insight_compare.cautions({group: int(counts[group]) for group in (first, second)})
    if said:
        st.warning("  \n".join(map(library, said)), icon=":material/warning:")
    _results(values, tags, first, second)


def _tags(names: list[str], study: studies.Study | None) -> dict[str, str]:
    groupings = [] if study is None else study.groupings
    if study is not None and groupings:
        by = choices.pick(
            say("dash.compare.by"),
            [BY_NAME, *groupings],
            key="grouping",
            default=groupings[0],
            format_func=lambda name: say("dash.compare.name") if name == BY_NAME else name,
        )
        if by in groupings:
            return study.tags(by)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        pattern = choices.text(
            say("dash.compare.pattern"),
            PATTERN,
            key="pattern",
            width=300,
            help=say("dash.compare.pattern.about"),
        )
        table = st.file_uploader(say("dash.compare.table"), type="csv", key="tags", width=380)
    try:
        if table is not None:
            return insight_compare.tags_from_table(names, pd.read_csv(table, dtype=str))
        tags = insight_compare.tags_by_pattern(names, pattern)
        if pattern == PATTERN and len(set(tags.values())) < 2 and len(names) <= MOST_ALONE:
            return state.short_names(names)
        return tags
    except EmotionError as error:
        st.error(library(str(error)))
    except (ValueError, UnicodeDecodeError):
        st.error(say("dash.compare.unread"))
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


def _tagged(names: list[str], tags: dict[str, str], values: pd.DataFrame) -> dict[str, str]:
    """Draw the list of files with their groups, in which groups can be written; gives them as they are then.

    What was written stands in the address, and lasts until the files or the groups of their names change.
    """
    base = (tuple(names), tuple(sorted(tags.items())))
    kept = st.session_state.get("groups_base")
    if kept is None or kept[0] != base:
        written = {} if kept else dict(one.rpartition("=")[::2] for one in choices.kept("groups"))
        kept = (base, tags | {name: written[name] for name in names if name in written})
        st.session_state["groups_base"] = kept
    start = kept[1]
    alone = tags == state.short_names(names)
    if alone:
        st.caption(say("dash.compare.alone"))
    with st.expander(
        say("dash.compare.tagged", n=number(len(start)), all=number(len(names))), expanded=alone
    ):
        st.caption(say("dash.compare.write"))
        file, group, remark = say("term.file"), say("dash.compare.group"), say("dash.compare.remark")
        table = pd.DataFrame(
            {
                file: names,
                group: [start.get(name, "") for name in names],
                remark: ["" if name in values.index else say("dash.compare.out") for name in names],
            }
        )
        key = f"tagged:{hash(base)}"
        edited = st.data_editor(table, hide_index=True, placeholder="", disabled=[file, remark], key=key)
    said = {name: str(tag or "").strip() for name, tag in zip(names, edited[group], strict=True)}
    changed = {name: tag for name, tag in said.items() if tag != tags.get(name, "")}
    choices.keep("groups", [f"{name}={tag}" for name, tag in changed.items()] or None)
    return {name: tag for name, tag in said.items() if tag}


def _results(values: pd.DataFrame, tags: dict[str, str], first: str, second: str) -> None:
    effects = insight_compare.effects(values, tags, first, second)
    shares = [c for c in values.columns if c not in {measure.name for measure in MEASURES}]
    left, right = st.columns(2, gap="large")
    with left:
        shown.show(
            charts_compare.differences(effects, first, second),
            "differences",
            heading=say("dash.compare.differences"),
            text=say("dash.compare.differences.about"),
        )
    with right:
        shown.show(
            charts_compare.forest(effects, first, second),
            "effects",
            heading=say("dash.compare.effects"),
            text=say("dash.compare.effects.about"),
        )
    if effects["g"].notna().any():
        largest = str(effects["g"].abs().idxmax())
        g, low, high, p, adjusted = (
            float(effects[column].to_dict()[largest])
            for column in ("g", "g_low", "g_high", "p", "p_adjusted")
        )
        st.write(
            say(
                "dash.compare.largest",
                measure=label(largest),
                g=number(g, ".2f"),
                low=number(low, ".2f"),
                high=number(high, ".2f"),
                size=library(insight_compare.size_in_words(g)),
                p=number(p, ".3f"),
                n=len(effects),
                adjusted=number(adjusted, ".3f"),
            )
        )
    shown.show(
        charts_compare.distributions(values[shares], tags, [first, second]),
        "distributions",
        heading=say("dash.compare.every"),
    )
    shown.show(
        charts_compare.distributions(values[["Valence", "Arousal"]], tags, [first, second]),
        "distributions_va",
        heading=say("dash.compare.every.plane"),
    )
    table = effects.drop(columns=["superiority_low", "superiority_high"])
    names = _headings(first, second)
    if len(set(names.values())) < len(names):
        names = {name: name for name in names}
    st.subheader(say("dash.compare.all"), anchor=False)
    table = table.rename(columns=names, index=label).rename_axis(say("dash.compare.measure"))
    table = table.round(3).reset_index()
    st.dataframe(shown.numbers(table, 3), hide_index=True, placeholder=shown.EMPTY, key="effects_table")
    st.caption(say("dash.compare.notes"))
