"""The report of a study: what there is, what is missing, what was shown, and how to write it in a paper."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from emotion_core.analytics.study_responses import StudyResponses
from emotion_core.files import written_beside
from emotion_core.labels import DISCLAIMER
from emotion_core.results.citation import citation
from emotion_core.results.methods import methods_text
from emotion_core.study import REPORT, curves, drawing, responses
from emotion_core.study.checks import SEEN, Analysed, Finding, findings
from emotion_core.study.document import Block, Figure, Heading, Lines, Paragraph, Table, markdown, page
from emotion_core.study.layout import Layout
from emotion_core.types import EmotionError

_AXES = {
    "valence": "valence, -1 (unpleasant) to 1 (pleasant)",
    "arousal": "arousal, 0 (calm) to 1 (excited)",
    "valence_change": "change of valence from the second before the onset",
    "arousal_change": "change of arousal from the second before the onset",
}

_CURVES = (
    "response_curves.csv: the average responses over time, with their bands",
    "response_figures.csv: peak, latency and area of each, with intervals",
)


def write(layout: Layout, known: Mapping[Path, Analysed]) -> dict[str, Path]:
    """Write the report of a study into its folder `report`; what was there is replaced.

    Returns:
        The files: `html` and `markdown` hold the same, `methods` the text for a paper, `citation` a
        CITATION.cff, `responses` a row for each person and event, `means` those over people, each with an
        interval; where there are any, `curves` the average responses over time, `peaks` their figures.

    Raises:
        EmotionError: where nothing is analysed, or results can't be read.
        OSError: where nothing can be written.
    """
    summaries = [one.summary for one in known.values() if one.summary is not None]
    if not summaries:
        raise EmotionError(f"nothing of {layout.title} is analysed yet: analyse the study first")
    shown = curves.Curves(layout)
    table = responses.table_of(layout, known, shown.add)
    over_time, why_not = curves.gathered(shown)
    found = findings(layout, known)
    text = methods(layout, table, summaries)
    blocks = _blocks(layout, table, found, text, over_time, why_not)
    folder = layout.folder / REPORT
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    sums = responses.summed(table)
    files = {
        "html": ("report.html", page(layout.title, blocks)),
        "markdown": ("report.md", markdown(layout.title, blocks)),
        "methods": ("methods.md", text),
        "citation": ("CITATION.cff", citation(summaries)),
        "responses": ("responses.csv", table.to_csv(index=False)),
        "means": ("means.csv", sums.to_csv(index=False)),
    }
    if over_time is not None:
        files["curves"] = ("response_curves.csv", over_time.curves().to_csv(index=False))
        files["peaks"] = ("response_figures.csv", over_time.figures().to_csv(index=False))
    figures = [block for block in blocks if isinstance(block, Figure)]
    files |= {figure.name: (f"figures/{figure.name}.svg", figure.svg) for figure in figures}
    for name, content in files.values():
        with written_beside(folder / name) as part:
            part.write_text(content, "utf-8")
    return {kind: folder / name for kind, (name, _) in files.items()}


def methods(layout: Layout, table: pd.DataFrame, summaries: Sequence[Mapping[str, Any]]) -> str:
    """Write the methods section: who took part and what was shown, then what `methods_text` says."""
    groups = Counter(facts["group"] for facts in layout.participants.values() if facts.get("group"))
    counted = ", ".join(f"{name}: {count}" for name, count in groups.items())
    who = f"{len(layout.participants)} people took part" + (f" ({counted})" if counted else "")
    with_data = table.loc[table["seen"] > 0, "participant"].nunique()
    count = len(layout.stimuli)
    shown = f"{count} stimuli ({', '.join(layout.stimuli)})" if count else "no stimulus"
    study = (
        f"{who}; data of {with_data} are used. They saw {shown}. In each recording the face that is seen "
        "longest was taken as the participant's. Valence, arousal and the shares of the categories were "
        "averaged over the time of each stimulus, weighed by how long each picture lasts, and changes are "
        f"against the mean of the {responses.BASELINE:g} s before its onset. Repetitions were averaged "
        "within a person first; means are over people, with 95 % intervals by Student's t, those of "
        "curves at each moment alone."
    )
    return f"{study}\n\n{methods_text(summaries)}"


def _blocks(
    layout: Layout,
    table: pd.DataFrame,
    found: Sequence[Finding],
    text: str,
    over_time: StudyResponses | None,
    why_not: str,
) -> list[Block]:
    blocks: list[Block] = []
    if layout.note:
        blocks.append(Paragraph(layout.note, banner=True))
    blocks.append(Paragraph(DISCLAIMER, banner=True))
    blocks += _complete(layout, table, found)
    if len(table):
        blocks += _shown(table)
    if over_time is not None:
        blocks += curves.blocks(over_time, _groups(table))
    elif why_not:
        blocks += [Heading("Responses over time"), Paragraph(f"None can be drawn: {why_not}.")]
    blocks += [Heading("Methods, to be edited for a paper"), *map(Paragraph, text.strip().split("\n\n"))]
    blocks += [
        Heading("Files"),
        Lines(
            (
                "responses.csv: a row for each person and event",
                "means.csv: means over people, with intervals",
                *(_CURVES if over_time is not None else ()),
                "methods.md and CITATION.cff: the text above, and what to cite",
            )
        ),
    ]
    return blocks


def _complete(layout: Layout, table: pd.DataFrame, found: Sequence[Finding]) -> list[Block]:
    """Return who has what: a row for each participant, and the lines about the rest."""
    groups = any(facts.get("group") for facts in layout.participants.values())
    rows = []
    for who, facts in layout.participants.items():
        mine = table[table["participant"] == who]
        lines = "; ".join(f.line for f in found if f.participant == who)
        rows.append(
            {
                "participant": who,
                **({"group": facts.get("group", "")} if groups else {}),
                "recordings": len(layout.of(who)),
                "stimuli": f"{mine['stimulus'].nunique()} of {len(layout.stimuli)}",
                "face seen": f"{mine['seen'].mean():.0%}" if len(mine) else "–",
                "what is missing or odd": lines or "nothing",
            }
        )
    lacking = {one.participant for one in found if one.missing and one.participant is not None}
    whole = len(layout.participants) - len(lacking)
    blocks: list[Block] = [
        Heading("Completeness"),
        Paragraph(f"{whole} of {len(layout.participants)} participants are complete."),
        Table(pd.DataFrame(rows)),
    ]
    if others := [one.line for one in found if one.participant is None]:
        blocks.append(Lines(others))
    if (few := int((table["seen"] < SEEN).sum())) > 0:
        line = f"During {few} of {len(table)} stimuli the face is seen for less than {SEEN:.0%} of the time."
        blocks.append(Paragraph(line))
    return blocks


def _shown(table: pd.DataFrame) -> list[Block]:
    """Return figures and a table of what was shown during each stimulus."""
    groups = _groups(table)
    by = ("stimulus", "group") if len(groups) > 1 else ("stimulus",)
    sums = responses.summed(table, by)
    blocks: list[Block] = [
        Heading("What was shown"),
        Paragraph(
            "Each dot is a person, the diamond their mean, the bar its 95 % interval. Many means stand side "
            "by side here: without a plan made beforehand, they explore and prove nothing."
        ),
    ]
    for measure, axis in _AXES.items():
        if table[measure].notna().any():
            svg = drawing.means(_dots(table, sums, measure, groups), axis, groups if len(by) > 1 else ())
            blocks.append(Figure(measure, svg, f"Mean {axis}, by stimulus."))
    blocks.append(_shares(sums[sums["measure"].str.startswith(responses.SHARE)]))
    shown = sums[sums["measure"].isin(list(_AXES))].drop(columns="sd")
    blocks.append(Table(shown.assign(measure=shown["measure"].str.replace("_", " "))))
    return blocks


def _groups(table: pd.DataFrame) -> list[str]:
    return [str(name) for name in dict.fromkeys(table["group"]) if name]


def _dots(table: pd.DataFrame, sums: pd.DataFrame, measure: str, groups: Sequence[str]) -> list[drawing.Dots]:
    rows = []
    for row in sums[sums["measure"] == measure].to_dict("records"):
        mine = table[table["stimulus"] == row["stimulus"]]
        number = 0
        if "group" in row:
            mine, number = mine[mine["group"] == row["group"]], list(groups).index(row["group"])
        values = mine.groupby("participant", sort=False)[measure].mean().tolist()
        name = str(row["stimulus"]) if number == 0 else ""
        rows.append(drawing.Dots(name, values, row["mean"], row["low"], row["high"], number))
    return rows


def _shares(sums: pd.DataFrame) -> Figure:
    rows: dict[str, dict[str, float]] = {}
    for row in sums.to_dict("records"):
        name = " ".join(str(row[key]) for key in ("stimulus", "group") if row.get(key))
        if not math.isnan(row["mean"]):
            rows.setdefault(name, {})[str(row["measure"]).removeprefix(responses.SHARE)] = row["mean"]
    caption = "Share of the time of each apparent expression, by stimulus; means over people."
    return Figure("shares", drawing.shares(rows, caption), caption)
