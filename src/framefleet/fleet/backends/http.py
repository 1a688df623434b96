"""HTTP to a service that takes a key: bounded responses, no redirects, timeouts, the key in one header alone."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.cookiejar import DefaultCookiePolicy
from time import monotonic, perf_counter

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from framefleet.config.endpoints import Secret
from framefleet.errors import UnreachableError
from framefleet.fleet.backends.connections import (
    TooMuch,
    certificates,
    connections_allowed,
    is_out_of_files,
    proxies_for,
    why,
)
from framefleet.logs import hide, logger
from framefleet.timebase import Seconds

log = logger(__name__)

REPLY_LIMIT = 24 * 2**20  # bytes: results over 20 MB are lost on the worker's side, so no reply is larger
CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 60.0
SLOWEST_BYTES_PER_S = 50_000  # of one body among others: the system may hold that much of it when all is handed over
BLOCK = 1 << 16  # bytes; the time-out of a connection is for each block, not for the whole body
LASTING_S = 2.0  # a call that takes longer is slow to send or to receive


class Http:
    """A client of the service at `base_url`. Safe to call from many threads, which share its connections.

    The key goes into `key_header` as it is, or without one, into `Authorization` as a bearer token. The number of
    connections is limited by the files that this process may open; a call that needs one more waits.
    """

    def __init__(
        self,
        base_url: str,
        api_key: Secret | None,
        *,
        key_header: str | None = None,
        read_timeout_s: Seconds = READ_TIMEOUT_S,
    ) -> None:
        self._base_url = base_url
        self._api_key = api_key
        self._key_header = key_header
        self._read_timeout_s = read_timeout_s
        self._most = connections_allowed()
        self._in_use = 0
        self._changed = threading.Condition()
        self._moving: dict[int, Seconds] = {}  # calls whose bodies are under way: since when
        self._proxies = proxies_for(base_url)
        for proxy in self._proxies.values():
            hide(proxy.rpartition("@")[0].rpartition("//")[2].partition(":")[2])  # its password
        self._session = self._new_session()

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        content_type: str = "application/json",
        read_timeout_s: Seconds | None = None,
        on_headers: Callable[[Mapping[str, str]], object] = lambda _: None,
        read: Callable[[requests.Response], bytes] | None = None,
        waits: bool = False,
    ) -> tuple[int, bytes]:
        """Return the response's status and content, whatever the status. Raises `UnreachableError` if there is none.

        `read` returns the wanted part of the content; without it all is read. `waits`: the service has the request long
        before it responds.
        """
        where, began = f"{self._base_url}/{path}".partition("?")[0], perf_counter()
        patience_s = (read_timeout_s or self._read_timeout_s) + len(body or b"") / SLOWEST_BYTES_PER_S
        with self._connection(), self._transfer() as moves:
            try:
                if body:
                    moves(True)
                with self._session.request(
                    method,
                    f"{self._base_url}/{path}" if path else self._base_url,
                    data=_Blocks(body, lambda: moves(not waits)) if body and len(body) > BLOCK else body,
                    headers={"Content-Type": content_type},
                    timeout=(CONNECT_TIMEOUT_S, patience_s),
                    allow_redirects=False,  # a redirect would carry the key elsewhere
                    stream=True,
                ) as response:
                    moves(True)
                    on_headers(response.headers)
                    status, content = response.status_code, (read or _read_bounded)(response)
            except (requests.RequestException, OSError, UnicodeError) as error:
                if is_out_of_files(error):
                    self._make_do_with_fewer()
                message, hint = why(error, self._base_url, self._proxies)
                ours, took_ms = UnreachableError(message, hint=hint), _ms_since(began)
                log.info("%s %s: no response after %.0f ms: %s", method, where, took_ms, ours)
                log.debug("%s", error, exc_info=error)
                raise ours from None
        sent, took_ms = len(body or b""), _ms_since(began)
        log.debug("%s %s: %d in %.0f ms, %d B sent, %d B back", method, where, status, took_ms, sent, len(content))
        return status, content

    @property
    def transfers(self) -> int:
        """How many calls have been sending or receiving a body for so long that the network must be slow."""
        with self._changed:
            now = monotonic()
            return sum(now - since >= LASTING_S for since in self._moving.values())

    def close(self) -> None:
        self._session.close()

    @contextmanager
    def _transfer(self) -> Iterator[Callable[[bool], None]]:
        """Yield a function that notes whether the call in this block is sending or receiving a body from now on."""
        key = threading.get_ident()  # a thread makes one call at a time

        def moves(is_moving: bool) -> None:
            with self._changed:
                if is_moving:
                    self._moving.setdefault(key, monotonic())
                else:
                    self._moving.pop(key, None)

        try:
            yield moves
        finally:
            moves(False)

    @contextmanager
    def _connection(self) -> Iterator[None]:
        """Hold one of the connections that may be open at once."""
        with self._changed:
            self._changed.wait_for(lambda: self._in_use < self._most)
            self._in_use += 1
        try:
            yield
        finally:
            with self._changed:
                self._in_use -= 1
                self._changed.notify()

    def _make_do_with_fewer(self) -> None:
        """Halve the number of connections from now on, and keep none open: other code has the files."""
        with self._changed:
            self._most = max(1, min(self._most, self._in_use) // 2)
            log.warning("too many files are open: at most %d connections from now on", self._most)
        self._session.close()  # closes unused connections; the others close when their response is read

    def _new_session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False  # the settings of the environment that count are read above
        session.proxies.update(self._proxies)
        session.verify = certificates()
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("http://", "https://"):
            session.mount(scheme, HTTPAdapter(pool_connections=1, pool_maxsize=self._most, max_retries=_stale()))
        session.auth = self._authorize
        return session

    def _authorize(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._api_key is not None and self._key_header is not None:
            request.headers[self._key_header] = self._api_key.reveal()
        elif self._api_key is not None:
            request.headers["Authorization"] = f"Bearer {self._api_key.reveal()}"
        return request


class _Blocks:
    """A body that is handed to the connection block by block; `on_sent` is called after the last.

    Sent as one, all of it would have to leave within the connection's time-out, which is a few seconds at first.
    """

    def __init__(self, body: bytes, on_sent: Callable[[], None]) -> None:
        self._left = memoryview(body)
        self._on_sent = on_sent

    def __len__(self) -> int:
        return len(self._left)

    def __iter__(self) -> Iterator[bytes]:
        while block := self.read():
            yield block

    def read(self, _: int = BLOCK) -> bytes:
        block, self._left = bytes(self._left[:BLOCK]), self._left[BLOCK:]
        if not block:
            self._on_sent()
        return block


def _ms_since(began: Seconds) -> float:
    return (perf_counter() - began) * 1000


def _stale() -> Retry:
    """Return a policy for a pooled connection that the service has closed: one more try, safe for a GET alone."""
    return Retry(total=1, connect=0, redirect=0, status=0, allowed_methods={"GET"})


def _read_bounded(response: requests.Response) -> bytes:
    content = bytearray()
    for chunk in response.iter_content(BLOCK):
        content += chunk
        if len(content) > REPLY_LIMIT:
            raise TooMuch
    return bytes(content)
