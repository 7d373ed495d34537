"""The figures of the first screen: what a measure is, and the four that every recording has."""

from collections.abc import Callable
from dataclasses import dataclass

from emotion_core.analytics.tally import Person


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure of a recording, of a stretch of it or of one face.

    `key` is its name in `NAME_summary.json`, `name` its column in tables that compare files, `label` its
    heading on cards; `form` is the format of its value and `about` says what it is. `of` gives the value from
    what was counted, NaN where nobody was found.
    """

    key: str
    name: str
    label: str
    form: str
    about: str
    of: Callable[[Person], float]

    def text(self, value: float) -> str:
        """Write a value by the format, and a dash where there is none."""
        return "–" if value != value else self.form.format(value).replace("%", " %")


def _mean(name: str) -> Callable[[Person], float]:
    def of(person: Person) -> float:
        spread = getattr(person, name)
        return float(spread.mean) if spread.weight > 0 else float("nan")

    return of


VALENCE = Measure(
    "valence", "Valence", "Mean valence", "{:+.2f}", "Unpleasant -1 to pleasant +1.", _mean("valence")
)
AROUSAL = Measure(
    "arousal", "Arousal", "Mean arousal", "{:.2f}", "Calm 0 to active 1; 0.5 is neutral.", _mean("arousal")
)
CHANGES = Measure(
    "changes_per_minute",
    "Changes a minute",
    "Changes / min",
    "{:.1f}",
    "Changes of emotion while a face is seen.",
    lambda person: person.changes_per_minute,
)
UNCERTAIN = Measure(
    "uncertain",
    "Uncertain",
    "Uncertain",
    "{:.1%}",
    "Share of the time in which a face is seen and its answer is less sure than was asked for.",
    lambda person: person.shares[1] if person.readings else float("nan"),
)
