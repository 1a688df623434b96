"""HTTP to a service that takes a key: bounded answers, no redirects, timeouts, the key in one header alone."""

import threading
from collections.abc import Callable

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from framefleet.config import Secret
from framefleet.errors import UnreachableError
from framefleet.units import Seconds

REPLY_LIMIT = 24 * 2**20  # results over 20 MB are lost on the worker's side, so more than this is no reply
CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 60.0


class Http:
    """`base_url` is what comes before every path. Safe to call from many threads: each has its own session.

    The key goes into `key_header` as it is, or without one, as a bearer's.
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
        self._local = threading.local()
        self._sessions: list[requests.Session] = []
        self._lock = threading.Lock()

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        content_type: str = "application/json",
        read_timeout_s: Seconds | None = None,
        read: Callable[[requests.Response], bytes] | None = None,
    ) -> tuple[int, bytes]:
        """The answer's status and content, whatever the status. Raises `UnreachableError` where there is no answer.

        `read` takes as much of the content as is wanted; else it is all of it.
        """
        try:
            with self._session().request(
                method,
                f"{self._base_url}/{path}" if path else self._base_url,
                data=body,
                headers={"Content-Type": content_type},
                timeout=(CONNECT_TIMEOUT_S, read_timeout_s or self._read_timeout_s),
                allow_redirects=False,  # a redirect would carry the key elsewhere
                stream=True,
            ) as response:
                return response.status_code, (read or _read_bounded)(response)
        except requests.RequestException as error:
            raise UnreachableError(_reason(error)) from None

    def close(self) -> None:
        with self._lock:
            for session in self._sessions:
                session.close()
            self._sessions.clear()

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            for scheme in ("http://", "https://"):
                session.mount(scheme, HTTPAdapter(pool_connections=1, pool_maxsize=1, max_retries=_stale()))
            session.auth = self._authorize  # and not a header: ~/.netrc would replace that
            self._local.session = session
            with self._lock:
                self._sessions.append(session)
        return session

    def _authorize(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._api_key is not None and self._key_header is not None:
            request.headers[self._key_header] = self._api_key.reveal()
        elif self._api_key is not None:
            request.headers["Authorization"] = f"Bearer {self._api_key.reveal()}"
        return request


def _stale() -> Retry:
    """A kept connection that the service has meanwhile closed: asking once more is safe where nothing is changed."""
    return Retry(total=1, connect=0, redirect=0, status=0, allowed_methods={"GET"})


def _read_bounded(response: requests.Response) -> bytes:
    content = bytearray()
    for chunk in response.iter_content(1 << 20):
        content += chunk
        if len(content) > REPLY_LIMIT:
            raise requests.RequestException("the answer is larger than any real one")
    return bytes(content)


def _reason(error: requests.RequestException) -> str:
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.ConnectionError):
        return "cannot be reached; check the network"
    return f"the connection failed ({type(error).__name__})"
