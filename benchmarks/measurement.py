"""One figure with its goal, and the table that shows many."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measurement:
    """A figure: `goal` is the bound that the project sets itself, None where there is none.

    `at_most` tells on which side of the goal the figure should lie.
    """

    name: str
    value: float
    unit: str
    goal: float | None = None
    at_most: bool = True

    @property
    def reached(self) -> bool | None:
        """Whether the figure lies on the right side of its goal; None without a goal."""
        if self.goal is None:
            return None
        return self.value <= self.goal if self.at_most else self.value >= self.goal

    def as_dict(self) -> dict[str, object]:
        """Return a JSON-ready form."""
        bound = None if self.goal is None else f"{'<=' if self.at_most else '>='} {self.goal:g}"
        return {
            "name": self.name,
            "value": round(self.value, 4),
            "unit": self.unit,
            "goal": bound,
            "reached": self.reached,
        }


def table(measurements: Sequence[Measurement]) -> str:
    """Return a Markdown table, one row per figure."""
    rows = ["| what | measured | goal |", "|---|---:|---:|"]
    for one in measurements:
        goal = ""
        if one.goal is not None:
            goal = f"{'at most' if one.at_most else 'at least'} {one.goal:g} {one.unit}"
            goal += "" if one.reached else " (missed)"
        rows.append(f"| {one.name} | {one.value:.3g} {one.unit} | {goal} |")
    return "\n".join(rows)
