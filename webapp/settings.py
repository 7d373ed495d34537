"""The web app's settings: one frozen dataclass, and the command-line flags that mirror it."""

import argparse
import os
from dataclasses import dataclass, field
from pathlib import Path

from emotion_core.limits import MAX_PIXELS
from emotion_core.outlets import kind_of
from emotion_core.types import EmotionError
from webapp.shared.names import is_address, is_name, is_network, is_path


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be chosen about the web app; the same names as the flags of `app.py`.

    Raises EmotionError, with one line that says what to change, where a value is out of range.
    """

    host: str = "127.0.0.1"  # "0.0.0.0" lets other machines in
    port: int = 7860  # 0 takes a free one
    auth: tuple[str, str] | None = field(default=None, repr=False)  # user and password; None: open to all
    allowed_hosts: tuple[str, ...] = ()  # names under which it answers, beside local ones and IP addresses
    proxies: tuple[str, ...] = ()  # addresses or networks whose forwarded headers are believed; "*": all
    root_path: str = ""  # the path of a longer address below which a proxy shows the app, such as "/emotion"
    objects: bool = True  # offer YOLOv8 object boxes
    objects_model: Path | None = None  # a .onnx or .pt file of one's own
    weights: Path | None = None  # a weights file of one's own
    reidentify: bool = True  # know people again by their looks, which are remembered while a session lasts
    max_minutes: float = 20.0  # longest video, and longest live recording, in minutes
    max_megabytes: float = 500.0  # largest upload
    max_megapixels: float = MAX_PIXELS / 1e6  # largest frame of a picture or video, seen before it is decoded
    max_viewers: int = 4  # live viewers at once; one more is told that the server is full
    max_jobs: int = 1  # videos analysed at once; the others wait in line
    max_waiting: int = 16  # jobs that may wait in line
    visitor_files: int = 50  # uploads, and results, of one visitor; the oldest go first
    visitor_gigabytes: float = 4.0  # what they may take on disk, uploads and results each
    total_files: int = 1000  # uploads, and results, of all visitors together
    total_gigabytes: float = 20.0  # what they may take on disk, uploads and results each
    keep_minutes: float = 60.0  # results and uploads are deleted after this time
    partial_results: Path | None = None  # where a stop puts what unfinished analyses have; None deletes it
    tokens: Path | None = None  # a file with the tokens of programs, a line each; see `service.tokens`
    library: Path | None = None  # a folder whose files programs may name in place of an upload
    data: Path | None = None  # where analyses of the API outlive the server; None: they go with it
    database: str | None = field(default=None, repr=False)  # a PostgreSQL address; None: SQLite in `data`
    data_days: float = 30.0  # what is in `data` is deleted after this time
    api_requests: int = 600  # a minute, of one token
    api_gigabytes: float = 20.0  # of uploads a day, of one token
    api_minutes: float = 600.0  # of video a day, of one token
    api_jobs: int = 100  # analyses of one token that wait or run
    send: tuple[str, ...] = ()  # where readings of the live view go while they come; see emotion_core.outlets
    log: Path | None = (
        None  # where a line of JSON about each request, socket and job goes; "-": standard error
    )
    idle_seconds: float = 60.0  # a live viewer who sends nothing for so long is let go

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise EmotionError(f"--port lies between 0 and 65535, not {self.port}.")
        if not self.host.strip():
            raise EmotionError("--host needs an address such as 127.0.0.1 or 0.0.0.0.")
        for name, low in _LOWEST.items():
            value = getattr(self, name)
            if not low <= value < float("inf"):
                flag = "--" + name.replace("_", "-")
                raise EmotionError(f"{flag} is a number of at least {low:g}, not {value:g}.")
        if self.auth is not None and not all(self.auth):
            raise EmotionError(_AUTH)
        for name in self.allowed_hosts:
            if not is_name(name):
                raise EmotionError(
                    f"--allowed-hosts takes names such as emotion.example.org or *.example.org, not {name}."
                )
        for proxy in self.proxies:
            if not is_network(proxy):
                raise EmotionError(f"--proxies takes addresses such as 10.0.0.7 or 10.0.0.0/8, not {proxy}.")
        if self.root_path and not is_path(self.root_path):
            raise EmotionError(f"--root-path takes a path such as /emotion, not {self.root_path}.")
        for path in (self.weights, self.objects_model):
            if path is not None and not path.is_file():
                raise EmotionError(f"There is no file {path}: check the path.")
        if self.tokens is not None and not self.tokens.is_file():
            raise EmotionError(f"There is no file {self.tokens}: check the path of --tokens.")
        if self.library is not None and not self.library.is_dir():
            raise EmotionError(f"There is no folder {self.library}: check the path of --library.")
        if self.data is not None and not (self.data.is_dir() or self.data.parent.is_dir()):
            raise EmotionError(f"There is no folder {self.data.parent}: create it first.")
        if self.database is not None and not self.database.startswith(("postgresql://", "postgres://")):
            raise EmotionError("--database takes an address such as postgresql://ada@db.example.org/emotion.")
        if self.database is not None and self.data is None:
            raise EmotionError("--database needs --data, the folder that all its servers share.")
        for address in self.send:
            if kind_of(address).name == "ndjson":
                raise EmotionError(f"--send {address} is for the command line: give tcp://HOST:PORT here.")
        if self.log is not None and not self.log.parent.is_dir():
            raise EmotionError(f"There is no folder {self.log.parent}: create it first.")
        if self.partial_results is not None and not self.partial_results.is_dir():
            raise EmotionError(f"There is no folder {self.partial_results}: create it first.")

    @property
    def place(self) -> str:
        """Where the app runs, for what its pages say: "here" (the visitor's machine), "server" or "space"."""
        if is_space():
            return "space"
        behind = self.proxies or self.allowed_hosts or self.root_path
        return "here" if self.host in _ALONE and not behind else "server"

    @property
    def max_pixels(self) -> int:
        """The most pixels that a frame may have."""
        return int(self.max_megapixels * 1e6)

    def names(self) -> tuple[str, ...]:
        """Return the names under which the server answers, beside local ones and IP addresses."""
        given = (self.host, *_listed(os.environ.get("SPACE_HOST", "")))
        return (*self.allowed_hosts, *(name for name in given if is_name(name) and not is_address(name)))


_ALONE = ("127.0.0.1", "localhost", "::1")
"""Hosts that no other machine reaches, unless a proxy stands before them."""
_AUTH = "--auth needs USER:PASS with both parts, such as --auth ada:secret."
_LOWEST = {
    "max_minutes": 0.1,
    "max_megabytes": 1,
    "max_megapixels": 0.1,
    "max_viewers": 1,
    "max_jobs": 1,
    "max_waiting": 1,
    "visitor_files": 1,
    "visitor_gigabytes": 0.001,
    "total_files": 1,
    "total_gigabytes": 0.001,
    "keep_minutes": 1,
    "data_days": 0.01,
    "api_requests": 1,
    "api_gigabytes": 0.001,
    "api_minutes": 0.1,
    "api_jobs": 1,
    "idle_seconds": 5,
}


def is_space() -> bool:
    """Return whether the app runs as a Hugging Face Space: behind its proxy, in a frame of its site."""
    return "SPACE_ID" in os.environ


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add a flag for each setting to `parser`."""
    d = Settings()
    env_port = os.environ.get("PORT") or os.environ.get("GRADIO_SERVER_PORT") or ""
    host = os.environ.get("GRADIO_SERVER_NAME") or d.host
    port = int(env_port) if env_port.isdigit() else d.port
    flag = parser.add_argument
    flag("--host", default=host, help=f"address to listen on; 0.0.0.0 for all (default {host})")
    flag("--port", type=int, default=port, help=f"port to listen on (default {port})")
    flag(
        "--auth",
        metavar="USER:PASS",
        help="ask for this name and password; `ps` shows it: see --auth-file",
    )
    flag("--auth-file", type=Path, metavar="FILE", help="read USER:PASS from the first line of this file")
    flag(
        "--tokens",
        type=Path,
        metavar="FILE",
        help="let programs in that bear a token of this file: a line NAME TOKEN each; may change meanwhile",
    )
    flag(
        "--library",
        type=Path,
        metavar="DIR",
        help="let programs name files of this folder instead of uploading",
    )
    flag(
        "--data",
        type=Path,
        metavar="DIR",
        help="keep analyses of the API here: a server that was stopped or killed goes on with them",
    )
    flag(
        "--database",
        metavar="ADDRESS",
        help="keep the queue in PostgreSQL, for servers on several machines; better as EMOTION_DATABASE",
    )
    flag(
        "--allowed-hosts",
        metavar="NAME,...",
        default=os.environ.get("EMOTION_ALLOWED_HOSTS", ""),
        help="answer under these names too, beside localhost and IP addresses",
    )
    flag(
        "--proxies",
        metavar="ADDRESS,...",
        default=os.environ.get("FORWARDED_ALLOW_IPS", "*" if is_space() else ""),
        help="believe the X-Forwarded headers of these addresses or networks",
    )
    flag(
        "--root-path",
        metavar="PATH",
        default=os.environ.get("EMOTION_ROOT_PATH", ""),
        help="the path below which a proxy shows the app, such as /emotion for https://example.org/emotion/",
    )
    flag("--no-objects", action="store_true", help="do not offer object boxes")
    flag("--objects-model", type=Path, metavar="FILE", help="a YOLOv8 .onnx or .pt file of your own")
    flag("--weights", type=Path, metavar="FILE", help="a weights file of your own")
    flag(
        "--no-reidentify",
        action="store_true",
        help="remember nobody's looks: whoever has left for three seconds returns under another number",
    )
    for name, what in (
        ("max_minutes", "longest video and longest live recording, in minutes"),
        ("max_megabytes", "largest upload"),
        ("max_megapixels", "largest frame of a picture or video, in millions of pixels"),
        ("max_viewers", "live viewers at once; one more is told that the server is full"),
        ("max_jobs", "videos analysed at once; the others wait in line"),
        ("visitor_files", "uploads, and results, kept for one visitor; the oldest go first"),
        ("visitor_gigabytes", "disk that the uploads, and the results, of one visitor may take"),
        ("total_files", "uploads, and results, kept for all visitors together"),
        ("total_gigabytes", "disk that the uploads, and the results, of all visitors may take"),
        ("keep_minutes", "delete uploads and results after this many minutes"),
        ("data_days", "delete what is in --data after this many days"),
        ("api_requests", "requests a minute of one token"),
        ("api_gigabytes", "uploads a day of one token"),
        ("api_minutes", "minutes of video a day of one token"),
        ("api_jobs", "analyses of one token that may wait or run"),
    ):
        default = getattr(d, name)
        flag(
            "--" + name.replace("_", "-"),
            type=type(default),
            default=default,
            metavar="N",
            help=f"{what} (default {default:g})",
        )
    flag(
        "--send",
        metavar="ADDRESS",
        action="append",
        help="send readings of live viewers (never pictures) on as they come, and tell them on their page: "
        "tcp://HOST:PORT, udp://HOST:PORT, osc://HOST:PORT or lsl[:NAME]; may be given several times",
    )
    flag(
        "--log",
        type=Path,
        metavar="FILE",
        help="write a line of JSON for each request, socket and job, about nobody; -: to standard error",
    )
    flag(
        "--partial-results",
        type=Path,
        metavar="DIR",
        help="keep there what unfinished analyses have when the app is stopped; deleted otherwise",
    )


def from_flags(args: argparse.Namespace) -> Settings:
    """Turn parsed flags into settings; raises EmotionError for a value that can't be."""
    return Settings(
        host=args.host,
        port=args.port,
        auth=_auth(args.auth, args.auth_file),
        allowed_hosts=_listed(args.allowed_hosts),
        proxies=_listed(args.proxies),
        root_path=args.root_path.rstrip("/"),
        objects=not args.no_objects,
        objects_model=args.objects_model,
        weights=args.weights,
        reidentify=not args.no_reidentify,
        max_minutes=args.max_minutes,
        max_megabytes=args.max_megabytes,
        max_megapixels=args.max_megapixels,
        max_viewers=args.max_viewers,
        max_jobs=args.max_jobs,
        visitor_files=args.visitor_files,
        visitor_gigabytes=args.visitor_gigabytes,
        total_files=args.total_files,
        total_gigabytes=args.total_gigabytes,
        keep_minutes=args.keep_minutes,
        tokens=args.tokens,
        library=args.library,
        data=args.data,
        database=args.database or os.environ.get("EMOTION_DATABASE") or None,
        data_days=args.data_days,
        api_requests=args.api_requests,
        api_gigabytes=args.api_gigabytes,
        api_minutes=args.api_minutes,
        api_jobs=args.api_jobs,
        send=tuple(args.send or ()),
        log=args.log,
        partial_results=args.partial_results,
    )


def _auth(text: str | None, file: Path | None) -> tuple[str, str] | None:
    """Read name and password from the flag, else the file, else `EMOTION_AUTH`; None where none is given."""
    where = "--auth"
    if text is None and file is not None:
        where = f"--auth-file {file}"
        try:
            text = (file.read_text("utf-8").splitlines() or [""])[0]
        except (OSError, UnicodeDecodeError) as error:
            raise EmotionError(f"{where} can't be read: give a text file with one line USER:PASS.") from error
    elif text is None and (text := os.environ.get("EMOTION_AUTH")) is not None:
        where = "EMOTION_AUTH"
    if text is None:
        return None
    user, _, password = text.partition(":")
    if not user.strip() or not password:
        raise EmotionError(
            f"{where} needs USER:PASS with both parts, such as {'--auth ' * (where == '--auth')}ada:secret."
        )
    return (user.strip(), password)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
