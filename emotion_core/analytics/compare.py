"""Is group A different from group B: one number per file, effect sizes and intervals from libraries.

The file is the unit, never the frame: the frames of one video are not independent.
"""

import fnmatch
import re
import warnings
from collections.abc import Mapping

import numpy as np
import pandas as pd

from emotion_core.analytics import MEASURES
from emotion_core.analytics.measures import labels_of, shares, whole
from emotion_core.results.formats import endings
from emotion_core.results.names import bare
from emotion_core.types import EmotionError

FEW = 5
"""Files a group needs at the least before an interval is worth reading."""
SMALL = 20
LEVEL = 0.95
_VIDEOS = (".mp4", ".mov", ".webm", ".avi", ".mkv")


def per_file(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return one row per file with a face: shares of the categories, and all of `MEASURES` by name."""
    rows = {}
    labels = list(dict.fromkeys(label for table in tables.values() for label in labels_of(table)))
    for name, table in tables.items():
        together = whole(table)
        if not together.readings:
            continue
        row = shares(table).reindex(labels, fill_value=0.0)
        for measure in MEASURES:
            row[measure.name] = measure.of(together)
        rows[name] = row
    return pd.DataFrame(rows).T.rename_axis("file").astype(float) if rows else pd.DataFrame()


def tags_by_pattern(names: list[str], pattern: str) -> dict[str, str]:
    """Return the tag of each file name that `pattern` fits: `{tag}` stands for the tag, `*` for anything.

    `*_{tag}_*` gives "B" for talk_B_07_results.json. Raises EmotionError without exactly one {tag}.
    """
    if pattern.count("{tag}") != 1:
        raise EmotionError(
            "A pattern needs {tag} once, for example *_{tag}_*: it marks the group in the name."
        )
    before, after = pattern.split("{tag}")
    expression = f"{_glob(before)}(?P<tag>[^_.\\-\\s]+){_glob(after)}"
    tags = {}
    for name in names:
        match = re.fullmatch(expression, name)
        if match:
            tags[name] = match["tag"]
    return tags


def _glob(text: str) -> str:
    """Turn the * and ? of a file name pattern into a regular expression without its anchors."""
    return (
        fnmatch.translate(text)
        .removeprefix("(?s:")
        .removesuffix(r")\Z")
        .removesuffix(r")\z")
        .replace(".*", ".*?")
    )


def tags_from_table(names: list[str], table: pd.DataFrame) -> dict[str, str]:
    """Return the tag of each file from a table with the columns `file` and `tag`; endings may be left out."""
    columns = {str(c).strip().lower(): c for c in table.columns}
    if "file" not in columns or "tag" not in columns:
        raise EmotionError("A table of tags needs the columns file and tag: one row for each file.")
    tags = {
        _stem(str(f)): str(t).strip()
        for f, t in zip(table[columns["file"]], table[columns["tag"]], strict=True)
        if pd.notna(f) and pd.notna(t) and str(t).strip()
    }
    return {name: tags[_stem(name)] for name in names if _stem(name) in tags}


def _stem(name: str) -> str:
    """Return a file's name without folder, endings, `_results` and the number of a namesake."""
    name = re.sub(r" \(\d+\)$", "", name.strip().replace("\\", "/").rsplit("/", 1)[-1])
    for ending in (*endings(), *_VIDEOS):
        if name.lower().endswith(ending):
            return bare(name[: -len(ending)])
    return bare(name)


def effects(values: pd.DataFrame, tags: Mapping[str, str], first: str, second: str) -> pd.DataFrame:
    """Compare two groups of files in every column of `per_file`; one row for each column.

    n_first, n_second, mean_first, mean_second; difference (second - first) with low and high, Welch's 95 %
    interval (scipy); g with g_low and g_high, Hedges' g and its interval (statsmodels); superiority, the
    chance that a file of the second group has the higher value, with its interval (Brunner-Munzel,
    statsmodels); p of the Mann-Whitney test and p_adjusted, Holm's correction over all rows. NaN where the
    files are too few or do not differ among themselves.
    """
    from scipy.stats import mannwhitneyu, ttest_ind
    from statsmodels.stats.multitest import multipletests  # type: ignore[import-untyped]

    group = pd.Series(dict(tags)).reindex(values.index)
    rows = {}
    for column in values.columns:
        a = values.loc[group == first, column].dropna().to_numpy()
        b = values.loc[group == second, column].dropna().to_numpy()
        row = {
            "n_first": len(a),
            "n_second": len(b),
            "mean_first": a.mean() if len(a) else np.nan,
            "mean_second": b.mean() if len(b) else np.nan,
        }
        row["difference"] = row["mean_second"] - row["mean_first"]
        if len(a) >= 2 and len(b) >= 2 and (np.ptp(a) > 0 or np.ptp(b) > 0):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)
                interval = ttest_ind(b, a, equal_var=False).confidence_interval(LEVEL)
                row |= {"low": interval.low, "high": interval.high}
                row |= _hedges(a, b) | _superiority(a, b)
                row["p"] = mannwhitneyu(b, a).pvalue
        rows[column] = row
    wanted = ["n_first", "n_second", "mean_first", "mean_second", "difference", "low", "high"]
    wanted += ["g", "g_low", "g_high", "superiority", "superiority_low", "superiority_high", "p"]
    table = pd.DataFrame(rows).T.reindex(columns=wanted).astype(float)
    table["p_adjusted"] = np.nan
    known = table["p"].notna()
    if known.any():
        table.loc[known, "p_adjusted"] = multipletests(table.loc[known, "p"], method="holm")[1]
    return table.rename_axis("measure")


def _hedges(a: np.ndarray, b: np.ndarray) -> dict[str, float]:
    from scipy.stats import norm
    from statsmodels.stats.meta_analysis import effectsize_smd  # type: ignore[import-untyped]

    g, variance = effectsize_smd(b.mean(), b.std(ddof=1), len(b), a.mean(), a.std(ddof=1), len(a))
    half = norm.ppf(0.5 + LEVEL / 2) * np.sqrt(variance)
    return {"g": float(g), "g_low": float(g - half), "g_high": float(g + half)}


def _superiority(a: np.ndarray, b: np.ndarray) -> dict[str, float]:
    from statsmodels.stats.nonparametric import rank_compare_2indep  # type: ignore[import-untyped]

    result = rank_compare_2indep(b, a)
    out = {"superiority": float(result.prob1)}
    if min(len(a), len(b)) >= FEW and result.var > 0:
        low, high = result.conf_int(alpha=1 - LEVEL)
        out |= {"superiority_low": max(0.0, float(low)), "superiority_high": min(1.0, float(high))}
    return out


def cautions(counts: Mapping[str, int]) -> list[str]:
    """Return the warnings about the number of files in each group, worst first."""
    notes = []
    for tag, count in sorted(counts.items(), key=lambda item: item[1]):
        if count < 2:
            notes.append(
                f"Group {tag} has {count} file: no interval can be given, so nothing can be concluded."
            )
        elif count < FEW:
            notes.append(f"Group {tag} has only {count} files: read the points, not the intervals.")
        elif count < SMALL:
            notes.append(f"Group {tag} has {count} files: only large differences can be seen.")
    return notes


def size_in_words(g: float) -> str:
    """Put Hedges' g in Cohen's (1988) words: negligible, small, medium, large."""
    if not np.isfinite(g):
        return "not known"
    steps = [(0.2, "negligible"), (0.5, "small"), (0.8, "medium")]
    return next((word for limit, word in steps if abs(g) < limit), "large")
