"""A document of headings, paragraphs, tables and figures, as Markdown and as an HTML page of one file."""

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

_STYLE = """
:root { color-scheme: light dark; }
body { margin: 0; background: Canvas; color: CanvasText; font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 860px; margin: 0 auto; padding: 32px 20px 64px; }
h1 { font-size: 1.7rem; line-height: 1.25; } h2 { font-size: 1.25rem; margin-top: 2.2em; }
.banner { background: #8884a51f; border: 1px solid #8884a566; border-radius: 10px; padding: 10px 16px; }
.scroll, figure { overflow-x: auto; } svg { width: 100%; min-width: 540px; height: auto; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 5px 12px 5px 0; border-bottom: 1px solid #88888859; vertical-align: top; }
figure { margin: 18px 0; break-inside: avoid; } figcaption { font-size: .9rem; opacity: .8; }
"""
_SECURITY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of the second order."""

    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of plain text; `banner` sets it apart."""

    text: str
    banner: bool = False


@dataclass(frozen=True, slots=True)
class Lines:
    """A list of lines."""

    lines: Sequence[str]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A table; numbers are shown with two digits, and nothing as a dash."""

    table: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing as SVG; NAME.svg is its file beside the Markdown."""

    name: str
    svg: str
    caption: str


Block = Heading | Paragraph | Lines | Table | Figure


def markdown(title: str, blocks: Sequence[Block]) -> str:
    """Return the document as Markdown; its figures are files in `figures/`."""
    return "\n\n".join([f"# {_plain(title)}", *(_markdown(block) for block in blocks)]) + "\n"


def page(title: str, blocks: Sequence[Block]) -> str:
    """Return the document as one HTML page; everything that comes from data is escaped."""
    body = "\n".join(_html(block) for block in blocks)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_SECURITY}">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main>\n<h1>{html.escape(title)}</h1>\n{body}\n</main></body></html>\n"
    )


def _markdown(block: Block) -> str:
    if isinstance(block, Heading):
        return f"## {_plain(block.text)}"
    if isinstance(block, Paragraph):
        return f"> **{_plain(block.text)}**" if block.banner else _plain(block.text)
    if isinstance(block, Lines):
        return "\n".join(f"- {_plain(line)}" for line in block.lines)
    if isinstance(block, Figure):
        return f"![{_plain(block.caption)}](figures/{block.name}.svg)\n\n*{_plain(block.caption)}*"
    names = [str(name) for name in block.table.columns]
    rows = [[_cell(value) for value in row] for row in block.table.itertuples(index=False)]
    return "\n".join(
        "| " + " | ".join(_plain(cell).replace("|", "\\|") for cell in row) + " |"
        for row in (names, ["---"] * len(names), *rows)
    )


def _html(block: Block) -> str:
    if isinstance(block, Heading):
        return f"<h2>{html.escape(block.text)}</h2>"
    if isinstance(block, Paragraph):
        return f"<p{' class=banner' * block.banner}>{html.escape(block.text)}</p>"
    if isinstance(block, Lines):
        return "<ul>" + "".join(f"<li>{html.escape(line)}</li>" for line in block.lines) + "</ul>"
    if isinstance(block, Figure):
        return f"<figure>{block.svg}<figcaption>{html.escape(block.caption)}</figcaption></figure>"
    head = "".join(f"<th>{html.escape(str(name))}</th>" for name in block.table.columns)
    rows = (
        "<tr>" + "".join(f"<td>{html.escape(_cell(value))}</td>" for value in row) + "</tr>"
        for row in block.table.itertuples(index=False)
    )
    return f'<div class="scroll"><table><tr>{head}</tr>{"".join(rows)}</table></div>'


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "–" if math.isnan(value) else f"{round(value, 2) + 0.0:.2f}"  # never -0.00
    return "–" if value is None or value == "" else str(value)


def _plain(text: str) -> str:
    """Keep data from being read as tags or as the end of a line."""
    return " ".join(text.replace("<", "&lt;").split())
