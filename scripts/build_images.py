"""scripts/build_images [--all | ENDPOINT…]

Build the endpoints' images from their Dockerfiles and check that each answers its test_input.json without a GPU: ocr,
the named endpoints, or all four, one after the other. Each image is removed before the next is built. No Docker and no
model hub are needed: buildah builds in a chroot, on a debootstrap of this machine's distribution instead of NVIDIA's
image, with small models served from this machine. Needs root, buildah and debootstrap, which it installs with apt-get;
without them it prints what is missing and exits with 0. Standard library only.
"""

from __future__ import annotations  # so that a Python too old can still say so

import argparse
import hashlib
import json
import os
import platform
import re
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import small_weights

ROOT = Path(__file__).resolve().parent.parent
ENDPOINTS = ("ocr", "whisper", "ast", "yolo")
BASE = "localhost/framefleet-base"
WITHOUT_GPU = {"ocr": "OCR_DEVICE=cpu", "whisper": "WHISPER_DEVICE=cpu"}  # the others fall back to the CPU themselves
REFUSAL = {"ocr": "cannot use this GPU"}  # the error without a GPU if the CPU was not requested
ROOM_GB = {"ocr": 5, "whisper": 5, "ast": 25, "yolo": 25}  # during a build; torch and its dependencies are 7 GB


class Builder:
    """Buildah with its own storage in `folder`, so that other images are not touched."""

    def __init__(self, folder: Path) -> None:
        self._environ = {**os.environ, "BUILDAH_ISOLATION": "chroot", "TMPDIR": str(folder)}
        self._command = ["buildah", "--root", f"{folder}/storage", "--runroot", f"{folder}/run"]

    def __call__(self, *arguments: str) -> str:
        """Run buildah and return its output. Raises `subprocess.CalledProcessError`."""
        return self.ran(*arguments, check=True).stdout.strip()

    def ran(self, *arguments: str, check: bool = False) -> subprocess.CompletedProcess[str]:
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return subprocess.run([*self._command, *arguments], check=check, text=True, env=self._environ, **pipes)


def missing() -> str:
    """Try to install the missing tools and return what is still missing; empty if nothing is."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return "the images are for Linux on x86-64"
    if os.geteuid() != 0:
        return "root is required"
    if not _tools_are_there() and shutil.which("apt-get"):
        environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        install = ["apt-get", "install", "-y", "--no-install-recommends", "buildah", "debootstrap"]
        for command in (install, ["apt-get", "update"], install):
            subprocess.run(command, check=False, capture_output=True, env=environ)
            if _tools_are_there():
                break
    return "" if _tools_are_there() else "buildah, debootstrap and apt-get are required"


def _tools_are_there() -> bool:
    return bool(shutil.which("buildah") and shutil.which("debootstrap") and shutil.which("apt-get"))


def make_base(buildah: Builder, folder: Path) -> None:
    """Build a minimal image of this machine's distribution with its mirror, proxy, certificates and package index."""
    release = platform.freedesktop_os_release()
    codename = release["VERSION_CODENAME"]
    root = folder / "base"
    indexes = subprocess.check_output(
        ["apt-get", "indextargets", "--format", "$(RELEASE) $(REPO_URI)", "Created-By: Packages"], text=True
    )
    mirrors = [uri for name, uri in (line.split(" ", 1) for line in indexes.splitlines()) if name == codename]
    components = "main,universe" if release["ID"] == "ubuntu" else "main"
    command = ["debootstrap", "--variant=minbase", f"--components={components}", codename, str(root)]
    subprocess.run([*command, *mirrors[:1]], check=True, stdout=subprocess.DEVNULL)
    settings = subprocess.check_output(["apt-config", "dump"], text=True).splitlines()
    kept = [line for line in settings if re.match("Acquire::(http|https|Check|Retries)", line)]
    (root / "etc/apt/apt.conf.d/90host").write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
    environ = {name: os.environ[name] for name in ("PIP_INDEX_URL", "PIP_TRUSTED_HOST") if name in os.environ}
    if certificates := ssl.get_default_verify_paths().cafile:
        shutil.copy(certificates, root / "opt/certificates.pem")  # installing ca-certificates replaces /etc/ssl
        environ |= dict.fromkeys(("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"), "/opt/certificates.pem")
    container = buildah("from", "scratch")
    buildah("add", "--quiet", container, str(root), "/")
    buildah("config", *(f"--env={name}={value}" for name, value in environ.items()), container)
    buildah("commit", "--quiet", container, BASE)
    buildah("rm", container)
    shutil.rmtree(root)


def lay_out(endpoint: str, folder: Path, address: str) -> list[str]:
    """Write the build context with a small model to `folder`/context, and return the build arguments."""
    context, weights = folder / "context", folder / "weights"
    for path in (context, weights):
        shutil.rmtree(path, ignore_errors=True)
    for name in ("endpoints", "src"):
        shutil.copytree(ROOT / name, context / name, ignore=shutil.ignore_patterns("__pycache__"))
    arguments = [f"--build-arg=BASE={BASE}"]
    listed = context / "endpoints" / endpoint / "weights.json"
    if listed.exists():
        weights.mkdir()
        model = getattr(small_weights, endpoint)(weights)
        sha256 = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in weights.iterdir()}
        listed.write_text(json.dumps({model: {"from": f"{address}/", "sha256": sha256}}), encoding="utf-8")
        arguments.append(f"--build-arg={endpoint.upper()}_MODEL={model}")
    return arguments


def try_out(buildah: Builder, endpoint: str) -> list[str]:
    """Return the problems with the reply to test_input.json and with the error without a GPU."""
    container = buildah("from", f"localhost/framefleet-{endpoint}")
    handler = ["--", "python", "/app/handler.py"]
    wrong = []
    setting = [f"--env={WITHOUT_GPU[endpoint]}"] if endpoint in WITHOUT_GPU else []
    answer = buildah.ran("run", *setting, container, *handler)
    if answer.returncode:
        wrong.append(f"test_input.json is not answered:\n{answer.stdout}")
    if endpoint in REFUSAL:
        refusal = buildah.ran("run", container, *handler)
        if not refusal.returncode or REFUSAL[endpoint] not in refusal.stdout:
            wrong.append(f"does not say {REFUSAL[endpoint]!r} without a GPU:\n{refusal.stdout}")
    buildah("rm", container)
    return wrong


def build(buildah: Builder, endpoint: str, folder: Path, address: str) -> bool:
    """Build, try out and remove one image, and return whether it passed."""
    started = time.monotonic()
    image = f"localhost/framefleet-{endpoint}"
    dockerfile = f"{folder}/context/endpoints/{endpoint}/Dockerfile"
    arguments = lay_out(endpoint, folder, address)
    built = buildah.ran("bud", "--file", dockerfile, "--tag", image, *arguments, f"{folder}/context")
    if built.returncode:
        print(f"{endpoint}: not built:\n{built.stdout}", flush=True)
        return False
    built_s = time.monotonic() - started
    size = buildah("images", "--format", "{{.Size}}", image)
    wrong = try_out(buildah, endpoint)
    buildah("rmi", "--force", image)
    took = f"{size}, built in {built_s:.0f} s, tried in {time.monotonic() - started - built_s:.0f} s"
    print("\n".join([f"{endpoint}: {took}", *wrong]), flush=True)
    return not wrong


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def serve(folder: Path) -> str:
    """Serve `folder` in the background and return its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("endpoints", nargs="*", metavar="ENDPOINT", help=f"of {', '.join(ENDPOINTS)}; else ocr")
    parser.add_argument("--all", action="store_true", help="all four")
    args = parser.parse_args()
    wanted = ENDPOINTS if args.all else args.endpoints or ("ocr",)
    if unknown := set(wanted) - set(ENDPOINTS):
        parser.error(f"{', '.join(sorted(unknown))}: no such endpoint; choose from {', '.join(ENDPOINTS)}")
    if why := missing():
        print(f"No image is built: {why}", flush=True)
        return 0
    folder = Path(tempfile.mkdtemp(prefix="framefleet-images-", dir=os.environ.get("TMPDIR", "/var/tmp")))
    buildah = Builder(folder)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that `finally` cleans up
    try:
        room, needed = shutil.disk_usage(folder).free / 1e9, max(ROOM_GB[name] for name in wanted)
        if room < needed:
            print(f"No image is built: {folder.parent} has {room:.0f} GB free, and {needed} GB are needed", flush=True)
            return 0
        started = time.monotonic()
        make_base(buildah, folder)
        print(f"base: made in {time.monotonic() - started:.0f} s", flush=True)
        address = serve(folder / "weights")
        failed = [name for name in wanted if not build(buildah, name, folder, address)]
        return 1 if failed else 0
    except subprocess.CalledProcessError as error:
        print(f"{' '.join(error.cmd)}: failed\n{error.stdout or ''}", flush=True)
        return 1
    finally:
        buildah.ran("rm", "--all")
        buildah.ran("rmi", "--all", "--force")
        # --one-file-system: a mount left by a killed build must not be emptied.
        subprocess.run(["rm", "-rf", "--one-file-system", str(folder)], check=False, capture_output=True)


if __name__ == "__main__":
    sys.exit(main())
