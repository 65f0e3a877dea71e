#!/usr/bin/env bash
# Everything that must hold before a change is proposed: format, layers, release build and tests, then the same tests
# under AddressSanitizer and UBSan. check.sh --quick leaves the sanitizers out.
set -euo pipefail
cd "$(dirname "$0")/.."
case "$*" in
  "") quick=false ;;
  --quick) quick=true ;;
  *) echo "usage: scripts/check.sh [--quick]" >&2; exit 2 ;;
esac

scripts/setup.sh
if command -v clang-format >/dev/null; then
  echo "check: format" >&2
  find include src tests \( -name '*.h' -o -name '*.cpp' \) -print0 | xargs -0 -r clang-format --dry-run --Werror
elif [ -n "${CI:-}" ]; then
  echo "check: clang-format is not installed" >&2
  exit 1
else
  echo "check: clang-format is not installed; format not checked" >&2
fi
echo "check: layers" >&2
scripts/check_layers.py

presets=(release)
"$quick" || presets+=(asan)
for preset in "${presets[@]}"; do
  echo "check: build and tests, preset $preset" >&2
  scripts/build.sh "$preset"
  ctest --test-dir "build/$preset" --output-on-failure
done
