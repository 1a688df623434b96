"""Why a service cannot be reached, said as what it is; who goes through a proxy; and how many connections there are."""

import errno
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from framefleet.config.endpoints import Secret
from framefleet.errors import UnreachableError
from framefleet.fleet.backends import connections
from framefleet.fleet.backends import http as http_module
from framefleet.fleet.backends.connections import (
    certificates,
    is_loopback,
    proxies_for,
    why,
)
from framefleet.fleet.backends.http import Http

DATA = Path(__file__).parent / "data"
KEY = "rpa_TESTKEY0123456789"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        *PROXIES,
        *(name.lower() for name in PROXIES),
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "SSL_CERT_FILE",
    ):
        monkeypatch.delenv(name, raising=False)


@contextmanager
def listening(serve: Callable[[socket.socket], Any]) -> Iterator[int]:
    """A port on this machine at which `serve` deals with each connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def work() -> None:
            while True:
                try:
                    there, _ = server.accept()
                except OSError:
                    return
                with there:
                    try:
                        serve(there)
                    except OSError:
                        continue

        threading.Thread(target=work, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def answering(answer: bytes, heard: list[bytes] | None = None) -> Callable[[socket.socket], None]:
    def serve(there: socket.socket) -> None:
        request = there.recv(65536)
        if heard is not None:
            heard.append(request)
        there.sendall(answer)

    return serve


def secured(certificate: str, heard: list[bytes] | None = None) -> Callable[[socket.socket], None]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(DATA / f"{certificate}.pem")

    def serve(there: socket.socket) -> None:
        with context.wrap_socket(there, server_side=True) as secure:
            answering(ANSWER, heard)(secure)

    return serve


def told(url: str) -> str:
    """What is said of a service that gives no answer."""
    http = Http(url, Secret(KEY))
    try:
        with pytest.raises(UnreachableError) as caught:
            http.send("GET", "x/health")
    finally:
        http.close()
    assert KEY not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("certificate", "words"),
    [
        ("good", ["not trusted", "REQUESTS_CA_BUNDLE"]),  # nobody knows who signed it
        ("elsewhere", ["for another name"]),
        ("expired", ["has expired", "clock says"]),
        ("future", ["not valid yet", "clock says"]),
    ],
)
def test_what_is_wrong_with_a_certificate_is_said(
    certificate: str, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if certificate != "good":
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(DATA / "ca.pem"))
    with listening(secured(certificate)) as port:
        said = told(f"https://localhost:{port}")
    assert all(word in said for word in words), said


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_a_certificate_that_the_environment_names_is_trusted(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, str(DATA / "ca.pem"))
    with listening(secured("good")) as port:
        assert Http(f"https://localhost:{port}", Secret(KEY)).send("GET", "x/health") == (200, b"{}")


def test_certificates_that_are_not_there_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    with listening(secured("good")) as port:
        assert "none.pem" in told(f"https://localhost:{port}")


def test_https_to_who_speaks_none(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(answering(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        assert "does not speak https" in told(f"https://127.0.0.1:{port}")


def test_http_to_who_speaks_https() -> None:
    with listening(secured("good")) as port:
        assert "closed the connection" in told(f"http://127.0.0.1:{port}")


def test_nobody_listens(deaf_port: int) -> None:
    assert "refuses the connection" in told(f"http://127.0.0.1:{deaf_port}")


def test_a_name_that_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", unknown)
    said = told("https://api.runpod.invalid/v2")
    assert "the name api.runpod.invalid is not found" in said


def test_a_cut_connection_and_an_endless_answer() -> None:
    with listening(lambda there: there.recv(65536)) as port:
        assert "closed the connection" in told(f"http://127.0.0.1:{port}")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EMFILE, "too many files are open"),
        (errno.ENFILE, "too many files are open"),
        (errno.ENETUNREACH, "there is no route to it"),
        (errno.ECONNRESET, "closed the connection"),
        (errno.ETIMEDOUT, "does not respond in time"),
    ],
)
def test_what_the_system_says_is_said(number: int, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise OSError(number, "as the system says it")

    monkeypatch.setattr("urllib3.util.connection.create_connection", fails)
    assert words in told("http://127.0.0.1:9")


def test_any_error_is_a_line_of_words() -> None:
    for kind in (requests.RequestException, OSError, requests.exceptions.InvalidURL, UnicodeError):
        message, hint = why(kind("x"), "https://a", {})
        assert message
        assert "\n" not in f"{message}{hint}"


# Proxies


def refusing(words: bytes, heard: list[bytes]) -> Callable[[socket.socket], None]:
    return answering(b"HTTP/1.1 " + words + b"\r\nContent-Length: 0\r\n\r\n", heard)


@pytest.mark.parametrize(
    ("status", "words"),
    [(b"407 Proxy Authentication Required", "requires a name and password (407)"), (b"403 Forbidden", "(403)")],
)
def test_a_proxy_that_lets_nothing_through_is_named_and_its_password_is_not(
    status: bytes, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[bytes] = []
    with listening(refusing(status, heard)) as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://somebody:secret@127.0.0.1:{port}")
        said = told("https://api.runpod.invalid/v2")
    assert words in said
    assert f"127.0.0.1:{port}" in said
    assert "secret" not in said
    assert KEY.encode() not in b"".join(heard)


def test_a_proxy_that_is_away_is_named(deaf_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", f"127.0.0.1:{deaf_port}")
    said = told("https://api.runpod.invalid/v2")
    assert "proxy" in said
    assert "refuses the connection" in said


def test_a_proxy_of_the_socks_kind_wants_a_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "socks", None)
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    assert "SOCKS" in told("https://api.runpod.invalid/v2")


@pytest.mark.parametrize("name", [*PROXIES[:3], *(name.lower() for name in PROXIES[:3])])
@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:80/v2", "http://localhost/v2", "http://[::1]:80", "https://127.9.9.9"]
)
def test_this_machine_is_never_reached_by_a_proxy(name: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "http://10.0.0.1:3128")
    assert proxies_for(url) == {}


def test_the_key_goes_to_this_machine_and_to_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    by_proxy: list[bytes] = []
    heard: list[bytes] = []
    with listening(answering(ANSWER, by_proxy)) as proxy, listening(answering(ANSWER, heard)) as port:
        for name in PROXIES[:3]:
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy}")
        assert Http(f"http://127.0.0.1:{port}", Secret(KEY)).send("GET", "x/health")[0] == 200
    assert by_proxy == []
    assert KEY.encode() in heard[0]


@pytest.mark.parametrize(
    ("no_proxy", "url", "direct"),
    [
        ("", "https://api.runpod.ai/v2", False),
        ("example.org", "https://api.runpod.ai/v2", False),
        ("runpod.ai", "https://api.runpod.ai/v2", True),
        (".runpod.ai", "https://api.runpod.ai/v2", True),
        ("*.runpod.ai", "https://api.runpod.ai/v2", True),
        ("API.RUNPOD.AI", "https://api.runpod.ai/v2", True),
        ("*", "https://api.runpod.ai/v2", True),
        ("example.org, *", "https://api.runpod.ai/v2", True),
        ("api.runpod.ai:443", "https://api.runpod.ai:443/v2", True),
        ("api.runpod.ai:8443", "https://api.runpod.ai/v2", False),
        ("10.0.0.0/8", "https://10.1.2.3/v2", True),
        ("10.0.0.0/8", "https://11.1.2.3/v2", False),
        ("10.1.2.3", "https://10.1.2.3/v2", True),
        ("fd00::/8", "https://[fd00::7]/v2", True),
        ("[fd00::7]", "https://[fd00::7]/v2", True),
        ("[fd00::7]:8443", "https://[fd00::7]:8443/v2", True),
        ("[fd00::7]:8443", "https://[fd00::7]/v2", False),
        ("fd00::8", "https://[fd00::7]/v2", False),
    ],
)
def test_no_proxy_says_who_is_reached_directly(
    no_proxy: str, url: str, direct: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://10.0.0.1:3128")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert (not proxies_for(url).get("https")) == direct


def test_plain_http_goes_through_no_proxy_whoever_it_is_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://10.0.0.1:3128")
    assert proxies_for("http://example.org") == {}


@given(st.text(max_size=40), st.sampled_from(["https://api.runpod.ai", "https://10.0.0.1:8443", "https://[fd00::7]"]))
def test_whatever_no_proxy_holds_is_no_fault(no_proxy: str, url: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HTTPS_PROXY", "http://10.0.0.1:3128")
        patch.setenv("NO_PROXY", no_proxy.replace("\x00", "").encode("utf-8", "ignore").decode())
        proxies_for(url)


def test_loopback_by_any_name() -> None:
    assert all(is_loopback(host) for host in ("localhost", "a.localhost", "127.0.0.1", "127.3.2.1", "::1"))
    assert not any(is_loopback(host) for host in ("localhost.example.org", "128.0.0.1", "::2", ""))


def test_netrc_does_not_replace_the_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    heard: list[bytes] = []
    with listening(answering(ANSWER, heard)) as port:
        Http(f"http://127.0.0.1:{port}", Secret(KEY)).send("GET", "x/health")
    assert f"Authorization: Bearer {KEY}".encode() in heard[0]


# Connections


def test_no_more_connections_than_files_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "open_files_limit", lambda: 16)
    open_now, most, lock, full = [0], [0], threading.Lock(), threading.Barrier(4)

    class Slow:
        headers = None
        status_code = 200

        def __enter__(self) -> "Slow":
            with lock:
                open_now[0] += 1
                most[0] = max(most[0], open_now[0])
            full.wait(30)  # only if so many are let in at once
            return self

        def __exit__(self, *_: object) -> None:
            with lock:
                open_now[0] -= 1

        def iter_content(self, _: int) -> list[bytes]:
            return [b"{}"]

    http = Http("http://127.0.0.1:9", None)
    monkeypatch.setattr(http._session, "request", lambda *_, **__: Slow())
    threads = [threading.Thread(target=http.send, args=("GET", "x")) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert most[0] == 4


@pytest.mark.full
def test_a_body_may_take_longer_than_a_connection_and_is_told_of_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time-out is for each block: a slow uplink moves all of them, though not all at once."""
    monkeypatch.setattr(http_module, "CONNECT_TIMEOUT_S", 0.4)
    monkeypatch.setattr(http_module, "LASTING_S", 0.0)
    size, seen = 12 << 20, list[int]()

    def slowly(there: socket.socket) -> None:
        got, began = 0, time.monotonic()
        while got < size:
            got += len(there.recv(1 << 16))
            time.sleep(max(0.0, began + got / (12 << 20) - time.monotonic()))  # a second for all of it
            seen.append(http.transfers)
        there.sendall(ANSWER)

    with listening(slowly) as port:
        http = Http(f"http://127.0.0.1:{port}", None)
        assert http.send("POST", "x/run", b"x" * size)[0] == 200
    assert max(seen) == 1
    assert http.transfers == 0


@pytest.mark.parametrize("waits", [False, True])
def test_a_call_that_the_service_keeps_waiting_transfers_nothing(monkeypatch: pytest.MonkeyPatch, waits: bool) -> None:
    monkeypatch.setattr(http_module, "LASTING_S", 0.0)
    body, seen = b"x" * 100_000, list[int]()

    def keeps(there: socket.socket) -> None:
        request = b""
        while not request.endswith(b"xx") or len(request) < len(body):
            request += there.recv(1 << 16)
        while not seen or (waits and seen[-1]):
            seen.append(http.transfers)
        there.sendall(ANSWER)

    with listening(keeps) as port:
        http = Http(f"http://127.0.0.1:{port}", None)
        http.send("POST", "x/runsync", body, waits=waits)
    assert seen[-1] == (0 if waits else 1)


def test_who_has_run_out_of_files_makes_do_with_fewer_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "open_files_limit", lambda: 64)
    http = Http("http://127.0.0.1:9", None)

    def fails(*_: Any, **__: Any) -> Any:
        raise requests.ConnectionError(OSError(errno.EMFILE, "Too many open files"))

    monkeypatch.setattr(http._session, "request", fails)
    http._in_use = 8  # of others
    with pytest.raises(UnreachableError, match="too many files are open"):
        http.send("GET", "x")
    assert http._most == 4


def test_the_certificates_that_come_with_requests_are_trusted_by_default() -> None:
    assert certificates() is True
