"""What pip does, as a person hears of it."""

import os
from pathlib import Path
from types import ModuleType

import pytest

posix = pytest.mark.skipif(os.name == "nt", reason="a script stands in for Python")

# As pip says it, shortened.
RETRYING = "WARNING: Retrying (Retry(total={}, connect=None)) after connection broken by '{}': /simple/lap/"
NAME = "NewConnectionError('Failed to establish a new connection: [Errno -2] Name or service not known')"
PROXY = "ProxyError('Cannot connect to proxy.', NewConnectionError('… [Errno 111] Connection refused'))"
CERTIFICATE = "SSLError(SSLCertVerificationError(1, '[SSL: X] certificate verify failed: {} (_ssl.c:1006)'))"
NOTHING = "ERROR: Could not find a version that satisfies the requirement lap (from versions: none)"


def python_saying(folder: Path, lines: list[str]) -> Path:
    (folder / "said").write_text("\n".join(lines) + "\n", encoding="utf-8")
    python = folder / "python"
    python.write_text(f"#!/bin/sh\ncat '{folder / 'said'}'\nexit 1\n")
    python.chmod(0o755)
    return python


@pytest.mark.full
@posix
@pytest.mark.parametrize(
    ("cause", "told"),
    [(NAME, "name or service not known"), (PROXY, "connection refused")],
)
def test_a_network_that_is_away_is_one_line_at_once_and_one_at_the_end(
    wheels: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], cause: str, told: str
) -> None:
    lines = [RETRYING.format(left, cause) for left in range(4, -1, -1)] + [NOTHING]
    said = f"^PyPI cannot be reached \\({told}\\); check the network, or the proxy in HTTPS_PROXY$"
    with pytest.raises(wheels.SetUpError, match=said):
        wheels.install(python_saying(tmp_path, lines), ["lap"], tmp_path)
    assert capsys.readouterr().err == "  PyPI does not answer; trying again …\n"


@pytest.mark.full
@posix
@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        ("self-signed certificate in certificate chain", "a company's proxy; set PIP_CERT and SSL_CERT_FILE"),
        ("unable to get local issuer certificate", "a company's proxy; set PIP_CERT and SSL_CERT_FILE"),
        ("certificate is not yet valid", "set this computer's clock right"),
        ("certificate has expired", "set this computer's clock right"),
    ],
)
def test_a_certificate_that_is_not_trusted_is_called_that(
    wheels: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: str, remedy: str
) -> None:
    monkeypatch.setenv("PIP_CERT", "company.pem")
    lines = [RETRYING.format(left, CERTIFICATE.format(reason)) for left in range(4, -1, -1)] + [NOTHING]
    with pytest.raises(wheels.SetUpError, match=f"^PyPI's certificate .*{reason}.*{remedy}") as told:
        wheels.install(python_saying(tmp_path, lines), ["lap"], tmp_path)
    assert "network" not in str(told.value)


@posix
def test_a_certificate_that_pip_does_not_know_may_be_one_that_the_system_knows(
    wheels: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in wheels._CERTIFICATES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "system.pem"))
    (tmp_path / "system.pem").touch()
    (tmp_path / "said").write_text(CERTIFICATE.format("self-signed certificate"), encoding="utf-8")
    python = tmp_path / "python"
    python.write_text(
        f"#!/bin/sh\n[ \"$PIP_CERT\" = '{tmp_path / 'system.pem'}' ] || {{ cat '{tmp_path / 'said'}'; exit 1; }}\n"
    )
    python.chmod(0o755)
    wheels.install(python, ["lap"], tmp_path)


@posix
def test_another_failure_is_shown_in_pips_own_words(
    wheels: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [RETRYING.format(4, NAME), *(f"Collecting package-{n}" for n in range(20)), NOTHING]
    with pytest.raises(wheels.SetUpError, match="installing failed, see pip's last lines above"):
        wheels.install(python_saying(tmp_path, lines), ["lap"], tmp_path)
    said = capsys.readouterr().err
    assert NOTHING in said and "package-19" in said and "package-1\n" not in said


def test_megabytes_are_added_up_and_shown(wheels: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [
        "Collecting av>=15",
        "  Downloading av-18.1.0-cp311-abi3-manylinux_2_28_x86_64.whl.metadata (4.5 kB)",
        "  Downloading av-18.1.0-cp311-abi3-manylinux_2_28_x86_64.whl (40.5 MB)",
        "  Using cached tqdm-4.70.1-py3-none-any.whl (500 kB)",
        "Downloading ctranslate2-4.8.5-cp311-cp311-manylinux_2_28_x86_64.whl (42.6 MB)",
        "Installing collected packages: av, tqdm, ctranslate2",
    ]
    total = 0.0
    for line in lines:
        total = wheels.show(line, total)
    assert total == pytest.approx(83.6)
    assert [line.split() for line in capsys.readouterr().err.splitlines()] == [
        ["40.5", "MB", "av-18.1.0", "(40", "MB", "so", "far)"],
        ["42.6", "MB", "ctranslate2-4.8.5", "(84", "MB", "so", "far)"],
        ["unpacking", "3", "packages,", "84", "MB", "…"],
    ]
