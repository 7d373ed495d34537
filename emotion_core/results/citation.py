"""How to cite what made results: a CITATION.cff with the version and the weights that they name."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

TITLE = "emotion-recognition: apparent expressions, valence and arousal of the faces in a video"


def citation(summaries: Sequence[Mapping[str, Any]]) -> str:
    """Return a file in the Citation File Format 1.2.0 from the summaries of results.

    Every version and all weights that they name stand in it, the weights as references with their SHA-256.
    """
    versions = sorted({str(summary.get("version", "")) for summary in summaries} - {""})
    models = {str(s["model"].get("sha256") or ""): s["model"] for s in summaries if s.get("model")}
    lines = [
        "cff-version: 1.2.0",
        "message: Please cite the software, in this version, and the weights that it was used with.",
        "type: software",
        f"title: {_text(TITLE)}",
        "authors:",
        "  - name: The Emotion Recognition authors",
        *([f"version: {_text(', '.join(versions))}"] if versions else []),
        "license: MIT",
    ]
    weights = [(sums, model) for sums, model in sorted(models.items()) if sums]
    if weights:
        lines.append("references:")
    for sums, model in weights:
        lines += [
            "  - type: data",
            f"    title: {_text('Weights of the network: ' + str(model.get('name') or 'without a name'))}",
            "    authors:",
            "      - name: The Emotion Recognition authors",
            f"    notes: {_text('SHA-256 ' + sums)}",
        ]
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    """Return a text as YAML, which takes strings of JSON."""
    return json.dumps(value, ensure_ascii=False)
