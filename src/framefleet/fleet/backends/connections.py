"""The proxies and certificates of a connection, how many connections may be open, and why one failed."""

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

MOST_CONNECTIONS = 1000  # as many as requests that may be in flight at once
FILES_SHARE = 4  # one in so many of the files that a process may open is for connections
CHECK_NETWORK = "check the network, and for a firewall in between"


class TooMuch(requests.RequestException):
    """A response that is larger than the limit."""


def proxies_for(url: str) -> dict[str, str]:
    """Return the proxies for `url`, as `requests` takes them; none for this machine and for what NO_PROXY names.

    There is none for plain http either, which is for this machine alone: anyone in between could read the key.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme != "https" or is_loopback(host):
        return {}
    no_proxy = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    return {} if _exempt(host, parts.port or 443, no_proxy) else get_environ_proxies(url)


def is_loopback(host: str) -> bool:
    """Return whether a name or an address is this machine; any name under `localhost` is, by RFC 6761."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _exempt(host: str, port: int, no_proxy: str) -> bool:
    """Return whether `no_proxy` names the host in a way that `requests` does not know.

    These are `*` among other entries, `*.domain`, IPv6 with or without brackets, and IPv6 networks.
    """
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
    """Return the file or folder with the trusted certificates; True for those that `requests` comes with."""
    names = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
    return next((os.environ[name] for name in names if os.environ.get(name)), True)


def connections_allowed() -> int:
    """Return how many connections may be open and leave enough files for the rest: macOS lets a process open 256."""
    files = open_files_limit()
    return MOST_CONNECTIONS if files is None else min(max(2, files // FILES_SHARE), MOST_CONNECTIONS)


def open_files_limit() -> int | None:
    """Return how many files this process may open; None if no limit is known."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return None if limit == resource.RLIM_INFINITY else int(limit)


def is_out_of_files(error: BaseException) -> bool:
    return any(isinstance(e, OSError) and e.errno in {errno.EMFILE, errno.ENFILE} for e in _chain(error))


def why(error: BaseException, url: str, proxies: Mapping[str, str]) -> tuple[str, str | None]:
    """Return why a request to `url` got no response, and what to do about it, if anything is known to help.

    Of a proxy they hold the address alone, without its name and password.
    """
    host = urlsplit(url).netloc.rpartition("@")[2]
    chain = list(_chain(error))
    if is_out_of_files(error):
        message = f"too many files are open ({open_files_limit()} are allowed); using fewer connections from now on"
        return message, "raise the limit with ulimit -n"
    if isinstance(error, requests.exceptions.InvalidSchema) and "SOCKS" in str(error):
        return "the proxy is a SOCKS proxy, which needs the package pysocks", pip("pysocks")
    if isinstance(error, requests.exceptions.InvalidProxyURL | requests.exceptions.InvalidSchema) and proxies:
        return "the address of the proxy is not valid", "check HTTPS_PROXY"
    text = " ".join(str(e) for e in chain)
    if isinstance(error, requests.exceptions.ProxyError) or "SOCKS" in text:
        return _of_proxy(chain, text, _shown(url, proxies))
    untrusted = next((e for e in chain if isinstance(e, ssl.SSLCertVerificationError)), None)
    if untrusted is not None:
        return _of_certificate(host, untrusted)
    if isinstance(error, requests.exceptions.SSLError) or any(isinstance(e, ssl.SSLError) for e in chain):
        return _of_tls(host, text)
    if isinstance(error, OSError) and "CA certificate" in text:
        message = f"the file of trusted certificates does not exist ({certificates()})"
        return message, "check REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE and SSL_CERT_FILE"
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return f"{host} does not respond in time", CHECK_NETWORK
    if isinstance(error, requests.Timeout):
        return "no response in time", None
    if isinstance(error, TooMuch):
        return "the response is larger than any valid one", None
    return _of_socket(host, chain) or (f"the connection failed ({type(error).__name__})", None)


def _of_proxy(chain: list[BaseException], text: str, proxy: str) -> tuple[str, str]:
    if "407" in text:
        return f"the proxy {proxy} requires a name and password (407)", "give them in HTTPS_PROXY"
    if refusal := next((w for w in ("403", "502", "503", "504", "400", "404", "405") if f"failed: {w}" in text), ""):
        return f"the proxy {proxy} blocks the connection ({refusal})", "check HTTPS_PROXY and NO_PROXY"
    reason, _ = _of_socket(proxy, chain) or ("cannot be used", None)
    return f"the proxy {proxy} failed: {reason}", "check HTTPS_PROXY and NO_PROXY"


def _of_certificate(host: str, error: ssl.SSLCertVerificationError) -> tuple[str, str]:
    said = (error.verify_message or str(error)).lower()
    now = f"this machine's clock says {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    set_clock = "check this machine's clock"
    if "not yet valid" in said:
        return f"{host}: its certificate is not valid yet; {now}", set_clock
    if "expired" in said:
        return f"{host}: its certificate has expired; {now}", f"{set_clock}; if it is right, the service must renew it"
    if "mismatch" in said or "doesn't match" in said or "not valid for" in said:
        return f"{host}: its certificate is for another name", "check the address, and for a proxy in between"
    return (
        f"{host}: its certificate is not trusted ({said})",
        "if a company's proxy inspects connections, set SSL_CERT_FILE or REQUESTS_CA_BUNDLE to its certificate",
    )


def _of_tls(host: str, text: str) -> tuple[str, str]:
    plain = ("WRONG_VERSION_NUMBER", "wrong version number", "record layer failure", "HTTP_REQUEST", "UNKNOWN_PROTOCOL")
    if any(word in text for word in plain):
        return f"{host} does not speak https", "check the address: it may need http:// or another port"
    if "EOF" in text or "reset" in text:
        return f"{host} closed the connection before it was secured", CHECK_NETWORK
    return f"{host}: no secure connection is possible", "check the address, and for a proxy in between"


def _of_socket(host: str, chain: list[BaseException]) -> tuple[str, str | None] | None:
    if any(isinstance(e, socket.gaierror) or type(e).__name__ == "NameResolutionError" for e in chain):
        return f"the name {host} is not found", "check the address and the network (DNS)"
    number = next((e.errno for e in chain if isinstance(e, OSError) and e.errno is not None), None)
    if number == errno.ECONNREFUSED:
        return f"{host} cannot be reached: it refuses the connection", "check the address, and that it is running"
    if number in {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN}:
        return f"{host} cannot be reached: there is no route to it", "check the network"
    cut = ("RemoteDisconnected", "ProtocolError", "ConnectionResetError", "BrokenPipeError", "IncompleteRead")
    if number in {errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED} or any(type(e).__name__ in cut for e in chain):
        return f"{host} closed the connection", None
    if any(isinstance(e, TimeoutError) or "Timeout" in type(e).__name__ for e in chain):
        return f"{host} does not respond in time", CHECK_NETWORK
    return None


def _shown(url: str, proxies: Mapping[str, str]) -> str:
    """Return the address of the proxy, without the name and password that it may hold."""
    address = select_proxy(url, dict(proxies)) or ""
    return (urlsplit(address if "//" in address else f"//{address}").netloc or address).rpartition("@")[2]


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and those that it comes from: by cause, by context, or wrapped, as HTTP libraries do."""
    left, seen = [error], set[int]()
    while left:
        each = left.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        inner = [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]
        left += [e for e in inner if isinstance(e, BaseException)]
