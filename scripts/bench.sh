#!/usr/bin/env bash
# Prints how fast the program is here, each figure beside its limit: bench.sh [spine|start]..., default both.
set -euo pipefail
cd "$(dirname "$0")/.."
for what in "$@"; do
  case "$what" in
    spine | start) ;;
    *) echo "bench: unknown benchmark '$what'; there are: spine start" >&2; exit 2 ;;
  esac
done
scripts/build.sh release sil
exec python3 scripts/bench.py "$@"
