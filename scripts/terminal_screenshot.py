"""python scripts/terminal_screenshot.py [IMAGE]: a screenshot of a run of the sample and of a query of its result.

Run both in a temporary folder, on this machine, and write an image of their output, for docs/images. Needs Chromium
and the packages of requirements/develop.txt.
"""

import argparse
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[1]
COLUMNS = 90
COMMANDS = (
    ["run", "samples/sample.mp4"],
    ["show", "output/sample_results.json", "--at", "20.5", "--say", "side by side"],
)
_FONTS = re.compile(r"@font-face \{.*?\}", re.DOTALL)  # web fonts; local fonts are used instead


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image", type=Path, nargs="?", default=ROOT / "docs" / "images" / "terminal.png")
    args = parser.parse_args()
    args.image.parent.mkdir(parents=True, exist_ok=True)
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    with tempfile.TemporaryDirectory() as scratch:
        shutil.copytree(ROOT / "samples", Path(scratch, "samples"))
        for command in COMMANDS:
            console.print(Text(f"$ framefleet {shlex.join(command)}", "bold green"))
            console.print(Text.from_ansi(printed(command, scratch)))
    shoot(_FONTS.sub("", console.export_svg(title="framefleet")), args.image)


def printed(command: list[str], folder: str) -> str:
    """Run the command and return its standard output as for a terminal."""
    terminal = {"FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": str(COLUMNS)}
    terminal["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])  # hints name it
    return subprocess.run(
        [sys.executable, "-m", "framefleet", *command],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if not name.startswith("FRAMEFLEET_")} | terminal,
        stdout=subprocess.PIPE,
        check=True,
        encoding="utf-8",
    ).stdout


def shoot(svg: str, image: Path) -> None:
    width, height = (float(size) for size in re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)[0])
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": int(width), "height": int(height)})
        page.set_content(f"<style>body{{margin:0}}svg{{display:block}}</style>{svg}")
        taken = page.screenshot(omit_background=True)
        browser.close()
    Image.open(io.BytesIO(taken)).quantize(64).save(image, optimize=True)


if __name__ == "__main__":
    main()
