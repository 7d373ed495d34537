"""The locked requirements: every package that the app is deployed with, by version and hash.

`python .ci/lock.py` writes requirements.lock from requirements.txt (needs `pip install uv`), for the default
index, and requirements-app.lock, the part of it that the web app runs with: no training, no PyTorch.
`--torch-index URL` writes requirements-torch-cpu.lock, for PyTorch from an index of its own.
`--rest FILE` prints a lock as a server installs it, and `--pins NAME...` what it says of some packages.
Standard library only.
"""

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent if HERE.name == ".ci" else HERE  # the image has it beside the lock
LOCK, TORCH_LOCK = "requirements.lock", "requirements-torch-cpu.lock"
APP_LOCK = "requirements-app.lock"
APP = ("web", "heic", "postgresql")  # the extras of the package that a server offers
OLDEST = "3.11"
TORCH = ("torch", "torchvision")
CUDA = re.compile(r"(nvidia-(?!ml-py)|cuda-|triton$)")  # what PyTorch of the default index brings along
WINDOWS = ("opencv-python", "opencv-contrib-python")  # OpenCV with windows: they need a desktop's libraries
HEADER = """\
# Made by `make lock` from {source}, for Python {oldest} and newer on every system; do not edit.
# pip install --no-deps --require-hashes -r {name}
"""


def entries(path):
    """Return (name, version, text) for each package of a lock; one may stand there for several Pythons."""
    found = []
    for part in re.split(r"(?m)^(?=[A-Za-z0-9])", path.read_text("utf-8")):
        head = re.match(r"([A-Za-z0-9._-]+)==([^\s;\\]+)", part)
        if head:
            found.append((head[1].lower(), head[2], part))
    return found


def rest(path, without_torch):
    """Return a lock without OpenCV's builds with windows and, if wanted, without PyTorch and its CUDA."""
    keep = [
        text
        for name, _, text in entries(path)
        if name not in WINDOWS and not (without_torch and (name in TORCH or CUDA.match(name)))
    ]
    return "".join(keep)


def pins(path, names):
    """Return NAME==VERSION for some packages of a lock."""
    return [f"{name}=={version}" for name, version, _ in entries(path) if name in names]


def packages(project, extras):
    """Return a project's base and some of its extras, with those that they name, as lines."""
    lines, extras = list(project["dependencies"]), list(extras)
    for extra in extras:  # grows while it is read
        for line in project["optional-dependencies"][extra]:
            if line.startswith(project["name"] + "["):
                extras += line[len(project["name"]) + 1 : -1].split(",")
            else:
                lines.append(line)
    return lines


def app_packages():
    """Return what the web app needs, a line each."""
    import tomllib

    return packages(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"], APP)


def compile_lock(source, target, *more, given="requirements.txt"):
    """Let uv resolve `source`, lines of text that come from `given`, into `target`."""
    uv = shutil.which("uv")
    command = [uv] if uv else [sys.executable, "-m", "uv"]
    command += ["pip", "compile", "-", "--generate-hashes", "--universal", "--python-version", OLDEST]
    command += ["--no-header", "--no-annotate", "--quiet", *more]
    made = subprocess.run(command, input=source, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    if made.returncode:
        sys.exit("lock: uv could not resolve the requirements (see above); without it: pip install uv")
    (ROOT / target).write_text(HEADER.format(oldest=OLDEST, name=target, source=given) + made.stdout, "utf-8")
    print(f"lock: {target}, {len(entries(ROOT / target))} packages")


def main():
    """Do what the options say and give the exit code."""
    parser = argparse.ArgumentParser(prog=".ci/lock.py", description=__doc__.splitlines()[0])
    parser.add_argument("--torch-index", metavar="URL", help=f"write {TORCH_LOCK} for this index")
    parser.add_argument("--rest", metavar="FILE", type=Path, help="print a lock as a server installs it")
    parser.add_argument("--without-torch", action="store_true", help="with --rest: PyTorch is there already")
    parser.add_argument("--pins", metavar="NAME", nargs="+", help="print NAME==VERSION as locked")
    args = parser.parse_args()
    if args.rest:
        print(rest(args.rest, args.without_torch), end="")
    elif args.pins:
        print(*pins(ROOT / LOCK, args.pins))
    elif args.torch_index:
        wanted = "\n".join(pins(ROOT / LOCK, TORCH))
        compile_lock(wanted, TORCH_LOCK, "--no-deps", "--default-index", args.torch_index)
    else:
        compile_lock((ROOT / "requirements.txt").read_text("utf-8"), LOCK)
        compile_lock("\n".join(app_packages()), APP_LOCK, "--constraint", LOCK, given=LOCK)
    return 0


if __name__ == "__main__":
    sys.exit(main())
