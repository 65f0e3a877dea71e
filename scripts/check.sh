#!/usr/bin/env bash
# Everything that must hold before a change is proposed: format, layers, sizes, release build and tests, then the same
# tests under AddressSanitizer and UBSan, and those of threads under ThreadSanitizer.
#
#   check.sh --quick   without the sanitizers
#   check.sh --full    and fuzzing, mutations, 60 kills, power failures, full disks, and the README on a bare machine;
#                      run it as root, or the last three are skipped
set -euo pipefail
cd "$(dirname "$0")/.."
case "$*" in
  "" | --quick | --full) what=${1:-} ;;
  *) echo "usage: scripts/check.sh [--quick | --full]" >&2; exit 2 ;;
esac
say() { echo "check: $*" >&2; }
# A proof that cannot be had here says so by exit code 77.
unless_skipped() { "$@" || { local code=$?; [ "$code" -eq 77 ] || exit "$code"; }; }

scripts/setup.sh --check
say "format, layers, sizes"
find include src tests \( -name '*.h' -o -name '*.cpp' \) -print0 | xargs -0 -r clang-format --dry-run --Werror
scripts/check_layers.py
scripts/check_sizes.py

presets=(release)
[ "$what" = --quick ] || presets+=(asan)
for preset in "${presets[@]}"; do
  say "build and tests, preset $preset"
  scripts/build.sh "$preset"
  ctest --test-dir "build/$preset" --output-on-failure -j "$(nproc)"
done
[ "$what" = --quick ] && exit 0

say "tests of threads, preset tsan"
scripts/build.sh tsan base_tests app_tests
build/tsan/bin/base_tests "[threads]"
build/tsan/bin/app_tests "[threads]"
[ "$what" = --full ] || exit 0

say "fuzzing"
scripts/fuzz.sh
say "mutations"
scripts/mutate.sh
say "kills, power failures, full disks"
tests/outside/kills.py --kills 60
unless_skipped tests/outside/power_loss.py --cuts 20
unless_skipped tests/outside/full_disk.py --sizes 40
say "the README's commands on a bare machine"
unless_skipped scripts/fresh_machine.sh
