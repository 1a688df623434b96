"""Whether a connection goes through a proxy, how many there may be at once, and why one came to nothing."""

import errno
import ipaddress
import os
import socket
import ssl
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit

import requests
from requests.utils import get_environ_proxies, select_proxy

from framefleet.install_hints import pip

MOST_CONNECTIONS = 1000  # as many as requests that may be asked at once
FILES_SHARE = 4  # of the files that a process may open, one in so many is for connections


class TooMuch(requests.RequestException):
    """More was answered than is ever read."""


def proxies_for(url: str) -> dict[str, str]:
    """The proxies to reach `url` by, as `requests` takes them; none for this machine, and where NO_PROXY says so.

    Nor is there one for plain http, which is for this machine alone: who listens in between would read the key.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme != "https" or is_loopback(host):
        return {}
    no_proxy = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    return {} if _exempt(host, parts.port or 443, no_proxy) else get_environ_proxies(url)


def is_loopback(host: str) -> bool:
    """Whether a name or an address is this machine by whatever name: `localhost` stays here by RFC 6761."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _exempt(host: str, port: int, no_proxy: str) -> bool:
    """Beside what `requests` knows: `*` among others, `*.domain`, IPv6 with or without brackets, and its networks."""
    for entry in (entry.strip().lower() for entry in no_proxy.split(",")):
        address = entry[1:].partition("]")[0] if entry.startswith("[") else entry
        if entry == "*" or (entry.startswith("*.") and host.endswith(_without_port(entry[1:], port))):
            return True
        try:
            if ipaddress.ip_address(host) in ipaddress.ip_network(address, strict=False):
                return not entry.rpartition("]:")[1] or entry.endswith(f"]:{port}")
        except ValueError:
            continue
    return False


def _without_port(entry: str, port: int) -> str:
    return entry.removesuffix(f":{port}")


def certificates() -> str | bool:
    """The file or folder with the certificates that are trusted; True: those that `requests` comes with."""
    names = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
    return next((os.environ[name] for name in names if os.environ.get(name)), True)


def connections_allowed() -> int:
    """How many connections at once leave files enough for all else: macOS lets a process open 256."""
    files = open_files_limit()
    return MOST_CONNECTIONS if files is None else min(max(2, files // FILES_SHARE), MOST_CONNECTIONS)


def open_files_limit() -> int | None:
    """How many files this process may open; None: no limit is known."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return None if limit == resource.RLIM_INFINITY else int(limit)


def is_out_of_files(error: BaseException) -> bool:
    return any(isinstance(e, OSError) and e.errno in {errno.EMFILE, errno.ENFILE} for e in _chain(error))


def why(error: BaseException, url: str, proxies: Mapping[str, str]) -> str:
    """Why a request to `url` got no answer, with what to do about it. Says no more of a proxy than where it is."""
    host = urlsplit(url).netloc.rpartition("@")[2]
    chain = list(_chain(error))
    if is_out_of_files(error):
        allowed = f"{open_files_limit()} are allowed: ulimit -n raises that"
        return f"too many files are open ({allowed}); making do with fewer connections from here on"
    if isinstance(error, requests.exceptions.InvalidSchema) and "SOCKS" in str(error):
        return f"the proxy is of the SOCKS kind, which wants a package: {pip('pysocks')}"
    if isinstance(error, requests.exceptions.InvalidProxyURL | requests.exceptions.InvalidSchema) and proxies:
        return "the proxy's address is none; check HTTPS_PROXY"
    text = " ".join(str(e) for e in chain)
    if isinstance(error, requests.exceptions.ProxyError) or "SOCKS" in text:
        return _of_proxy(chain, text, _shown(url, proxies))
    untrusted = next((e for e in chain if isinstance(e, ssl.SSLCertVerificationError)), None)
    if untrusted is not None:
        return _of_certificate(host, untrusted)
    if isinstance(error, requests.exceptions.SSLError) or any(isinstance(e, ssl.SSLError) for e in chain):
        return _of_tls(host, text)
    if isinstance(error, OSError) and "CA certificate" in text:
        return f"the certificates that REQUESTS_CA_BUNDLE or SSL_CERT_FILE names are not there ({certificates()})"
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return f"{host} does not answer in time; check the network, or a firewall in between"
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, TooMuch):
        return "the answer is larger than any real one"
    return _of_socket(host, chain) or f"the connection failed ({type(error).__name__})"


def _of_proxy(chain: list[BaseException], text: str, proxy: str) -> str:
    if "407" in text:
        return f"the proxy {proxy} wants a name and password (407); give them in HTTPS_PROXY"
    if refusal := next((w for w in ("403", "502", "503", "504", "400", "404", "405") if f"failed: {w}" in text), ""):
        return f"the proxy {proxy} lets nothing through to there ({refusal}); check HTTPS_PROXY and NO_PROXY"
    reason = _of_socket(proxy, chain) or "cannot be used"
    return f"the proxy {proxy} is the trouble: {reason}; check HTTPS_PROXY and NO_PROXY"


def _of_certificate(host: str, error: ssl.SSLCertVerificationError) -> str:
    said = (error.verify_message or str(error)).lower()
    now = f"this machine's clock says {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    if "not yet valid" in said:
        return f"{host}: its certificate is not valid yet; {now}: is that right?"
    if "expired" in said:
        return f"{host}: its certificate has expired; {now}: if that is right, the service has to renew it"
    if "mismatch" in said or "doesn't match" in said or "not valid for" in said:
        return f"{host}: its certificate is for another name; somebody may be in between, or the address is wrong"
    return (
        f"{host}: its certificate is not trusted ({said}); where a company's proxy looks into connections, "
        "name the file with its certificate in SSL_CERT_FILE or REQUESTS_CA_BUNDLE"
    )


def _of_tls(host: str, text: str) -> str:
    plain = ("WRONG_VERSION_NUMBER", "wrong version number", "record layer failure", "HTTP_REQUEST", "UNKNOWN_PROTOCOL")
    if any(word in text for word in plain):
        return f"{host} speaks no https; check the address, whether it is to begin with http:// or has another port"
    if "EOF" in text or "reset" in text:
        return f"{host} cut the connection before it was secured; check the network, or a firewall in between"
    return f"{host}: no secure connection comes about; check the address, or a proxy in between"


def _of_socket(host: str, chain: list[BaseException]) -> str | None:
    if any(isinstance(e, socket.gaierror) or type(e).__name__ == "NameResolutionError" for e in chain):
        return f"the name {host} is not found; check the address and the network (DNS)"
    number = next((e.errno for e in chain if isinstance(e, OSError) and e.errno is not None), None)
    if number == errno.ECONNREFUSED:
        return f"{host} cannot be reached: it refuses the connection; check the address, and whether it runs"
    if number in {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN}:
        return f"{host} cannot be reached: there is no way to it; check the network"
    cut = ("RemoteDisconnected", "ProtocolError", "ConnectionResetError", "BrokenPipeError", "IncompleteRead")
    if number in {errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED} or any(type(e).__name__ in cut for e in chain):
        return f"{host} cut the connection"
    if any(isinstance(e, TimeoutError) or "Timeout" in type(e).__name__ for e in chain):
        return f"{host} does not answer in time; check the network, or a firewall in between"
    return None


def _shown(url: str, proxies: Mapping[str, str]) -> str:
    """Where the proxy is, without the name and password that its address may hold."""
    address = select_proxy(url, dict(proxies)) or ""
    return (urlsplit(address if "//" in address else f"//{address}").netloc or address).rpartition("@")[2]


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, and those that it comes from: by cause, by context, or wrapped as libraries of HTTP do."""
    left, seen = [error], set[int]()
    while left:
        each = left.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        inner = [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]
        left += [e for e in inner if isinstance(e, BaseException)]
