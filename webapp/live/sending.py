"""What live viewers look like, sent on to receivers that the operator has named; their page says so."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from emotion_core.outlets.sending import Sender

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emotion_core.recognizer import Recognizer

logger = logging.getLogger(__name__)


class Sending:
    """One sender for all viewers of a run; it begins when the first of them comes."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._sender = Sender(addresses, note=logger.warning) if addresses else None

    def of(self, recognizer: Recognizer) -> Sender | None:
        """Return the sender, begun; None where the operator has named no receiver."""
        if self._sender is not None and not self._sender.begun:
            from emotion_core.analysis import model_facts
            from emotion_core.outlets.base import About

            self._sender.begin(About("live", recognizer.labels, model_facts(recognizer), viewers=True))
        return self._sender

    def close(self) -> None:
        """Let the receivers have what waits, for a second at most."""
        if self._sender is not None:
            self._sender.close()
