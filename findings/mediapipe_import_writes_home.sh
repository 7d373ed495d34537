#!/usr/bin/env bash
# mediapipe 1.2.2: `import mediapipe` alone, without a plot asked for, imports matplotlib.pyplot and with it writes
# a font list into ~/.cache/matplotlib (and makes ~/.config/matplotlib), which takes seconds the first time and
# fails to be kept on a read-only home. Seen: "matplotlib.pyplot imported: True" and a fontlist-*.json under HOME.
# It comes through the drawing helpers of the vision tasks; a service that only reads landmarks needs none of it.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q mediapipe==1.2.2 matplotlib==3.11.2
mkdir "$place/home"
env -u MPLCONFIGDIR -u XDG_CACHE_HOME -u XDG_CONFIG_HOME HOME="$place/home" "$place/venv/bin/python" - <<'PY'
import sys

import mediapipe

print("mediapipe", mediapipe.__version__, "- matplotlib.pyplot imported:", "matplotlib.pyplot" in sys.modules)
PY
found=$(find "$place/home" -name 'fontlist-*.json' | head -1)
[ -n "$found" ] || { echo "changed: nothing was written into the home folder"; exit 1; }
echo "written into the home folder: ${found#"$place/home/"}"
