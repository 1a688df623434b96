"""python scripts/write_schema.py [--check]

Write docs/schema.json, the JSON Schema that every results document validates against. With --check, write nothing and
exit with 1 if the file is out of date.
"""

import json
import sys

from environment import ROOT, enter

PATH = ROOT / "docs" / "schema.json"


def main() -> int:
    enter()
    from framefleet.schema.codec import json_schema

    content = json.dumps(json_schema(), indent=2) + "\n"
    if "--check" not in sys.argv[1:]:
        PATH.write_text(content, encoding="utf-8")
        return 0
    current = PATH.is_file() and PATH.read_text(encoding="utf-8") == content
    if not current:
        print("docs/schema.json is out of date; run python scripts/write_schema.py", file=sys.stderr)
    return 0 if current else 1


if __name__ == "__main__":
    sys.exit(main())
