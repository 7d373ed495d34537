"""The one place that says who may ask for what. What it doesn't name needs the log-in.

Where the app runs without a password, everybody whom the checks of host and origin let through counts as
logged in.
"""

from __future__ import annotations

from enum import StrEnum

from webapp.api import open_paths


class Who(StrEnum):
    """Who may call an address."""

    ANYONE = "anyone"
    LOGGED_IN = "logged in"
    OWN = "its own browser"  # logged in, and the browser that made what is asked for
    NOBODY = "nobody"


_OPEN = (
    *open_paths(),  # of the API: closed, too, unless a router says otherwise
    "/login",
    # Files of the installed packages, the same for everyone.
    "/assets/*",
    "/static/*",
    "/svelte/*",
    "/favicon.ico",
    "/robots.txt",
    "/dashboard/static/*",
)
_OWN = (
    "/live",
    "/live/ticket",
    "/open",
    "/result/*",
    "/gradio_api/run/*",  # what the page asks for without a queue
    "/gradio_api/queue/join",
    "/gradio_api/queue/data",
    "/gradio_api/heartbeat/*",
    "/gradio_api/cancel",
    "/gradio_api/reset",
    "/gradio_api/reset/",
)
_LOGGED_IN = (
    "/examples/*",
    "/gradio_api/app_id",
    "/gradio_api/app_id/",
    "/gradio_api/info",
    "/gradio_api/info/",
    "/gradio_api/startup-events",
    "/gradio_api/theme.css",
    "/gradio_api/upload",
    "/gradio_api/upload_progress",
    "/dashboard/_stcore/bidi-components/*",
    "/dashboard/_stcore/health",
    "/dashboard/_stcore/host-config",
    "/dashboard/_stcore/stream",
    "/dashboard/_stcore/upload_file/*",
)
# What the frameworks bring and this app doesn't need: all that they keep below these addresses, also what a
# later version adds, except for what is named above.
_SHUT = (
    "/gradio_api/*",
    "/dashboard/_stcore/*",
    "/dashboard/auth/*",
    "/dashboard/oauth2callback",
    "/login/",
    "/monitoring",
    "/monitoring/*",
    "/manifest.json",
    "/openapi.json",
    "/pwa_icon",
    "/pwa_icon/*",
)
_RULES = (
    *((rule, Who.ANYONE) for rule in _OPEN),
    *((rule, Who.OWN) for rule in _OWN),
    *((rule, Who.LOGGED_IN) for rule in _LOGGED_IN),
    *((rule, Who.NOBODY) for rule in _SHUT),
)


_KINDS = (*_OPEN, *_OWN, *_LOGGED_IN, *_SHUT, "/", "/config", "/logout", "/api/*", "/dashboard/*")


def rule_of(path: str) -> str:
    """Return the rule that an address falls under, "*" for none: it names no file and nobody's result."""
    found = (rule for rule in _KINDS if path == rule or (rule.endswith("*") and path.startswith(rule[:-1])))
    return next(found, "*")


def who(path: str) -> Who:
    """Return who may ask for `path`, by any method and by WebSocket."""
    for rule, allowed in _RULES:
        if path == rule or (rule.endswith("*") and path.startswith(rule[:-1])):
            return allowed
    return Who.LOGGED_IN
