"""What a requirements.txt pins."""

import re
from pathlib import Path

from packaging.requirements import Requirement


def pinned(path: Path) -> dict[Requirement, list[str]]:
    """Its requirements, each with its hashes."""
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {Requirement(line.partition(" --hash=")[0]): re.findall(r"--hash=(\S+)", line) for line in lines}


def pinned_for(path: Path, python: str, platform: str = "linux") -> list[Requirement]:
    """Those that are installed for that Python on that platform, a usual 64-bit machine."""
    place = place_of(python, platform)
    return [found for found in pinned(path) if found.marker is None or found.marker.evaluate(place)]


def place_of(python: str, platform: str = "linux") -> dict[str, str]:
    """What markers are held against."""
    return {
        "python_version": python,
        "python_full_version": f"{python}.3",
        "sys_platform": platform,
        "platform_machine": "AMD64" if platform == "win32" else "x86_64",
        "platform_python_implementation": "CPython",
    }


def assert_whole(path: Path) -> None:
    """Each by one version and its sha256; no index, nothing from elsewhere, no name of a registry."""
    for requirement, hashes in pinned(path).items():
        (version,) = requirement.specifier
        assert version.operator == "==" and "*" not in version.version, requirement
        assert hashes and all(re.fullmatch("sha256:[0-9a-f]{64}", found) for found in hashes), requirement
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"^\s*-(?!-hash=)|://|pythonhosted|\.org\b", text, flags=re.MULTILINE)
