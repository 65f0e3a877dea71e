#!/usr/bin/env python3
"""Writes golden.jsonl: pairs of answers and whether math-verify takes them for equal.

    python3 -m venv ENV && ENV/bin/pip install math-verify==0.9.0 && ENV/bin/python make_golden.py

A row without `rule` says what math-verify says. With `rule`, the verifier here decides the other way, and why.
"""
import json
import pathlib

from math_verify import parse, verify

FORM = "a form that math-verify does not read"
SOLUTIONS = "equations and inequalities are compared as sets of solutions"
IMAGINARY = "i is the imaginary unit"
EXACT = "equality is exact: an approximation is not equal"
EXPANDED = "equal by expansion"

PAIRS = [
    # numbers
    ("3", "3.0"), ("3", "3.1"), ("-3", "3"), ("1234", "1,234"), ("1234", "12,34"), ("0.125", "1/8"), ("0.33", "1/3"), ("2/6", "1/3"), ("-1/2", "1/-2"), ("7/3", "2.333333", EXACT),
    ("1000000", "10^6"), ("0.001", "10^{-3}"), ("3/4", "75\\%"), ("12", "\\frac{24}{2}"), ("5", "\\frac{10}{2.5}"), ("12345678901234567890", "12345678901234567891"), ("1/3", "0.3333333333333333333333", EXACT),
    ("2^{64}", "18446744073709551616"), ("2^{64}", "18446744073709551617"), ("100", "10^2"), ("-8", "(-2)^3"), ("-4", "-2^2"), ("4", "(-2)^2"), ("6", "3!"), ("120", "5!"), ("10", "\\binom{5}{3}"), ("1/1024", "2^{-10}"),
    ("7", "\\lfloor 7.9 \\rfloor"), ("8", "\\lceil 7.1 \\rceil"), ("1.5", "1\\frac{1}{2}"), ("11/4", "2\\frac{3}{4}"), ("\\frac{3}{2}", "\\frac{\\frac{3}{4}}{\\frac{1}{2}}"),
    # roots and constants
    ("\\sqrt{12}", "2\\sqrt{3}"), ("\\sqrt{12}", "3\\sqrt{2}"), ("\\frac{\\sqrt{3}}{3}", "\\frac{1}{\\sqrt{3}}"), ("\\sqrt{7+4\\sqrt{3}}", "2+\\sqrt{3}"), ("\\sqrt[3]{54}", "3\\sqrt[3]{2}"), ("\\sqrt{2}", "1.4142135623730950488", EXACT),
    ("\\sqrt{\\frac{9}{4}}", "\\frac{3}{2}"), ("\\frac{\\pi}{6}", "30"), ("\\pi r^2", "r^2\\pi"), ("\\frac{\\pi}{2}", "1.5707963267948966", EXACT), ("e^{\\ln 7}", "7"), ("\\ln(e^3)", "3"), ("\\log_3 81", "4"), ("\\log_2 3", "\\frac{\\ln 3}{\\ln 2}"),
    ("\\sqrt{3}+\\sqrt{2}", "\\sqrt{5}"), ("(\\sqrt{5}-2)(\\sqrt{5}+2)", "1"), ("\\frac{1+\\sqrt{5}}{2}", "\\frac{2}{\\sqrt{5}-1}"), ("16^{3/4}", "8"), ("\\sqrt{x^2}", "x"),
    # angles' functions
    ("\\sin\\frac{\\pi}{6}", "\\frac{1}{2}"), ("\\cos\\frac{\\pi}{6}", "\\frac{\\sqrt{3}}{2}"), ("\\tan\\frac{\\pi}{3}", "\\sqrt{3}"), ("\\sin^2 x+\\cos^2 x", "1"), ("\\sin(x+y)", "\\sin x\\cos y+\\cos x\\sin y"), ("\\sin(x+y)", "\\sin x+\\sin y"),
    ("\\arctan 1", "\\frac{\\pi}{4}"), ("\\cos 3x", "4\\cos^3 x-3\\cos x"), ("\\sec x", "\\frac{1}{\\cos x}"),
    # formulas
    ("x^2-1", "(x-1)(x+1)"), ("x^2-1", "(x-1)^2"), ("\\frac{x^2-1}{x-1}", "x+1"), ("\\frac{1}{x}+\\frac{1}{y}", "\\frac{x+y}{xy}"), ("2(a+b)", "2a+2b"), ("a/b", "b/a"), ("x^{-1}", "\\frac{1}{x}"), ("(xy)^2", "x^2y^2"), ("x^3", "3x"),
    ("\\frac{n(n-1)}{2}", "\\frac{n^2-n}{2}"), ("(a+b)(a-b)", "a^2-b^2"), ("a^2+b^2", "(a+b)^2-2ab", EXPANDED), ("2^{n+1}", "2\\cdot 2^n"), ("x_1+x_2", "x_2+x_1"), ("x_1", "x_2"), ("\\alpha+\\beta", "\\beta+\\alpha"), ("3x", "3y"), ("xyz", "zyx"),
    # collections
    ("\\{1,2\\}", "\\{2,1\\}"), ("\\{1,2\\}", "\\{1,3\\}"), ("(1,2)", "(2,1)"), ("(1,2)", "(1.0,\\frac{4}{2})"), ("[1,2]", "(1,2)"), ("[0,\\infty)", "[0,\\infty)"), ("(0,1)\\cup(2,3)", "(2,3)\\cup(0,1)"), ("(-\\infty,0)\\cup(0,\\infty)", "(-\\infty,\\infty)"),
    ("(1,2,3)", "(1,2)"), ("\\{\\frac12,2\\}", "\\{0.5,2\\}"), ("\\begin{pmatrix}1\\\\2\\end{pmatrix}", "\\begin{pmatrix}1\\\\2\\end{pmatrix}"), ("\\begin{pmatrix}1&2\\end{pmatrix}", "\\begin{pmatrix}1\\\\2\\end{pmatrix}"),
    # units and words
    ("5", "5 \\text{ meters}"), ("5", "6 \\text{ meters}"), ("12", "\\$12"), ("45", "45^{\\circ}"), ("8", "8 \\text{ square units}"),
    ("x=3", "3"), ("x=3", "x=4"), ("3", "x=3"), ("x=\\frac{1}{2}", "x=0.5"),
    # decided otherwise here
    ("2i", "\\sqrt{-4}", IMAGINARY), ("-1", "e^{i\\pi}", IMAGINARY), ("2", "(1+i)(1-i)", IMAGINARY), ("5", "|4-3i|", IMAGINARY),
    ("x+y=1", "2x+2y=2"), ("y=x-1", "x-y=1"), ("x<2", "2x<4", SOLUTIONS), ("1,2", "2,1"),
    ("0.05", "5e-2", FORM), ("7/2", "3 1/2", FORM), ("12000", "12\\,000", FORM), ("2\\pm\\sqrt{3}", "2+\\sqrt{3}, 2-\\sqrt{3}"),
]


def main():
    out = pathlib.Path(__file__).with_name("golden.jsonl")
    with out.open("w") as file:
        for gold, answer, *rule in PAIRS:
            equal = verify(parse(f"${gold}$"), parse(f"${answer}$"))
            row = {"reference": gold, "answer": answer, "equal": bool(equal)}
            if rule:
                row["rule"] = rule[0]
            file.write(json.dumps(row) + "\n")


main()
