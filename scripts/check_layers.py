#!/usr/bin/env python3
"""Fails on an include that breaks the order of the folders and on a third-party header outside its one home.

The order is that of CMakeLists.txt: src/FOLDER may include its own headers and those of the folders named by
`sil_folder(FOLDER NEEDS ...)`, which must stand above it. include/sil is open to all and includes nothing but itself.
Shelves (folders of plug-ins) never include each other; the loop includes no shelf and no engine; app includes what it
likes. A type that other files can see has a name of its own: of two types of one name the linker silently takes one.
Run it from anywhere: scripts/check_layers.py [ROOT]
"""

import pathlib
import re
import sys

SHELVES = {"tasks", "verifiers", "filters", "credits", "shapes", "losses", "gates", "controls", "stores"}
NEVER = {folder: SHELVES - {folder} for folder in SHELVES} | {"loop": SHELVES | {"engines"}}

# Header (a regular expression) -> the files that may include it.
HOMES = [
    (r"nlohmann/", r"src/base/json\.cpp"),
    (r"spdlog/", r"src/base/log\.cpp"),
    (r"openssl/", r"src/base/digest\.cpp"),
    (r"yaml-cpp/", r"src/recipe/yaml\w*\.(cpp|h)"),
    (r"(lua|lualib|lauxlib)\.(h|hpp)$", r"src/recipe/lua\w*\.(cpp|h)"),
    (r"CLI/", r"src/app/\w+\.(cpp|h)"),
    (r"re2/", r"src/(text|verifiers)/\w+\.(cpp|h)"),
    (r"pcre2\.h$", r"src/tokenizers/regex\.cpp"),
    (r"utf8proc\.h$", r"src/tokenizers/unicode\.cpp"),
    (r"(zstd\w*|zlib)\.h$", r"src/(record|formats)/\w+\.(cpp|h)|tests/(record|formats)/\w+\.cpp"),
    (r"hwy/", r"src/(base/simd_math_inl\.h|engines/vector_math\.cpp|nn/cpu/\w+\.cpp)"),
    (r"boost/", r"src/mathematics/\w+\.(cpp|h)"),
    (r"catch2/", r"tests/support/catch\.h"),
    (r"(torch|ATen|c10|caffe2)/", r"(src|tests)/nn/torch/\w+\.(cpp|h)"),
]

# A type as clang-format lays it out at namespace level; `struct Outer::Inner {` defines what was declared elsewhere.
TYPE = re.compile(r"^(?:template <.*> )?(?:struct|class|union|enum class|enum) (\w+)(?: final)?(?: :(?!:)[^;]*)? ?\{")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def folder_needs(root):
    """{folder: folders it may include}, from CMakeLists.txt, with what is wrong about the order itself."""
    text = re.sub(r"#.*", "", (root / "CMakeLists.txt").read_text())
    needs, faults = {}, []
    for arguments in re.findall(r"\bsil_folder\(([^)]*)\)", text):
        name, *words = arguments.split()
        listed, keyword = [], None
        for word in words:
            if word in ("NEEDS", "USES"):
                keyword = word
            elif keyword == "NEEDS":
                listed.append(word)
        below = [other for other in listed if other not in needs]
        faults += [f"CMakeLists.txt: {name} needs {other}, which does not stand above it" for other in below]
        needs[name] = set(listed)
    return needs, faults


def folder_of(path, needs):
    """The folder that a path below src lies in: `nn/cpu` where that is one, else `nn`."""
    parts = path.split("/")
    return "/".join(parts[:2]) if "/".join(parts[:2]) in needs else parts[0]


def check_own(path, folder, header, needs):
    """What is wrong about an include of one of our own headers, or None."""
    target = folder_of(header, needs) if "/" in header else folder
    if target in ("sil", folder) or header == "sil_version.h":
        return None
    if target not in needs:
        return f'{path} includes "{header}": there is no folder {target}'
    if folder == "sil":
        return f'{path} includes "{header}": include/sil includes nothing of src'
    if folder == "app":
        return None
    if target in NEVER.get(folder, ()):
        return f'{path} includes "{header}": {folder} never includes {target}'
    if target not in needs[folder]:
        return f'{path} includes "{header}": CMakeLists.txt does not say that {folder} NEEDS {target}'
    return None


def check_home(path, header):
    for pattern, home in HOMES:
        if re.match(pattern, header) and not re.fullmatch(home, path):
            return f"{path} includes <{header}>, which only {home} may include" if home else f"{path} includes <{header}>"
    return None


def check_file(root, file, needs):
    path = file.relative_to(root).as_posix()
    text = file.read_text(encoding="utf-8")
    parts = path.split("/")
    in_source = parts[0] == "src" and len(parts) > 2
    folder = folder_of("/".join(parts[1:]), needs) if in_source else "sil" if parts[0] == "include" else None
    for bracket, header in INCLUDE.findall(text):
        fault = check_home(path, header)
        if not fault and bracket == '"' and folder:
            fault = check_own(path, folder, header, needs)
        if fault:
            yield fault


def visible_types(text):
    """(qualified name, line) of each type defined outside anonymous namespaces."""
    namespaces = []
    for number, line in enumerate(text.splitlines(), 1):
        opened = re.match(r"namespace ?([\w:]*) ?\{", line)
        defined = TYPE.match(line)
        if opened:
            namespaces.append(opened[1])
        elif line.startswith("}  // namespace"):
            namespaces.pop()
        elif defined and "" not in namespaces:
            yield "::".join(namespaces + [defined[1]]), number


def check_types(root, files):
    seen = {}
    for file in files:
        for name, line in visible_types(file.read_text(encoding="utf-8")):
            place = f"{file.relative_to(root).as_posix()}:{line}"
            if name in seen:
                yield f"{place} defines {name}, as {seen[name]} does: of two types of one name the linker takes one"
            seen.setdefault(name, place)


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent).resolve()
    needs, faults = folder_needs(root)
    tops = [root / top for top in ("include", "src", "tests")]
    files = [file for top in tops for file in sorted(top.rglob("*")) if file.suffix in (".h", ".cpp")]
    for file in files:
        faults += check_file(root, file, needs)
    faults += check_types(root, [file for file in files if "tests" not in file.relative_to(root).parts[:1]])
    for fault in faults:
        print(fault, file=sys.stderr)
    if not files or not needs:
        sys.exit("check_layers: no sources found below %s" % root)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
