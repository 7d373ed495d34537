"""How varied the shown emotions are: Shannon's entropy of their shares of the time.

After Quoidbach et al. (2014), "Emodiversity and the emotional ecosystem", J. Exp. Psychol. Gen. 143(6).
"""

import numpy as np

from emotion_core.analytics.headline import Measure
from emotion_core.analytics.tally import Person, share


def entropy(person: Person) -> float:
    """Give the entropy of the shares in nats: 0 for a single emotion, ln 7 for seven that are shown alike."""
    shares = share(person.labels)
    shares = shares[shares > 0]
    return float(-(shares * np.log(shares)).sum()) + 0.0 if len(shares) else float("nan")


EMODIVERSITY = Measure(
    "emodiversity",
    "Emodiversity",
    "Emodiversity",
    "{:.2f}",
    "Entropy of the emotions' shares of the time (nats): 0 is one emotion only, 1.95 all seven alike.",
    entropy,
)
