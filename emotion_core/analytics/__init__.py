"""Pure numbers of a results table: no web, no network.

`MEASURES` is the registry of the figures that summary, cards, report and the comparison of files show.
"""

from emotion_core.analytics.emodiversity import EMODIVERSITY
from emotion_core.analytics.headline import AROUSAL, CHANGES, UNCERTAIN, VALENCE, Measure

MEASURES: tuple[Measure, ...] = (
    VALENCE,
    AROUSAL,
    CHANGES,
    EMODIVERSITY,
    UNCERTAIN,
)
