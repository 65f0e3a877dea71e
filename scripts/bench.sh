#!/usr/bin/env bash
# Prints how fast the program is here, each figure beside its limit: bench.sh [spine|start|engine|round|instructions|tokenizer|smollm2|data]...,
# default all.
# With SIL_PEERS_PYTHON naming a Python that has torch, transformers, trl and tokenizers, `engine`, `round`,
# `tokenizer` and `smollm2` measure them in the same run.
set -euo pipefail
cd "$(dirname "$0")/.."
for what in "$@"; do
  case "$what" in
    spine | start | engine | round | instructions | tokenizer | smollm2 | data) ;;
    *) echo "bench: unknown benchmark '$what'; there are: spine start engine round instructions tokenizer smollm2 data" >&2; exit 2 ;;
  esac
done
scripts/build.sh release sil engine_bench tokenizer_bench
exec python3 scripts/bench.py "$@"
