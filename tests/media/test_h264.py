"""What H.264 headers tell of references, against what encoders were told to do."""

import av
import pytest

from framefleet.media.video.codecs.h264 import (
    References,
    UnknownError,
    is_entry,
    is_idr,
)
from framefleet.media.video.codecs.h264_references import needed_of, without_unneeded
from tests.media.make import make_video
from tests.media.test_orders import moving


def packets_of(path):
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        return [packet for packet in container.demux(video) if packet.size], video.codec_context.extradata


def coded_of(path):
    packets, extradata = packets_of(path)
    references = References()
    references.configure(extradata)
    return packets, [references.add(n, packet.pts, bytes(packet)) for n, packet in enumerate(packets)]


@pytest.mark.parametrize("name", ["v.mp4", "v.ts"])
def test_with_one_reference_each_picture_refers_to_the_one_before(tmp_path, name):
    options = {"bf": "0", "x264-params": "ref=1:scenecut=0:weightp=0"}
    _, coded = coded_of(make_video(tmp_path / name, frames=30, options=options, pictures=moving(30)))
    assert [picture.refers for picture in coded[:24]] == [set()] + [{n} for n in range(23)]


def test_a_pyramid_is_seen(tmp_path):
    options = {"x264-params": "ref=1:scenecut=0:weightp=0:b-adapt=0:b-pyramid=normal"}
    packets, coded = coded_of(make_video(tmp_path / "v.mp4", frames=24, options=options, pictures=moving(24)))
    shown = [packet.pts // 3600 for packet in packets]
    refers = {shown[n]: {shown[place] for place in picture.refers} for n, picture in enumerate(coded)}
    assert (refers[8], refers[6], refers[5], refers[7]) == ({4}, {4, 8}, {4, 6}, {6, 8})
    needed = needed_of(coded, {shown.index(12)})
    assert {shown[place] for place in needed} == {0, 4, 8, 12}


def test_only_references_that_nothing_wanted_needs_are_replaced(tmp_path):
    options = {"x264-params": "ref=1:scenecut=0:weightp=0:b-adapt=0:b-pyramid=normal"}
    packets, extradata = packets_of(make_video(tmp_path / "v.mp4", frames=24, options=options, pictures=moving(24)))
    wanted = {12 * 3600}
    got = without_unneeded(packets[:16], wanted, extradata)
    replaced = [old.pts // 3600 for old, new in zip(packets, got, strict=False) if new is not old]
    assert set(replaced) == {2, 6, 10} | {pts for pts in replaced if pts > 12}
    assert all(new.pts == old.pts and new.dts == old.dts for old, new in zip(packets, got, strict=False))


def test_interlaced_pictures_are_not_understood(tmp_path):
    path = make_video(tmp_path / "v.mp4", frames=10, options={"x264-params": "interlaced=1"})
    packets, extradata = packets_of(path)
    with pytest.raises(UnknownError):
        References().configure(extradata)
    assert without_unneeded(packets, {0}, extradata) is packets


def test_a_missing_picture_is_noticed(tmp_path):
    packets, extradata = packets_of(make_video(tmp_path / "v.mp4", frames=20, options={"bf": "0"}))
    references = References()
    references.configure(extradata)
    references.add(0, 0, bytes(packets[0]))
    with pytest.raises(UnknownError):
        references.add(1, packets[5].pts, bytes(packets[5]))


@pytest.mark.parametrize("data", [b"", b"\0", b"\0\0\0\1", b"\0\0\0\5\x65", b"\xff" * 40])
def test_garbage_is_not_understood(tmp_path, data):
    _, extradata = packets_of(make_video(tmp_path / "v.mp4", frames=2))
    references = References()
    references.configure(extradata)
    with pytest.raises(UnknownError):
        references.add(0, 0, data)


def test_a_picture_that_only_recovers_is_no_idr(tmp_path):
    path = make_video(tmp_path / "v.ts", frames=60, options={"x264-params": "open-gop=1:scenecut=0:keyint=24"})
    packets, extradata = packets_of(path)
    keys = [packet for packet in packets if packet.is_keyframe]
    assert [is_idr(bytes(packet), extradata or b"") for packet in keys] == [True, False, False]
    assert all(is_entry(bytes(packet), extradata or b"") for packet in keys)


def test_pictures_that_recover_by_and_by_are_no_entry(tmp_path):
    path = make_video(tmp_path / "v.ts", frames=60, options={"x264-params": "intra-refresh=1:keyint=24"})
    packets, extradata = packets_of(path)
    keys = [packet for packet in packets if packet.is_keyframe]
    assert len(keys) > 1
    assert [is_entry(bytes(packet), extradata or b"") for packet in keys] == [True] + [False] * (len(keys) - 1)


@pytest.mark.parametrize(
    ("sei", "slice_type", "entry"),
    [
        ([6, 1, 0b11000100], 7, True),  # 0 pictures, exactly
        ([6, 1, 0b10000100], 7, False),  # not exactly
        ([6, 1, 0b01011000], 7, False),  # 1 picture
        ([6, 1, 0b11000100], 5, False),  # not of an I picture
        ([1, 2, 9, 9, 6, 1, 0b11000100], 7, True),  # behind another message
        ([255, 3, 1, 9, 6, 1, 0b11000100], 7, True),  # of a kind above 255
        ([5, 255, 1, *[7] * 256, 6, 1, 0b11000100], 7, True),  # longer than 255
        ([1, 2, 9, 9], 7, False),
        ([6], 7, False),
        ([], 7, False),
    ],
)
def test_a_recovery_point_is_an_entry_where_it_promises_so(sei, slice_type, entry):
    code = bin(slice_type + 1)[2:]
    head = "1" + "0" * (len(code) - 1) + code  # first_mb_in_slice 0, slice_type
    picture = bytes([0x41, int(head.ljust(8, "0"), 2), 0x80])
    units = [bytes([6, *sei, 0x80]), picture]
    assert is_entry(b"".join(b"\0\0\1" + unit for unit in units), b"") == entry


def test_numbers_of_an_open_group_go_on_from_where_they_are(tmp_path):
    options = {"x264-params": "open-gop=1:scenecut=0:keyint=24:b-adapt=0:ref=1"}
    packets, extradata = packets_of(make_video(tmp_path / "v.mp4", frames=60, options=options, pictures=moving(60)))
    key = next(n for n, packet in enumerate(packets) if packet.is_keyframe and n)
    group = packets[key : key + 16]
    leading = range(1, 1 + sum(packet.pts < group[0].pts for packet in group))
    wanted = {group[-1].pts}
    got = without_unneeded(group, wanted, extradata, leading=leading)
    kept = [packet.pts for packet in got]
    assert len(leading) == 3
    assert [pts for pts in kept if pts < group[0].pts] == [packet.pts for packet in group[1:2]]  # the reference
    assert sum(packet.size < 80 for packet in got[:-1]) > 2
