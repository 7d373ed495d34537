#!/usr/bin/env bash
# pyreadstat 1.3.7: write_sav says nothing when the file can't grow to its end. With the size of files limited to
# 64 KiB (as a full disk would), writing 200,000 rows returns without an exception and leaves a file of 65,536
# bytes; read_sav then either refuses it or gives fewer rows than were written. Seen: "wrote without a word",
# 65536 bytes. Expected: an OSError, as Python's own write gives (EFBIG here, ENOSPC on a full disk).
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q pyreadstat==1.3.7 pandas==3.1.1 numpy==2.4.6
cat > "$place/try.py" <<'PY'
import os
import resource
import signal
import sys

import numpy as np
import pandas as pd
import pyreadstat

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # the limit is then an error of write(), as a full disk is
resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
path = os.path.join(sys.argv[1], "table.sav")
table = pd.DataFrame({"valence": np.linspace(-1, 1, 200_000)})
try:
    pyreadstat.write_sav(table, path)
except Exception as error:
    sys.exit(f"changed: it complains now ({type(error).__name__}: {error})")
print("wrote without a word,", os.path.getsize(path), "bytes")
try:
    rows = len(pyreadstat.read_sav(path)[0])
except Exception as error:
    print("read back:", type(error).__name__)
else:
    print("read back:", rows, "of", len(table), "rows")
    if rows == len(table):
        sys.exit("changed: the file is whole")
PY
"$place/venv/bin/python" "$place/try.py" "$place"
