"""Results of one run: unguessable names, nothing outside readable, gone after a time and on stop."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from webapp.shared import store


@pytest.fixture
def workspace() -> Iterator[store.Workspace]:
    space = store.Workspace(keep_minutes=1)
    yield space
    space.close()


def test_a_result_is_read_with_its_token_only(workspace: store.Workspace) -> None:
    token, folder = store.new_folder()
    (folder / "talk_results.json").write_text("[]")
    (folder / "talk_emotions.mp4").write_bytes(b"x")
    assert store.file_of(token, "talk_results.json") == folder / "talk_results.json"
    assert store.file_of(token, "talk_emotions.mp4") == folder / "talk_emotions.mp4"
    assert store.file_of(token, "talk_summary.json") is None
    assert store.file_of("A" * 32, "talk_results.json") is None
    assert len({store.new_folder()[0] for _ in range(50)}) == 50


@pytest.mark.parametrize(
    "token", [None, "", ".", "..", "../uploads", "%2e%2e", "a" * 31, "a" * 33, "/etc", "a/../" + "b" * 27]
)
def test_a_token_is_never_a_path(workspace: store.Workspace, token: str | None) -> None:
    assert store.folder_of(token) is None
    assert store.file_of(token, "passwd") is None


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../other", "/etc/passwd", "a/b.json", ".hidden.json", "secret.txt", "link.json"]
)
def test_only_own_plain_files_are_given(workspace: store.Workspace, name: str, tmp_path: Path) -> None:
    token, folder = store.new_folder()
    outside = tmp_path / "outside.json"
    outside.write_text("secret")
    (folder / "link.json").symlink_to(outside)
    (folder / "secret.txt").write_text("not a kind of file we make")
    (folder / ".hidden.json").write_text("hidden")
    assert store.file_of(token, name) is None


def test_old_things_are_swept_and_new_ones_stay(workspace: store.Workspace) -> None:
    old_token, old = store.new_folder()
    new_token, new = store.new_folder()
    for folder in (old, new):
        (folder / "a_results.json").write_text("[]")
    upload = workspace.uploads / "abc"
    upload.mkdir()
    (upload / "clip.mp4").write_bytes(b"x")
    began = time.monotonic()
    assert workspace.sweep(began) == 0
    (new / "a_results.json").write_text("[]\n")
    assert workspace.sweep(began + 40) == 0
    assert workspace.sweep(began + 90) == 2
    assert store.folder_of(old_token) is None
    assert not upload.exists()
    assert store.folder_of(new_token) == new
    # A result that is still being written to is not old, however long its job has run.
    assert new.is_dir() and workspace.sweep(began + 91) == 0


def test_a_clock_that_is_set_neither_deletes_nor_keeps(
    workspace: store.Workspace,
) -> None:
    began = time.monotonic()
    fresh, old = (store.new_folder()[1] for _ in range(2))
    for folder, stamp in ((fresh, 0), (old, time.time() + 10**8)):  # as before and after such a jump
        os.utime(folder, (stamp, stamp))
    assert workspace.sweep(began) == 0
    (fresh / "a_results.json").write_text("[]")
    os.utime(fresh / "a_results.json", (0, 0))
    assert workspace.sweep(began + 40) == 0
    assert workspace.sweep(began + 90) == 1
    assert fresh.is_dir() and not old.exists()


def test_an_upload_that_broke_off_is_swept_long_before_whole_ones() -> None:
    space = store.Workspace(keep_minutes=60)
    try:
        whole, broken, arriving = (space.uploads / name for name in ("abc/clip.mp4", "tmp1", "tmp2"))
        whole.parent.mkdir()
        for path in (whole, broken, arriving):
            path.write_bytes(b"x")
        began = time.monotonic()
        assert space.sweep(began) == 0
        arriving.write_bytes(b"xx")
        assert space.sweep(began + store.ARRIVING + 5) == 1
        assert whole.exists() and arriving.exists() and not broken.exists()
    finally:
        space.close()


def test_the_sweeper_runs_by_itself() -> None:
    space = store.Workspace(keep_minutes=0.001, sweep_seconds=0.05)
    try:
        token, _ = store.new_folder()
        until = time.time() + 5
        while store.folder_of(token) and time.time() < until:
            time.sleep(0.05)
        assert store.folder_of(token) is None
    finally:
        space.close()


def test_stop_deletes_everything() -> None:
    space = store.Workspace(keep_minutes=1)
    token, folder = store.new_folder()
    (folder / "a.mp4").write_bytes(b"x")
    space.close()
    space.close()
    assert not space.folder.exists()
    assert store.root() is None
    assert store.folder_of(token) is None


def test_folders_of_killed_runs_are_cleared_and_those_of_living_ones_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    dead = tmp_path / f"emotion-app-{ended.pid}-abc"
    living = tmp_path / f"emotion-app-{os.getppid()}-abc"
    other = tmp_path / "emotion-app-notes-x"
    for folder in (dead, living, other):
        folder.mkdir()
    space = store.Workspace(keep_minutes=1)
    space.close()
    assert (dead.exists(), living.exists(), other.exists()) == (False, True, True)
