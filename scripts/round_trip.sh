#!/usr/bin/env bash
# A published model through every form that sil writes, read by the programs those are for: llama.cpp (xllamacpp) and
# gguf for GGUF files, peft and transformers for adapters and folders. Ends with 1 where one of them reads something else.
#
#     pip install torch==2.11.0 transformers==5.23.0 peft gguf xllamacpp
#     scripts/get_smollm2.sh
#     SIL_PEERS_PYTHON=python3 scripts/round_trip.sh
set -euo pipefail
cd "$(dirname "$0")/.."
model=.deps/SmolLM2-135M-Instruct
if [ -z "${SIL_PEERS_PYTHON:-}" ]; then
  echo "round_trip: SIL_PEERS_PYTHON names no Python with torch, transformers, peft, gguf and xllamacpp" >&2
  exit 2
fi
scripts/build.sh release sil
if [ ! -e "$model" ]; then
  scripts/get_smollm2.sh
  build/release/bin/sil import "$model.Q4_1.gguf" "$model"
fi
exec "$SIL_PEERS_PYTHON" scripts/round_trip.py "$model"
