"""The methods section of a paper: with what results were made, how well it reads, what to mind."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from emotion_core.files import card_path
from emotion_core.labels import VALENCE_AROUSAL_SOURCE
from emotion_core.network.naming import title_of
from emotion_core.types import EmotionError

_ROW = re.compile(
    r"^\| (?P<set>[^|]+ valid[^|]*) \| (?P<pictures>[\d,]+) \| (?P<all>[^|]+) \| (?P<each>[^|]+) \|", re.M
)


def methods_text(summaries: Sequence[Mapping[str, Any]], card: str | None = None) -> str:
    """Write the section from the summaries of results, as Markdown: four paragraphs to be edited.

    Args:
        summaries: contents of `NAME_summary.json`, one or more.
        card: the model card; the one that came with the weights where it is None. Its figures of validity
            are given where it is about the weights that the summaries name.

    Raises:
        EmotionError: where there is no summary, or one does not say what made it.
    """
    if not summaries:
        raise EmotionError("there are no summaries to write the methods of: analyse a video first")
    for summary in summaries:
        if not isinstance(summary.get("model"), Mapping) or "version" not in summary:
            raise EmotionError("a summary does not say which model made it: analyse the video again")
    card = card_path().read_text("utf-8") if card is None else card
    parts = [_software(summaries), _figures(summaries), _validity(summaries, card), _cautions(summaries)]
    return "\n\n".join(parts) + "\n"


def _software(summaries: Sequence[Mapping[str, Any]]) -> str:
    minutes = sum(float(summary.get("seconds", 0)) for summary in summaries) / 60
    count = "One recording" if len(summaries) == 1 else f"{len(summaries)} recordings"
    labels = list(summaries[0]["model"].get("labels", ()))
    *most, last = labels or ["the model's categories"]
    named = f"{', '.join(most)} and {last}" if most else last
    model = _each(summaries, _model)
    return (
        f"{count} ({minutes:.1f} min in all) {'was' if len(summaries) == 1 else 'were'} analysed with "
        f"emotion-recognition {_each(summaries, lambda s: s['version'])}, {model}. For each face in each "
        f"picture it estimates the probabilities of {named} as apparent expressions, valence from -1 to 1 "
        f"and arousal from 0 to 1. {_each(summaries, _settings)}"
    )


def _model(summary: Mapping[str, Any]) -> str:
    model = summary["model"]
    sums = str(model.get("sha256") or "")
    detector = f", face detector {model['detector']}" if model.get("detector") else ""
    return f"weights {model.get('name') or 'without a name'} (SHA-256 {sums[:16] or 'not known'}{detector})"


def _settings(summary: Mapping[str, Any]) -> str:
    settings = summary.get("settings") or {}
    smoothing, threshold = settings.get("smoothing", 1), settings.get("threshold", 0.0)
    text = "Answers were not averaged over pictures."
    if smoothing and smoothing > 1:
        text = f"Answers were averaged over {smoothing} pictures."
    if threshold:
        text += f" Answers with a probability below {threshold:g} were marked as uncertain."
    return text


def _each(summaries: Sequence[Mapping[str, Any]], words: Callable[[Mapping[str, Any]], str]) -> str:
    """Say something once where it is the same for all summaries, else each way with its count."""
    said: dict[str, int] = {}
    for summary in summaries:
        text = words(summary)
        said[text] = said.get(text, 0) + 1
    if len(said) == 1:
        return next(iter(said))
    return "; ".join(f"{text} ({count} of {len(summaries)} recordings)" for text, count in said.items())


def _figures(summaries: Sequence[Mapping[str, Any]]) -> str:
    people = sum(int(summary.get("people", 0)) for summary in summaries)
    seen = sum(float(summary.get("seconds_with_face", 0)) for summary in summaries)
    whole = sum(float(summary.get("seconds", 0)) for summary in summaries)
    share = f"{seen / whole:.0%}" if whole > 0 else "an unknown share"
    counted = "1 face was" if people == 1 else f"{people} faces were"
    return (
        f"{counted} told apart; a face was seen in {share} of the time. Shares, means and standard "
        "deviations are weighed by how long each picture lasts; time without a face is left out of them."
    )


def _validity(summaries: Sequence[Mapping[str, Any]], card: str) -> str:
    title = next((line for line in card.splitlines() if line.startswith("# ")), "")
    weights = title.removeprefix("# ").rpartition(", ")[2]
    names = {str(summary["model"].get("name")) for summary in summaries}
    rows = [match.groupdict() for match in _ROW.finditer(card)]
    # Summaries of today have the network's name and a number, older ones that of the weights.
    if len(names) != 1 or not names <= {weights, title_of({"name": weights})} or not rows:
        return "How well these weights read expressions was not measured by the makers of the software."
    figures = "; ".join(
        f"{row['set']} ({row['pictures']} pictures): {row['all']}, balanced {row['each']}" for row in rows
    )
    return (
        "The accuracy of the categories on pictures that the weights did not learn from, with 95 % "
        f"intervals, is by their model card: {figures}. {VALENCE_AROUSAL_SOURCE}"
    )


def _cautions(summaries: Sequence[Mapping[str, Any]]) -> str:
    text = (
        "These are apparent expressions: what a face looks like to observers, not what a person feels. "
        "Accuracy differs between groups of people, lights and views (see the model card), so comparisons "
        "between groups need a check against human coders on the same recordings. Pictures of one recording "
        "are not independent; the recording or the person is the unit of statistics."
    )
    unfinished = sum(not summary.get("complete", True) for summary in summaries)
    if unfinished:
        text += (
            f" {unfinished} of the recordings {'was' if unfinished == 1 else 'were'} not analysed to the end."
        )
    return text
