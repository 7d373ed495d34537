"""Another machine reads the faces: clients of the server's API, for programs that wait and for asyncio.

    with Client("http://127.0.0.1:7860", token) as client:
        job = client.analyze("talk.mp4", on_progress=print)
        records = client.results(job.id)

`AsyncClient` has the same methods, to be awaited. What both need is in the extra `client` of the package.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emotion_core.client.awaiting import AsyncClient
    from emotion_core.client.calls import Answer, Job
    from emotion_core.client.waiting import Client

_HOME = {"Answer": "calls", "AsyncClient": "awaiting", "Client": "waiting", "Job": "calls"}

__all__ = ["Answer", "AsyncClient", "Client", "Job"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
