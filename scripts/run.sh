#!/usr/bin/env bash
# Sets the machine up, builds, then runs a recipe: run.sh configs/quickstart.yaml [option=value ...]
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
scripts/build.sh release sil
exec build/release/bin/sil run "$@"
