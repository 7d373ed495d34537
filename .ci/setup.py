"""Make .venv and everything in it; quick when nothing changed. Standard library only, any Python 3.

`python3 .ci/setup.py` does what `make setup` needs, `--tests` adds the system packages of the browser and
desktop tests. `--run` leaves out training, objects in .pt files and the tools of the tests: half of the
space. Where all of it lies there already, `--run` keeps it.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys

from lock import packages

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
STAMP = os.path.join(VENV, "setup-stamp")
OLDEST = (3, 11)
LISTS = ("requirements.txt", "requirements-dev.txt", "requirements-dashboard.txt")
INPUTS = (*LISTS, "pyproject.toml", ".ci/setup.py")
TEST_PACKAGES = ("libegl1", "libgles2", "chromium", "strace", "xauth", "xdotool", "xvfb")
OTHER_OPENCV = ("opencv-python", "opencv-contrib-python")
HEADLESS = "opencv-python-headless"
SILENT = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def main():
    """Set up and give the exit code."""
    os.chdir(ROOT)
    system_packages(read_lines("packages.txt"), "OpenCV and names in Hindi and Chinese")
    if "--tests" in sys.argv[1:]:
        system_packages(TEST_PACKAGES, "the browser and desktop tests")
    part = "run" if "--run" in sys.argv[1:] else "all"
    if os.path.exists(PYTHON) and read_lines(STAMP) in [[fingerprint(), enough] for enough in (part, "all")]:
        return 0
    make_venv(find_python())
    (install if part == "all" else install_app)()
    if subprocess.call([PYTHON, "-c", "import tkinter"], **SILENT) != 0:
        system_packages(["python3-tk"], "the live window of main.py --realtime")
    with open(STAMP, "w") as file:
        file.write(fingerprint() + "\n" + part + "\n")
    say("ready: .venv is complete" if part == "all" else "ready to run; `make setup` adds training and tests")
    return 0


def say(text):
    """Print one line at once."""
    print("setup: " + text, flush=True)


def stop(text):
    """End with one clear line."""
    sys.exit("setup: " + text)


def read_lines(name):
    """Read the lines of a list file without comments; nothing where the file is absent."""
    if not os.path.exists(name):
        return []
    with open(name) as file:
        return [line.strip() for line in file if line.strip() and not line.startswith("#")]


def fingerprint():
    """Return a hash of every file that decides what is installed, and of the Python behind .venv."""
    digest = hashlib.sha256()
    for name in INPUTS:
        if os.path.exists(name):
            with open(name, "rb") as file:
                digest.update(name.encode() + b"\0" + file.read())
    config = os.path.join(VENV, "pyvenv.cfg")
    if os.path.exists(config):
        with open(config, "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def missing_packages(names):
    """Return those Debian packages of `names` that are not installed."""
    query = ["dpkg-query", "-W", "-f=${Package} ${db:Status-Status}\n"] + list(names)
    shown = subprocess.run(query, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    have = {line.split()[0] for line in shown.stdout.splitlines() if line.endswith(" installed")}
    # Debian 13 and Ubuntu 24.04 renamed some, such as libglib2.0-0 to libglib2.0-0t64.
    return [name for name in names if name not in have and name + "t64" not in have]


def system_packages(names, purpose):
    """Install the Debian packages that are missing when root, otherwise say which they are."""
    if not shutil.which("dpkg-query"):
        if not os.path.exists(STAMP):
            say(f"not Debian: {purpose} need what Debian calls {' '.join(names)}")
        return
    missing = missing_packages(names)
    if not missing:
        return
    if os.geteuid() != 0:
        say(f"for {purpose}, install these system packages: sudo apt-get install {' '.join(missing)}")
        return
    say("apt-get install " + " ".join(missing))
    quiet = {"stdout": subprocess.DEVNULL, "env": dict(os.environ, DEBIAN_FRONTEND="noninteractive")}
    subprocess.call(["apt-get", "update", "-qq"], **quiet)
    if (
        subprocess.call(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing], **quiet)
        != 0
    ):
        say(f"apt-get could not install {' '.join(missing)}; {purpose} will not work")


def find_python():
    """Find the path of a Python that is new enough, the caller's own choice ($PYTHON) first."""
    check = f"import sys, venv, ensurepip; sys.exit(sys.version_info[:2] < {OLDEST})"
    for attempt in ("as it is", "with Debian's venv"):
        for name in (os.environ.get("PYTHON"), sys.executable, "python3.13", "python3.12", "python3.11"):
            path = shutil.which(name) if name else None
            if path and subprocess.call([path, "-c", check], **SILENT) == 0:
                return path
        if attempt == "as it is" and shutil.which("dpkg-query"):
            system_packages(["python3-venv"], "an environment of its own")
    oldest, this = ".".join(map(str, OLDEST)), sys.version.split()[0]
    stop(
        f"Python {oldest} or newer with venv is needed, this is {this}: install it (Debian: python3-venv) "
        "or name it, make setup PYTHON=/path/to/python3"
    )


def make_venv(python):
    """Make .venv, or mend one whose Python is gone; one that works is kept."""
    works = os.path.exists(PYTHON) and subprocess.call([PYTHON, "-m", "pip", "--version"], **SILENT) == 0
    if works:
        return
    say("making .venv with " + python)
    if subprocess.call([python, "-m", "venv", "--clear", VENV]) != 0:
        stop("could not make .venv; on Debian install python3-venv")


def pip(*arguments):
    """Run pip quietly in .venv; on failure its own output says why."""
    command = [PYTHON, "-m", "pip", "--disable-pip-version-check", *arguments]
    ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if ran.returncode != 0:
        lines = [line for line in ran.stdout.splitlines() if "is ignored: it is neither" not in line]
        print("\n".join(lines[-15:]), file=sys.stderr)
        stop(f"pip could not finish (exit code {ran.returncode}); check the connection, run this again")


def install():
    """Install everything, then leave one OpenCV: the headless one, which needs no screen."""
    say("installing requirements.txt and requirements-dev.txt (minutes the first time)")
    index = os.environ.get("TORCH_INDEX")
    if index:
        torch = [line for line in read_lines("requirements.txt") if line.startswith("torch==")]
        pip("install", "-q", "--index-url", index, *torch)
    files = [name for name in LISTS if os.path.exists(name)]
    pip("install", "-q", *[part for name in files for part in ("-r", name)])
    # mypy remembers which packages were missing.
    shutil.rmtree(".mypy_cache", ignore_errors=True)
    # mediapipe and ultralytics bring OpenCV builds that need libGL. All share the folder cv2, so
    # removing one breaks the others: remove both, then lay the headless one anew.
    pip("uninstall", "-q", "-y", *OTHER_OPENCV)
    pinned = [line for line in read_lines("requirements.txt") if line.startswith(HEADLESS + "==")]
    pip("install", "-q", "--force-reinstall", "--no-deps", *pinned)
    if subprocess.call([PYTHON, "-c", "import cv2; cv2.cvtColor"], stdout=subprocess.DEVNULL) != 0:
        stop("OpenCV does not load (see above); delete .venv and run `make setup` again")


def install_app():
    """Install what the command line and the web app need: the base and [web], at the pinned versions."""
    say("installing what the app needs (a minute or two the first time)")
    # Read by the environment's own Python, as an older one that starts this has no tomllib.
    code = "import json, tomllib; print(json.dumps(tomllib.load(open('pyproject.toml', 'rb'))['project']))"
    project = json.loads(subprocess.check_output([PYTHON, "-c", code], text=True))
    pip("install", "-q", "-c", "requirements.txt", *packages(project, ["web"]))
    if subprocess.call([PYTHON, "-c", "import cv2; cv2.cvtColor"], stdout=subprocess.DEVNULL) != 0:
        stop("OpenCV does not load (see above); delete .venv and run `make run` again")


if __name__ == "__main__":
    sys.exit(main())
