#!/usr/bin/env python3
"""Files and functions stay short enough to be read: exits 1 when one is not.

Files of src, include and tests: the median at most 150 lines, nine of ten at most 350, each at most 600. Functions: at
most 60 lines. What is long for a reason says so in a line `// long because …`: a file in its first 40 lines, a
function right before it begins.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
MEDIAN, NINE_OF_TEN, FILE, FUNCTION = 150, 350, 600, 60
EXCUSE = "// long because"
# A definition at namespace or class level, as clang-format lays it out: it ends in `{` and is closed at its own indent.
BEGIN = re.compile(r"^(  )?[A-Za-z_~].*\)[^;]*\{$")
NO_FUNCTION = re.compile(r"^\s*(namespace|class|struct|enum|union|extern|using|if|for|while|switch|do|else|try)\b")


def long_functions(lines):
    """(line number, length) of each function that is too long."""
    for i, line in enumerate(lines):
        if not BEGIN.match(line) or NO_FUNCTION.match(line):
            continue
        indent = line[:len(line) - len(line.lstrip())]
        end = next((j for j in range(i + 1, len(lines)) if lines[j].startswith(indent + "}")), i)
        if end - i + 1 > FUNCTION and not any(EXCUSE in before for before in lines[max(0, i - 3):i]):
            yield i + 1, end - i + 1


def main():
    faults, sizes = [], []
    for folder in ("include", "src", "tests"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix not in (".h", ".cpp"):
                continue
            lines = path.read_text().splitlines()
            name = path.relative_to(ROOT)
            sizes.append(len(lines))
            if len(lines) > FILE and not any(EXCUSE in line for line in lines[:40]):
                faults.append(f"{name}: {len(lines)} lines, at most {FILE}: split it, or say `{EXCUSE} …`")
            faults += [f"{name}:{at}: a function of {length} lines, at most {FUNCTION}: split it, or say `{EXCUSE} …`"
                       for at, length in long_functions(lines)]
    sizes.sort()
    median, ninth = sizes[len(sizes) // 2], sizes[len(sizes) * 9 // 10]
    if median > MEDIAN:
        faults.append(f"half of the files have more than {MEDIAN} lines (median {median})")
    if ninth > NINE_OF_TEN:
        faults.append(f"one file in ten has more than {NINE_OF_TEN} lines ({ninth})")
    for fault in faults:
        print(fault)
    print(f"sizes: {len(sizes)} files, median {median} lines, nine of ten at most {ninth}, longest {sizes[-1]}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
