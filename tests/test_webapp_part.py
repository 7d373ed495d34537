"""What the Video page takes besides: a part of each video, one frame of several, more of each face."""

from pathlib import Path

import pytest

from emotion_core.results.recording import read_results
from emotion_core.types import EmotionError
from emotion_core.video.part import Part
from tests.batches import analyse_batch
from tests.test_webapp_video import EN, batch_of, file_of, upload
from webapp.settings import Settings
from webapp.shared import store
from webapp.shared.engine import Engine
from webapp.shared.jobs import Job
from webapp.video.batch import part_of


@pytest.mark.weights
def test_a_part_is_analysed_with_more_of_each_face(
    engine: Engine, workspace: store.Workspace, talking_clip: Path
) -> None:
    part = part_of("0.4", "0:01.2", 2.0, EN)
    batch = batch_of([upload(workspace, talking_clip)], part=part, extras=("pose", "blendshapes"))
    list(analyse_batch(batch, Job(), engine, Settings(), lambda paths: None))
    (item,) = batch.items
    assert item.state == "done", item.problem
    table = read_results(file_of(item.token, "_results.json"))
    assert table["frame"].unique().tolist() == list(range(10, 30, 2))
    seen = table[table["face"].notna()]
    assert len(seen) and seen[["pose_yaw", "blend_jawOpen"]].notna().all(axis=None)
    assert "landmark_x_0" not in table


@pytest.mark.weights
def test_a_part_in_which_nothing_lies_is_said(
    engine: Engine, workspace: store.Workspace, talking_clip: Path
) -> None:
    batch = batch_of([upload(workspace, talking_clip)], part=part_of("5:00", "", None, EN))
    list(analyse_batch(batch, Job(), engine, Settings(), lambda paths: None))
    assert batch.items[0].state == "failed" and "nothing of it lies from 300 s on" in (
        batch.items[0].problem or ""
    )


def test_parts_are_read_as_the_command_line_reads_them() -> None:
    assert part_of("", " ", 1, EN) is None and part_of("0:00", "", None, EN) is None
    assert part_of("1:30", "0:01:40.5", 3, EN) == Part(90.0, 100.5, 3)
    with pytest.raises(EmotionError, match="noon is no time"):
        part_of("noon", "", 1, EN)
    with pytest.raises(EmotionError, match="after the start"):
        part_of("0:20", "0:10", 1, EN)
