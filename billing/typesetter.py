"""A program of its own, not a module of the portal: reads what to lay out from standard input, writes the PDF."""

import json
import sys

import typst


def main() -> None:
    asked = json.load(sys.stdin)
    made = typst.compile(
        asked["source"],
        root=asked["root"],
        ignore_system_fonts=True,
        sys_inputs=asked["inputs"],
        format="pdf",
        timestamp=asked["made_at"],
    )
    sys.stdout.buffer.write(made)


if __name__ == "__main__":
    main()
