#!/usr/bin/env bash
# Sets the machine up, builds, runs every test.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
scripts/build.sh release
ctest --test-dir build/release --output-on-failure -j "$(nproc)"
