#!/usr/bin/env python3
"""Writes unicode_tables.inc: how the character classes of the PyPI package `tokenizers` (made with 0.23.3) differ from
the general categories of utf8proc 2.8 (Unicode 15), and those of its regular expressions from PCRE2 10.42 (Unicode 14).

Its parts follow different versions of Unicode (its regular expressions 16, its standard library 17, its crates for
punctuation and accents far older ones), so every class is asked of the package, character by character. Run it in an
environment with that package, unicodedata2 15.0.0 and a Python whose unicodedata is 14.0 (3.11):
make_unicode_tables.py OUTPUT.
"""
import sys
import unicodedata

import unicodedata2
from tokenizers import Regex, normalizers, pre_tokenizers

assert unicodedata.unidata_version == "14.0.0" and unicodedata2.unidata_version == "15.0.0"
POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
CATEGORY = {c: unicodedata2.category(chr(c)) for c in POINTS}
PCRE2_CATEGORY = {c: unicodedata.category(chr(c)) for c in POINTS}


def ranges(points):
    out = []
    for c in sorted(points):
        if out and out[-1][1] == c - 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    return out


def of(*names, table=None):
    table = table or CATEGORY
    return {c for c in POINTS if table[c] in names or table[c][0] in names}


def cut(pre_tokenizer, between):
    """The characters that the pre-tokenizer cuts from `between` on both sides."""
    return {c for c in POINTS if len(pre_tokenizer.pre_tokenize_str(f"{between}{chr(c)}{between}")) > 1}


def matched(pattern):
    split = pre_tokenizers.Split(Regex(pattern), "removed")
    return {c for c in POINTS if not split.pre_tokenize_str(chr(c))}


def removed(normalizer):
    return {c for c in POINTS if normalizer.normalize_str(chr(c)) == ""}


def unknown_to_normal_forms():
    """Characters that Unicode 15 decomposes or reorders and the package leaves alone."""
    out = set()
    for form in ("NFD", "NFKD", "NFC", "NFKC"):
        normalizer = getattr(normalizers, form)()
        out |= {c for c in POINTS if normalizer.normalize_str(chr(c)) != unicodedata2.normalize(form, chr(c))}
    nfd = normalizers.NFD()
    for c in POINTS:
        order = unicodedata2.combining(chr(c))
        text = "\u0327" + chr(c) if order == 1 else chr(c) + "\u0334"
        if order and nfd.normalize_str(text) != unicodedata2.normalize("NFD", text):
            out.add(c)
    return out


def print_ranges(out, name, points):
    out.write(f"inline constexpr std::array<CodeRange, {len(ranges(points))}> {name} = {{{{")
    out.write(", ".join(f"{{0x{a:X}, 0x{b:X}}}" for a, b in ranges(points)) + "}};\n")


def print_difference(out, name, points, base):
    print_ranges(out, f"k{name}Added", points - base)
    print_ranges(out, f"k{name}Missing", base - points)


def main():
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        out.write("// Made by make_unicode_tables.py; differences to Unicode 15, of regular expressions to 14.\n")
        print_difference(out, "Numeric", cut(pre_tokenizers.Digits(True), "a"), of("N"))
        print_difference(out, "Punctuation", cut(pre_tokenizers.Punctuation(), "a"), of("P"))
        print_difference(out, "Word", set(POINTS) - cut(pre_tokenizers.Whitespace(), "a"), of("L", "M", "Nd", "Nl", "Pc"))
        print_difference(out, "CombiningMark", removed(normalizers.StripAccents()), of("M"))
        print_difference(out, "NonspacingMark", removed(normalizers.BertNormalizer(False, False, True, False)), of("Mn"))
        print_difference(out, "Other", removed(normalizers.BertNormalizer(True, False, False, False)), of("Cc", "Cf", "Co"))
        print_ranges(out, "kUnknownToNormalForms", unknown_to_normal_forms())
        lower = normalizers.Lowercase()
        young = {c: lower.normalize_str(chr(c)) for c in POINTS}
        # Python has the full mappings of Unicode 14, which differ from the simple ones for U+0130 alone.
        young = {c: t for c, t in young.items() if t != chr(c).lower()}
        assert all(len(t) == 1 for t in young.values())
        out.write(f"inline constexpr std::array<CodePair, {len(young)}> kLowercaseAdded = {{{{")
        out.write(", ".join(f"{{0x{c:X}, 0x{ord(t):X}}}" for c, t in sorted(young.items())) + "}};\n")
        # What regular expressions know beyond Unicode 14, a category each. (Four marks changed from Mn to Mc meanwhile and
        # stay in both here.)
        for category in sorted(set(PCRE2_CATEGORY.values()) - {"Cn", "Cs"}):
            points = matched(rf"\p{{{category}}}")
            known = of(category, table=PCRE2_CATEGORY)
            assert len(known - points) < 10, category
            print_ranges(out, f"kRegex{category}", points - known)
        print_ranges(out, "kRegexHan", matched(r"\p{Han}"))
        word = matched(r"\w")
        known = of("L", "M", "Nd", "Nl", "Pc", table=PCRE2_CATEGORY)
        assert not known - word
        print_ranges(out, "kRegexWord", word - known)


if __name__ == "__main__":
    main()
