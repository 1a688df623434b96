"""A worker opens a clip as the format it is told, and nothing else, and no further than it is told."""

from io import BytesIO

import av
import numpy as np
import pytest

from framefleet.errors import WorkerError
from framefleet.worker.waveform import RATE, decode

TONE = (np.sin(np.arange(2 * RATE) * 0.2) * 8000).astype(np.int16)
MAKERS = {"opus": ("ogg", "libopus"), "flac": ("flac", "flac"), "wav": ("wav", "pcm_s16le")}


def made(demuxer, codec, samples=TONE, rate=RATE):
    file = BytesIO()
    with av.open(file, "w", format=demuxer) as out:
        stream = out.add_stream(codec, rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate = rate
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return file.getvalue()


@pytest.mark.parametrize("format", MAKERS)
def test_decode(format):
    waveform = decode(made(*MAKERS[format]), format, 2.0)
    assert waveform.dtype == np.float32
    assert waveform.shape == (2 * RATE,)
    assert np.corrcoef(waveform, TONE)[0, 1] > 0.98
    assert np.abs(waveform).max() == pytest.approx(8000 / 32768, rel=0.1)


def test_another_rate_is_resampled():
    assert len(decode(made("wav", "pcm_s16le", TONE, 8000), "wav", 4.0)) == pytest.approx(4 * RATE, abs=40)


@pytest.mark.parametrize("format", MAKERS)
@pytest.mark.parametrize("really", MAKERS)
def test_another_format_than_named_is_refused(format, really):
    if format != really:
        refused(made(*MAKERS[really]), format, 2.0, f"the audio is not {format}")


def test_another_codec_within_the_format_is_refused():
    refused(made("wav", "pcm_mulaw"), "wav", 2.0, "one stream of wav")


def test_a_second_stream_is_refused():
    file = BytesIO()
    with av.open(file, "w", format="ogg") as out:
        streams = [out.add_stream("libopus", rate=RATE, layout="mono") for _ in range(2)]
        for stream in streams:
            frame = av.AudioFrame.from_ndarray(TONE[None], format="s16", layout="mono")
            frame.sample_rate = RATE
            out.mux([*stream.encode(frame), *stream.encode(None)])
    refused(file.getvalue(), "opus", 2.0)


def test_a_playlist_is_not_opened(tmp_path):
    other = tmp_path / "secret.wav"
    other.write_bytes(made("wav", "pcm_s16le"))
    refused(f"ffconcat version 1.0\nfile {other}\n".encode(), "wav", 2.0, "the audio is not wav")


@pytest.mark.parametrize("format", MAKERS)
def test_rubbish_behind_a_good_beginning(format):
    head = made(*MAKERS[format])[:40]
    refused(head + bytes(range(256)) * 20, format, 2.0)


@pytest.mark.parametrize("audio", [b"", b"O", b"OggS", b"\0" * 5000])
def test_no_audio_at_all(audio):
    refused(audio, "opus", 2.0)


def test_sound_longer_than_promised_is_not_decoded_to_its_end():
    bomb = made("flac", "flac", np.zeros(600 * RATE, np.int16))
    assert len(bomb) < 200_000
    refused(bomb, "flac", 2.0, "longer than its duration_s of 2")


def test_sound_cut_off():
    whole = made("wav", "pcm_s16le", np.tile(TONE, 5))
    refused(whole[: len(whole) // 2], "wav", 10.0, "truncated")


def test_a_rate_that_would_swell_is_refused():
    header = bytearray(made("wav", "pcm_s16le"))
    header[24:28] = (1).to_bytes(4, "little")
    refused(bytes(header), "wav", 7200.0, "sample rate")


def test_an_empty_clip_is_silence():
    assert len(decode(b"", "opus", 0.0)) == 0


def refused(audio, format, duration_s, says=None):
    with pytest.raises(WorkerError, match=says) as caught:
        decode(audio, format, duration_s)
    assert caught.value.type == "invalid_input"
