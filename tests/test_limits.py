"""Nobody fills memory or disk: what a visitor keeps is bounded, and what is refused costs little."""

import os
import socket
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import main
from benchmarks import refused
from emotion_core import limits
from emotion_core.results import bounded
from emotion_core.results.recording import read_results
from emotion_core.types import EmotionError, Frame
from emotion_core.video.reader import frames, probe
from emotion_core.video.source import identify
from tests.made import encode, greys
from webapp.live.recorder import LiveRecorder
from webapp.settings import Settings
from webapp.shared import store
from webapp.shared.checks import check_picture, open_video
from webapp.shared.i18n import Text
from webapp.shared.shelf import Room, Shelf
from webapp.shared.uploads import PARKED, Uploads, fetch, park
from webapp.shared.visitor import Visitor

EN = Text("en")

# -- what is refused costs little ------------------------------------------------------------------------


@pytest.mark.parametrize("name", refused.FILES)
def test_what_is_refused_takes_little_memory(name: str, tmp_path: Path) -> None:
    one = refused.measure_file(name, tmp_path)
    assert one.words.startswith(name) and "\n" not in one.words
    assert one.megabytes <= refused.MOST_MB, one


# -- pixels ----------------------------------------------------------------------------------------------


def test_one_limit_on_pixels_for_pictures_and_videos(tmp_path: Path) -> None:
    video = encode(tmp_path / "a.mp4", greys(5, 640, 480))
    picture = refused.png(tmp_path / "a.png", 640, 480)
    assert probe(identify(video, max_pixels=640 * 480)).width == 640
    for path in (video, picture):
        with pytest.raises(EmotionError, match="640 x 480 pixels, more than the 0.3 megapixels"):
            probe(identify(path, max_pixels=300_000))
    assert identify(video).max_pixels == limits.MAX_PIXELS == 50_000_000 == Settings().max_pixels


def test_pixels_that_are_not_square_count_as_they_are_shown(tmp_path: Path) -> None:
    from fractions import Fraction

    wide = encode(tmp_path / "wide.mp4", greys(3, 320, 240), aspect=Fraction(4, 1))
    assert probe(identify(wide, max_pixels=1280 * 240)).width == 1280
    with pytest.raises(EmotionError, match="1280 x 240 pixels"):
        probe(identify(wide, max_pixels=1280 * 240 - 1))


def test_a_size_that_grows_in_mid_stream_is_not_unpacked(tmp_path: Path) -> None:
    small = encode(tmp_path / "1.ts", greys(300, 320, 240))
    large = encode(tmp_path / "2.ts", greys(3, 1280, 960))
    both = tmp_path / "both.ts"
    both.write_bytes(small.read_bytes() + large.read_bytes())
    reader = frames(identify(both, max_pixels=400_000))
    assert {frame.image.shape for frame in reader} == {(240, 320, 3)}
    assert reader.problem is not None and "\n" not in reader.problem
    whole = frames(both)
    assert [frame.image.shape for frame in whole] == [(240, 320, 3)] * 303
    assert whole.problem is None and "size changes" in whole.notes[0]


def test_the_web_app_and_the_command_line_have_the_same_limit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video = encode(tmp_path / "a.mp4", greys(5, 640, 480))
    picture = refused.png(tmp_path / "thread.png", 1, 40_000_000)
    with pytest.raises(EmotionError, match="more than 0.2 megapixels"):
        open_video(video, Settings(max_megapixels=0.2), EN)
    with open_video(video, Settings(max_megapixels=0.4), EN) as reader:
        assert reader.info.width == 640
    with pytest.raises(EmotionError, match="40000000"):
        check_picture(picture, Settings(), EN)
    assert main.main(["--video", str(video), "--max-megapixels", "0.2"]) == 1
    assert "more than the 0.2 megapixels" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main.main(["--video", str(video), "--max-megapixels", "none"])


# -- what is no plain file, and what a file refers to ----------------------------------------------------


def _special(folder: Path) -> dict[str, str]:
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(folder / "socket"))
    return {str(folder / "pipe"): "pipe", str(folder / "socket"): "socket", "/dev/zero": "device"}


def test_pipes_devices_sockets_and_folders_are_never_opened(tmp_path: Path) -> None:
    # Opening the pipe would wait for ever.
    for path, kind in (_special(tmp_path) | {str(tmp_path): "folder"}).items():
        for read in (probe, read_results):
            with pytest.raises(EmotionError, match=f"is a {kind}"):
                read(path)
        for check in (open_video, check_picture):
            with pytest.raises(EmotionError, match="no longer on the server"):
                check(Path(path), Settings(), EN)


def test_what_an_upload_refers_to_is_not_followed(tmp_path: Path) -> None:
    target = encode(tmp_path / "target.ts", greys(5))
    playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n"
    texts = {
        "list.m3u8": playlist.format("target.ts"),
        "list.mp4": playlist.format(target),
        "away.m3u8": playlist.format("http://127.0.0.1:9/a.ts"),
        "all.ffconcat": "ffconcat version 1.0\nfile target.ts\n",
        "all.mkv": f"ffconcat version 1.0\nfile '{target}'\n",
        "a.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\n",
        "a.mpd": f'<?xml version="1.0"?><MPD><BaseURL>{target}</BaseURL></MPD>',
    }
    with open_video(target, Settings(), EN) as reader:
        assert reader.info.width == 64
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(EmotionError, match="is not a video"):
            open_video(tmp_path / name, Settings(), EN)
    numbered = tmp_path / "%d.png"  # the name of a series for FFmpeg, the name of a file here
    with pytest.raises(EmotionError, match="no longer on the server"):
        open_video(numbered, Settings(), EN)


# -- tables ----------------------------------------------------------------------------------------------


def _row(number: int) -> dict[str, object]:
    return {"frame": number, "emotion": "Sad", "confidence": 0.5, "valence": 0.0, "arousal": 0.1}


@pytest.mark.parametrize("ending", ["csv", "parquet", "json"])
def test_tables_of_too_many_rows(ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = pd.DataFrame([_row(number) for number in range(5000)])
    path = tmp_path / f"a_results.{ending}"
    {"csv": table.to_csv, "parquet": table.to_parquet}.get(
        ending, lambda to: table.to_json(to, orient="records")
    )(path)
    assert len(read_results(path)) == 5000
    monkeypatch.setattr(bounded, "MAX_ROWS", 4999)
    with pytest.raises(EmotionError, match="more than the 4,999 records"):
        read_results(path)


def test_rows_are_the_same_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{**_row(n), "emotion": ("Sad", "Happy", "Fear")[n % 3], "objects": f"[{n}]"} for n in range(5000)]
    pd.DataFrame(rows).to_csv(tmp_path / "a.csv", index=False)
    pd.DataFrame(rows).to_parquet(tmp_path / "a.parquet", row_group_size=700)
    whole = {ending: read_results(tmp_path / f"a.{ending}") for ending in ("csv", "parquet")}
    monkeypatch.setattr(bounded, "BATCH", 333)
    for ending, table in whole.items():
        pd.testing.assert_frame_equal(read_results(tmp_path / f"a.{ending}"), table)
        assert list(table["emotion"].unique()) == ["Sad", "Happy", "Fear"]
        assert table["objects"].iloc[-1] == "[4999]"


def test_a_torn_list_of_many_objects_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "a_results.json"
    many = "[" + ",".join('{"label":"cup"}' for _ in range(100_000)) + "]"
    good = '{"frame":1,"emotion":"Sad","confidence":1,"valence":0,"arousal":0}'
    path.write_text(f'[{good},{{"frame":2,"objects":{many}}},{good.replace("1,", "3,", 1)}')
    assert list(read_results(path)["frame"]) == [1, 2, 3]


def test_a_list_without_an_end_is_given_up_in_one_pass(tmp_path: Path) -> None:
    # Each piece of it begins in the middle of something: trying every cut again would take hours.
    path = tmp_path / "a_results.json"
    path.write_bytes(b'[{"frame":1,"objects":[' + b"{}," * 2_000_000)
    with pytest.raises(EmotionError, match="no record that makes sense"):
        read_results(path)


# -- disk ------------------------------------------------------------------------------------------------


def test_two_hundred_recordings_of_one_visitor_stay_within_their_room() -> None:
    space = store.Workspace(5, room=Room(files_each=10, bytes_each=25_000_000, files_all=15, bytes_all=1e9))
    try:
        image = np.zeros((48, 64, 3), np.uint8)
        ada, gone = Visitor.from_values("a" * 32), 0
        for number in range(200):
            recorder = LiveRecorder(60, ("Happy", "Sad"), ada)
            for index in range(30):
                recorder.append(Frame(image, index, index / 30), [])
            files = recorder.finish({"source": "live"})
            assert files and store.file_of(recorder.token, files[0].name) is not None
            kept = [path for path in space.results.rglob("*") if path.is_file()]
            newest = store.folder_of(recorder.token)
            assert newest is not None
            # The newest stays, whatever its size.
            others = sum(path.stat().st_size for path in kept if path.parent != newest)
            assert len(list(space.results.iterdir())) <= 10 and others <= 25_000_000, number
            gone += store.news(ada.key)
        assert gone + len(list(space.results.iterdir())) == 200
        others = [store.new_folder(f"visitor {n}")[0] for n in range(30)]
        for token in others:
            store.settle(token)
        assert len(list(space.results.iterdir())) <= 15
    finally:
        space.close()


def test_what_is_in_use_stays_and_the_oldest_of_the_rest_goes(tmp_path: Path) -> None:
    shelf = Shelf(Room(3, 100, 4, 1000), lambda path: path.unlink())
    paths = [tmp_path / str(number) for number in range(6)]
    for path in paths:
        path.write_text("x")
    for path in paths[:3]:
        shelf.put("ada", path, 10)
    shelf.hold(paths[:1])
    shelf.put("ada", paths[3], 10)
    shelf.trim()
    assert [path.exists() for path in paths[:4]] == [True, False, True, True]
    shelf.put("bob", paths[4], 10)
    shelf.put("cyd", paths[5], 10)
    shelf.trim()
    assert [path.exists() for path in paths] == [True, False, False, True, True, True]
    assert (shelf.news("ada"), shelf.news("ada"), shelf.news("bob")) == (2, 0, 0)
    assert not shelf.make_room("ada", 95) and paths[0].exists() and not paths[3].exists()
    shelf.free(paths[:1])
    assert shelf.make_room("ada", 95) and not paths[0].exists()


def test_a_file_that_two_visitors_sent_goes_with_the_last_of_them(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path, Room(1, 1e9, 100, 1e9))
    both, other = tmp_path / "both", tmp_path / "other"
    for path in (both, other):
        path.write_text("x")
    uploads.arrived("ada", both)
    uploads.arrived("bob", both)
    uploads.arrived("ada", other)
    assert both.exists() and uploads.own("ada", str(both)) is None
    assert uploads.own("bob", str(both)) == both.resolve()
    uploads.arrived("bob", other)
    assert not both.exists() and other.exists()


def test_only_what_arrived_is_an_upload(tmp_path: Path) -> None:
    folder = tmp_path / "uploads"
    folder.mkdir()
    uploads = Uploads(folder, Room(9, 1e9, 9, 1e9))
    outside, lying, own = tmp_path / "outside", folder / "lying", folder / "own"
    for path in (outside, lying, own):
        path.write_text("x")
    for path in (outside, own):
        uploads.arrived("ada", path)
    link = folder / "link"
    link.symlink_to(outside)
    uploads.arrived("ada", link)
    names = [str(p) for p in (outside, lying, link, folder, folder / "none")]
    names += ["", "own", f"{own}\0", f"file://{own}", f"{folder}/../outside"]
    assert uploads.all_own("ada", [*names, str(own), f"{folder}/../uploads/own"]) == [
        str(own),
        f"{folder}/../uploads/own",
    ]
    own.unlink()
    assert uploads.own("ada", str(own)) is None


def test_a_stand_in_is_good_for_one_file_and_once(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("x")
    stand_in = park(path)
    assert len(stand_in) < 100 and fetch(PARKED + b"guess") is None and fetch(b"frame,emotion") is None
    assert fetch(stand_in) == path and fetch(stand_in) is None
