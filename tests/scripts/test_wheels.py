"""What uv and pip do, as a person hears of it."""

import os
from pathlib import Path
from types import ModuleType

import pytest

PINS = Path("run.txt")

posix = pytest.mark.skipif(os.name == "nt", reason="a script stands in for Python")

# As pip says it, shortened.
RETRYING = "WARNING: Retrying (Retry(total={}, connect=None)) after connection broken by '{}': /simple/lap/"
NAME = "NewConnectionError('Failed to establish a new connection: [Errno -2] Name or service not known')"
PROXY = "ProxyError('Cannot connect to proxy.', NewConnectionError('… [Errno 111] Connection refused'))"
CERTIFICATE = "SSLError(SSLCertVerificationError(1, '[SSL: X] certificate verify failed: {} (_ssl.c:1006)'))"
NOTHING = "ERROR: Could not find a version that satisfies the requirement lap (from versions: none)"


@pytest.fixture(autouse=True)
def no_uv(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """None on the PATH but what a test puts into tmp_path/tools."""
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path / "tools"), "/usr/bin", "/bin"]))


def program(path: Path, script: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def python_saying(folder: Path, lines: list[str]) -> Path:
    (folder / "said").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return program(folder / "python", f"cat '{folder / 'said'}'\nexit 1")


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
        wheels.install(python_saying(tmp_path, lines), [PINS], tmp_path)
    assert capsys.readouterr().err == "  PyPI does not respond; retrying …\n"


@pytest.mark.full
@posix
@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        ("self-signed certificate in certificate chain", "a company's proxy; set PIP_CERT and SSL_CERT_FILE"),
        ("unable to get local issuer certificate", "a company's proxy; set PIP_CERT and SSL_CERT_FILE"),
        ("certificate is not yet valid", "correct this computer's clock"),
        ("certificate has expired", "correct this computer's clock"),
    ],
)
def test_a_certificate_that_is_not_trusted_is_called_that(
    wheels: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: str, remedy: str
) -> None:
    monkeypatch.setenv("PIP_CERT", "company.pem")
    lines = [RETRYING.format(left, CERTIFICATE.format(reason)) for left in range(4, -1, -1)] + [NOTHING]
    with pytest.raises(wheels.SetUpError, match=f"^PyPI's certificate .*{reason}.*{remedy}") as told:
        wheels.install(python_saying(tmp_path, lines), [PINS], tmp_path)
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
    python = program(
        tmp_path / "python",
        f"[ \"$PIP_CERT\" = '{tmp_path / 'system.pem'}' ] || {{ cat '{tmp_path / 'said'}'; exit 1; }}",
    )
    wheels.install(python, [PINS], tmp_path)


@posix
def test_another_failure_is_shown_in_pips_own_words(
    wheels: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [RETRYING.format(4, NAME), *(f"Collecting package-{n}" for n in range(20)), NOTHING]
    with pytest.raises(wheels.SetUpError, match="installation failed, see pip's last lines above"):
        wheels.install(python_saying(tmp_path, lines), [PINS], tmp_path)
    said = capsys.readouterr().err
    assert NOTHING in said and "package-19" in said and "package-1\n" not in said


@pytest.mark.full
@posix
def test_by_the_uv_on_the_path_with_the_hashes_and_the_project_without_what_it_asks_for(
    wheels: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    monkeypatch.setenv("PIP_CERT", "company.pem")
    program(tmp_path / "tools" / "uv", f"echo \"$@ $UV_DEFAULT_INDEX $SSL_CERT_FILE\" >> '{tmp_path / 'asked'}'")
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    python = program(tmp_path / "python", "exit 1")
    wheels.install(python, [PINS], tmp_path, mending=True)
    start, told = f"pip install --python {python} --no-cache", "https://mirror.example/simple company.pem"
    assert (tmp_path / "asked").read_text().splitlines() == [
        f"{start} --require-hashes -r run.txt {told}",
        f"{start} --no-deps --no-build-isolation -e . {told}",
    ]


@pytest.mark.full
@posix
def test_a_uv_is_fetched_by_its_hash_where_there_is_none(wheels: ModuleType, tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    uv = program(tmp_path / "uv-to-come", f"echo \"uv $@\" >> '{asked}'")
    python = program(tmp_path / "python", f"echo \"python $@\" >> '{asked}'; cp '{uv}' '{tmp_path / 'uv'}'")
    wheels.install(python, [PINS], tmp_path, editable=False)
    first, second = asked.read_text().splitlines()
    assert first.startswith("python -m pip install ") and first.endswith("--require-hashes -r requirements/uv.txt")
    assert second == f"uv pip install --python {python} --require-hashes -r run.txt"


@pytest.mark.full
@posix
@pytest.mark.parametrize("uv", ["echo 'error: no such certificate'; exit 2", None])
def test_pip_does_it_where_uv_cannot_be_had_or_does_not_get_through(
    wheels: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], uv: str | None
) -> None:
    if uv:
        program(tmp_path / "tools" / "uv", uv)
    asked = tmp_path / "asked"
    python = program(
        tmp_path / "python", f"case \"$*\" in *uv.txt) echo '{NOTHING}'; exit 1;; esac; echo \"$@\" >> '{asked}'"
    )
    wheels.install(python, [PINS], tmp_path)
    first, second = asked.read_text().splitlines()
    assert first.startswith("-m pip install ") and first.endswith(" --require-hashes -r run.txt")
    assert second.startswith("-m pip install ") and second.endswith(" --no-deps --no-build-isolation -e .")
    said = capsys.readouterr().err
    assert said.count("uv failed (error: no such certificate); trying pip") == bool(uv)


def test_megabytes_are_added_up_and_shown(wheels: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [
        "Collecting av>=15",
        "  Downloading av-18.1.0-cp311-abi3-manylinux_2_28_x86_64.whl.metadata (4.5 kB)",
        "  Downloading av-18.1.0-cp311-abi3-manylinux_2_28_x86_64.whl (40.5 MB)",
        "  Using cached tqdm-4.70.1-py3-none-any.whl (500 kB)",
        "Downloading ctranslate2-4.8.5-cp311-cp311-manylinux_2_28_x86_64.whl (42.6 MB)",
        "Installing collected packages: av, tqdm, ctranslate2",
    ]
    show = wheels.PipProgress()
    for line in lines:
        show(line)
    assert show.megabytes == pytest.approx(83.6)
    assert [line.split() for line in capsys.readouterr().err.splitlines()] == [
        ["40.5", "MB", "av-18.1.0", "(40", "MB", "so", "far)"],
        ["42.6", "MB", "ctranslate2-4.8.5", "(84", "MB", "so", "far)"],
        ["unpacking", "3", "packages,", "84", "MB", "…"],
    ]


def test_what_uv_fetches_is_told_when_it_is_there(wheels: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    show = wheels.UvProgress()
    for line in [
        "Using Python 3.11.7 environment at: .venv",
        "Resolved 46 packages in 1.22s",
        "Downloading av (34.1MiB)",
        "Downloading numpy (16.1MiB)",
        " Downloaded numpy",
        " Downloaded av",
        "Prepared 46 packages in 4.98s",
        "Installed 46 packages in 91ms",
        " + annotated-doc==0.0.7",
    ]:
        show(line)
    assert [line.split() for line in capsys.readouterr().err.splitlines()] == [
        ["16.9", "MB", "numpy", "(17", "MB", "so", "far)"],
        ["35.8", "MB", "av", "(53", "MB", "so", "far)"],
        ["unpacking", "46", "packages,", "53", "MB", "…"],
    ]
