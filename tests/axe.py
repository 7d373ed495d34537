"""axe-core, which finds faults of accessibility in a page: fetched by npm, for the tests alone."""

import hashlib
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

VERSION = "4.11.0"
SHA256 = "e9e5863c33a874f09bc01acd9234b7e3c871479f5eef8802fa582544465e6d01"
"""Of axe.min.js in that version (MPL-2.0); it is not part of this project."""
_PLACE = Path(__file__).resolve().parents[1] / ".cache" / "axe" / f"axe-{VERSION}.min.js"


def script() -> str | None:
    """Return axe's script, fetched once; None where neither it nor npm is there, or npm can't reach it."""
    if not _PLACE.is_file() and not _fetch():
        return None
    text = _PLACE.read_bytes()
    if hashlib.sha256(text).hexdigest() != SHA256:
        raise RuntimeError(f"{_PLACE.name} is not what was published: delete it")
    return text.decode()


def _fetch() -> bool:
    npm = shutil.which("npm")
    if npm is None:
        return False
    _PLACE.parent.mkdir(parents=True, exist_ok=True)
    words = [npm, "pack", "--silent", f"axe-core@{VERSION}"]
    try:
        subprocess.run(words, cwd=_PLACE.parent, check=True, capture_output=True, timeout=60)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return False
    with tarfile.open(_PLACE.parent / f"axe-core-{VERSION}.tgz") as packed:
        member = packed.extractfile("package/axe.min.js")
        assert member is not None
        _PLACE.write_bytes(member.read())
    return True


def faults(page: Any, text: str) -> list[str]:
    """Return the serious and critical faults of a page as it stands now, a line each.

    The page's context needs `bypass_csp`, since axe is put into it.
    """
    page.evaluate(text)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [
        f"{one['id']}: {node['target'][-1]}: {node.get('failureSummary', '')[:200]}"
        for one in found
        if one["impact"] in {"serious", "critical"}
        for node in one["nodes"]
    ]
