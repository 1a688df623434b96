"""Assembly of the report page, and others like it: markup, style, scripts and data in one self-contained file."""

import base64
import hashlib
import re
from importlib.resources import files

import msgspec

from framefleet.outputs.palette import HUES, SHARES

_REPORT = __package__ or ""


def page(head: dict[str, object], columns: str, package: str = _REPORT) -> str:
    """Return the page in the folder `page` of `package`. `head` is data for its scripts, and `columns` the base64 from
    `pack`.

    It may also name styles and scripts of the report. The Content Security Policy allows only this style and script, by
    their hashes, `data:` images and the video, so that labels and words are never executed.
    """
    style, script = "".join(_text(name, package) for name in _named("style", package)), _script(package)
    parts = {
        "policy": _policy(style, script),
        "style": style,
        "head": embedded(msgspec.json.encode(head).decode()),
        "columns": columns,
        "script": script,
    }
    # one pass over the template alone: data that looks like a placeholder stays data
    return re.sub(r"\{\{(\w+)[^}]*\}\}", lambda found: parts[found[1]], _text("page.html", package))


def scripts(package: str = _REPORT) -> list[str]:
    """Return the names of the page's scripts, in the order in which they are joined; they share one scope."""
    return _named("script", package)


def embedded(json: str) -> str:
    """Escape `json` so that it cannot end the script element that contains it, nor a line of a script."""
    return json.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "img-src data:; media-src 'self' file: blob:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _named(part: str, package: str) -> list[str]:
    (named,) = re.findall(rf"\{{\{{{part}([^}}]+)\}}\}}", _text("page.html", package))
    return str(named).split()


def _script(package: str) -> str:
    body = "\n".join(_text(name, package) for name in scripts(package))
    body = re.sub(r"^ *(//.*\n)?", "", body, flags=re.MULTILINE)  # comments and indents; no string spans lines
    palette = f"const [HUES, SHARES] = {msgspec.json.encode((HUES, SHARES)).decode()};"
    return f'"use strict";\n(() => {{\n{palette}\n{body}\n}})();\n'


def _text(name: str, package: str) -> str:
    own = files(package).joinpath("page", name)
    text = (own if own.is_file() else files(_REPORT).joinpath("page", name)).read_text(encoding="utf-8")
    # a checkout on Windows may have other line ends, and the browser hashes the text with \n
    return text.replace("\r\n", "\n")
