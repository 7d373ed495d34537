"""The report of an analysis, written beside its results; what draws it is loaded with the first one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emotion_core.files import written_beside

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def write_report(results_json: Path, summary: Mapping[str, Any], name: str, language: str = "en") -> Path:
    """Write the HTML report of a results file beside it, as `NAME_report.html`; gives its path.

    `language` is one of `i18n.LANGUAGES`.
    """
    from emotion_core.results.recording import read_results
    from webapp.shared.report import report_html
    from webapp.shared.speech import speaking

    path = results_json.with_name(f"{name}_report.html")
    with speaking(language):
        page = report_html(read_results(results_json), summary, title=name)
    with written_beside(path) as part:
        part.write_text(page, encoding="utf-8")
    return path
