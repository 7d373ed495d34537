"""The page about the API, made from its description; its snippets run as they stand; nothing is fetched."""

from __future__ import annotations

import json
import re
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

SNIPPETS = {
    "curl": "curl.sh",
    "Python": "python.txt",
    "Python, live": "python_live.txt",
    "JavaScript": "javascript.mjs",
    "gradio_client": "gradio.txt",
}
"""The snippets by what the page calls them; the files lie in `assets/snippets`."""
_FOLDER = Path(__file__).parent.parent / "assets" / "snippets"
_STYLE = """
:root { color-scheme: light dark; --line: #8885; --soft: #8881; }
html { background: light-dark(#fff, #12151c); color: light-dark(#1b1f2a, #edeff5); }
a { color: light-dark(#574194, #b7a6e8); }
body { font: 16px/1.55 system-ui, sans-serif; margin: 0 auto; max-width: 62rem; padding: 1.5rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
pre, code { font: .86rem/1.5 ui-monospace, monospace; }
pre { background: var(--soft); border: 1px solid var(--line); border-radius: .6rem; overflow-x: auto;
  padding: .8rem 1rem; }
details { border: 1px solid var(--line); border-radius: .6rem; margin: .5rem 0; padding: .5rem .8rem; }
summary { cursor: pointer; }
summary b { display: inline-block; min-width: 4.2rem; color: light-dark(#6a50b3, #b7a6e8); }
table { border-collapse: collapse; width: 100%; } .wide { overflow-x: auto; }
td, th { border-bottom: 1px solid var(--line); padding: .3rem .5rem; text-align: left;
  vertical-align: top; }
"""


def snippet(name: str) -> str:
    """Return the text of a snippet by its file's name."""
    return (_FOLDER / name).read_text("utf-8")


def _ticked(text: str) -> str:
    """Return a text of the description as HTML: what stands between `backticks` is code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def page(description: Mapping[str, Any], about_stream: str) -> str:
    """Return the page as HTML."""
    parts = [f"<h1>{escape(description['info']['title'])}</h1>"]
    parts += [f"<p>{_ticked(line)}</p>" for line in description["info"]["description"].split("\n\n")[:3]]
    parts.append('<p><a href="openapi.json">openapi.json</a> describes it for programs (OpenAPI 3.1).</p>')
    parts.append("<h2>First calls</h2>")
    parts.append(
        "<p>The address and the token are taken from <code>EMOTION_URL</code> and "
        "<code>EMOTION_TOKEN</code>, the file from <code>VIDEO</code>.</p>"
    )
    for name, file in SNIPPETS.items():
        opened = " open" if name == "curl" else ""
        text = escape(snippet(file))
        parts.append(f"<details{opened}><summary>{escape(name)}</summary><pre>{text}</pre></details>")
    tags: dict[str, list[str]] = {}
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            tags.setdefault(operation["tags"][0], []).append(_operation(path, method, operation))
    for tag, operations in tags.items():
        parts.append(f"<h2>{escape(tag.capitalize())}</h2>{''.join(operations)}")
    parts.append(f"<h2>Stream</h2><pre>{escape(about_stream)}</pre>")
    parts.append("<h2>Schemas</h2>")
    for name, schema in description["components"]["schemas"].items():
        text = escape(json.dumps(schema, indent=1, ensure_ascii=False))
        parts.append(
            f'<details id="{escape(name)}"><summary>{escape(name)}</summary><pre>{text}</pre></details>'
        )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<script src="../../header.js"></script>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<title>API</title><style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>"
    )


def _operation(path: str, method: str, operation: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(given['name'])}</code></td><td>{escape(given['in'])}</td>"
        f"<td>{escape(given.get('description', ''))}</td></tr>"
        for given in operation.get("parameters", ())
    )
    taken = "".join(
        f"<tr><td><code>{escape(kind)}</code></td><td>body</td>"
        f"<td>{_fields(content.get('schema', {}))}</td></tr>"
        for kind, content in operation.get("requestBody", {}).get("content", {}).items()
    )
    answers = "".join(
        f"<tr><td>{escape(status)}</td><td></td><td>{escape(answer.get('description', ''))}</td></tr>"
        for status, answer in operation["responses"].items()
    )
    return (
        f"<details><summary><b>{method.upper()}</b> <code>{escape(path)}</code> "
        f"{escape(operation.get('summary', ''))}</summary><p>{_ticked(operation.get('description', ''))}</p>"
        f'<div class="wide"><table>{rows}{taken}{answers}</table></div></details>'
    )


def _fields(schema: Mapping[str, Any]) -> str:
    fields = schema.get("properties", {})
    return "<br>".join(
        f"<code>{escape(name)}</code> {escape(field.get('description', ''))}"
        for name, field in fields.items()
    )
