"""Who calls the API: whose analyses they see, and under which name their requests are counted."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from webapp.service.tokens import IN_SCOPE, Token
from webapp.shared.visitor import Visitor

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

_SALT = secrets.token_bytes(16)  # of this process: an address that is counted can't be read out of a file


@dataclass(frozen=True, slots=True)
class Caller:
    """A token, a browser, or nobody in particular.

    What somebody without a name makes has the owner "": whoever knows its id may read it, and no list has it.
    """

    owner: str
    counted: str
    token: Token | None = None

    @classmethod
    def of(cls, request: HTTPConnection) -> Caller:
        """Return who sent a request that the gate has let through."""
        token = request.scope.get(IN_SCOPE)
        if token is not None:
            return cls(f"token:{token.name}", f"token:{token.name}", token)
        if key := Visitor.of(request).key:
            name = "browser:" + hashlib.sha256(key.encode()).hexdigest()[:32]
            return cls(name, name)
        host = request.client.host if request.client else ""
        return cls("", "address:" + hmac.digest(_SALT, host.encode(), "sha256").hex()[:32])

    def may_see(self, owner: str) -> bool:
        """Return whether something of `owner` is this caller's."""
        return owner in ("", self.owner)
