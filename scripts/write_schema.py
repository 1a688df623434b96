"""python scripts/write_schema.py [--check]

Write docs/schema.json, the JSON Schema that every results document validates against, and docs/templates.schema.json,
that of templates.json. With --check, write nothing and exit with 1 if a file is out of date.
"""

import json
import sys

from environment import ROOT, enter

FOLDER = ROOT / "docs"


def main() -> int:
    enter()
    from framefleet.corpus.result import templates_schema
    from framefleet.schema.codec import json_schema

    stale = 0
    for name, schema in {"schema.json": json_schema(), "templates.schema.json": templates_schema()}.items():
        path, content = FOLDER / name, json.dumps(schema, indent=2) + "\n"
        if "--check" not in sys.argv[1:]:
            path.write_text(content, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != content:
            print(f"docs/{name} is out of date; run python scripts/write_schema.py", file=sys.stderr)
            stale = 1
    return stale


if __name__ == "__main__":
    sys.exit(main())
