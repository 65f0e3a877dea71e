#!/usr/bin/env python3
"""Writes src/jinja/unicode_tables.cpp from Python's unicodedata: what str methods need. Run with CPython 3.11
(Unicode 14), so that templates see the characters that its users' Python sees."""
import pathlib
import unicodedata

ALL = [i for i in range(0x110000) if not 0xD800 <= i <= 0xDFFF]


def ranges(test):
    out = []
    for i in ALL:
        if not test(chr(i)):
            continue
        if out and out[-1][1] == i - 1:
            out[-1][1] = i
        else:
            out.append([i, i])
    return out


def mapping(change):
    """Runs of characters that move by one distance: (first, last, step, distance)."""
    out = []
    for i in ALL:
        to = change(chr(i))
        if len(to) != 1 or to == chr(i):
            continue
        distance = ord(to) - i
        if out and out[-1][3] == distance and i - out[-1][1] in (1, 2) and (
                out[-1][2] == 0 or out[-1][2] == i - out[-1][1]):
            out[-1][2] = i - out[-1][1]
            out[-1][1] = i
        else:
            out.append([i, i, 0, distance])
    return [(a, b, step or 1, distance) for a, b, step, distance in out]


def special(change):
    return [(i, change(chr(i))) for i in ALL if len(change(chr(i))) > 1]


def lines(items):
    text, line = [], " "
    for item in items:
        if len(line) + len(item) > 118:
            text.append(line)
            line = " "
        line += " " + item
    return "\n".join(text + [line])


def table(name, kind, items):
    return f"const {kind} {name}[] = {{\n{lines(items)}\n}};\nconst size_t {name}_size = std::size({name});\n"


def main():
    parts = ["// Written by make_unicode.py from Unicode " + unicodedata.unidata_version + "; do not edit.",
             "// long because it is data", "// clang-format off", '#include "jinja/unicode_tables.h"', "", "#include <iterator>",
             "", "namespace sil::jinja {", ""]
    for name, test in [("kUnprintable", lambda c: not c.isprintable()), ("kAlphabetic", str.isalpha),
                       ("kDecimal", str.isdecimal), ("kDigit", lambda c: c.isdigit() and not c.isdecimal()),
                       ("kNumeric", lambda c: c.isnumeric() and not c.isdigit()),
                       ("kUpper", str.isupper), ("kLower", str.islower), ("kTitle", str.istitle)]:
        chosen = ranges(test) if name != "kTitle" else ranges(lambda c: unicodedata.category(c) == "Lt")
        parts.append(table(name, "CharRange", [f"{{{a:#x}, {b:#x}}}," for a, b in chosen]))
    for name, change in [("kToUpper", str.upper), ("kToLower", str.lower), ("kToTitle", str.title)]:
        parts.append(table(name, "CaseRun", [f"{{{a:#x}, {b:#x}, {s}, {d}}}," for a, b, s, d in mapping(change)]))
        parts.append(table(name + "Special", "CaseSpecial",
                           [f'{{{i:#x}, "{"".join(f"{chr(92)}x{b:02x}" for b in to.encode())}"}},' for i, to in special(change)]))
    parts.append("}  // namespace sil::jinja")
    (pathlib.Path(__file__).parent / "unicode_tables.cpp").write_text("\n".join(parts) + "\n")


main()
