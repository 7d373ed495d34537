"""One run of the web app: the parts that outlive a page."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from webapp.live.socket import LiveServer
from webapp.settings import Settings
from webapp.shared import store
from webapp.shared.engine import Engine
from webapp.shared.jobs import Jobs
from webapp.shared.shelf import Room


@dataclass(frozen=True, slots=True)
class App:
    """The parts of one run of the app that outlive a page: folder, weights, live viewers, jobs."""

    settings: Settings
    workspace: store.Workspace
    engine: Engine
    live: LiveServer
    jobs: Jobs

    @classmethod
    def start(cls, settings: Settings) -> App:
        """Make the run's folder and begin to load the weights."""
        workspace = store.Workspace(settings.keep_minutes, room=Room.of(settings))
        engine = Engine(settings)
        engine.warm_up()
        return cls(settings, workspace, engine, LiveServer(engine, settings), Jobs(settings.max_jobs))

    async def close(self) -> None:
        """Stop jobs, tell live viewers, delete everything but what `settings.partial_results` rescues."""
        await self.live.close()
        rescue = self.settings.partial_results
        await asyncio.to_thread(self.jobs.close, rescue, 1.5 if rescue is None else 10.0)
        await asyncio.to_thread(self.engine.close)
        self.workspace.close()
