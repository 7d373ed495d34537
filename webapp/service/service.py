"""The service behind the API: what comes in is checked, counted, put into the queue and found again."""

from __future__ import annotations

import hashlib
import shutil
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from webapp.service.checks import in_library, look
from webapp.service.folder import DataFolder, is_id, new_id, plain_name
from webapp.service.ledger import Entry, Ledger
from webapp.service.limits import Limits
from webapp.service.metrics import Metrics
from webapp.service.runner import Runner
from webapp.service.tokens import Tokens
from webapp.service.uploads import PartUploads
from webapp.shared.problems import ProblemError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from webapp.app import App
    from webapp.service.callers import Caller
    from webapp.service.options import Options

SWEEP_SECONDS = 30.0
GONE = "There is no such analysis: it was deleted, its time is over, or it is somebody else's."
FULL = "The server's disk has no room left for this: delete analyses, or try again later."


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asks to be analysed: a file that has come with it, one of the library, or an upload."""

    options: Options
    name: str = ""
    file: Any = None  # open for reading, in bytes
    size: int = 0
    library: str | None = None
    upload: str | None = None

    def known(self) -> str | None:
        """Return what tells this request from others, where no file has come with it."""
        if self.library is not None:
            return f"library {self.library}"
        return None if self.upload is None else f"upload {self.upload}"


class Service:
    """Everything that the API's routers share in one process."""

    def __init__(self, app: App) -> None:
        """Open the data folder of the settings, or one that goes with the run."""
        self.app = app
        self.settings = app.settings
        self.tokens = Tokens.of(app.settings)
        self.closed = self.tokens is not None or app.settings.auth is not None
        lasting = app.settings.data
        self.folder = DataFolder(lasting if lasting is not None else app.workspace.folder / "api")
        self.ledger = Ledger(app.settings.database or self.folder.ledger_file)
        self.folder.belong_to(self.ledger.id, fresh=not self.ledger.ids())
        self.limits = Limits(app.settings, self.ledger)
        self.metrics = Metrics()
        self.uploads = PartUploads(self.folder, self.ledger, app.settings)
        self.runner = Runner(app, self.ledger, self.folder, self.metrics)
        self.keep_seconds = app.settings.data_days * 86_400 if lasting else app.settings.keep_minutes * 60
        self._end = threading.Event()
        self._sweeper = threading.Thread(target=self._sweep_for_ever, name="analyses-sweeper", daemon=True)

    def start(self) -> None:
        """Begin to work off what waits."""
        self._sweeper.start()
        self.runner.start()

    def tell(self) -> None:
        """Hear that the server stops."""
        self.runner.tell()

    def close(self) -> None:
        """Stop; what runs goes back into the queue. May be called twice."""
        if self._end.is_set():
            return
        self._end.set()
        self.runner.close(20.0)
        if self._sweeper.ident is not None:
            self._sweeper.join(5.0)
        self.ledger.close()
        self.folder.close()

    # -- analyses

    def submit(self, caller: Caller, wanted: Wanted, key: str | None = None) -> Entry:
        """Check what is wanted and put it into the queue; blocks while the file is copied.

        The same `key` again gives the analysis that it gave before. Raises ProblemError and EmotionError.
        """
        options = wanted.options.model_dump_json()
        known = wanted.known()
        if key is not None and known is not None and (before := self.ledger.of_key(caller.counted, key)):
            return _repeated(before, _mark(known, options))
        self.limits.job(caller)
        made = new_id()
        try:
            path, name, size, content = self._take_in(caller, made, wanted)
            mark = _mark(known or content, options)
            if key is not None and (before := self.ledger.of_key(caller.counted, key)) is not None:
                self.folder.remove(made)
                return _repeated(before, mark)
            seen = look(path, self.settings, wanted.options.pixels(self.settings))
            self.limits.use(caller, seconds=seen.seconds, size=0)
            if wanted.upload is not None:
                self.uploads.move(wanted.upload, self.folder.source(made, name))
            entry = self.ledger.add(
                made,
                owner=caller.owner,
                counted=caller.counted,
                name=name,
                options=options,
                library=wanted.library,
                size=size,
                key=key,
                fingerprint=mark,
            )
        except BaseException:
            self.folder.remove(made)
            raise
        if entry.id != made:  # the same request came twice at once
            self.folder.remove(made)
            return _repeated(entry, mark)
        self.runner.wake.set()
        return entry

    def _take_in(self, caller: Caller, made: str, wanted: Wanted) -> tuple[Path, str, int, str]:
        """Return place, name, size and hash of the file that is to be read; copies what has been sent."""
        if wanted.library is not None:
            if self.settings.library is None:
                raise ProblemError(422, "This server has no library: upload the file.")
            path = in_library(self.settings.library, wanted.library)
            return path, path.name, 0, ""
        if wanted.upload is not None:
            path, name = self.uploads.whole(caller, wanted.upload)
            return path, name, path.stat().st_size, ""
        if wanted.file is None:
            raise ProblemError(422, "file: nothing was sent: give a video or a picture.")
        self.make_room(wanted.size)
        name = plain_name(wanted.name)
        path = self.folder.source(made, name)
        path.parent.mkdir(mode=0o700, parents=True)
        with path.open("xb") as target:
            shutil.copyfileobj(wanted.file, target, 1 << 20)
        wanted.file.seek(0)
        content = hashlib.file_digest(wanted.file, "sha256").hexdigest()
        return path, name, wanted.size, f"file {name} {content}"

    def make_room(self, size: int) -> None:
        """Raise ProblemError 507 where `size` more bytes don't fit into what all analyses may take."""
        if self.ledger.total_bytes() + size > self.settings.total_gigabytes * 1e9:
            raise ProblemError(507, FULL)

    def find(self, caller: Caller, id: str) -> Entry:
        """Find an analysis of the caller; raises ProblemError 404."""
        entry = self.ledger.get(id) if is_id(id) else None
        if entry is None or not caller.may_see(entry.owner):
            raise ProblemError(404, GONE)
        return entry

    def delete(self, caller: Caller, id: str) -> None:
        """End an analysis of the caller and delete all of it; raises ProblemError 404."""
        self.find(caller, id)
        if self.ledger.delete(id):
            self.folder.remove(id)

    def output(self, entry: Entry, *kinds: str) -> Path:
        """Return the file of the first of `kinds` that there is; raises ProblemError 404 or 409."""
        if entry.state in ("queued", "running"):
            raise ProblemError(409, f"The analysis is {entry.state}: ask again when it is done.")
        if entry.state == "failed":
            raise ProblemError(409, f"The analysis has failed: {entry.problem}")
        for kind in kinds:
            if kind in entry.paths:
                path = self.folder.outputs(entry.id, entry.tries) / entry.paths[kind]
                if path.is_file():
                    return path
        raise ProblemError(404, f"This analysis has no {kinds[0]}: it was not asked for.")

    def may_go_on(self, caller: Caller) -> bool:
        """Return whether what lasts may go on for a caller: not with a revoked token, nor at a stop."""
        if self._end.is_set() or self.runner.stopping:
            return False
        return caller.token is None or (self.tokens is not None and self.tokens.is_good(caller.token))

    # -- what lies here too long

    def _sweep_for_ever(self) -> None:
        while not self._end.wait(SWEEP_SECONDS):
            self.sweep()

    def sweep(self) -> None:
        """Delete what is older than it may become, and what a kill has left without a line in the ledger."""
        now = time.time()
        for id in self.ledger.expired(now - self.keep_seconds):
            self.folder.remove(id)
        for id in self.ledger.stale_uploads(now - min(self.keep_seconds, 86_400)):
            self.folder.remove_upload(id)
        self.folder.clear(self.ledger.ids())


def _mark(content: str, options: str) -> str:
    return hashlib.sha256(f"{content}\0{options}".encode()).hexdigest()


def _repeated(entry: Entry, mark: str) -> Entry:
    if entry.fingerprint != mark:
        raise ProblemError(422, "This Idempotency-Key belongs to another request: take a new one.")
    return entry
