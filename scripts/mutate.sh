#!/usr/bin/env bash
# Do the tests have teeth? Breaks a copy of the program in one way at a time (tests/mutations/*.patch) and runs the tests
# that should notice. Prints for each the test that turned red, or SURVIVED; exits 1 if one survived.
#
#   scripts/mutate.sh                  # all
#   scripts/mutate.sh no_lock nan_equal
#
# The first line of a patch says what it breaks, `tests:` lines which programs should notice: NAME_tests with the test
# cases meant, or the name of a test of CTest. Patches have no context (git diff -U0), so that a change beside does not
# concern them; each line that goes is unique in its file.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
tree=$root/build/mutations/tree
kept=$root/build/mutations/kept  # the files that a mutation changes
export CCACHE_BASEDIR=$tree CCACHE_NOHASHDIR=1 GIT_CEILING_DIRECTORIES=$root/build   # `git apply` in a plain folder
names=("$@")
[ $# -gt 0 ] || for patch in tests/mutations/*.patch; do names+=("$(basename "$patch" .patch)"); done
for name in "${names[@]}"; do
  [ -f "tests/mutations/$name.patch" ] && continue
  echo "mutate: there is no tests/mutations/$name.patch" >&2
  exit 2
done

tests_of() { sed -n 's/^tests: //p' "$root/tests/mutations/$1.patch"; }

# Builds what a line of tests needs.
build() {
  local target=${1%% *}
  [[ $target == *_tests ]] || target=sil
  cmake --build "$tree/build/release" --target "$target"
}

# Runs a line of tests; its output goes to $tree/log. False when something is red, hangs or crashes.
pass() {
  local words
  eval "words=($1)"
  if [[ ${words[0]} == *_tests ]]; then
    timeout 900 "$tree/build/release/bin/${words[0]}" --abort "${words[@]:1}" >"$tree/log" 2>&1
  else
    timeout 900 ctest --test-dir "$tree/build/release" --no-tests=error --output-on-failure -R "^${words[0]}\$" >"$tree/log" 2>&1
  fi
}

# The first red test in the log: Catch's between two rules, or what a program of CTest said.
red_test() {
  local case
  case=$(awk '/^-+$/ && length > 70 { if (++rules == 2) exit; next }
              rules == 1 { printf "%s%s", sep, $0; sep = " " }' "$tree/log")
  [ -n "$case" ] || case=$(grep -m1 FAILED: "$tree/log" || tail -n 1 "$tree/log")
  echo "$case"
}

mkdir -p "$tree"
exec 9>"$tree.lock"
flock -n 9 || { echo "mutate: another mutate.sh works in $tree" >&2; exit 2; }
rm -rf "$tree/src" "$tree/include" "$tree/tests"
# With today's times: what an interrupted mutation left in the build is older.
git ls-files -z -co --exclude-standard | tar -c --null --ignore-failed-read -T - 2>/dev/null | tar -x -m -C "$tree"
cd "$tree"
[ -f build/release/build.ninja ] || cmake --preset release >/dev/null

for name in "${names[@]}"; do tests_of "$name"; done | sort -u | while read -r line; do
  build "$line" >"$tree/log" 2>&1 || { tail -n 20 "$tree/log"; echo "mutate: $line does not build" >&2; exit 1; }
  pass "$line" || { echo "mutate: red without any mutation: $line: $(red_test)" >&2; exit 1; }
done

survived=0
for name in "${names[@]}"; do
  patch=$root/tests/mutations/$name.patch
  # Kept, as a patch without context would be taken back by line numbers, which may be of an older day.
  rm -rf "$kept"
  mkdir "$kept"
  git apply --numstat "$patch" | cut -f 3 | xargs cp --parents -t "$kept"
  git apply --unidiff-zero "$patch" || { echo "mutate: $patch does not apply to today's code: renew it" >&2; exit 1; }
  red=
  while read -r line <&3; do
    build "$line" >"$tree/log" 2>&1 || { tail -n 20 "$tree/log"; echo "mutate: $name does not build" >&2; exit 1; }
    pass "$line" || { red="${line%% *}: $(red_test)"; break; }
  done 3< <(tests_of "$name")
  cp -r "$kept/." .
  [ -n "$red" ] || survived=$((survived + 1))
  printf '%-30s %s\n' "$name" "${red:-SURVIVED: $(head -n 1 "$patch")}"
done
echo "mutate: ${#names[@]} mutations, $survived survived"
[ "$survived" -eq 0 ]
