#!/usr/bin/env bash
# mne 1.13.2: Annotations.save("x-annot.txt") writes a description with a letter beyond ASCII in Latin-1, and
# read_annotations of the very same file, which decodes UTF-8, fails; a letter beyond Latin-1 can't be saved at all.
# Seen: for "très" UnicodeDecodeError when reading, for "集中" UnicodeEncodeError when saving. Expected: what was
# saved is read back. So labels have to be plain ASCII in this form.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q mne==1.13.2 numpy==2.4.6
cat > "$place/try.py" <<'PY'
import sys

import mne

mne.set_log_level("ERROR")
path = sys.argv[1] + "/labels-annot.txt"
failed = 0
for label in ("tres", "très", "集中"):
    step = "saving"
    try:
        mne.Annotations([0.5, 2.0], [1.0, 1.0], [label, "calm"]).save(path, overwrite=True)
        step = "reading"
        back = list(mne.read_annotations(path).description)
    except UnicodeError as error:
        failed += 1
        print(f"{label}: {type(error).__name__} when {step}")
    else:
        print(f"{label}: read back as {back[0]}")
sys.exit(0 if failed == 2 else "changed: letters beyond ASCII are saved and read")
PY
MNE_DONTWRITE_HOME=true "$place/venv/bin/python" "$place/try.py" "$place"
