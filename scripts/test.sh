#!/usr/bin/env bash
# Sets the machine up, builds, runs every test; those of nn/torch where libtorch is there (scripts/setup.sh --torch).
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
scripts/build.sh release
[ -f build/release/bin/libsil_torch.so ] ||
  echo "test: SKIPPED: all $(cat tests/nn/torch/*.cpp | grep -c '^TEST_CASE') tests of nn/torch: no libtorch here (scripts/setup.sh --torch)" >&2
ctest --test-dir build/release --output-on-failure -j "$(nproc)"
