"""What a transcription API is sent, and what becomes of its answers and its errors."""

import threading
from collections.abc import Iterator
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.config.endpoints import Secret
from framefleet.config.options import Options
from framefleet.errors import (
    Advice,
    AuthError,
    BadReplyError,
    EndpointGoneError,
    FleetError,
    JobLostError,
    RateLimitedError,
    RefusedError,
    TooLargeError,
    UnreachableError,
    UsageError,
)
from framefleet.fleet.backends.base import JOB_QUEUE
from framefleet.fleet.backends.openai.api import BODY_LIMIT, translate
from framefleet.fleet.backends.openai.backend import OpenAiBackend
from framefleet.fleet.backends.openai.reply import to_output
from framefleet.media.types import Clip
from framefleet.protocol.envelope import Probe
from framefleet.protocol.whisper import WhisperRequest
from framefleet.stages.speech.skipped import SentTime
from framefleet.stages.speech.stage import SpeechStage
from framefleet.timebase import Span
from tests.fleet.openai_service import KEY, OpenAiService, serving, verbose
from tests.stages.speech.test_plan import HOUR

STAGE = SpeechStage()


@pytest.fixture
def service() -> Iterator[OpenAiService]:
    with serving() as started:
        yield started


@pytest.fixture
def backend(service: OpenAiService) -> Iterator[OpenAiBackend]:
    made = OpenAiBackend(service.url, Secret(KEY))
    yield made
    made.close()


def sound(**asked) -> WhisperRequest:
    return WhisperRequest(**{"audio": b"OggS\r\n\0--", "format": "opus", "duration_s": 5.0} | asked)


def answered(backend, request):
    return backend.wait(backend.submit("whisper", request), 30)


def test_a_clip_is_sent_as_the_reference_says(service, backend):
    answered(backend, sound(language="de"))
    (asked,) = service.asked
    assert asked.path == "/v1/audio/transcriptions"
    assert asked.headers["Authorization"] == f"Bearer {KEY}"
    assert asked.form == {
        "file": ("audio.ogg", b"OggS\r\n\0--"),
        "model": "whisper-1",
        "response_format": "verbose_json",
        "timestamp_granularities[]": ["segment", "word"],
        "language": "de",
    }


def test_the_model_asked_for_is_the_one_that_is_sent(service, backend):
    answered(backend, sound(model="large-v3", format="flac"))
    assert service.asked[0].form["model"] == "large-v3"
    assert service.asked[0].form["file"][0] == "audio.flac"


def test_a_translation_is_another_call_and_has_neither_language_nor_words(service, backend):
    answered(backend, sound(task="translate", language="de"))
    assert service.asked[0].path == "/v1/audio/translations"
    assert not {"language", "timestamp_granularities[]"} & set(service.asked[0].form)


def test_azure_has_its_version_in_the_query_and_its_key_in_a_header_of_its_own(service):
    url = service.url.replace("/v1", "/openai/deployments/w?api-version=2024-06-01")
    backend = OpenAiBackend(url, Secret(KEY))
    answered(backend, sound())
    assert service.asked[0].path == "/openai/deployments/w/audio/transcriptions?api-version=2024-06-01"
    assert service.asked[0].headers["api-key"] == KEY
    assert "Authorization" not in service.asked[0].headers
    backend.close()


def test_a_service_of_ones_own_needs_no_key(service):
    backend = OpenAiBackend(service.url, None)
    answered(backend, sound())
    assert not {"Authorization", "api-key"} & set(service.asked[0].headers)
    backend.close()


@pytest.mark.parametrize(
    "url",
    ["http://api.openai.com/v1", "ftp://127.0.0.1", "api.openai.com", "https://", "https://me@host/v1", "http://[", ""],
)
def test_the_key_goes_nowhere_in_the_clear(url):
    with pytest.raises(UsageError, match="https") as caught:
        OpenAiBackend(url, Secret(KEY))
    assert KEY not in str(caught.value)


def test_a_redirect_is_not_followed(service, backend):
    service.headers = {"Location": f"{service.url}/elsewhere"}
    service.answer = lambda _: (307, {})
    with pytest.raises(EndpointGoneError, match="another address"):
        answered(backend, sound())
    assert len(service.asked) == 1


@pytest.mark.parametrize(
    ("status", "body", "kind", "advice"),
    [
        (400, {"error": {"message": "bad audio"}}, RefusedError, Advice.GIVE_UP),
        (400, {"error": {"message": "audio duration 1600 seconds is longer than 1400"}}, TooLargeError, Advice.SPLIT),
        (401, {"error": {"message": f"wrong key {KEY}"}}, AuthError, Advice.GIVE_UP),
        (403, {}, AuthError, Advice.GIVE_UP),
        (404, {"error": {"code": "404", "message": "Resource not found"}}, EndpointGoneError, Advice.GIVE_UP),
        (413, {}, TooLargeError, Advice.SPLIT),
        (429, {"error": {"code": "rate_limit_exceeded"}}, RateLimitedError, Advice.WAIT),
        (429, {"error": {"code": "insufficient_quota"}}, AuthError, Advice.GIVE_UP),
        (500, {}, UnreachableError, Advice.RETRY),
        (503, {"error": "overloaded"}, UnreachableError, Advice.RETRY),
    ],
)
def test_each_http_status_is_one_error(service, backend, status, body, kind, advice):
    service.answer = lambda _: (status, body)
    with pytest.raises(FleetError) as caught:
        answered(backend, sound())
    assert type(caught.value) is kind
    assert caught.value.advice is advice
    assert caught.value.job_over


@given(st.integers(100, 599).filter(lambda s: s != 200), st.binary(max_size=300))
def test_any_http_status_is_an_error_of_one_line(status, content):
    assert "\n" not in str(translate(status, "host", content))


def test_an_error_that_quotes_the_key_is_told_without_it(service, backend):
    service.answer = lambda _: (400, {"error": {"message": f"no such thing for {KEY}"}})
    with pytest.raises(RefusedError, match="no such thing for") as caught:
        answered(backend, sound())
    assert KEY not in str(caught.value)
    assert KEY not in repr(vars(backend._api))


def test_a_service_that_is_not_there(service, backend):
    away = OpenAiBackend("http://127.0.0.1:9", None)
    with pytest.raises(UnreachableError, match="cannot be reached"):
        answered(away, sound())
    away.close()


def test_more_than_it_takes_is_not_sent(service, backend):
    with pytest.raises(TooLargeError):
        answered(backend, sound(audio=bytes(BODY_LIMIT + 1)))
    assert service.asked == []


def test_it_takes_sound_alone(service, backend):
    with pytest.raises(EndpointGoneError):
        backend.submit("yolo", sound())
    with pytest.raises(RefusedError):
        backend.submit("whisper", Probe())
    assert service.asked == []


def test_calls_keep_to_the_rate(service):
    now, slept = [0.0], []

    def sleep(seconds):
        slept.append(seconds)
        now[0] += seconds

    backend = OpenAiBackend(service.url, None, rpm=3, workers=1, clock=lambda: now[0], sleep=sleep)
    jobs = [backend.submit("whisper", sound()) for _ in range(4)]
    for job in jobs:
        backend.wait(job, 30)
    assert slept == pytest.approx([20.0, 20.0, 20.0])
    backend.close()


def test_who_waits_hears_at_once_that_the_run_has_ended(service):
    backend = OpenAiBackend(service.url, None, rpm=0.001, workers=1)
    answered(backend, sound())
    never = backend.submit("whisper", sound())  # in a thousand minutes
    backend.close()
    with pytest.raises(JobLostError):
        backend.wait(never, 30)


def test_a_call_under_way_can_be_left(service, backend):
    reached, go = threading.Event(), threading.Event()
    service.answer = lambda _: (reached.set(), go.wait(30), (200, verbose("late")))[-1]
    job = backend.submit("whisper", sound())
    assert reached.wait(30)
    backend.cancel(job)
    with pytest.raises(JobLostError, match="cancelled"):
        backend.wait(job, 0)
    go.set()


def test_an_answer_becomes_the_stages_own(service, backend):
    service.answer = lambda _: (
        200,
        {
            "task": "transcribe",
            "language": "german",
            "duration": 5.0,
            "text": "Guten Tag, Welt. Ende.",
            "segments": [
                {"start": 0.0, "end": 2.0, "text": " Guten Tag, Welt.", "avg_logprob": -0.5, "no_speech_prob": 0.1},
                {"start": 2.0, "end": 30.0, "text": " Ende.", "avg_logprob": -0.1, "no_speech_prob": 0.0},
            ],
            "words": [
                {"word": "Guten", "start": 0.0, "end": 0.4},
                {"word": "Tag", "start": 0.4, "end": 0.9},
                {"word": "Welt", "start": 1.2, "end": 2.1},
                {"word": "Ende", "start": 2.2, "end": 2.6},
            ],
        },
    )
    parcel = STAGE.pack(Clip(0, Span(60.0, 65.0), b"OggS", "opus"), HOUR, Options(), JOB_QUEUE)
    done = backend.wait(backend.submit("whisper", parcel.request), 30)
    reply = STAGE.parse(parcel.facts, done.output)
    assert (reply.language, reply.model, reply.device) == ("de", "whisper-1", "api")
    assert [[word.word for word in s.words] for s in reply.segments] == [[" Guten", " Tag", " Welt"], [" Ende"]]
    assert reply.segments[1].end_s == 5.0  # the clip's, not the window's
    assert reply.segments[0].words[0].probability == pytest.approx(0.6065, abs=1e-3)
    assert done.receipt.worker_id == "api"


def test_text_without_times_is_of_no_use(service, backend):
    service.answer = lambda _: (200, {"text": "yes"})
    with pytest.raises(RefusedError, match="verbose_json"):
        answered(backend, sound())


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'"yes"', b'{"text": 1}', b"\xff", b"[" * 100_000])
def test_what_is_no_answer(body):
    with pytest.raises(BadReplyError):
        to_output(body, "m", 5.0, None)


def test_nobody_speaks():
    assert to_output(b'{"text": "", "segments": []}', "m", 5.0, "de")["language"] == "de"


times = st.lists(st.floats(0, 100), min_size=2, max_size=12, unique=True).map(sorted)


@given(times, times, st.randoms())
def test_every_word_is_in_one_segment_and_in_order(segment_times, word_times, random):
    segments = [{"start": a, "end": b, "text": " x"} for a, b in pairwise(segment_times)]
    words = [{"word": str(n), "start": a, "end": b} for n, (a, b) in enumerate(pairwise(word_times))]
    told = {"text": "x", "segments": segments, "words": random.sample(words, len(words))}
    output = to_output(msgspec.json.encode(told), "m", 100.0, None)
    reply = STAGE.parse((SentTime(0, Span(0.0, 100.0)),), output)
    assert [word.word for s in reply.segments for word in s.words] == [word["word"] for word in words]
    for this, after in pairwise(reply.segments):
        assert all((word.start_s + word.end_s) / 2 < after.start_s for word in this.words)


@pytest.mark.parametrize(
    ("text", "words", "written"), [("你好", ["你", "好"], ["你", "好"]), (" a-b c", ["a", "b", "c"], [" a", "b", " c"])]
)
def test_words_keep_the_spaces_of_the_text(text, words, written):
    listed = [{"word": word, "start": n, "end": n} for n, word in enumerate(words)]
    told = {"text": text, "segments": [{"start": 0, "end": 5, "text": text}], "words": listed}
    (segment,) = to_output(msgspec.json.encode(told), "m", 5.0, None)["segments"]
    assert [word["word"] for word in segment["words"]] == written
