"""Bearer tokens of programs: named, limited each for itself, and revoked by taking their line out of a file.

A line is `NAME TOKEN`, and may go on with limits: `NAME TOKEN requests=60 gigabytes=1 minutes=30 jobs=4`. In
place of TOKEN may stand `sha256:` and the hash of one, so that the file holds no secret. Memory holds hashes.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starlette.datastructures import Headers

from emotion_core.types import EmotionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from starlette.types import Scope

    from webapp.settings import Settings

logger = logging.getLogger(__name__)

VARIABLE = "EMOTION_TOKENS"
"""The environment variable with tokens: lines as in a file, or parted by commas."""
LIMITS = ("requests", "gigabytes", "minutes", "jobs")
"""What a line may limit: requests a minute, uploads and minutes of video a day, jobs at once."""
PROTOCOL = "token."
"""How the subprotocol begins that carries a token where a WebSocket can send no header."""
IN_SCOPE = "bearer_token"
"""Where the gate notes, in the scope of a request, the token that it came with."""
_LEAST = 20  # characters: shorter ones can be guessed
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_TOKEN = re.compile(r"[A-Za-z0-9_.~+/=-]+")
_HASH = re.compile(r"sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Token:
    """A program that is let in; its results belong to the name, so a new secret keeps them."""

    name: str
    digest: bytes = field(repr=False)
    limits: Mapping[str, float] = field(default_factory=dict)


class Tokens:
    """The tokens that are good now, of a file and of the environment; safe to use from several threads."""

    def __init__(self, file: Path | None, text: str = "") -> None:
        """Read them; raises EmotionError for a line that is none, and for a file that can't be read."""
        self._file = file
        self._fixed = dict(_read(text, VARIABLE))
        self._lock = threading.Lock()
        self._stamp: object = None
        self._listed: dict[bytes, Token] = {}
        if file is not None:
            self._stamp = _stamp(file)
            try:
                self._listed = dict(_read(file.read_text("utf-8"), str(file)))
            except (OSError, UnicodeDecodeError) as error:
                raise EmotionError(
                    f"{file} can't be read: give a text file with lines NAME TOKEN."
                ) from error

    @classmethod
    def of(cls, settings: Settings) -> Tokens | None:
        """Return the tokens that `settings` and the environment name; None where neither does."""
        text = os.environ.get(VARIABLE, "")
        return cls(settings.tokens, text) if settings.tokens is not None or text.strip() else None

    def find(self, secret: str | None) -> Token | None:
        """Find the token with this secret, where it is good at this moment."""
        if not secret or len(secret) > 1000:
            return None
        self._look_again()
        digest = hashlib.sha256(secret.encode("utf-8", "replace")).digest()
        return self._listed.get(digest) or self._fixed.get(digest)

    def of_scope(self, scope: Scope) -> Token | None:
        """Return the token that a request or a WebSocket bears."""
        return self.find(secret_of(scope))

    def is_good(self, token: Token) -> bool:
        """Return whether a token that was found before is still good."""
        self._look_again()
        return token.digest in self._listed or token.digest in self._fixed

    def _look_again(self) -> None:
        """Read the file where it has changed; one that is gone lets nobody in."""
        if self._file is None or _stamp(self._file) == self._stamp:
            return
        with self._lock:
            stamp = _stamp(self._file)
            try:
                text = self._file.read_text("utf-8") if stamp is not None else ""
            except (OSError, UnicodeDecodeError) as error:
                logger.error("%s can't be read, so none of its tokens is good: %s", self._file, error)
                text = ""
            good: dict[bytes, Token] = {}
            for line in text.splitlines():
                try:
                    good.update(_read(line, str(self._file)))
                except EmotionError as problem:
                    logger.error("%s", problem)
            self._listed, self._stamp = good, stamp


def secret_of(scope: Scope) -> str | None:
    """Return the secret that a request bears: in `Authorization: Bearer`, or in a WebSocket's subprotocol."""
    kind, _, secret = Headers(scope=scope).get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return secret.strip()
    protocols = scope.get("subprotocols") or ()
    return next((p.removeprefix(PROTOCOL) for p in protocols if p.startswith(PROTOCOL)), None)


def _stamp(file: Path) -> object:
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def _read(text: str, where: str) -> Iterator[tuple[bytes, Token]]:
    """Yield the tokens of lines by their hashes; raises EmotionError, which names no secret."""
    for one in (one for line in text.splitlines() for one in line.partition("#")[0].split(",")):
        words = one.split()
        if not words:
            continue
        if len(words) < 2 or not _NAME.fullmatch(words[0]):
            raise EmotionError(
                f"{where} needs lines NAME TOKEN, such as: lab 7hK2... (32 random characters)."
            )
        name, secret, *rest = words
        if given := _HASH.fullmatch(secret):
            digest = bytes.fromhex(given[1])
        elif len(secret) < _LEAST or not _TOKEN.fullmatch(secret):
            raise EmotionError(
                f"The token of {name} in {where} needs {_LEAST} or more letters and digits: "
                'make one with python -c "import secrets; print(secrets.token_urlsafe(32))".'
            )
        else:
            digest = hashlib.sha256(secret.encode()).digest()
        yield digest, Token(name, digest, dict(_limit(word, name, where) for word in rest))


def _limit(word: str, name: str, where: str) -> tuple[str, float]:
    what, _, number = word.partition("=")
    try:
        value = float(number)
    except ValueError:
        value = -1.0
    if what not in LIMITS or not 0 <= value < float("inf"):
        choice = ", ".join(f"{limit}=N" for limit in LIMITS)
        raise EmotionError(f"{word!r} of {name} in {where} is no limit: choose from {choice}.")
    return what, value
